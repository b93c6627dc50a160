// Arithmetic on F, U and I: f32, u32 and i32, or vectors of four of them.

fn neg(x: F) -> F { return -x; }
fn sign_of(x: F) -> F { return sign(x); }
fn square(x: F) -> F { return x * x; }
fn root(x: F) -> F { return sqrt(x); }
fn rsqrt(x: F) -> F { return F(1.0) / sqrt(x); }
fn recip(x: F) -> F { return F(1.0) / x; }
fn expo(x: F) -> F { return exp(x); }
fn ln(x: F) -> F { return log(x); }
fn sine(x: F) -> F { return sin(x); }
fn cosine(x: F) -> F { return cos(x); }
fn add(a: F, b: F) -> F { return a + b; }
fn sub(a: F, b: F) -> F { return a - b; }
fn mul(a: F, b: F) -> F { return a * b; }
fn div(a: F, b: F) -> F { return a / b; }
fn maximum(a: F, b: F) -> F { return select(b, a, a > b); }
fn minimum(a: F, b: F) -> F { return select(b, a, a < b); }
fn power(x: F, p: F) -> F { return pow(x, p); }
fn clamped(x: F, low: F, high: F) -> F { return select(select(x, high, x > high), low, x < low); }
fn add_u32(a: U, b: U) -> U { return a + b; }
fn add_i32(a: I, b: I) -> I { return a + b; }

// ln(1 + x): where |x| is small, 1 + x loses its last digits, and the series keeps them.
fn log1p(x: F) -> F {
    let series = x * (F(1.0) - x * (F(0.5) - x * (F(0.33333334) - x * (F(0.25) - x * F(0.2)))));
    return select(log(F(1.0) + x), series, abs(x) < F(0.05));
}

// e^x - 1, in the same way.
fn expm1(x: F) -> F {
    let series = x * (F(1.0) + x * (F(0.5) + x * (F(0.16666667) + x * (F(0.041666668) + x * F(0.008333334)))));
    return select(exp(x) - F(1.0), series, abs(x) < F(0.1));
}

// Abramowitz and Stegun, "Handbook of Mathematical Functions", 7.1.26: off by at most 1.5e-7.
fn erf(x: F) -> F {
    let a = abs(x);
    let t = F(1.0) / (F(1.0) + F(0.3275911) * a);
    let p = t * (F(0.254829592) + t * (F(-0.284496736) + t * (F(1.421413741)
        + t * (F(-1.453152027) + t * F(1.061405429)))));
    let large = F(1.0) - p * exp(-a * a);
    // Near 0 the difference above cancels; the series does not: 2 / sqrt(pi) (x - x^3/3 + x^5/10 - ..)
    let s = a * a;
    let small = a * (F(1.1283792) + s * (F(-0.37612638) + s * (F(0.11283792) + s * F(-0.026866171))));
    return select(large, small, a < F(0.25)) * sign(x);
}

fn erf_grad(x: F, dy: F) -> F { return F(1.1283792) * exp(-x * x) * dy; }
