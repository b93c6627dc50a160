//! Recurrent layers: all cells in both directions, with and without samples that end early.

use crate::doctor::case::{Case, Draw, case};
use crate::graph::{Cell, Op, Recurrence};
use crate::{DType, Source, Tensor};

/// Computes the layer's outputs from x, w, bias, mask and states.
fn layer(op: Recurrence, x: &[&Tensor]) -> Tensor {
    // Shifts the ReLUs away from their kinks, where finite differences are not valid.
    let far = match op.cell {
        Cell::Relu => x[0] + x[0].sign() * 6.0,
        _ => x[0].clone(),
    };
    let mut inputs = x.to_vec();
    inputs[0] = &far;
    let reserve = Tensor::apply(Op::Recurrence(op), &inputs, Source::caller());
    let outputs = x[0].dim(1) + 1 + usize::from(op.cell.has_memory());
    reserve.narrow(1, 0, outputs)
}

fn named(cell: Cell, reverse: bool) -> (&'static str, &'static str) {
    let op = match cell {
        Cell::Tanh => "rnn_tanh",
        Cell::Relu => "rnn_relu",
        Cell::Lstm => "lstm",
        Cell::Gru => "gru",
    };
    (op, if reverse { "reversed" } else { "forward" })
}

/// Batch, time steps and units.
type Sizes = (usize, usize, usize);

/// Adds the arguments x, w and bias.
fn with_weights(case: Case, cell: Cell, (batch, time, hidden): Sizes) -> Case {
    let width = cell.gates() * hidden;
    let bound = 1.0 / (hidden as f64).sqrt();
    case.f32([batch, time, width])
        .f32_in([width, hidden], -bound, bound)
        .f32_in([width], -bound, bound)
}

/// With an initial state, and a mask that excludes some samples at some steps.
fn masked(cell: Cell, reverse: bool, sizes: Sizes) -> Case {
    let (batch, time, hidden) = sizes;
    let (op, direction) = named(cell, reverse);
    let name = format!("{direction}_{batch}x{time}x{hidden}");
    let start = case(op, name, move |x| {
        let op = Recurrence {
            cell,
            reverse,
            record: true,
        };
        let mask = x[3].cast(DType::F32);
        let [first @ .., _] = x else { return mask };
        let state = if cell.has_memory() { x } else { first };
        let mut all = vec![&x[0], &x[1], &x[2], &mask];
        all.extend(&state[4..]);
        // Uses all arguments, so that each case has the same ones.
        let unused = x[5].sum(&[]) * 0.25;
        layer(op, &all) + unused
    });
    with_weights(start, cell, sizes)
        .argument(DType::Bool, [batch, time], Draw::Between(0.0, 2.0))
        .f32_in([batch, hidden], -1.0, 1.0)
        .f32_in([batch, hidden], -1.0, 1.0)
}

/// With an initial state of zeros and without a mask.
fn plain(cell: Cell, reverse: bool, sizes: Sizes, record: bool) -> Case {
    let (batch, time, hidden) = sizes;
    let (op, direction) = named(cell, reverse);
    let kind = if record { "from_zeros" } else { "unrecorded" };
    let name = format!("{kind}_{direction}_{batch}x{time}x{hidden}");
    let start = case(op, name, move |x| {
        let op = Recurrence {
            cell,
            reverse,
            record,
        };
        let constant = |value: f64, n: usize| x[0].constant_like(value).broadcast_to([batch, n]);
        let (mask, zeros) = (constant(1.0, time), constant(0.0, hidden));
        let mut all = vec![&x[0], &x[1], &x[2], &mask, &zeros];
        all.extend(cell.has_memory().then_some(&zeros));
        layer(op, &all)
    });
    let case = with_weights(start, cell, sizes);
    match record {
        true => case,
        false => case.no_gradient("keeps nothing for a gradient"),
    }
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for cell in [Cell::Tanh, Cell::Relu, Cell::Lstm, Cell::Gru] {
        for reverse in [false, true] {
            for sizes in [
                (1, 1, 1),
                (2, 3, 4),
                (3, 7, 7),
                (5, 2, 12),
                (0, 2, 3),
                (2, 9, 3),
                (7, 3, 5),
                (9, 4, 65),
            ] {
                cases.push(masked(cell, reverse, sizes));
            }
            cases.push(plain(cell, reverse, (6, 5, 8), true));
            cases.push(plain(cell, reverse, (3, 4, 5), false));
        }
    }
    let op = |x: &[Tensor]| {
        let op = Recurrence {
            cell: Cell::Gru,
            reverse: false,
            record: true,
        };
        layer(op, &x.iter().collect::<Vec<_>>())
    };
    cases.push(
        case("gru", "widths_differ", op)
            .f32([2, 3, 12])
            .f32([12, 5])
            .f32([12])
            .f32([2, 3])
            .f32([2, 5])
            .error("must fit x [batch, time, 3 hidden]"),
    );
    cases.push(
        case("gru", "no_step", op)
            .f32([2, 0, 12])
            .f32([12, 4])
            .f32([12])
            .f32([2, 0])
            .f32([2, 4])
            .error("with at least one step and one unit"),
    );
    cases
}
