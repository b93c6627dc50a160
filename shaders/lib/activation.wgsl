// Activations and their gradients on F: f32, or a vector of four. NAME_grad takes the input or the
// output (see the table in src/ops/elementwise/activation.rs) and dy. Needs lib/math.

fn relu(x: F) -> F { return select(F(0.0), x, x > F(0.0)); }
fn relu_grad(y: F, dy: F) -> F { return select(F(0.0), dy, y > F(0.0)); }

fn relu6(x: F) -> F { return clamp(x, F(0.0), F(6.0)); }
fn relu6_grad(y: F, dy: F) -> F { return select(F(0.0), dy, (y > F(0.0)) & (y < F(6.0))); }

fn leaky_relu(x: F, a: F) -> F { return select(a * x, x, x > F(0.0)); }
fn leaky_relu_grad(x: F, dy: F, a: F) -> F { return select(a * dy, dy, x > F(0.0)); }

fn elu(x: F, a: F) -> F { return select(a * expm1(min(x, F(0.0))), x, x > F(0.0)); }
fn elu_grad(x: F, dy: F, a: F) -> F { return select(a * exp(min(x, F(0.0))) * dy, dy, x > F(0.0)); }

fn prelu(x: F, w: F) -> F { return select(w * x, x, x > F(0.0)); }
fn prelu_x_grad(x: F, w: F, dy: F) -> F { return select(w * dy, dy, x > F(0.0)); }
fn prelu_w_grad(x: F, dy: F) -> F { return select(x * dy, F(0.0), x > F(0.0)); }

fn celu(x: F, a: F) -> F { return select(a * expm1(min(x, F(0.0)) / a), x, x > F(0.0)); }
fn celu_grad(x: F, dy: F, a: F) -> F { return select(exp(min(x, F(0.0)) / a) * dy, dy, x > F(0.0)); }

fn hard_sigmoid(x: F) -> F { return clamp(x + F(3.0), F(0.0), F(6.0)) / F(6.0); }
fn hard_sigmoid_grad(x: F, dy: F) -> F { return select(F(0.0), dy / F(6.0), abs(x) < F(3.0)); }
fn hard_swish(x: F) -> F { return x * hard_sigmoid(x); }
fn hard_swish_grad(x: F, dy: F) -> F {
    let inner = select((x / F(3.0) + F(0.5)) * dy, dy, x >= F(3.0));
    return select(inner, F(0.0), x <= F(-3.0));
}

fn softsign(x: F) -> F { return x / (F(1.0) + abs(x)); }
fn softsign_grad(x: F, dy: F) -> F {
    let d = F(1.0) + abs(x);
    return dy / (d * d);
}

// e^-|x| never overflows; the other half of the curve follows by symmetry.
fn sigmoid(x: F) -> F {
    let e = exp(-abs(x));
    return select(e, F(1.0), x >= F(0.0)) / (F(1.0) + e);
}
fn sigmoid_grad(y: F, dy: F) -> F { return y * (F(1.0) - y) * dy; }

// WGSL allows tanh an error of 1e-5, and some drivers return NaN for large arguments; e^(-2 |x|)
// has neither problem.
fn tanh_of(x: F) -> F {
    let t = exp(F(-2.0) * abs(x));
    let far = sign(x) * ((F(1.0) - t) / (F(1.0) + t));
    return select(far, tanh_near_0(x), abs(x) < F(0.625));
}
fn tanh_grad(y: F, dy: F) -> F { return (F(1.0) - y * y) * dy; }

// 0.5 (1 + erf(x / sqrt(2))), the normal distribution function. For negative x it is computed from
// the complement, so that it does not cancel.
fn normal_cdf(x: F) -> F {
    let a = min(abs(x) * F(0.70710678), F(10.0));
    let tail = F(0.5) * erfcx(a) * exp(-a * a);
    return select(tail, F(1.0) - tail, x > F(0.0));
}
fn gelu(x: F) -> F { return x * normal_cdf(x); }
fn gelu_grad(x: F, dy: F) -> F {
    return (normal_cdf(x) + x * F(0.3989423) * exp(F(-0.5) * x * x)) * dy;
}

// (1 + tanh(v / 2)) / 2 is sigmoid(v), which does not cancel for negative v.
fn gelu_tanh(x: F) -> F {
    return x * sigmoid(F(1.5957691) * (x + F(0.044715) * x * x * x));
}
fn gelu_tanh_grad(x: F, dy: F) -> F {
    let s = sigmoid(F(1.5957691) * (x + F(0.044715) * x * x * x));
    let dv = F(1.5957691) * (F(1.0) + F(0.134145) * x * x);
    return s * (F(1.0) + x * (F(1.0) - s) * dv) * dy;
}

fn silu(x: F) -> F { return x * sigmoid(x); }
fn silu_grad(x: F, dy: F) -> F {
    let s = sigmoid(x);
    return s * (F(1.0) + x * (F(1.0) - s)) * dy;
}

fn softplus(x: F) -> F { return max(x, F(0.0)) + log1p(exp(-abs(x))); }
fn softplus_grad(x: F, dy: F) -> F { return sigmoid(x) * dy; }

// tanh(ln(1 + e^x)) is n / (n + 2 d) with n = e^x (e^x + 2) d. For positive x both are divided by
// e^2x, so that nothing overflows.
struct Mish { n: F, d: F }
fn mish_parts(x: F) -> Mish {
    let t = exp(-abs(x));
    let left = x < F(0.0);
    let d = select(t * t, F(1.0), left);
    return Mish(select(F(1.0) + F(2.0) * t, t * (t + F(2.0)), left), d);
}
fn mish(x: F) -> F {
    let m = mish_parts(x);
    return x * m.n / (m.n + F(2.0) * m.d);
}
// th + x sigmoid(x) (1 - th^2), where 1 - th^2 = 4 d (n + d) / (n + 2 d)^2.
fn mish_grad(x: F, dy: F) -> F {
    let m = mish_parts(x);
    let all = m.n + F(2.0) * m.d;
    return (m.n + x * sigmoid(x) * F(4.0) * m.d * (m.n + m.d) / all) / all * dy;
}

// log(0) is not -infinity on every device, so 0 is a separate case; each logarithm is at least
// -100.
fn log_or_floor(x: F) -> F {
    return select(F(-100.0), max(ln(x), F(-100.0)), x > F(0.0));
}
fn bce(p: F, t: F) -> F {
    let q = select(F(-100.0), max(log1p(-p), F(-100.0)), p < F(1.0));
    return -(t * log_or_floor(p) + (F(1.0) - t) * q);
}
fn bce_grad(p: F, t: F, dy: F) -> F { return (p - t) / max(p * (F(1.0) - p), F(1e-12)) * dy; }
