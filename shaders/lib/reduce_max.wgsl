// The maximum, for the reductions.
fn combine(a: F, b: F) -> F { return max(a, b); }
