// The shared part of the attention shaders: inputs, scores and visible keys.
//
// Generated before it: D and E, the features of a key and of a value; D4 and E4, their numbers of
// vectors of four; and F, the element type of the buffers: vectors of four if D and E are multiples
// of 4. Offsets and strides are in units of F.

struct Params {
    batch: u32,
    queries: u32,
    keys: u32,
    heads: u32,
    group: u32,    // query heads per kv head
    causal: u32,   // query i sees only keys 0 ..= i + ahead
    ahead: u32,
    masked: u32,   // 1 if mask is bound; else nothing reads it
    scale: f32,
    q_offset: u32, // element (b, i, head, c) of q is at q_offset + (b queries + i) q_row + head D + c
    q_row: u32,
    k_offset: u32,
    k_row: u32,
    v_offset: u32,
    v_row: u32,
    dq_offset: u32,
    dq_row: u32,
    dk_offset: u32,
    dk_row: u32,
    dv_offset: u32,
    dv_row: u32,
}

@group(0) @binding(0) var<storage, read> q: array<F>;
@group(0) @binding(1) var<storage, read> k: array<F>;
@group(0) @binding(2) var<storage, read> v: array<F>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// Keys with scores up to this value are masked out.
const LEFT_OUT = -1e30;

// Returns the term that is added to the scores of a key.
fn bias(batch: u32, key: u32) -> f32 {
    if params.masked == 0u { return 0.0; }
    return mask[batch * params.keys + key];
}

// Returns the number of keys that a query sees without the mask.
fn keys_of(query: u32) -> u32 {
    if params.causal == 0u { return params.keys; }
    return min(params.keys, query + params.ahead + 1u);
}

// Returns the first query that sees a key.
fn first_query(key: u32) -> u32 {
    if params.causal == 0u || key < params.ahead { return 0u; }
    return key - params.ahead;
}

// Returns s plus the product of two vectors of four, in order.
fn add_dot(s: f32, a: vec4<f32>, b: vec4<f32>) -> f32 {
    return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, s))));
}
