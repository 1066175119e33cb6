//! Reads Excel workbooks (`.xlsx`).

mod parts;
mod sheets;

pub use sheets::{Sheet, Workbook};
