// roofline_fma: y[i] = a chain of fused multiply-adds of registers, to measure the arithmetic rate
// Shapes    y [invocations] vectors of four
// Bindings  0 read_write y | 1 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(invocations / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/exec/roofline.rs

override WG: u32 = 64u;

struct Params { rounds: u32, factor: f32, step: f32 }

@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(1) var<uniform> params: Params;

// Eight independent chains keep two units with a latency of four cycles busy.
@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_group(group, size) * WG + lane;
    let k = vec4<f32>(params.factor);
    let c = vec4<f32>(params.step);
    var a = vec4<f32>(f32(lane), 1.0, 2.0, 3.0);
    var b = vec4<f32>(f32(lane), 4.0, 5.0, 6.0);
    for (var round = 0u; round < params.rounds; round++) {
        a = fma(a, k, c); b = fma(b, k, c); a = fma(a, k, c); b = fma(b, k, c);
        a = fma(a, k, c); b = fma(b, k, c); a = fma(a, k, c); b = fma(b, k, c);
        a = fma(a, k, c); b = fma(b, k, c); a = fma(a, k, c); b = fma(b, k, c);
        a = fma(a, k, c); b = fma(b, k, c); a = fma(a, k, c); b = fma(b, k, c);
        a = fma(a, k, c); b = fma(b, k, c); a = fma(a, k, c); b = fma(b, k, c);
        a = fma(a, k, c); b = fma(b, k, c); a = fma(a, k, c); b = fma(b, k, c);
        a = fma(a, k, c); b = fma(b, k, c); a = fma(a, k, c); b = fma(b, k, c);
        a = fma(a, k, c); b = fma(b, k, c); a = fma(a, k, c); b = fma(b, k, c);
    }
    if i < arrayLength(&y) { y[i] = a + b; }
}
