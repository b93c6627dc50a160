// radix_count: bins[d, r] = the number of keys of run r with the digit d: (key >> shift) mod digits
// Shapes    pairs [count]   bins [digits, runs]
// Bindings  0 read pairs | 1 read_write bins | 2 uniform Params
// Workgroup [WG, 1, 1], an invocation per run, grid [ceil(runs / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/scatter_add.rs

override WG: u32 = 64u;

struct Params { count: u32, run: u32, runs: u32, shift: u32, digits: u32 }

@group(0) @binding(0) var<storage, read> pairs: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> bins: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = linear_group(group, size) * WG + lane;
    if r >= params.runs { return; }
    for (var d = 0u; d < params.digits; d++) { bins[d * params.runs + r] = 0u; }
    let end = min((r + 1u) * params.run, params.count);
    for (var i = r * params.run; i < end; i++) {
        let d = (pairs[i].x >> params.shift) & (params.digits - 1u);
        bins[d * params.runs + r] += 1u;
    }
}
