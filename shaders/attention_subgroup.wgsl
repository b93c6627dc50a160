// attention_subgroup: y[b, i, h, :] = sum over j of p[j] v[b, j, h / group, :], p = softmax over j of scale q[b, i, h, :] . k[b, j, h / group, :] + mask[b, j]
// Shapes    q [batch, queries, heads, D]   k [batch, keys, kv_heads, D]   v [batch, keys, kv_heads, E]   mask [batch, keys]   y [batch, queries, heads, E]
// Bindings  0 read q | 1 read k | 2 read v | 3 read mask | 4 uniform Params | 5 read_write y
// Workgroup [WG, 1, 1], an invocation per four queries of a head, grid [batch heads ceil(queries / (4 WG)), folded to 3 dimensions]
// Overrides WG = 8 (a multiple of the largest subgroup size)
// Reference src/ops/attention.rs
//
// Like attention, for software adapters, where a load costs as much as many multiply-adds. Needs
// subgroups of 8 lanes or more. Two keys at a time, so that the sums are rescaled half as often;
// more would take long to compile.

@group(0) @binding(5) var<storage, read_write> y: array<F>;

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
    let queries_low = q_blocks(q_start, 0u, params.scale);
    var queries_high: Blocks;
    if D8 > 1u { queries_high = q_blocks(q_start, 8u, params.scale); }
    var sums_low: Blocks;
    var sums_high: Blocks;
    var largest = vec4<f32>(LEFT_OUT);
    var total = vec4<f32>(0.0);
    // The same for all lanes, because they cooperate.
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
        s0 = select(vec4<f32>(LEFT_OUT), s0, vec4<u32>(j) < ends);
        s1 = select(vec4<f32>(LEFT_OUT), s1, vec4<u32>(j + 1u) < ends);
        let top = max(largest, max(s0, s1));
        let shrink = exp(largest - top);
        largest = top;
        let p0 = weight(s0, top);
        let p1 = weight(s1, top);
        total = fma(total, shrink, p0 + p1);
        let added = add_weighted(shrunk(sums_low, shrink), p0, v4(v_start + j * params.v_row, lane_block(0u, lane, E4)));
        sums_low = add_weighted(added, p1, v4(v_start + next * params.v_row, lane_block(0u, lane, E4)));
        if E8 > 1u {
            let added = add_weighted(shrunk(sums_high, shrink), p0, v4(v_start + j * params.v_row, lane_block(1u, lane, E4)));
            sums_high = add_weighted(added, p1, v4(v_start + next * params.v_row, lane_block(1u, lane, E4)));
        }
    }
    let factor = select(vec4<f32>(0.0), 1.0 / total, total > vec4<f32>(0.0));
    let y_start = ((b * params.queries + own) * params.heads + head) * (E / WIDTH);
    let live = own < vec4<u32>(params.queries);
    store_blocks(y_start, live, 0u, sums_low, factor);
    if E8 > 1u { store_blocks(y_start, live, 8u, sums_high, factor); }
}

// Writes blocks first .. first + 7 by rows to the live ones of four rows of y, each times its
// factor.
fn store_blocks(start: vec4<u32>, live: vec4<bool>, first: u32, all: Blocks, factors: vec4<f32>) {
    var blocks = all;
    for (var c = first; c < first + iterations(start.x); c++) {
        if c < E4 {
            let block = scaled(blocks[0], factors);
            if live.x { store(start.x, c, block[0]); }
            if live.y { store(start.y, c, block[1]); }
            if live.z { store(start.z, c, block[2]); }
            if live.w { store(start.w, c, block[3]); }
        }
        blocks = pushed(blocks, blocks[0]);
    }
}
