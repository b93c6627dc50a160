// attention_grad_kv: dv[b, j, g, :] = sum over h of the group and i of p dy[b, i, h, :]; dk = scale sum of p (dy . v - delta) q[b, i, h, :]; p = e^(score - lse)
// Shapes    q, k, v, mask as in attention   dy [batch, queries, heads, E]   delta, lse [batch, queries, heads]   dx holds dq, dk and dv
// Bindings  0 read q | 1 read k | 2 read v | 3 read mask | 4 uniform Params | 5 read dy | 6 read delta | 7 read_write dx | 8 read lse
// Workgroup [WG, 1, 1], an invocation per key and kv head, grid [batch kv_heads ceil(keys / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/attention.rs

override WG: u32 = 64u;

@group(0) @binding(8) var<storage, read> lse: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = linear_group(group, size);
    let kv_heads = params.heads / params.group;
    let blocks = (params.keys + WG - 1u) / WG;
    let j = number % blocks * WG + lane;
    let kv_head = number / blocks % kv_heads;
    let b = number / (blocks * kv_heads);
    if b >= params.batch || j >= params.keys { return; }
    let k_start = params.k_offset + (b * params.keys + j) * params.k_row + kv_head * (D / WIDTH);
    let v_start = params.v_offset + (b * params.keys + j) * params.v_row + kv_head * (E / WIDTH);
    var key: array<vec4<f32>, D4>;
    for (var c = 0u; c < D4; c++) { key[c] = k4(k_start, c); }
    var value: array<vec4<f32>, E4>;
    for (var c = 0u; c < E4; c++) { value[c] = v4(v_start, c); }
    var dk: array<vec4<f32>, D4>;
    var dv: array<vec4<f32>, E4>;
    let added = bias(b, j);
    for (var g = 0u; g < params.group; g++) {
        let head = kv_head * params.group + g;
        let q_start = params.q_offset + b * params.queries * params.q_row + head * (D / WIDTH);
        for (var i = first_query(j); i < params.queries; i++) {
            let row = (b * params.queries + i) * params.heads + head;
            let query = q_start + i * params.q_row;
            var s = added;
            // The query is scaled and not the key, as in the computation of lse, so that the score
            // has the same bits.
            for (var c = 0u; c < D4; c++) { s = add_dot(s, q4(query, c) * params.scale, key[c]); }
            var dp = -delta[row];
            for (var c = 0u; c < E4; c++) { dp = add_dot(dp, value[c], dy4(row * (E / WIDTH), c)); }
            let p = select(0.0, exp(s - lse[row]), s > LEFT_OUT);
            let ds = p * dp;
            for (var c = 0u; c < D4; c++) { dk[c] = fma(vec4<f32>(ds), q4(query, c), dk[c]); }
            for (var c = 0u; c < E4; c++) {
                dv[c] = fma(vec4<f32>(p), dy4(row * (E / WIDTH), c), dv[c]);
            }
        }
    }
    let place = b * params.keys + j;
    let dk_start = params.dk_offset + place * params.dk_row + kv_head * (D / WIDTH);
    let dv_start = params.dv_offset + place * params.dv_row + kv_head * (E / WIDTH);
    for (var c = 0u; c < D4; c++) { put(dk_start, c, D, dk[c] * params.scale); }
    for (var c = 0u; c < E4; c++) { put(dv_start, c, E, dv[c]); }
}
