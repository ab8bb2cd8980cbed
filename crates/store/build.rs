//! New migration files are seen without touching a source file.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
