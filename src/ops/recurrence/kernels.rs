//! The kernels of recurrent layers: a transposition and the initial state, then one dispatch per
//! step.

use crate::graph::{Cell, Recurrence, RecurrenceGrad};
use crate::kernel::{Binding, Kernel, Operand, Part, Variant, libraries, prelude, wgsl};
use crate::ops::concat::place_rows;
use crate::ops::{LowerContext, grid};

use super::{Sizes, reserve_layout};

/// The index of a missing record or time.
const NONE: u32 = u32::MAX;

/// The number of samples per invocation.
const SAMPLES_PER_INVOCATION: usize = 4;

/// Returns the parts of a step's shader and the vector width in it.
fn parts(cell: Cell, hidden: usize, shader: Part) -> (Vec<Part>, usize) {
    let width = if hidden.is_multiple_of(4) { 4 } else { 1 };
    let mut parts = vec![
        prelude(width as u32),
        wgsl!("lib/index"),
        wgsl!("lib/recurrence"),
    ];
    parts.push(match width {
        4 => wgsl!("lib/recurrence_vec4"),
        _ => wgsl!("lib/recurrence_f32"),
    });
    parts.extend(libraries(["activation"]));
    match cell {
        Cell::Tanh => parts.push(wgsl!("lib/rnn_tanh")),
        Cell::Relu => parts.push(wgsl!("lib/rnn_relu")),
        Cell::Lstm | Cell::Gru => {}
    }
    parts.push(shader);
    (parts, width)
}

/// Returns the dispatch of a step.
fn step(
    label: &'static str,
    parts: &[Part],
    (s, units): (Sizes, usize),
    mut bindings: Vec<Binding>,
    params: &[usize],
    cx: &LowerContext,
) -> Kernel {
    let words = params.iter().map(|&p| u32::try_from(p).unwrap_or(NONE));
    bindings.push(Binding::Uniform(words.collect()));
    Kernel {
        label,
        parts: parts.to_vec(),
        overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
        bindings,
        workgroups: grid::linear(cx.limits, s.batch.div_ceil(SAMPLES_PER_INVOCATION) * units),
    }
}

pub(super) fn forward(op: &Recurrence, s: Sizes, cx: &LowerContext) -> Variant {
    let (cell, reserve) = (op.cell, reserve_layout(*op, s.time));
    let (label, shader) = match cell {
        Cell::Tanh | Cell::Relu => ("rnn", wgsl!("rnn")),
        Cell::Lstm => ("lstm", wgsl!("lstm")),
        Cell::Gru => ("gru", wgsl!("gru")),
    };
    let (parts, width) = parts(cell, s.hidden, shader);
    let (units, rows) = (s.hidden / width, cell.gates() * s.hidden);
    let transposed = Operand::Scratch(0);
    let mut kernels = vec![Kernel {
        label: "transpose",
        parts: vec![wgsl!("lib/index"), wgsl!("transpose")],
        overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
        bindings: vec![
            Binding::Read(cx.inputs[1]),
            Binding::Write(transposed),
            Binding::Uniform(vec![rows as u32, s.hidden as u32]),
        ],
        workgroups: grid::linear(cx.limits, rows * s.hidden),
    }];
    for (state, record) in cx.inputs[4..].iter().zip([reserve.h(0), reserve.c(0)]) {
        let (pitch, before) = (reserve.records() * s.hidden, record * s.hidden);
        let place = (s.batch, s.hidden, pitch, before);
        kernels.push(place_rows((*state, cx.output), place, cx.limits));
    }
    for done in 0..s.time {
        let bindings = vec![
            Binding::Read(cx.inputs[0]),
            Binding::Read(transposed),
            Binding::Read(cx.inputs[2]),
            Binding::Read(cx.inputs[3]),
            Binding::Write(cx.output),
        ];
        let gates = match op.record {
            true => reserve.kept(done),
            false => usize::MAX,
        };
        let params = [
            s.batch,
            units,
            s.time,
            reserve.records(),
            cell.gates() * units,
            reserve.at(done),
            reserve.h(done),
            reserve.h(done + 1),
            reserve.c(done),
            reserve.c(done + 1),
            gates,
        ];
        kernels.push(step(label, &parts, (s, units), bindings, &params, cx));
    }
    Variant {
        kernels,
        scratch: vec![(rows * s.hidden * 4) as u64],
    }
}

pub(super) fn backward(op: &RecurrenceGrad, s: Sizes, cx: &LowerContext) -> Variant {
    let (cell, reserve) = (op.of.cell, reserve_layout(op.of, s.time));
    let (label, shader) = match cell {
        Cell::Tanh | Cell::Relu => ("rnn_grad", wgsl!("rnn_grad")),
        Cell::Lstm => ("lstm_grad", wgsl!("lstm_grad")),
        Cell::Gru => ("gru_grad", wgsl!("gru_grad")),
    };
    let (parts, width) = parts(cell, s.hidden, shader);
    let units = s.hidden / width;
    let carry = Operand::Scratch(0);
    // Each dispatch completes the gradient of the state after `done` steps; the last one completes
    // that of the initial state.
    let least = if op.state { 0 } else { 1 };
    let kernels = (least..=s.time).rev().map(|done| {
        let [reserve_in, w, mask, dy] = [0, 1, 2, 3].map(|i| Binding::Read(cx.inputs[i]));
        let written = [Binding::Write(cx.output), Binding::Write(carry)];
        let bindings = [reserve_in, w, mask, dy]
            .into_iter()
            .chain(written)
            .collect();
        let now = done.checked_sub(1);
        let of_now = |f: &dyn Fn(usize) -> usize| now.map_or(usize::MAX, f);
        let params = [
            s.batch,
            units,
            s.time,
            reserve.records(),
            units,
            of_now(&|now| reserve.at(now)),
            of_now(&|now| reserve.h(now)),
            reserve.h(done),
            of_now(&|now| reserve.c(now)),
            reserve.c(s.time),
            // A plain layer keeps nothing but the state.
            of_now(&|now| match cell.kept() {
                0 => reserve.h(now + 1),
                _ => reserve.kept(now),
            }),
            reserve.outputs(),
            op.rows(s.time),
            match done < s.time {
                true => reserve.at(done),
                false => usize::MAX,
            },
        ];
        step(label, &parts, (s, units), bindings, &params, cx)
    });
    Variant {
        kernels: kernels.collect(),
        scratch: vec![(2 * s.batch * s.hidden * 4) as u64],
    }
}
