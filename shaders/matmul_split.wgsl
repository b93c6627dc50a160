// matmul_split: y[i] = partial[0, i] + partial[1, i] + ..., the second pass of a matmul whose k is split
// Shapes    partial [splits, batch, m, n]   y [batch, m, n]
// Bindings  0 read partial | 2 uniform Params | 3 and on: those of the epilogue
// Workgroup [WG, 1, 1], WG values of type F, grid [workgroups folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/matmul.rs
//
// Parts: lib/matmul, one lib/matmul_store_*, an epilogue. The first pass stores them in its
// epilogue. The number of splits depends only on the shape, so that tuning never changes a result.

@group(0) @binding(0) var<storage, read> partial: array<F>;

override WG: u32 = 64u;

@compute @workgroup_size(WG, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + local;
    let outputs = params.batch * params.m * params.n / F_WIDTH;
    if i >= outputs { return; }
    var c = partial[i];
    for (var split = 1u; split < params.splits; split++) {
        c += partial[split * outputs + i];
    }
    epilogue(c, i);
}
