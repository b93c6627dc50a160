// Matrices of a matmul that are views of a buffer: its elements in another order, some of them
// repeated.
//
// Element (z, i, k), of matrix z, row or column i, at k, is at offset + walk(z) + walk(i) +
// walk(k). A walk splits its index into three coordinates, the last one fastest, and sums
// coordinate * stride. The sums wrap around, so strides may be negative. A view must stay inside
// its buffer.

struct Walk {
    sizes: vec4<u32>, // of the last and of the middle coordinate, then the bits of their reciprocals
    steps: vec4<u32>, // a step adds x, and y if the last coordinate restarts, and z if the middle one does too
}

struct View {
    z: Walk, // z.steps.w is the view's offset
    i: Walk,
    k: Walk,
}

struct Views {
    a: View,
    b: View,
}

@group(0) @binding(3) var<uniform> views: Views;

fn walk(w: Walk, n: u32) -> u32 {
    let q = quotient(n, w.sizes.x, bitcast<f32>(w.sizes.z));
    let p = quotient(q, w.sizes.y, bitcast<f32>(w.sizes.w));
    return n * w.steps.x + q * w.steps.y + p * w.steps.z;
}

fn walks(w: Walk, n: vec4<u32>) -> vec4<u32> {
    let q = quotients(n, w.sizes.x, bitcast<f32>(w.sizes.z));
    let p = quotients(q, w.sizes.y, bitcast<f32>(w.sizes.w));
    return n * w.steps.x + q * w.steps.y + p * w.steps.z;
}

// Returns the positions of n, n + 1, n + 2 and n + 3. Only the first needs a division.
fn walk_on(w: Walk, n: u32) -> vec4<u32> {
    let q = quotient(n, w.sizes.x, bitcast<f32>(w.sizes.z));
    let p = quotient(q, w.sizes.y, bitcast<f32>(w.sizes.w));
    let at0 = n * w.steps.x + q * w.steps.y + p * w.steps.z;

    let last1 = n - q * w.sizes.x + 1u;
    let anew1 = last1 == w.sizes.x;
    let middle1 = q - p * w.sizes.y + select(0u, 1u, anew1);
    let both1 = middle1 == w.sizes.y;
    let at1 = at0 + w.steps.x + select(0u, w.steps.y, anew1) + select(0u, w.steps.z, both1);

    let last2 = select(last1, 0u, anew1) + 1u;
    let anew2 = last2 == w.sizes.x;
    let middle2 = select(middle1, 0u, both1) + select(0u, 1u, anew2);
    let both2 = middle2 == w.sizes.y;
    let at2 = at1 + w.steps.x + select(0u, w.steps.y, anew2) + select(0u, w.steps.z, both2);

    let last3 = select(last2, 0u, anew2) + 1u;
    let anew3 = last3 == w.sizes.x;
    let middle3 = select(middle2, 0u, both2) + select(0u, 1u, anew3);
    let both3 = middle3 == w.sizes.y;
    let at3 = at2 + w.steps.x + select(0u, w.steps.y, anew3) + select(0u, w.steps.z, both3);
    return vec4<u32>(at0, at1, at2, at3);
}
