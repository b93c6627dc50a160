//! Recurrent layers on the CPU: a thread computes some samples through all steps, so no step waits
//! for another thread.

use crate::graph::{Cell, Recurrence, RecurrenceGrad};
use crate::ops::HostRef;
use crate::ops::elementwise::Fast;
use crate::ops::gemm::{Strides, gemm_here};
use crate::ops::rows::widest;
use crate::ops::threads;

use super::{ReserveLayout, Sizes, reserve_layout};

/// The number of multiplications from which more than one thread is used.
const PARALLEL_FROM: usize = 1 << 18;

/// The number of samples that are computed together, which makes the product fast. It is a
/// constant, because the product may add in a different order for a different number of rows.
const BLOCK_SAMPLES: usize = 8;

/// Stores `w [rows, columns]` by columns, which makes a product with few rows several times faster.
fn transposed(w: &[f32], (rows, columns): (usize, usize)) -> Vec<f32> {
    // Copies a cache line of each column at a time.
    const LINE: usize = 16;
    let mut y = vec![0.0; rows * columns];
    for first in (0..rows).step_by(LINE) {
        let some = first..rows.min(first + LINE);
        for c in 0..columns {
            for r in some.clone() {
                y[c * rows + r] = w[r * columns + c];
            }
        }
    }
    y
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).fast_exp())
}

/// Splits a row into `N` pieces of `n` elements.
#[inline(always)]
fn pieces<const N: usize>(row: &[f32], n: usize) -> [&[f32]; N] {
    let mut all = row.chunks_exact(n);
    std::array::from_fn(|_| all.next().unwrap_or(&[]))
}

/// Splits a row into `N` mutable pieces of `n` elements.
#[inline(always)]
fn pieces_mut<const N: usize>(row: &mut [f32], n: usize) -> [&mut [f32]; N] {
    let mut all = row.chunks_exact_mut(n);
    std::array::from_fn(|_| all.next().unwrap_or_default())
}

pub(super) fn forward(op: &Recurrence, s: Sizes, x: &[HostRef], y: &mut [f32]) {
    let [input, w, bias, mask, first @ ..] = x else {
        return;
    };
    let (reserve, n) = (reserve_layout(*op, s.time), s.hidden);
    let (records, width) = (reserve.records(), op.cell.gates() * n);
    let (input, w, bias, mask) = (input.f32(), w.f32(), bias.f32(), mask.f32());
    let by_column = transposed(w, (width, n));
    let some = |(task, y): (usize, &mut [f32])| {
        let count = y.len() / (records * n);
        let from = task * BLOCK_SAMPLES;
        for (b, y) in y.chunks_exact_mut(records * n).enumerate() {
            for (state, record) in first.iter().zip([reserve.h(0), reserve.c(0)]) {
                let state = &state.f32()[(from + b) * n..(from + b + 1) * n];
                y[record * n..(record + 1) * n].copy_from_slice(state);
            }
        }
        let mut sums = vec![0.0; count * width];
        for done in 0..s.time {
            sums.chunks_exact_mut(width)
                .for_each(|row| row.copy_from_slice(bias));
            let old = y.get(reserve.h(done) * n..).unwrap_or(&[]);
            let by_record = Strides::rows(records * n);
            let w = (&by_column[..], Strides::rows(width));
            gemm_here((count, width, n), (old, by_record), w, (&mut sums, true));
            let at = reserve.at(done);
            for (b, y) in y.chunks_exact_mut(records * n).enumerate() {
                let step = (from + b) * s.time + at;
                let input = &input[step * width..(step + 1) * width];
                let sums = &mut sums[b * width..(b + 1) * width];
                let live = mask[step] != 0.0;
                widest(
                    #[inline(always)]
                    || cell_step(op, reserve, (done, live), input, sums, y, n),
                );
            }
        }
    };
    run(y, BLOCK_SAMPLES * records * n, s, op.cell, some);
}

/// Calls `f` with pieces of `y`, on several threads if that is faster.
fn run(
    y: &mut [f32],
    piece: usize,
    s: Sizes,
    cell: Cell,
    f: impl Fn((usize, &mut [f32])) + Send + Sync,
) {
    let work = s.batch * s.time * cell.gates() * s.hidden * s.hidden;
    threads::for_pieces(y, piece, threads::pays(work, PARALLEL_FROM), f);
}

