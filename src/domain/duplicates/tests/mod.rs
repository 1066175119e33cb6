//! Tests that need several files of this folder.

mod model;
mod verdict;
