//! `embed_migrations!` reads a directory, which the compiler doesn't know of: without this a changed migration
//! would not be built in.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
