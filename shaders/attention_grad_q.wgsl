// attention_grad_q: dq[b, i, h, :] = scale sum over j of p[j] (dy[b, i, h, :] . v[b, j] - delta[b, i, h]) k[b, j, h / group, :]; lse[b, i, h] = ln(sum of e^score)
// Shapes    q, k, v, mask as in attention   dy [batch, queries, heads, E]   delta, lse [batch, queries, heads]   dx holds dq, dk and dv
// Bindings  0 read q | 1 read k | 2 read v | 3 read mask | 4 uniform Params | 5 read dy | 6 read delta | 7 read_write dx | 8 read_write lse
// Workgroup [WG, 1, 1], an invocation per query and head, grid [batch heads ceil(queries / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/attention.rs
//
// The weights p are known only after the last key, so the sum is kept relative to the largest score
// so far, as in attention.

override WG: u32 = 64u;

@group(0) @binding(8) var<storage, read_write> lse: array<f32>;

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
    let row = (b * params.queries + i) * params.heads + head;
    let q_start = params.q_offset + (b * params.queries + i) * params.q_row + head * (D / WIDTH);
    let k_start = params.k_offset + b * params.keys * params.k_row + head / params.group * (D / WIDTH);
    let v_start = params.v_offset + b * params.keys * params.v_row + head / params.group * (E / WIDTH);
    var mine: array<vec4<f32>, D4>;
    for (var c = 0u; c < D4; c++) { mine[c] = q4(q_start, c) * params.scale; }
    var given: array<vec4<f32>, E4>;
    for (var c = 0u; c < E4; c++) { given[c] = dy4(row * (E / WIDTH), c); }
    var sums: array<vec4<f32>, D4>;
    var largest = LEFT_OUT;
    var total = 0.0;
    let middle = delta[row];
    let end = keys_of(i);
    for (var j = 0u; j < end; j += 4u) {
        let at = min(vec4<u32>(j) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(end - 1u));
        let keys = k_start + at * params.k_row;
        let values = v_start + at * params.v_row;
        var s = vec4<f32>(bias(b, at.x), bias(b, at.y), bias(b, at.z), bias(b, at.w));
        for (var c = 0u; c < D4; c++) {
            s.x = add_dot(s.x, mine[c], k4(keys.x, c));
            s.y = add_dot(s.y, mine[c], k4(keys.y, c));
            s.z = add_dot(s.z, mine[c], k4(keys.z, c));
            s.w = add_dot(s.w, mine[c], k4(keys.w, c));
        }
        var dp = vec4<f32>(-middle);
        for (var c = 0u; c < E4; c++) {
            dp.x = add_dot(dp.x, given[c], v4(values.x, c));
            dp.y = add_dot(dp.y, given[c], v4(values.y, c));
            dp.z = add_dot(dp.z, given[c], v4(values.z, c));
            dp.w = add_dot(dp.w, given[c], v4(values.w, c));
        }
        s = select(vec4<f32>(LEFT_OUT), s, vec4<u32>(j) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end));
        let top = max(largest, max(max(s.x, s.y), max(s.z, s.w)));
        let shrink = exp(largest - top);
        largest = top;
        let p = select(vec4<f32>(0.0), exp(s - top), s > vec4<f32>(LEFT_OUT));
        total = fma(total, shrink, (p.x + p.y) + (p.z + p.w));
        let ds = p * dp;
        for (var c = 0u; c < D4; c++) {
            var sum = sums[c] * shrink;
            sum = fma(vec4<f32>(ds.x), k4(keys.x, c), sum);
            sum = fma(vec4<f32>(ds.y), k4(keys.y, c), sum);
            sum = fma(vec4<f32>(ds.z), k4(keys.z, c), sum);
            sums[c] = fma(vec4<f32>(ds.w), k4(keys.w, c), sum);
        }
    }
    // The weights of a query that sees no key must be 0.
    lse[row] = select(-LEFT_OUT, largest + log(total), total > 0.0);
    let factor = select(0.0, params.scale / total, total > 0.0);
    let start = params.dq_offset + (b * params.queries + i) * params.dq_row + head * (D / WIDTH);
    for (var c = 0u; c < D4; c++) { put(start, c, D, sums[c] * factor); }
}
