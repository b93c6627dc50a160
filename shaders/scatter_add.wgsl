// scatter_add: y[r, j] = sum over i with ids[i] = r of x[i, j], i ascending along r's chain, in units of F
// Shapes    x [count, row]   chains [count + rows]   y [rows, row]
// Bindings  0 read x | 1 read chains | 2 read_write y | 3 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(rows row / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/scatter_add.rs

override WG: u32 = 64u;

struct Params { rows: u32, count: u32, row: u32 }

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read> chains: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<F>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.rows * params.row { return; }
    let r = e / params.row;
    let j = e % params.row;
    var sum = F(0.0);
    for (var i = chains[params.count + r]; i < params.count; i = chains[i]) {
        sum += x[i * params.row + j];
    }
    y[e] = sum;
}
