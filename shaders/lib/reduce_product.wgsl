// The product, for the reductions.
const IDENTITY = 1.0;
fn combine(a: F, b: F) -> F { return a * b; }
