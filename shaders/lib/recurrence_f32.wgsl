// Returns acc + v m for four samples, where v has an element of each and m is the matrix's row at
// `at`.

fn add_product(acc: Rows, v: Rows, at: u32) -> Rows {
    let m = matrix[at];
    return Rows(fma(v.a, m, acc.a), fma(v.b, m, acc.b), fma(v.c, m, acc.c), fma(v.d, m, acc.d));
}
