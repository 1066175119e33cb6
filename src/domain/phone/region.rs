//! Regions: the countries whose rules apply to a phone number without a calling code.

use std::str::FromStr;
use std::sync::LazyLock;

use super::metadata;

/// Every region with a telephone network, and its calling code with the `+`.
static REGIONS: LazyLock<Vec<(Region, String)>> = LazyLock::new(|| {
    let letters = || b'A'..=b'Z';
    let codes = letters().flat_map(|first| letters().map(move |second| Region([first, second])));
    codes
        .filter_map(|region| Some((region, format!("+{}", metadata::calling_code(region.as_str())?))))
        .collect()
});

/// An ISO 3166 alpha-2 code such as `AR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Region([u8; 2]);

impl Region {
    /// The region of a client without its own: Argentina.
    pub const DEFAULT: Region = Region(*b"AR");

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a region is two ASCII letters")
    }

    /// The regions whose calling code begins the number, which is E.164. Several regions can share a calling code.
    pub fn all_of_number(phone: &str) -> impl Iterator<Item = Region> {
        let regions = REGIONS.iter().filter(move |(_, code)| phone.starts_with(code));
        regions.map(|(region, _)| *region)
    }
}

impl FromStr for Region {
    type Err = String;

    /// Parses the code in any case. Refuses a region without its own telephone network (`AQ`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <[u8; 2]>::try_from(text.as_bytes())
            .ok()
            .filter(|code| code.iter().all(u8::is_ascii_alphabetic))
            .map(|code| Region(code.map(|letter| letter.to_ascii_uppercase())))
            .filter(|region| metadata::calling_code(region.as_str()).is_some())
            .ok_or_else(|| "a region is an ISO 3166 code of two letters such as AR".to_owned())
    }
}
