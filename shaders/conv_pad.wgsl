// conv_pad: y[p, before.x + step.x i, before.y + step.y j] = x[p, i, j], and 0 elsewhere
// Shapes    x [planes, inner.x, inner.y]   y [planes, outer.x, 4 fours]
// Bindings  0 read x | 1 read_write y | 2 uniform Params
// Workgroup [WG, 1, 1], an invocation per four elements of a row, grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64 | SPREAD = 1 (0 where both steps are 1)
// Reference src/ops/conv/images.rs

override WG: u32 = 64u;
override SPREAD: u32 = 1u;

struct Params {
    inner: vec2<u32>,
    before: vec2<u32>, // wraps around if the first elements of x are outside of y
    step: vec2<u32>,
    step_inverse: vec2<f32>,
    outer: u32, // rows of y
    fours: u32, // invocations per row
    count: u32,
    outer_inverse: f32,
    fours_inverse: f32,
    unused0: u32,
    unused1: u32,
    unused2: u32,
}

@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

// Returns the indices in x of positions in y, or an index past its end. Positions before the first
// element wrap around to large numbers.
fn inside(at: vec4<u32>, step: u32, inverse: f32) -> vec4<u32> {
    if SPREAD == 0u { return at; }
    // The range in which `quotients` is exact.
    let distance = min(at, vec4<u32>(0x3fffffffu));
    let i = quotients(distance, step, inverse);
    return select(vec4<u32>(0xffffffffu), i, i * step == at);
}

fn element(start: u32, column: u32, in_row: bool) -> f32 {
    if in_row && column < params.inner.y { return x_get(start + column); }
    return 0.0;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.count { return; }
    let line = quotient(e, params.fours, params.fours_inverse);
    let plane = quotient(line, params.outer, params.outer_inverse);
    let at = vec4<u32>(line - plane * params.outer - params.before.x);
    let row = inside(at, params.step.x, params.step_inverse.x).x;
    let first = 4u * (e - line * params.fours) - params.before.y;
    let places = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
    let columns = inside(places, params.step.y, params.step_inverse.y);
    let in_row = row < params.inner.x;
    let start = (plane * params.inner.x + row) * params.inner.y;
    y[e] = vec4<f32>(
        element(start, columns.x, in_row),
        element(start, columns.y, in_row),
        element(start, columns.z, in_row),
        element(start, columns.w, in_row),
    );
}
