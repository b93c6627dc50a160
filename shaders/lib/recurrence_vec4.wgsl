// Returns acc + v m for four samples, where v has four adjacent elements of each and m is the
// matrix's four rows from `at` on, by vectors of four columns. Adds in ascending order.

fn add_product(acc: Rows, v: Rows, at: u32) -> Rows {
    let m0 = matrix[at];
    let m1 = matrix[at + params.pitch];
    let m2 = matrix[at + 2u * params.pitch];
    let m3 = matrix[at + 3u * params.pitch];
    return Rows(
        fma(F(v.a.w), m3, fma(F(v.a.z), m2, fma(F(v.a.y), m1, fma(F(v.a.x), m0, acc.a)))),
        fma(F(v.b.w), m3, fma(F(v.b.z), m2, fma(F(v.b.y), m1, fma(F(v.b.x), m0, acc.b)))),
        fma(F(v.c.w), m3, fma(F(v.c.z), m2, fma(F(v.c.y), m1, fma(F(v.c.x), m0, acc.c)))),
        fma(F(v.d.w), m3, fma(F(v.d.z), m2, fma(F(v.d.y), m1, fma(F(v.d.x), m0, acc.d)))),
    );
}
