// The further buffers of the attention gradient shaders.

@group(0) @binding(5) var<storage, read> dy: array<F>;
@group(0) @binding(6) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<F>;
