// attention_subgroup: y[b, i, h, :] = sum over j of p[j] v[b, j, h / group, :], p = softmax over j of scale q[b, i, h, :] . k[b, j, h / group, :] + mask[b, j]
// Shapes    q [batch, queries, heads, D]   k [batch, keys, kv_heads, D]   v [batch, keys, kv_heads, E]   mask [batch, keys]   y [batch, queries, heads, E]
// Bindings  0 read q | 1 read k | 2 read v | 3 read mask | 4 uniform Params | 5 read_write y
// Workgroup [WG, 1, 1], four queries of a head an invocation, grid [batch heads ceil(queries / (4 WG)), folded to 3 dimensions]
// Overrides WG = 8 (a multiple of the largest subgroup size)
// Reference src/ops/attention.rs
//
// Like attention, for a CPU that plays a GPU: a load costs as much as many multiply-adds there. Needs subgroups of 8
// lanes or more; lane l fetches key l % 8 of each eight.

override WG: u32 = 8u;

@group(0) @binding(5) var<storage, read_write> y: array<F>;

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
    // Queries past the last are the last once more; only stores are left out.
    let own = vec4<u32>(first + 4u * local) + vec4<u32>(0u, 1u, 2u, 3u);
    let i = min(own, vec4<u32>(params.queries - 1u));
    let q_start = params.q_offset + (b * params.queries + i) * params.q_row + head * (D / WIDTH);
    let k_start = params.k_offset + b * params.keys * params.k_row + head / params.group * (D / WIDTH);
    let v_start = params.v_offset + b * params.keys * params.v_row + head / params.group * (E / WIDTH);
    let ends = vec4<u32>(keys_of(i.x), keys_of(i.y), keys_of(i.z), keys_of(i.w));
    var queries: array<mat4x4<f32>, D4>;
    for (var c = 0u; c < D4; c++) {
        queries[c] = transpose(mat4x4<f32>(q4(q_start.x, c), q4(q_start.y, c), q4(q_start.z, c), q4(q_start.w, c))) * params.scale;
    }
    var sums: array<mat4x4<f32>, E4>;
    var largest = vec4<f32>(LEFT_OUT);
    var total = vec4<f32>(0.0);
    // The same for all lanes: they work together.
    let end = keys_of(min(first + 4u * WG, params.queries) - 1u);
    for (var j = 0u; j < end; j += 8u) {
        let key = min(j + lane % 8u, params.keys - 1u);
        var s = spread_number(bias(b, key));
        for (var c = 0u; c < D4; c++) { s = add_tile(s, queries[c], k4(k_start + key * params.k_row, c)); }
        s = seen(s, j, ends);
        let top = max(largest, largest_of(s));
        let shrink = exp(largest - top);
        largest = top;
        let p = weights(s, top);
        total = fma(total, shrink, total_of(p));
        for (var c = 0u; c < E4; c++) {
            sums[c] = add_rows(scaled(sums[c], shrink), p, v4(v_start + key * params.v_row, c));
        }
    }
    let factor = select(vec4<f32>(0.0), 1.0 / total, total > vec4<f32>(0.0));
    let y_start = ((b * params.queries + own) * params.heads + head) * (E / WIDTH);
    for (var c = 0u; c < E4; c++) {
        let block = scaled(sums[c], factor);
        if own.x < params.queries { store(y_start.x, c, block[0]); }
        if own.y < params.queries { store(y_start.y, c, block[1]); }
        if own.z < params.queries { store(y_start.z, c, block[2]); }
        if own.w < params.queries { store(y_start.w, c, block[3]); }
    }
}
