// max_pool: y[p, i, j] = the largest x[p, r, c] of the window (i, j)
// Shapes    x [planes, size.x, size.y]   y [planes, out.x, out.y]
// Bindings  0 read x | 1 uniform Params | then those of the epilogue, which stores y
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/max_pool.rs

override WG: u32 = 64u;

@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.count { return; }
    let window = place(e);
    epilogue(largest(window.plane * params.size.x * params.size.y, window.at).value, e);
}
