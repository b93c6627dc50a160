// max_pool_grad_cells: dx[p, r, c] = dy[p, i, j] where (r, c) is the largest element of the window (i, j), and 0 elsewhere
// Shapes    x [planes, size.x, size.y]   dy [planes, out.x, out.y]   dx like x
// Bindings  0 read x | 1 read dy | 2 uniform Params | then those of the epilogue, which stores dx
// Workgroup [WG, 1, 1], an invocation per window, with the elements up to the next windows, grid [ceil(count / WG), folded]
// Overrides WG = 64
// Reference src/ops/max_pool.rs
//
// For disjoint windows without padding: each is searched once.

override WG: u32 = 64u;

@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.count { return; }
    let cell = place(e);
    let start = cell.plane * params.size.x * params.size.y;
    var best = NOWHERE;
    var value = 0.0;
    // The last cells may not contain a whole window.
    if cell.at.x < params.out.x && cell.at.y < params.out.y {
        best = largest(start, cell.at).at;
        value = dy_get((cell.plane * params.out.x + cell.at.x) * params.out.y + cell.at.y);
    }
    let first = cell.at * params.stride;
    let end = min(first + params.stride, params.size);
    for (var r = first.x; r < end.x; r++) {
        for (var c = first.y; c < end.y; c++) {
            let at = r * params.size.y + c;
            epilogue(select(0.0, value, at == best), start + at);
        }
    }
}