/// Computes a step of a sample from its sums over the state.
#[inline(always)]
fn cell_step(
    op: &Recurrence,
    reserve: ReserveLayout,
    (done, live): (usize, bool),
    x: &[f32],
    sums: &mut [f32],
    y: &mut [f32],
    n: usize,
) {
    let place = |record: usize| record * n..(record + 1) * n;
    // The gates replace the sums. A GRU copies the last sum before it is overwritten.
    match op.cell {
        Cell::Tanh => add_and(sums, x, |v| v.fast_tanh()),
        Cell::Relu => add_and(sums, x, |v| if v > 0.0 { v } else { 0.0 }),
        Cell::Lstm => {
            add_and(&mut sums[..2 * n], &x[..2 * n], sigmoid);
            add_and(&mut sums[2 * n..3 * n], &x[2 * n..3 * n], |v| v.fast_tanh());
            add_and(&mut sums[3 * n..], &x[3 * n..], sigmoid);
        }
        Cell::Gru => {
            if op.record {
                y[place(reserve.kept(done) + 3)].copy_from_slice(&sums[2 * n..]);
            }
            add_and(&mut sums[..2 * n], &x[..2 * n], sigmoid);
            let (gates, q) = sums.split_at_mut(2 * n);
            for ((q, r), x) in q.iter_mut().zip(&gates[..n]).zip(&x[2 * n..]) {
                *q = (x + r * *q).fast_tanh();
            }
        }
    }
    let kept = match op.cell {
        Cell::Tanh | Cell::Relu => 0,
        Cell::Lstm => 4 * n,
        Cell::Gru => 3 * n,
    };
    if op.record && kept > 0 {
        let at = reserve.kept(done) * n;
        y[at..at + kept].copy_from_slice(&sums[..kept]);
    }
    if !live {
        y.copy_within(place(reserve.h(done)), reserve.h(done + 1) * n);
        if op.cell.has_memory() {
            y.copy_within(place(reserve.c(done)), reserve.c(done + 1) * n);
        }
        return;
    }
    match op.cell {
        Cell::Tanh | Cell::Relu => y[place(reserve.h(done + 1))].copy_from_slice(sums),
        Cell::Lstm => {
            let [i, f, g, o] = pieces(sums, n);
            // In memory, `c` after a step precedes `c` before it, and `h` precedes all `c`.
            let (before, old) = y.split_at_mut(reserve.c(done) * n);
            let (before, c) = before.split_at_mut(reserve.c(done + 1) * n);
            let h = &mut before[place(reserve.h(done + 1))];
            let (c, old) = (&mut c[..n], &old[..n]);
            for k in 0..n {
                c[k] = f[k] * old[k] + i[k] * g[k];
            }
            for k in 0..n {
                h[k] = o[k] * c[k].fast_tanh();
            }
        }
        Cell::Gru => {
            let [_, z, new] = pieces(sums, n);
            let (from, to) = (reserve.h(done), reserve.h(done + 1));
            let (old, h): (&[f32], &mut [f32]) = match from < to {
                true => {
                    let (old, h) = y.split_at_mut(to * n);
                    (&old[place(from)], &mut h[..n])
                }
                false => {
                    let (h, old) = y.split_at_mut(from * n);
                    (&old[..n], &mut h[place(to)])
                }
            };
            for k in 0..n {
                h[k] = (1.0 - z[k]) * new[k] + z[k] * old[k];
            }
        }
    }
}

/// Computes `y = f(y + x)`.
#[inline(always)]
fn add_and(y: &mut [f32], x: &[f32], f: impl Fn(f32) -> f32) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = f(x + *y);
    }
}

