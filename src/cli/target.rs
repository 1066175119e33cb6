//! A file that a command writes.

use std::path::Path;

use anyhow::Context;

use super::database::{Draft, check_target, publish};
use super::output;

/// A file that only its owner may read. It appears when it is complete.
pub struct Target<'p> {
    /// The name in messages.
    pub name: String,
    /// The content so far.
    pub draft: Draft,
    path: &'p Path,
    force: bool,
}

impl<'p> Target<'p> {
    /// Begins the file. `force` allows to replace an existing one.
    ///
    /// # Errors
    /// If the file exists, unless `force`, or can't be written.
    pub fn begin(path: &'p Path, force: bool) -> anyhow::Result<Self> {
        let name = output::visible_path(path);
        check_target(path, force)?;
        let draft = Draft::begin(path).with_context(|| format!("{name} can't be written"))?;
        Ok(Self {
            name,
            draft,
            path,
            force,
        })
    }

    /// Lets the complete file appear.
    ///
    /// # Errors
    /// If the file can't be written, or another one has appeared, unless `force`.
    pub fn publish(self) -> anyhow::Result<()> {
        publish(self.draft, self.path, self.force).map(drop)
    }
}
