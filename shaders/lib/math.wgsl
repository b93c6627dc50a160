// Arithmetic on F, U and I: f32, u32 and i32, or vectors of four of them.

fn neg(x: F) -> F { return -x; }
fn sign_of(x: F) -> F { return sign(x); }
fn square(x: F) -> F { return x * x; }
fn root(x: F) -> F { return sqrt(x); }
fn rsqrt(x: F) -> F { return inverseSqrt(x); }
fn recip(x: F) -> F { return F(1.0) / x; }
fn expo(x: F) -> F { return exp(x); }
fn add(a: F, b: F) -> F { return a + b; }
fn sub(a: F, b: F) -> F { return a - b; }
fn mul(a: F, b: F) -> F { return a * b; }
fn div(a: F, b: F) -> F { return a / b; }
fn squared_difference(a: F, b: F) -> F { return (a - b) * (a - b); }
fn maximum(a: F, b: F) -> F { return select(b, a, a > b); }
fn minimum(a: F, b: F) -> F { return select(b, a, a < b); }
fn clamped(x: F, low: F, high: F) -> F {
    let v = select(x, low, x < low);
    return select(v, high, v > high);
}
fn floored(x: F) -> F { return floor(x); }
fn raised(x: F) -> F { return ceil(x); }
fn rounded(x: F) -> F { return round(x); }
fn truncated(x: F) -> F { return trunc(x); }
fn add_u32(a: U, b: U) -> U { return a + b; }
fn add_i32(a: I, b: I) -> I { return a + b; }

// WGSL allows log an error of 2^-21 near 1, where the logarithm itself is near 0. There it is
// computed as 2 artanh(s) with s = x / (2 + x) and |s| <= 1/4, by a polynomial from the Remez
// algorithm.
fn log1p_near_0(x: F) -> F {
    let s = x / (F(2.0) + x);
    let q = s * s;
    return F(2.0) * s * (F(1.0) + q * (F(0.33333318) + q * (F(0.20001985) + q * (F(0.14198115)
        + q * F(0.12665945)))));
}
fn log1p(x: F) -> F {
    return select(log(F(1.0) + x), log1p_near_0(x), abs(x - F(0.1)) < F(0.5));
}
fn ln(x: F) -> F {
    let d = x - F(1.0);
    return select(log(x), log1p_near_0(d), abs(d - F(0.1)) < F(0.5));
}

// tanh(x) for |x| <= 5/8, by a polynomial from the Remez algorithm.
fn tanh_near_0(x: F) -> F {
    let s = x * x;
    return x + x * s * (F(-0.3333326) + s * (F(0.13331127) + s * (F(-0.053721068)
        + s * (F(0.020590988) + s * F(-0.005659989)))));
}

// e^x - 1, which is 2 t / (1 - t) with t = tanh(x / 2): near 0 the difference would cancel.
fn expm1(x: F) -> F {
    let t = tanh_near_0(F(0.5) * x);
    return select(exp(x) - F(1.0), (t + t) / (F(1.0) - t), abs(x) < F(1.0));
}

// WGSL allows sin and cos an error of 2^-11, and any error outside [-pi, pi]. Here x = n pi + r
// with |r| <= pi / 2, where pi is in three parts, the first two of so few bits that n times them is
// exact (Cody and Waite, 1980), for |x| up to a few thousand. Then a polynomial from the Remez
// algorithm.
fn without_pi(x: F, n: F) -> F {
    let r = fma(-n, F(1.509958e-7), fma(-n, F(9.6750259e-4), fma(-n, F(3.140625), x)));
    return clamp(r, F(-1.5707964), F(1.5707964));
}
fn sin_near_0(r: F) -> F {
    let s = r * r;
    return r + r * s * (F(-0.16666657) + s * (F(0.0083330251) + s * (F(-0.00019807419)
        + s * F(2.6019031e-6))));
}
// Returns -1 to the power of the integer n.
fn alternating(n: F) -> F { return F(1.0) - F(2.0) * (n - F(2.0) * floor(F(0.5) * n)); }
fn sine(x: F) -> F {
    let n = round(x * F(0.31830989));
    return alternating(n) * sin_near_0(without_pi(x, n));
}
fn cosine(x: F) -> F {
    let n = floor(x * F(0.31830989));
    return -alternating(n) * sin_near_0(without_pi(x, n + F(0.5)));
}

// Returns e^(a^2) (1 - erf(a)) for a in [0, 10], with a relative error of 6e-8, by a polynomial
// from the Remez algorithm.
fn erfcx(a: F) -> F {
    let t = F(1.0) / (F(1.0) + F(0.4) * a);
    return t * (F(0.2256263) + t * (F(0.22657572) + t * (F(0.20095855) + t * (F(0.19696318)
        + t * (F(0.071507953) + t * (F(0.09973009) + t * (F(0.07384171) + t * (F(-0.13547089)
        + t * F(0.040267457)))))))));
}

fn erf(x: F) -> F {
    let a = min(abs(x), F(10.0));
    let s = a * a;
    let near = x * (F(1.1283792) + s * (F(-0.37612626) + s * (F(0.11283585) + s * (F(-0.026853812)
        + s * (F(0.0051883277) + s * (F(-0.00080101936) + s * F(7.8538612e-5)))))));
    let far = sign(x) * (F(1.0) - erfcx(a) * exp(-s));
    return select(far, near, a < F(1.0));
}

fn erf_grad(x: F, dy: F) -> F { return F(1.1283792) * exp(-x * x) * dy; }

// WGSL's pow is for positive x. For a negative x, an integer exponent determines the sign by its
// parity.
fn power(x: F, p: F) -> F {
    let zero = x == F(0.0);
    let a = pow(select(abs(x), F(1.0), zero), p);
    let half = F(0.5) * p;
    let odd = (floor(p) == p) & (floor(half) != half);
    let y = select(a, -a, (x < F(0.0)) & odd);
    let of_zero = select(select(F(1.0) / abs(x), F(0.0), p > F(0.0)), F(1.0), p == F(0.0));
    let negative = (x < F(0.0)) & (floor(p) != p);
    return select(select(y, of_zero, zero), sqrt(x), negative);
}
fn power_of(x: F, p: F) -> F { return power(x, p); }
fn power_base_grad(x: F, p: F, dy: F) -> F {
    return select(p * power(x, p - F(1.0)) * dy, F(0.0), p == F(0.0));
}
fn power_exponent_grad(x: F, p: F, dy: F) -> F {
    return select(power(x, p) * ln(x) * dy, F(0.0), (x == F(0.0)) & (p >= F(0.0)));
}

// Returns a - floor(a / b) b. A quotient that is nearly an integer may be rounded, which changes
// the remainder by b. b is split into two parts with so few bits that the product of either with a
// quotient up to 4096 is exact.
fn modulo(a: F, b: F) -> F {
    let q = floor(a / b);
    let most = bitcast<F>(bitcast<U>(b) & U(0xfffff000u));
    let r = fma(-q, b - most, fma(-q, most, a));
    let below = r * sign(b) < F(0.0);
    let above = abs(r) >= abs(b);
    return select(select(r, r - b, above), r + b, below);
}
