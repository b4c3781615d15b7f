//! Pages are embedded: a new file among them makes a new build.

#[expect(clippy::print_stdout, reason = "the way to speak to cargo")]
fn main() {
    println!("cargo:rerun-if-changed=pages");
}
