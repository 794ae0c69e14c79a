//! What a developer does by name.
fn main() {}
