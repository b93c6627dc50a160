// attention_grad_kv_subgroup: dv[b, j, g, :] = sum over h of the group and i of p dy[b, i, h, :]; dk = scale sum of p (dy . v - delta) q[b, i, h, :]; p = e^(score - lse)
// Shapes    q, k, v, mask as in attention   dy [batch, queries, heads, E]   delta, lse [batch, queries, heads]   dx holds dq, dk and dv
// Bindings  0 read q | 1 read k | 2 read v | 3 read mask | 4 uniform Params | 5 read dy | 6 read delta | 7 read_write dx | 8 read lse
// Workgroup [WG, 1, 1], four keys of a head of keys an invocation, grid [batch kv_heads ceil(keys / (4 WG)), folded to 3 dimensions]
// Overrides WG = 8 (a multiple of the largest subgroup size)
// Reference src/ops/attention.rs

override WG: u32 = 8u;

@group(0) @binding(8) var<storage, read> lse: array<f32>;

// e^(s - lse) for the keys from first on that query i sees.
fn weight_of(s: vec4<f32>, lse: vec4<f32>, i: u32, keys: vec4<u32>) -> vec4<f32> {
    let sees = i < params.queries;
    return select(vec4<f32>(0.0), weight(s, lse), vec4<bool>(sees) & (keys < vec4<u32>(keys_of(i))));
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let number = linear_group(group, size);
    let kv_heads = params.heads / params.group;
    let blocks = (params.keys + 4u * WG - 1u) / (4u * WG);
    let kv_head = number / blocks % kv_heads;
    let b = number / (blocks * kv_heads);
    if b >= params.batch { return; }
    let first = number % blocks * 4u * WG;
    let own = vec4<u32>(first + 4u * local) + vec4<u32>(0u, 1u, 2u, 3u);
    let j = min(own, vec4<u32>(params.keys - 1u));
    let k_start = params.k_offset + (b * params.keys + j) * params.k_row + kv_head * (D / WIDTH);
    let v_start = params.v_offset + (b * params.keys + j) * params.v_row + kv_head * (E / WIDTH);
    let added = vec4<f32>(bias(b, j.x), bias(b, j.y), bias(b, j.z), bias(b, j.w));
    var key: array<mat4x4<f32>, D4>;
    for (var c = 0u; c < D4; c++) {
        key[c] = transpose(mat4x4<f32>(k4(k_start.x, c), k4(k_start.y, c), k4(k_start.z, c), k4(k_start.w, c))) * params.scale;
    }
    var value: array<mat4x4<f32>, E4>;
    for (var c = 0u; c < E4; c++) {
        value[c] = transpose(mat4x4<f32>(v4(v_start.x, c), v4(v_start.y, c), v4(v_start.z, c), v4(v_start.w, c)));
    }
    var dk: array<mat4x4<f32>, D4>;
    var dv: array<mat4x4<f32>, E4>;
    for (var g = 0u; g < params.group; g++) {
        let head = kv_head * params.group + g;
        let q_start = params.q_offset + b * params.queries * params.q_row + head * (D / WIDTH);
        for (var i = first_query(first); i < params.queries; i += 8u) {
            let mine = min(i + lane % 8u, params.queries - 1u);
            let row = (b * params.queries + mine) * params.heads + head;
            var s = Scores(added, added, added, added, added, added, added, added);
            for (var c = 0u; c < D4; c++) { s = add_tile(s, key[c], q4(q_start + mine * params.q_row, c)); }
            var dp = spread_number(-delta[row]);
            for (var c = 0u; c < E4; c++) { dp = add_tile(dp, value[c], dy4(row * (E / WIDTH), c)); }
            let top = spread_number(lse[row]);
            let p = Scores(
                weight_of(s.s0, top.s0, i, own), weight_of(s.s1, top.s1, i + 1u, own),
                weight_of(s.s2, top.s2, i + 2u, own), weight_of(s.s3, top.s3, i + 3u, own),
                weight_of(s.s4, top.s4, i + 4u, own), weight_of(s.s5, top.s5, i + 5u, own),
                weight_of(s.s6, top.s6, i + 6u, own), weight_of(s.s7, top.s7, i + 7u, own),
            );
            let ds = times(p, dp);
            for (var c = 0u; c < D4; c++) { dk[c] = add_rows(dk[c], ds, q4(q_start + mine * params.q_row, c)); }
            for (var c = 0u; c < E4; c++) { dv[c] = add_rows(dv[c], p, dy4(row * (E / WIDTH), c)); }
        }
    }
    let place = b * params.keys + own;
    let dk_start = params.dk_offset + place * params.dk_row + kv_head * (D / WIDTH);
    let dv_start = params.dv_offset + place * params.dv_row + kv_head * (E / WIDTH);
    for (var c = 0u; c < D4; c++) {
        let block = dk[c] * params.scale;
        if own.x < params.keys { put(dk_start.x, c, D, block[0]); }
        if own.y < params.keys { put(dk_start.y, c, D, block[1]); }
        if own.z < params.keys { put(dk_start.z, c, D, block[2]); }
        if own.w < params.keys { put(dk_start.w, c, D, block[3]); }
    }
    for (var c = 0u; c < E4; c++) {
        if own.x < params.keys { put(dv_start.x, c, E, dv[c][0]); }
        if own.y < params.keys { put(dv_start.y, c, E, dv[c][1]); }
        if own.z < params.keys { put(dv_start.z, c, E, dv[c][2]); }
        if own.w < params.keys { put(dv_start.w, c, E, dv[c][3]); }
    }
}
