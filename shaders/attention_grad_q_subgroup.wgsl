// attention_grad_q_subgroup: dq[b, i, h, :] = scale sum over j of p[j] (dy[b, i, h, :] . v[b, j] - delta[b, i, h]) k[b, j, h / group, :]; lse[b, i, h] = ln(sum of e^score)
// Shapes    q, k, v, mask as in attention   dy [batch, queries, heads, E]   delta, lse [batch, queries, heads]   dx holds dq, dk and dv
// Bindings  0 read q | 1 read k | 2 read v | 3 read mask | 4 uniform Params | 5 read dy | 6 read delta | 7 read_write dx | 8 read_write lse
// Workgroup [WG, 1, 1], four queries of a head an invocation, grid [batch heads ceil(queries / (4 WG)), folded to 3 dimensions]
// Overrides WG = 8 (a multiple of the largest subgroup size)
// Reference src/ops/attention.rs

override WG: u32 = 8u;

@group(0) @binding(8) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let number = linear_group(group, size);
    let blocks = (params.queries + 4u * WG - 1u) / (4u * WG);
    let head = number / blocks % params.heads;
    let b = number / (blocks * params.heads);
    if b >= params.batch { return; }
    let first = number % blocks * 4u * WG;
    let own = vec4<u32>(first + 4u * local) + vec4<u32>(0u, 1u, 2u, 3u);
    let i = min(own, vec4<u32>(params.queries - 1u));
    let row = (b * params.queries + i) * params.heads + head;
    let q_start = params.q_offset + (b * params.queries + i) * params.q_row + head * (D / WIDTH);
    let k_start = params.k_offset + b * params.keys * params.k_row + head / params.group * (D / WIDTH);
    let v_start = params.v_offset + b * params.keys * params.v_row + head / params.group * (E / WIDTH);
    let dy_start = row * (E / WIDTH);
    let ends = vec4<u32>(keys_of(i.x), keys_of(i.y), keys_of(i.z), keys_of(i.w));
    let middle = vec4<f32>(delta[row.x], delta[row.y], delta[row.z], delta[row.w]);
    var queries: array<mat4x4<f32>, D4>;
    for (var c = 0u; c < D4; c++) {
        queries[c] = transpose(mat4x4<f32>(q4(q_start.x, c), q4(q_start.y, c), q4(q_start.z, c), q4(q_start.w, c))) * params.scale;
    }
    var given: array<mat4x4<f32>, E4>;
    for (var c = 0u; c < E4; c++) {
        given[c] = transpose(mat4x4<f32>(dy4(dy_start.x, c), dy4(dy_start.y, c), dy4(dy_start.z, c), dy4(dy_start.w, c)));
    }
    var sums: array<mat4x4<f32>, D4>;
    var largest = vec4<f32>(LEFT_OUT);
    var total = vec4<f32>(0.0);
    let end = keys_of(min(first + 4u * WG, params.queries) - 1u);
    for (var j = 0u; j < end; j += 8u) {
        let key = min(j + lane % 8u, params.keys - 1u);
        var s = spread_number(bias(b, key));
        for (var c = 0u; c < D4; c++) { s = add_tile(s, queries[c], k4(k_start + key * params.k_row, c)); }
        var dp = Scores(-middle, -middle, -middle, -middle, -middle, -middle, -middle, -middle);
        for (var c = 0u; c < E4; c++) { dp = add_tile(dp, given[c], v4(v_start + key * params.v_row, c)); }
        s = seen(s, j, ends);
        let top = max(largest, largest_of(s));
        let shrink = exp(largest - top);
        largest = top;
        let p = weights(s, top);
        total = fma(total, shrink, total_of(p));
        let ds = times(p, dp);
        for (var c = 0u; c < D4; c++) {
            sums[c] = add_rows(scaled(sums[c], shrink), ds, k4(k_start + key * params.k_row, c));
        }
    }
    let some = total > vec4<f32>(0.0);
    // Of a query that sees no key, no weight may be more than 0.
    let logs = select(vec4<f32>(-LEFT_OUT), largest + log(total), some);
    let factor = select(vec4<f32>(0.0), params.scale / total, some);
    let start = params.dq_offset + (b * params.queries + own) * params.dq_row + head * (D / WIDTH);
    if own.x < params.queries { lse[row.x] = logs.x; }
    if own.y < params.queries { lse[row.y] = logs.y; }
    if own.z < params.queries { lse[row.z] = logs.z; }
    if own.w < params.queries { lse[row.w] = logs.w; }
    for (var c = 0u; c < D4; c++) {
        let block = scaled(sums[c], factor);
        if own.x < params.queries { put(start.x, c, D, block[0]); }
        if own.y < params.queries { put(start.y, c, D, block[1]); }
        if own.z < params.queries { put(start.z, c, D, block[2]); }
        if own.w < params.queries { put(start.w, c, D, block[3]); }
    }
}
