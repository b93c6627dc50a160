// The sum, for the reductions.
const IDENTITY = 0.0;
fn combine(a: F, b: F) -> F { return a + b; }