pub(super) fn backward(op: &RecurrenceGrad, s: Sizes, x: &[HostRef], dx: &mut [f32]) {
    let [reserve, w, mask, dy] = x else {
        return;
    };
    let (cell, layout, n) = (op.of.cell, reserve_layout(op.of, s.time), s.hidden);
    let (records, outputs) = (layout.records(), layout.outputs());
    let (rows, width) = (op.rows(s.time), cell.planes() * n);
    let (reserve, w, mask, dy) = (reserve.f32(), w.f32(), mask.f32(), dy.f32());
    let some = |(task, dx): (usize, &mut [f32])| {
        let count = dx.len() / (rows * width);
        let from = task * BLOCK_SAMPLES;
        // The gradients of the states that a step passes to the previous one.
        let mut dh = vec![0.0; count * n];
        let mut dc = vec![0.0; count * n];
        for b in 0..count {
            if cell.has_memory() {
                let last = ((from + b) * outputs + layout.c(s.time)) * n;
                dc[b * n..(b + 1) * n].copy_from_slice(&dy[last..last + n]);
            }
        }
        for done in (0..=s.time).rev() {
            if done < s.time {
                let sums = (layout.at(done) * cell.planes() + cell.first_sum()) * n;
                let d = dx.get(sums..).unwrap_or(&[]);
                let by_row = Strides::rows(rows * width);
                let k = cell.gates() * n;
                gemm_here(
                    (count, n, k),
                    (d, by_row),
                    (w, Strides::rows(n)),
                    (&mut dh, true),
                );
            }
            for b in 0..count {
                let at = ((from + b) * outputs + layout.h(done)) * n;
                let (dh, dc) = (&mut dh[b * n..(b + 1) * n], &mut dc[b * n..(b + 1) * n]);
                for (dh, dy) in dh.iter_mut().zip(&dy[at..at + n]) {
                    *dh += dy;
                }
                let dx = &mut dx[b * rows * width..(b + 1) * rows * width];
                let Some(step) = done.checked_sub(1) else {
                    if op.state {
                        let last = &mut dx[s.time * width..];
                        last.fill(0.0);
                        last[..n].copy_from_slice(dh);
                        if cell.has_memory() {
                            last[n..2 * n].copy_from_slice(dc);
                        }
                    }
                    continue;
                };
                let time = layout.at(step);
                let dx = &mut dx[time * width..(time + 1) * width];
                if mask[(from + b) * s.time + time] == 0.0 {
                    dx.fill(0.0);
                    continue;
                }
                let reserve = &reserve[(from + b) * records * n..(from + b + 1) * records * n];
                widest(
                    #[inline(always)]
                    || cell_back(cell, layout, step, reserve, (dh, dc), dx, n),
                );
            }
        }
    };
    run(dx, BLOCK_SAMPLES * rows * width, s, cell, some);
}

/// Computes the gradients of a step of a sample: from the gradients of the states after it to those
/// of the gates, and to the direct part of those of the states before it.
#[inline(always)]
fn cell_back(
    cell: Cell,
    layout: ReserveLayout,
    step: usize,
    reserve: &[f32],
    (dh, dc): (&mut [f32], &mut [f32]),
    dx: &mut [f32],
    n: usize,
) {
    let record = |number: usize| &reserve[number * n..(number + 1) * n];
    match cell {
        Cell::Tanh => {
            for ((dx, dh), h) in dx.iter_mut().zip(dh.iter()).zip(record(layout.h(step + 1))) {
                *dx = dh * (1.0 - h * h);
            }
            dh.fill(0.0);
        }
        Cell::Relu => {
            for ((dx, dh), h) in dx.iter_mut().zip(dh.iter()).zip(record(layout.h(step + 1))) {
                *dx = if *h > 0.0 { *dh } else { 0.0 };
            }
            dh.fill(0.0);
        }
        Cell::Lstm => {
            let [i, f, g, o] = pieces(&reserve[layout.kept(step) * n..], n);
            let old = record(layout.c(step));
            let [di, df, dg, d_o] = pieces_mut(dx, n);
            let (dh, dc) = (&mut dh[..n], &mut dc[..n]);
            for k in 0..n {
                let t = (f[k] * old[k] + i[k] * g[k]).fast_tanh();
                let into = dc[k] + dh[k] * o[k] * (1.0 - t * t);
                di[k] = into * g[k] * i[k] * (1.0 - i[k]);
                df[k] = into * old[k] * f[k] * (1.0 - f[k]);
                dg[k] = into * i[k] * (1.0 - g[k] * g[k]);
                d_o[k] = dh[k] * t * o[k] * (1.0 - o[k]);
                dc[k] = into * f[k];
                dh[k] = 0.0;
            }
        }
        Cell::Gru => {
            let [r, z, new, q] = pieces(&reserve[layout.kept(step) * n..], n);
            let old = record(layout.h(step));
            let [dn, dr, dz, dq] = pieces_mut(dx, n);
            let dh = &mut dh[..n];
            for k in 0..n {
                let d = dh[k] * (1.0 - z[k]) * (1.0 - new[k] * new[k]);
                dn[k] = d;
                dr[k] = d * q[k] * r[k] * (1.0 - r[k]);
                dz[k] = dh[k] * (old[k] - new[k]) * z[k] * (1.0 - z[k]);
                dq[k] = d * r[k];
                dh[k] *= z[k];
            }
        }
    }
}
