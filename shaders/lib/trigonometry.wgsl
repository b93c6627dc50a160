// Trigonometric and hyperbolic functions on F: f32, or a vector of four. Needs lib/math.
//
// WGSL allows atan an error of 4096 units, asin and acos 2^-11, and defines those of tan, sinh and
// cosh by their quotients and differences. These have errors of a few units, with polynomials from
// the Remez algorithm.

fn is_negative(x: F) -> B { return (bitcast<U>(x) & U(0x80000000u)) != U(0u); }

fn tangent(x: F) -> F { return sine(x) / cosine(x); }

// asin(x) for x in [0, 1/2].
fn arcsine_near_0(x: F) -> F {
    let s = x * x;
    return x + x * s * (F(0.166667521) + s * (F(0.0749529749) + s * (F(0.0454703756)
        + s * (F(0.0241795257) + s * F(0.0421662852)))));
}
// sin(pi / 2 - 2 u) = 1 - 2 sin(u)^2 maps arguments above 1/2 below it.
fn arcsine(x: F) -> F {
    let a = abs(x);
    let beyond = a > F(0.5);
    let near = arcsine_near_0(select(a, sqrt(max(F(0.5) - F(0.5) * a, F(0.0))), beyond));
    let y = select(near, F(1.5707964) - F(2.0) * near, beyond);
    return select(y, -y, x < F(0.0));
}
fn arccosine(x: F) -> F {
    let a = abs(x);
    let beyond = a > F(0.5);
    let near = arcsine_near_0(select(a, sqrt(max(F(0.5) - F(0.5) * a, F(0.0))), beyond));
    let left = x < F(0.0);
    let inner = F(1.5707964) - select(near, -near, left);
    let outer = select(F(2.0) * near, F(3.1415927) - F(2.0) * near, left);
    return select(inner, outer, beyond);
}

// Returns the angle in [0, pi / 2] whose tangent is a / b, for a, b >= 0. After a rotation by 45 or
// 90 degrees, the argument of the polynomial is within 22.5 degrees of 0.
fn arctangent_of(a: F, b: F) -> F {
    let middle = a > F(0.41421356) * b;
    let far = a > F(2.4142136) * b;
    let p = select(select(a, a - b, middle), -b, far);
    let q = select(select(b, a + b, middle), a, far);
    let t = select(p / q, F(0.0), p == F(0.0));
    let s = t * t;
    let near = t + t * s * (F(-0.3333295) + s * (F(0.1997771) + s * (F(-0.13877675)
        + s * F(0.08053712))));
    return near + select(select(F(0.0), F(0.78539816), middle), F(1.5707964), far);
}
fn arctangent(x: F) -> F {
    let y = arctangent_of(abs(x), F(1.0));
    return select(y, -y, x < F(0.0));
}

// Returns the angle of the point (x, y), from -pi to pi.
fn angle(y: F, x: F) -> F {
    let first = arctangent_of(abs(y), abs(x));
    let upper = select(first, F(3.1415927) - first, is_negative(x));
    return select(upper, -upper, is_negative(y));
}
fn angle_y_grad(y: F, x: F, dy: F) -> F {
    let s = x * x + y * y;
    return select(x / s * dy, F(0.0), s == F(0.0));
}
fn angle_x_grad(y: F, x: F, dy: F) -> F {
    let s = x * x + y * y;
    return select(-y / s * dy, F(0.0), s == F(0.0));
}

// Returns e^|x| / 2, which is finite if the results are.
fn half_exp(x: F) -> F { return exp(abs(x) - F(0.69314718)); }
fn hyperbolic_sine(x: F) -> F {
    let near = expm1(min(abs(x), F(1.0)));
    let e = half_exp(x);
    let y = select(e - F(0.25) / e, F(0.5) * (near + near / (near + F(1.0))), abs(x) < F(1.0));
    return select(y, -y, x < F(0.0));
}
fn hyperbolic_cosine(x: F) -> F {
    let e = half_exp(x);
    return e + F(0.25) / e;
}
