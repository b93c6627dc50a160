//! Recurrent layers from the definition in f64, one sample and one unit at a time.

use crate::graph::{Cell, Recurrence, RecurrenceGrad};
use crate::ops::Array;

use super::reserve_layout;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Hochreiter and Schmidhuber, "Long short-term memory", 1997, with forget gates (Gers, Schmidhuber
/// and Cummins, 2000); Cho et al., 2014, for the GRU, with the reset gate after the product as in
/// cuDNN.
pub(super) fn forward(op: &Recurrence, x: &[&Array], y: &mut Array) {
    let [input, w, bias, mask, first @ ..] = x else {
        return;
    };
    let (batch, time, hidden) = (input.shape[0], input.shape[1], w.shape[1]);
    let (gates, reserve) = (op.cell.gates(), reserve_layout(*op, time));
    let records = reserve.records();
    for b in 0..batch {
        let place = |record: usize, u: usize| (b * records + record) * hidden + u;
        for u in 0..hidden {
            y.data[place(reserve.h(0), u)] = first[0].data[b * hidden + u];
            if op.cell.has_memory() {
                y.data[place(reserve.c(0), u)] = first[1].data[b * hidden + u];
            }
        }
        for step in 0..time {
            let at = reserve.at(step);
            let old: Vec<f64> = (0..hidden)
                .map(|u| y.data[place(reserve.h(step), u)])
                .collect();
            for u in 0..hidden {
                // The parts of gate g from the input and from the state.
                let from_x =
                    |g: usize| input.data[(b * time + at) * gates * hidden + g * hidden + u];
                let from_h = |g: usize| {
                    let row = g * hidden + u;
                    let sum: f64 = (0..hidden).map(|k| old[k] * w.data[row * hidden + k]).sum();
                    sum + bias.data[row]
                };
                let all = |g: usize| from_x(g) + from_h(g);
                let mut kept = Vec::new();
                let c_old = match op.cell.has_memory() {
                    true => y.data[place(reserve.c(step), u)],
                    false => 0.0,
                };
                let (h, c) = match op.cell {
                    Cell::Tanh => (all(0).tanh(), 0.0),
                    Cell::Relu => (all(0).max(0.0), 0.0),
                    Cell::Lstm => {
                        let (i, f, o) = (sigmoid(all(0)), sigmoid(all(1)), sigmoid(all(3)));
                        let g = all(2).tanh();
                        kept.extend([i, f, g, o]);
                        let c = f * c_old + i * g;
                        (o * c.tanh(), c)
                    }
                    Cell::Gru => {
                        let (r, z, q) = (sigmoid(all(0)), sigmoid(all(1)), from_h(2));
                        let n = (from_x(2) + r * q).tanh();
                        kept.extend([r, z, n, q]);
                        ((1.0 - z) * n + z * old[u], 0.0)
                    }
                };
                let live = mask.data[b * time + at] != 0.0;
                y.data[place(reserve.h(step + 1), u)] = if live { h } else { old[u] };
                if op.cell.has_memory() {
                    y.data[place(reserve.c(step + 1), u)] = if live { c } else { c_old };
                }
                if op.record {
                    for (i, value) in kept.into_iter().enumerate() {
                        y.data[place(reserve.kept(step) + i, u)] = value;
                    }
                }
            }
        }
    }
}

/// The chain rule, from the last step to the first (Werbos, "Backpropagation through time", 1990).
pub(super) fn backward(op: &RecurrenceGrad, x: &[&Array], y: &mut Array) {
    let [reserve, w, mask, dy] = x else {
        return;
    };
    let (batch, time, hidden) = (mask.shape[0], mask.shape[1], w.shape[1]);
    let (cell, layout) = (op.of.cell, reserve_layout(op.of, time));
    let (records, outputs) = (layout.records(), layout.outputs());
    let (rows, planes) = (op.rows(time), cell.planes());
    for b in 0..batch {
        let recorded = |record: usize, u: usize| reserve.data[(b * records + record) * hidden + u];
        let given = |record: usize, u: usize| dy.data[(b * outputs + record) * hidden + u];
        let mut dh = vec![0.0; hidden];
        let mut dc = vec![0.0; hidden];
        for u in 0..hidden {
            dh[u] = given(layout.h(time), u);
            if cell.has_memory() {
                dc[u] = given(layout.c(time), u);
            }
        }
        for step in (0..time).rev() {
            let at = layout.at(step);
            let live = mask.data[b * time + at] != 0.0;
            let to = |plane: usize, u: usize| ((b * rows + at) * planes + plane) * hidden + u;
            let mut before = vec![0.0; hidden];
            for u in 0..hidden {
                if !live {
                    before[u] = dh[u];
                    continue;
                }
                let kept = |i: usize| recorded(layout.kept(step) + i, u);
                let d: Vec<f64> = match cell {
                    Cell::Tanh => {
                        let h = recorded(layout.h(step + 1), u);
                        vec![dh[u] * (1.0 - h * h)]
                    }
                    Cell::Relu => {
                        let passes = recorded(layout.h(step + 1), u) > 0.0;
                        vec![if passes { dh[u] } else { 0.0 }]
                    }
                    Cell::Lstm => {
                        let (i, f, g, o) = (kept(0), kept(1), kept(2), kept(3));
                        let c_old = recorded(layout.c(step), u);
                        let t = (f * c_old + i * g).tanh();
                        let into = dc[u] + dh[u] * o * (1.0 - t * t);
                        dc[u] = into * f;
                        vec![
                            into * g * i * (1.0 - i),
                            into * c_old * f * (1.0 - f),
                            into * i * (1.0 - g * g),
                            dh[u] * t * o * (1.0 - o),
                        ]
                    }
                    Cell::Gru => {
                        let (r, z, n, q) = (kept(0), kept(1), kept(2), kept(3));
                        let old = recorded(layout.h(step), u);
                        before[u] = dh[u] * z;
                        let dn = dh[u] * (1.0 - z) * (1.0 - n * n);
                        let dz = dh[u] * (old - n) * z * (1.0 - z);
                        vec![dn, dn * q * r * (1.0 - r), dz, dn * r]
                    }
                };
                for (plane, d) in d.into_iter().enumerate() {
                    y.data[to(plane, u)] = d;
                }
            }
            for k in 0..cell.gates() * hidden {
                let d = y.data[to(cell.first_sum(), 0) + k];
                for (u, before) in before.iter_mut().enumerate() {
                    *before += d * w.data[k * hidden + u];
                }
            }
            for (u, before) in before.iter().enumerate() {
                dh[u] = before + given(layout.h(step), u);
            }
        }
        if op.state {
            let last = (b * rows + time) * planes * hidden;
            y.data[last..last + hidden].copy_from_slice(&dh);
            if cell.has_memory() {
                y.data[last + hidden..last + 2 * hidden].copy_from_slice(&dc);
            }
        }
    }
}
