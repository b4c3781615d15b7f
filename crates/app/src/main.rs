//! The one binary `gauze`: commands, configuration, wiring.
fn main() {}
