//! The search page: the page itself, the files that it loads, and the key of the demo. The files are in `src/web/`.

pub mod demo_key;
pub mod files;
pub mod page_file;
pub mod search_page;
