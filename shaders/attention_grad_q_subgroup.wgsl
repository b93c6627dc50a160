// attention_grad_q_subgroup: dq[b, i, h, :] = scale sum over j of p[j] (dy[b, i, h, :] . v[b, j] - delta[b, i, h]) k[b, j, h / group, :]; lse[b, i, h] = ln(sum of e^score)
// Shapes    q, k, v, mask as in attention   dy [batch, queries, heads, E]   delta, lse [batch, queries, heads]   dx holds dq, dk and dv
// Bindings  0 read q | 1 read k | 2 read v | 3 read mask | 4 uniform Params | 5 read dy | 6 read delta | 7 read_write dx | 8 read_write lse
// Workgroup [WG, 1, 1], an invocation per four queries of a head, grid [batch heads ceil(queries / (4 WG)), folded to 3 dimensions]
// Overrides WG = 8 (a multiple of the largest subgroup size)
// Reference src/ops/attention.rs

@group(0) @binding(8) var<storage, read_write> lse: array<f32>;

override WG: u32 = 8u;

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
    // Queries past the last one repeat the last one; only their stores are skipped.
    let own = vec4<u32>(first + 4u * local) + vec4<u32>(0u, 1u, 2u, 3u);
    let i = min(own, vec4<u32>(params.queries - 1u));
    let q_start = params.q_offset + (b * params.queries + i) * params.q_row + head * (D / WIDTH);
    let k_start = params.k_offset + b * params.keys * params.k_row + head / params.group * (D / WIDTH);
    let v_start = params.v_offset + b * params.keys * params.v_row + head / params.group * (E / WIDTH);
    let ends = vec4<u32>(keys_of(i.x), keys_of(i.y), keys_of(i.z), keys_of(i.w));
    let row = (b * params.queries + i) * params.heads + head;
    let dy_start = row * (E / WIDTH);
    let middle = vec4<f32>(delta[row.x], delta[row.y], delta[row.z], delta[row.w]);
    let queries_low = q_blocks(q_start, 0u, params.scale);
    var queries_high: Blocks;
    if D8 > 1u { queries_high = q_blocks(q_start, 8u, params.scale); }
    let given_low = dy_blocks(dy_start, 0u);
    var given_high: Blocks;
    if E8 > 1u { given_high = dy_blocks(dy_start, 8u); }
    var sums_low: Blocks;
    var sums_high: Blocks;
    var largest = vec4<f32>(LEFT_OUT);
    var total = vec4<f32>(0.0);
    let end = keys_of(min(first + 4u * WG, params.queries) - 1u);
    for (var j = 0u; j < end; j += 2u) {
        let next = min(j + 1u, params.keys - 1u);
        var s0 = vec4<f32>(bias(b, j));
        var s1 = vec4<f32>(bias(b, next));
        s0 = add_row(s0, queries_low, k4(k_start + j * params.k_row, lane_block(0u, lane, D4)));
        s1 = add_row(s1, queries_low, k4(k_start + next * params.k_row, lane_block(0u, lane, D4)));
        if D8 > 1u {
            s0 = add_row(s0, queries_high, k4(k_start + j * params.k_row, lane_block(1u, lane, D4)));
            s1 = add_row(s1, queries_high, k4(k_start + next * params.k_row, lane_block(1u, lane, D4)));
        }
        var dp0 = -middle;
        var dp1 = -middle;
        dp0 = add_row(dp0, given_low, v4(v_start + j * params.v_row, lane_block(0u, lane, E4)));
        dp1 = add_row(dp1, given_low, v4(v_start + next * params.v_row, lane_block(0u, lane, E4)));
        if E8 > 1u {
            dp0 = add_row(dp0, given_high, v4(v_start + j * params.v_row, lane_block(1u, lane, E4)));
            dp1 = add_row(dp1, given_high, v4(v_start + next * params.v_row, lane_block(1u, lane, E4)));
        }
        s0 = select(vec4<f32>(LEFT_OUT), s0, vec4<u32>(j) < ends);
        s1 = select(vec4<f32>(LEFT_OUT), s1, vec4<u32>(j + 1u) < ends);
        let top = max(largest, max(s0, s1));
        let shrink = exp(largest - top);
        largest = top;
        let p0 = weight(s0, top);
        let p1 = weight(s1, top);
        total = fma(total, shrink, p0 + p1);
        let added = add_weighted(shrunk(sums_low, shrink), p0 * dp0, k4(k_start + j * params.k_row, lane_block(0u, lane, D4)));
        sums_low = add_weighted(added, p1 * dp1, k4(k_start + next * params.k_row, lane_block(0u, lane, D4)));
        if D8 > 1u {
            let added = add_weighted(shrunk(sums_high, shrink), p0 * dp0, k4(k_start + j * params.k_row, lane_block(1u, lane, D4)));
            sums_high = add_weighted(added, p1 * dp1, k4(k_start + next * params.k_row, lane_block(1u, lane, D4)));
        }
    }
    let some = total > vec4<f32>(0.0);
    // The weights of a query that sees no key must be 0.
    let logs = select(vec4<f32>(-LEFT_OUT), largest + log(total), some);
    let live = own < vec4<u32>(params.queries);
    if live.x { lse[row.x] = logs.x; }
    if live.y { lse[row.y] = logs.y; }
    if live.z { lse[row.z] = logs.z; }
    if live.w { lse[row.w] = logs.w; }
    let factor = select(vec4<f32>(0.0), params.scale / total, some);
    let start = params.dq_offset + (b * params.queries + own) * params.dq_row + head * (D / WIDTH);
    put_blocks(start, live, 0u, D, sums_low, factor);
    if D8 > 1u { put_blocks(start, live, 8u, D, sums_high, factor); }
}
