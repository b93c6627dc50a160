// attention_grad_kv_subgroup: dv[b, j, g, :] = sum over h of the group and i of p dy[b, i, h, :]; dk = scale sum of p (dy . v - delta) q[b, i, h, :]; p = e^(score - lse)
// Shapes    q, k, v, mask as in attention   dy [batch, queries, heads, E]   delta, lse [batch, queries, heads]   dx holds dq, dk and dv
// Bindings  0 read q | 1 read k | 2 read v | 3 read mask | 4 uniform Params | 5 read dy | 6 read delta | 7 read_write dx | 8 read lse
// Workgroup [WG, 1, 1], an invocation per four keys of a kv head, grid [batch kv_heads ceil(keys / (4 WG)), folded to 3 dimensions]
// Overrides WG = 8 (a multiple of the largest subgroup size)
// Reference src/ops/attention.rs

@group(0) @binding(8) var<storage, read> lse: array<f32>;

override WG: u32 = 8u;

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
    let key_low = k_blocks(k_start, 0u, 1.0);
    var key_high: Blocks;
    if D8 > 1u { key_high = k_blocks(k_start, 8u, 1.0); }
    let value_low = v_blocks(v_start, 0u);
    var value_high: Blocks;
    if E8 > 1u { value_high = v_blocks(v_start, 8u); }
    var dk_low: Blocks;
    var dk_high: Blocks;
    var dv_low: Blocks;
    var dv_high: Blocks;
    for (var h = 0u; h < params.group; h++) {
        let head = kv_head * params.group + h;
        let q_start = params.q_offset + b * params.queries * params.q_row + head * (D / WIDTH);
        for (var i = first_query(first); i < params.queries; i++) {
            let row = (b * params.queries + i) * params.heads + head;
            var s = added;
            // The query is scaled and not the key, as in the computation of lse, so that the score
            // has the same bits.
            s = add_row(s, key_low, q4(q_start + i * params.q_row, lane_block(0u, lane, D4)) * params.scale);
            if D8 > 1u {
                s = add_row(s, key_high, q4(q_start + i * params.q_row, lane_block(1u, lane, D4)) * params.scale);
            }
            var dp = vec4<f32>(-delta[row]);
            dp = add_row(dp, value_low, dy4(row * (E / WIDTH), lane_block(0u, lane, E4)));
            if E8 > 1u {
                dp = add_row(dp, value_high, dy4(row * (E / WIDTH), lane_block(1u, lane, E4)));
            }
            let seen = own < vec4<u32>(keys_of(i));
            let p = select(vec4<f32>(0.0), weight(s, vec4<f32>(lse[row])), seen);
            dk_low = add_weighted(dk_low, p * dp, q4(q_start + i * params.q_row, lane_block(0u, lane, D4)));
            if D8 > 1u {
                dk_high = add_weighted(dk_high, p * dp, q4(q_start + i * params.q_row, lane_block(1u, lane, D4)));
            }
            dv_low = add_weighted(dv_low, p, dy4(row * (E / WIDTH), lane_block(0u, lane, E4)));
            if E8 > 1u {
                dv_high = add_weighted(dv_high, p, dy4(row * (E / WIDTH), lane_block(1u, lane, E4)));
            }
        }
    }
    let place = b * params.keys + own;
    let dk_start = params.dk_offset + place * params.dk_row + kv_head * (D / WIDTH);
    let dv_start = params.dv_offset + place * params.dv_row + kv_head * (E / WIDTH);
    let live = own < vec4<u32>(params.keys);
    put_blocks(dk_start, live, 0u, D, dk_low, vec4<f32>(params.scale));
    if D8 > 1u { put_blocks(dk_start, live, 8u, D, dk_high, vec4<f32>(params.scale)); }
    put_blocks(dv_start, live, 0u, E, dv_low, vec4<f32>(1.0));
    if E8 > 1u { put_blocks(dv_start, live, 8u, E, dv_high, vec4<f32>(1.0)); }
}
