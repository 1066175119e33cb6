//! The search page: the page itself, the files that it loads, the key of the demo, and the check of a file. The files are in `src/web/`.

pub mod demo_key;
pub mod file_check;
pub mod files;
pub mod page_file;
pub mod search_page;
