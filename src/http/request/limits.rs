//! The largest requests that the server reads. Errors and the specification take the numbers from here.

/// The longest request target (path and query), in bytes.
pub const TARGET_MAX: usize = 8 * 1024;

/// The longest value of a query parameter, in bytes after decoding.
pub const VALUE_MAX: usize = 256;

/// The largest JSON body, in bytes.
pub const BODY_MAX: usize = 2 * 1024 * 1024;

/// The largest file that the page checks, in bytes.
pub const FILE_MAX: usize = 16 * 1024 * 1024;

/// The most items of a bulk call.
pub const ITEMS_MAX: usize = 1_000;
