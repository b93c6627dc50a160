// What the shaders of attention's gradient read and write besides its inputs.

@group(0) @binding(5) var<storage, read> dy: array<F>;
@group(0) @binding(6) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<F>;
