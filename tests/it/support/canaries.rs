//! Data of a person that occur nowhere else, so that a copy of them is found wherever it is.

pub const PHONE: &str = "+5492235961983";
pub const OTHER_PHONE: &str = "+5492235961984";
pub const NEW_PHONE: &str = "+5492235961985";
pub const EMAIL: &str = "canary.finch@example.com";
pub const NAME: &str = "Zoraida Quetzalí";
pub const EXTERNAL_ID: &str = "toucan-7731";
pub const UNKNOWN_KEY: &str = "mindo_canarycanarycanarycana";
pub const APP_SECRET: &str = "canarycanary00112233445566778899";

/// In lower case, what no log may have of the above. The digits are all three phones', in every notation of them.
pub const WORDS: [&str; 5] = ["canary", "finch", "zoraida", "quetzal", "toucan"];
pub const DIGITS: &str = "223596198";
