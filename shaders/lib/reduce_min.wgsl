// The minimum, for the reductions.
fn combine(a: F, b: F) -> F { return min(a, b); }
