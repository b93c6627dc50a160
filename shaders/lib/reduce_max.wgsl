// The maximum, for the reductions. It starts from the lowest finite number: a compiler may assume
// that there is no infinity.
const IDENTITY = -3.4028234e38;
fn combine(a: F, b: F) -> F { return max(a, b); }
