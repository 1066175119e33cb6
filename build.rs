//! Rebuilds the program when a migration changes: `embed_migrations!` reads the directory without the compiler's
//! knowledge.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
