// Epilogue of a split matmul's first pass: y keeps the partial sums [splits, batch, m, n] for matmul_split.wgsl.

@group(0) @binding(3) var<storage, read_write> partial: array<F>;

fn epilogue(acc: F, i: u32) {
    partial[i] = acc;
}
