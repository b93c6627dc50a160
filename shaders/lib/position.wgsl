// Functions of the position of an element.

fn column_less_row(i: U, rows: U, columns: U) -> I {
    let n = max(columns, U(1u));
    return I(i % n) - I(i / n % max(rows, U(1u)));
}

fn tril(i: U, x: F, rows: U, columns: U, diagonal: I) -> F {
    return select(F(0.0), x, column_less_row(i, rows, columns) <= diagonal);
}

fn triu(i: U, x: F, rows: U, columns: U, diagonal: I) -> F {
    return select(F(0.0), x, column_less_row(i, rows, columns) >= diagonal);
}

fn one_hot(i: U, x: U, columns: U) -> F { return select(F(0.0), F(1.0), i % max(columns, U(1u)) == x); }

fn counted(i: U, x: U) -> U { return x + i; }

fn along(i: U, x: U, n: U, m: U, inner: U) -> U {
    let width = max(inner, U(1u));
    let number = (i / width / max(m, U(1u)) * n + x) * width + i % width;
    return select(U(0xffffffffu), number, x < n);
}
