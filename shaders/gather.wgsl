// gather: y[i, j] = table[ids[i], j], and 0 past the last row; elements are moved as bits, in units of U
// Shapes    table [rows, row]   ids [count]   y [count, row]
// Bindings  0 read table | 1 read ids | 2 read_write y | 3 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(count row / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/gather.rs

override WG: u32 = 64u;

struct Params { rows: u32, count: u32, row: u32 }

@group(0) @binding(0) var<storage, read> table: array<U>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<U>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_group(group, size) * WG + lane;
    if i >= params.count * params.row { return; }
    let id = ids[i / params.row];
    var value = U(0u);
    if id < params.rows { value = table[id * params.row + i % params.row]; }
    y[i] = value;
}
