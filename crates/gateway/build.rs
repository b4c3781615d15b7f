//! Pages are embedded: a new file among them makes a new build.

fn main() {
    println!("cargo:rerun-if-changed=pages");
}
