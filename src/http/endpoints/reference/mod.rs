//! `/docs`: the API reference for people, made from the specification. The files are in `src/web/docs/`.

pub mod files;
pub mod reference_file;
pub mod reference_page;
