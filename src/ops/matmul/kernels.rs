//! The kernels of the matrix product, and which of them fit which sizes.

use crate::graph::Matmul;
use crate::kernel::{Binding, Kernel, Variant, emit_tail, prelude, wgsl};
use crate::ops::LowerContext;
use crate::ops::grid;

use super::Sizes;

pub(super) fn variants(op: Matmul, s: Sizes, cx: &LowerContext) -> Vec<Variant> {
    let Some(tail) = cx.tail else {
        return Vec::new();
    };
    let tail = emit_tail(tail, 1, 3);
    let layout = match (op.ta, op.tb) {
        (false, false) => wgsl!("lib/matmul_nn"),
        (false, true) => wgsl!("lib/matmul_nt"),
        (true, false) => wgsl!("lib/matmul_tn"),
        (true, true) => wgsl!("lib/matmul_tt"),
    };
    let mut parts = vec![
        prelude(1),
        layout,
        wgsl!("lib/index"),
        wgsl!("matmul_naive"),
    ];
    parts.extend(tail.parts);
    let params = [s.m, s.n, s.k, s.batch].map(|d| d as u32).to_vec();
    let mut bindings = vec![
        Binding::Read(cx.inputs[0]),
        Binding::Read(cx.inputs[1]),
        Binding::Uniform(params),
    ];
    bindings.extend(tail.bindings);
    vec![
        Kernel {
            label: "matmul_naive",
            parts,
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings,
            workgroups: grid::linear(cx.limits, s.batch * s.m * s.n),
        }
        .into(),
    ]
}
