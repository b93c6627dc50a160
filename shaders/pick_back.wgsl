// pick_back: y[r, at[r, j]] = x[r, j]; the positions of a row are distinct, and those past its end are ignored
// Shapes    x [rows, k]   at [rows, k]   y [rows, n], of zeros where k < n
// Bindings  0 read x | 1 read at | 2 read_write y | 3 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(rows k / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/sort/pick.rs

override WG: u32 = 64u;

struct Params { rows: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> at: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.rows * params.k { return; }
    let place = at[e];
    // The positions are distinct, so no two invocations write the same word.
    if place < params.n { y[e / params.k * params.n + place] = x[e]; }
}
