//! Personal data that occur nowhere else, so that every copy of them can be found.

pub const PHONE: &str = "+5492235961983";
pub const OTHER_PHONE: &str = "+5492235961984";
pub const NEW_PHONE: &str = "+5492235961985";
pub const EMAIL: &str = "canary.finch@example.com";
pub const NAME: &str = "Zoraida Quetzalí";
pub const EXTERNAL_ID: &str = "toucan-7731";
pub const UNKNOWN_KEY: &str = "mindo_canarycanarycanarycana";
pub const APP_SECRET: &str = "canarycanary00112233445566778899";

/// Lower-case parts of the data above that no log may contain. The digits are common to all three phones, in every
/// notation without the mobile prefix 15.
pub const WORDS: [&str; 5] = ["canary", "finch", "zoraida", "quetzal", "toucan"];
pub const DIGITS: &str = "223596198";

/// Files for the check of the search page, each with the status of its answer. The second one breaks off, and the third
/// one has no known column.
pub fn files() -> [(String, u16); 3] {
    [
        (format!("name,phone,email\n{NAME},{PHONE},{EMAIL}\n"), 200),
        (format!("name,phone,email\n{NAME},{PHONE},\"{EMAIL}\n"), 200),
        (format!("{NAME},{EMAIL}\n{EMAIL},{PHONE}\n"), 400),
    ]
}
