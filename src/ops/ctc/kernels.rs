//! The kernels of CTC: a workgroup computes a sample through all frames, and its invocations share
//! the states.

use crate::graph::Ctc;
use crate::kernel::{Binding, Kernel, Operand, Part, Variant, wgsl};
use crate::ops::{LowerContext, grid};

use super::Sizes;

/// The bits of an infinite loss.
const INFINITE: u32 = f32::INFINITY.to_bits();

/// The number of alternating rows of states if only the previous frame is needed.
const ALTERNATING_ROWS: usize = 2;

fn params(op: &Ctc, s: Sizes, rows: usize, impossible: u32) -> Vec<u32> {
    let sizes = [s.batch, s.time, s.classes, s.labels, rows].map(|n| n as u32);
    sizes.into_iter().chain([op.blank, impossible]).collect()
}

/// Returns a dispatch with one workgroup per sample, whose first bindings are the op's inputs.
fn by_sample(
    (label, shader): (&'static str, Part),
    s: Sizes,
    more: Vec<Binding>,
    cx: &LowerContext,
) -> Kernel {
    let inputs = cx.inputs.iter().take(4).map(|&x| Binding::Read(x));
    Kernel {
        label,
        parts: vec![wgsl!("lib/index"), wgsl!("lib/ctc"), shader],
        overrides: vec![("WG", grid::row_workgroup(cx.limits, s.states()))],
        bindings: inputs.chain(more).collect(),
        workgroups: cx.limits.fold(s.batch as u64),
    }
}

pub(super) fn forward(op: &Ctc, s: Sizes, cx: &LowerContext) -> Variant {
    let impossible = if op.zero_infinity { 0 } else { INFINITE };
    let more = vec![
        Binding::Write(Operand::Scratch(0)),
        Binding::Write(cx.output),
        Binding::Uniform(params(op, s, ALTERNATING_ROWS, impossible)),
    ];
    Variant {
        kernels: vec![by_sample(("ctc", wgsl!("ctc")), s, more, cx)],
        scratch: vec![4 * (s.batch * ALTERNATING_ROWS * s.states()) as u64],
    }
}

pub(super) fn backward(op: &Ctc, s: Sizes, cx: &LowerContext) -> Variant {
    // Workspaces: the forward recursion, which becomes the probability of each state; the losses;
    // the backward recursion.
    let [up_to, loss, after] = [0, 1, 2].map(Operand::Scratch);
    let uniform = || Binding::Uniform(params(op, s, s.time, INFINITE));
    let forth = vec![Binding::Write(up_to), Binding::Write(loss), uniform()];
    let back = vec![
        Binding::Read(loss),
        Binding::Write(up_to),
        Binding::Write(after),
        uniform(),
    ];
    let linear = |label, shader, bindings, count| Kernel {
        label,
        parts: vec![wgsl!("lib/index"), shader],
        overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
        bindings,
        workgroups: grid::linear(cx.limits, count),
    };
    let all = cx.y.shape.len();
    let zeros = vec![
        Binding::Write(cx.output),
        Binding::Uniform(vec![all as u32]),
    ];
    let mut gather: Vec<Binding> = [up_to, loss].map(Binding::Read).into();
    gather.extend(cx.inputs.iter().skip(1).map(|&x| Binding::Read(x)));
    gather.extend([Binding::Write(cx.output), uniform()]);
    let classes = s.batch * s.time * (s.labels + 1);
    Variant {
        kernels: vec![
            by_sample(("ctc", wgsl!("ctc")), s, forth, cx),
            by_sample(("ctc_back", wgsl!("ctc_back")), s, back, cx),
            linear("fill_zeros", wgsl!("fill_zeros"), zeros, all),
            linear("ctc_grad", wgsl!("ctc_grad"), gather, classes),
        ],
        scratch: vec![
            4 * (s.batch * s.time * s.states()) as u64,
            4 * s.batch as u64,
            4 * (s.batch * ALTERNATING_ROWS * s.states()) as u64,
        ],
    }
}
