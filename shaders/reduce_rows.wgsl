// reduce_rows: y[o] = the reduction of row o, in WG lanes and then as a tree
// Shapes    x [outer, n]   y [outer]
// Bindings  0 uniform Params | then those of the prologue, which computes x | then those of the epilogue, which stores y
// Workgroup [WG, 1, 1], a workgroup per row, grid [outer, folded to 3 dimensions]
// Overrides WG = 256 (power of two)
// Reference src/ops/reduce.rs

override WG: u32 = 256u;

struct Params { outer: u32, n: u32, start: f32 }

@group(0) @binding(0) var<uniform> params: Params;

var<workgroup> partial: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_group(group, size);
    // The same for the whole workgroup, so that no invocation skips a barrier.
    if row >= params.outer { return; }
    var acc = params.start;
    for (var i = lane; i < params.n; i += WG) {
        acc = combine(acc, prologue(row * params.n + i));
    }
    partial[lane] = acc;
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            partial[lane] = combine(partial[lane], partial[lane + half]);
        }
    }
    if lane == 0u { epilogue(partial[0], row); }
}
