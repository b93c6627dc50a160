//! wgrad
fn main() {}
