// Random numbers from a key, the number of a stream and the element's index: Threefry-2x32, 20
// rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). Must agree with
// src/random.rs.

struct Pair { a: U, b: U }

fn rotate(x: U, n: u32) -> U { return (x << U(n)) | (x >> U(32u - n)); }

fn mix(p: Pair, n: u32) -> Pair {
    let a = p.a + p.b;
    return Pair(a, rotate(p.b, n) ^ a);
}

fn threefry2x32(key0: U, key1: U, counter0: U, counter1: U) -> Pair {
    let key2 = key0 ^ key1 ^ U(0x1BD11BDAu);
    var p = Pair(counter0 + key0, counter1 + key1);
    p = mix(mix(mix(mix(p, 13u), 15u), 26u), 6u);
    p = Pair(p.a + key1, p.b + key2 + U(1u));
    p = mix(mix(mix(mix(p, 17u), 29u), 16u), 24u);
    p = Pair(p.a + key2, p.b + key0 + U(2u));
    p = mix(mix(mix(mix(p, 13u), 15u), 26u), 6u);
    p = Pair(p.a + key0, p.b + key1 + U(3u));
    p = mix(mix(mix(mix(p, 17u), 29u), 16u), 24u);
    p = Pair(p.a + key1, p.b + key2 + U(4u));
    p = mix(mix(mix(mix(p, 13u), 15u), 26u), 6u);
    return Pair(p.a + key2, p.b + key0 + U(5u));
}

// 24 bits, exact in f32.
fn unit(bits: U) -> F { return F(bits >> U(8u)) * F(5.9604645e-8); }

fn random_bits(i: U, key0: U, key1: U, stream: U) -> U {
    return threefry2x32(key0, key1, i, stream).a;
}

fn random_uniform(i: U, key0: U, key1: U, stream: U) -> F {
    return unit(threefry2x32(key0, key1, i, stream).a);
}

fn random_normal(i: U, key0: U, key1: U, stream: U) -> F {
    let bits = threefry2x32(key0, key1, i, stream);
    // From (0, 1], so that the logarithm is finite.
    let u = F(1.0) - unit(bits.a);
    // cos of an angle in [-pi, pi], where it is accurate: cos(2 pi v) = -cos(2 pi v - pi).
    let angle = F(6.2831855) * unit(bits.b) - F(3.1415927);
    return sqrt(max(F(-2.0) * log(u), F(0.0))) * -cos(angle);
}
