// max_pool_grad: dx[p, r, c] = sum of dy[p, i, j] over the windows (i, j) whose largest element is (r, c)
// Shapes    x [planes, size.x, size.y]   dy [planes, out.x, out.y]   dx like x
// Bindings  0 read x | 1 read dy | 2 uniform Params | then those of the epilogue, which stores dx
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/max_pool.rs

override WG: u32 = 64u;

@group(0) @binding(2) var<uniform> params: Params;

// Returns the last window that begins at or before position `at` of the padded image.
fn last_window(at: u32, out: u32, stride: u32, inverse: f32) -> u32 {
    return min(quotient(at, stride, inverse), out - 1u);
}

// Returns the first window whose last element is at or after position `at` of the padded image.
fn first_window(at: u32, reach: u32, stride: u32, inverse: f32) -> u32 {
    if at < reach { return 0u; }
    return quotient(at - reach, stride, inverse) + 1u;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.count { return; }
    let element = place(e);
    let plane = element.plane;
    let start = plane * params.size.x * params.size.y;

    let at = element.at + params.padding;
    let reach = (params.kernel - vec2<u32>(1u)) * params.dilation + vec2<u32>(1u);
    let i0 = first_window(at.x, reach.x, params.stride.x, params.stride_inverse.x);
    let j0 = first_window(at.y, reach.y, params.stride.y, params.stride_inverse.y);
    let i1 = last_window(at.x, params.out.x, params.stride.x, params.stride_inverse.x);
    let j1 = last_window(at.y, params.out.y, params.stride.y, params.stride_inverse.y);
    var sum = 0.0;
    for (var i = i0; i <= i1; i++) {
        for (var j = j0; j <= j1; j++) {
            if largest(start, vec2<u32>(i, j)).at == e - start {
                sum += dy_get((plane * params.out.x + i) * params.out.y + j);
            }
        }
    }
    epilogue(sum, e);
}
