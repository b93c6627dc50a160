// attention: y[b, i, h, :] = sum over j of p[j] v[b, j, h / group, :], p = softmax over j of scale q[b, i, h, :] . k[b, j, h / group, :] + mask[b, j]
// Shapes    q [batch, queries, heads, D]   k [batch, keys, kv_heads, D]   v [batch, keys, kv_heads, E]   mask [batch, keys]   y [batch, queries, heads, E]
// Bindings  0 read q | 1 read k | 2 read v | 3 read mask | 4 uniform Params | 5 read_write y
// Workgroup [WG, 1, 1], an invocation per query and head, grid [batch heads ceil(queries / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/attention.rs
//
// Online softmax (Milakov and Gimelshein, 2018; Dao et al., 2022): no scores are stored, and the
// sums are rescaled at each larger score.

override WG: u32 = 64u;

@group(0) @binding(5) var<storage, read_write> y: array<F>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = linear_group(group, size);
    let blocks = (params.queries + WG - 1u) / WG;
    let i = number % blocks * WG + lane;
    let head = number / blocks % params.heads;
    let b = number / (blocks * params.heads);
    if b >= params.batch || i >= params.queries { return; }
    let q_start = params.q_offset + (b * params.queries + i) * params.q_row + head * (D / WIDTH);
    let k_start = params.k_offset + b * params.keys * params.k_row + head / params.group * (D / WIDTH);
    let v_start = params.v_offset + b * params.keys * params.v_row + head / params.group * (E / WIDTH);
    var mine: array<vec4<f32>, D4>;
    for (var c = 0u; c < D4; c++) { mine[c] = q4(q_start, c) * params.scale; }
    var sums: array<vec4<f32>, E4>;
    var largest = LEFT_OUT;
    var total = 0.0;
    let end = keys_of(i);
    for (var j = 0u; j < end; j += 4u) {
        // Keys past the last one repeat the last one and are masked out.
        let at = min(vec4<u32>(j) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(end - 1u));
        let keys = k_start + at * params.k_row;
        var s = vec4<f32>(bias(b, at.x), bias(b, at.y), bias(b, at.z), bias(b, at.w));
        for (var c = 0u; c < D4; c++) {
            s.x = add_dot(s.x, mine[c], k4(keys.x, c));
            s.y = add_dot(s.y, mine[c], k4(keys.y, c));
            s.z = add_dot(s.z, mine[c], k4(keys.z, c));
            s.w = add_dot(s.w, mine[c], k4(keys.w, c));
        }
        s = select(vec4<f32>(LEFT_OUT), s, vec4<u32>(j) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end));
        let top = max(largest, max(max(s.x, s.y), max(s.z, s.w)));
        let shrink = exp(largest - top);
        largest = top;
        let p = select(vec4<f32>(0.0), exp(s - top), s > vec4<f32>(LEFT_OUT));
        total = fma(total, shrink, (p.x + p.y) + (p.z + p.w));
        let values = v_start + at * params.v_row;
        for (var c = 0u; c < E4; c++) {
            var sum = sums[c] * shrink;
            sum = fma(vec4<f32>(p.x), v4(values.x, c), sum);
            sum = fma(vec4<f32>(p.y), v4(values.y, c), sum);
            sum = fma(vec4<f32>(p.z), v4(values.z, c), sum);
            sums[c] = fma(vec4<f32>(p.w), v4(values.w, c), sum);
        }
    }
    // A query that sees no key gets zeros.
    let factor = select(0.0, 1.0 / total, total > 0.0);
    let y_start = ((b * params.queries + i) * params.heads + head) * (E / WIDTH);
    for (var c = 0u; c < E4; c++) { store(y_start, c, sums[c] * factor); }
}
