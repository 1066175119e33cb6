//! How to read a file of contacts.

use super::decoder::Encoding;
use super::header::ColumnChoice;
use super::row::PLATFORM_MAX;
use crate::domain::phone::Region;

/// How to read a file of contacts.
#[derive(Clone, Default, Debug)]
pub struct FileOptions {
    /// Columns chosen by the user. They override the names in the header.
    pub columns: Vec<ColumnChoice>,
    /// The byte between two cells. `None` means that the file decides.
    pub delimiter: Option<u8>,
    /// The encoding of the text. `None` means that the file decides.
    pub encoding: Option<Encoding>,
    /// The region for phones without a calling code. `None` means the client's default region.
    pub region: Option<Region>,
    /// The platform for rows without one. `None` means `other`.
    pub platform: Option<String>,
}

/// The platform for rows without one is blank or too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the platform must have 1 to {PLATFORM_MAX} characters")]
pub struct PlatformError;

impl FileOptions {
    /// Checks what the types of the options do not check.
    pub(super) fn check(&self) -> Result<(), PlatformError> {
        match &self.platform {
            Some(platform) if platform.trim().is_empty() || platform.chars().count() > PLATFORM_MAX => {
                Err(PlatformError)
            }
            _ => Ok(()),
        }
    }
}
