// The sum, for the reductions.
fn combine(a: F, b: F) -> F { return a + b; }
