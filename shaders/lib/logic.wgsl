// Comparisons, selection and conversions on F, U, I and B.

fn eq(a: F, b: F) -> B { return a == b; }
fn ne(a: F, b: F) -> B { return a != b; }
fn lt(a: F, b: F) -> B { return a < b; }
fn le(a: F, b: F) -> B { return a <= b; }
fn gt(a: F, b: F) -> B { return a > b; }
fn ge(a: F, b: F) -> B { return a >= b; }
fn eq_u32(a: U, b: U) -> B { return a == b; }
fn eq_i32(a: I, b: I) -> B { return a == b; }
fn lt_u32(a: U, b: U) -> B { return a < b; }
fn lt_i32(a: I, b: I) -> B { return a < b; }
// Uses select, because vectors of bool have no `&&`.
fn both(a: B, b: B) -> B { return select(a, b, a); }
fn either(a: B, b: B) -> B { return select(b, a, a); }
fn differ(a: B, b: B) -> B { return a != b; }
// Uses the bits, because a compiler may assume that every x equals itself.
fn not_a_number(x: F) -> B { return (bitcast<U>(x) & U(0x7fffffffu)) > U(0x7f800000u); }
fn inverse(a: B) -> B { return !a; }
fn share(a: F, b: F) -> F { return select(select(F(0.0), F(0.5), a == b), F(1.0), a > b); }
fn choose(c: B, a: F, b: F) -> F { return select(b, a, c); }

fn f32_to_i32(x: F) -> I { return I(x); }
fn f32_to_u32(x: F) -> U { return U(x); }
fn f32_to_bool(x: F) -> B { return x != F(0.0); }
fn i32_to_f32(x: I) -> F { return F(x); }
fn i32_to_u32(x: I) -> U { return U(x); }
fn i32_to_bool(x: I) -> B { return x != I(0); }
fn u32_to_f32(x: U) -> F { return F(x); }
fn u32_to_i32(x: U) -> I { return I(x); }
fn u32_to_bool(x: U) -> B { return x != U(0u); }
fn bool_to_f32(x: B) -> F { return select(F(0.0), F(1.0), x); }
fn bool_to_i32(x: B) -> I { return select(I(0), I(1), x); }
fn bool_to_u32(x: B) -> U { return select(U(0u), U(1u), x); }
