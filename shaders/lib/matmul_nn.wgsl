// Where element (i, p) of the left and (p, j) of the right matrix t lie.
fn at_a(t: u32, i: u32, p: u32) -> u32 { return (t * params.m + i) * params.k + p; }
fn at_b(t: u32, p: u32, j: u32) -> u32 { return (t * params.k + p) * params.n + j; }
