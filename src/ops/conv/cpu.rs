//! Convolution on the CPU: strips of the unfolded images (im2col), and matrix products with them.
//!
//! A strip is a few rows of output pixels that stay in the L2 cache until they are multiplied.
//! Threads share the images and groups; each thread has a workspace for its strips.
//!
//! Invariant: the order of all sums depends only on the shapes. The weight gradient adds images in
//! a fixed number of parts, and then adds the parts in order.

use std::cell::Cell;
use std::ops::Range;

use crate::ops::gemm::{Into, Strides, gemm_into};
use crate::ops::rows;
use crate::ops::threads;

use super::Geometry;

/// The approximate number of elements of a strip: 256 KiB.
const STRIP_ELEMENTS: usize = 1 << 16;
/// The largest number of parts of a weight gradient's sum.
const MAX_PARTS: usize = 16;
/// The largest number of elements of the sums of all parts.
const MAX_SUM_ELEMENTS: usize = 1 << 22;

thread_local! {
    static WORKSPACE: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Calls `f` with this thread's workspace, which grows to the largest size requested. The workspace
/// is taken out meanwhile. If the thread runs other work while it waits, that work gets a new one.
fn with_workspace(len: usize, f: impl FnOnce(&mut [f32])) {
    let mut workspace = WORKSPACE.take();
    if workspace.len() < len {
        workspace.resize(len, 0.0);
    }
    f(&mut workspace[..len]);
    WORKSPACE.set(workspace);
}

/// A group of an image, in strips: the work of a thread.
struct Strips<'a> {
    g: &'a Geometry,
    /// The number of rows of output pixels in a strip.
    rows: usize,
    /// The rows of the unfolded image: channels times taps.
    k: usize,
    /// Whether the unfolded image is the image itself.
    plain: bool,
}

impl Strips<'_> {
    fn new(g: &Geometry) -> Strips<'_> {
        let k = g.c * g.taps();
        let plain = g.kernel == [1, 1] && g.conv.stride == [1, 1] && g.conv.padding == [0, 0];
        let rows = match plain {
            true => g.out[0],
            false => STRIP_ELEMENTS / (k * g.out[1]).max(1),
        };
        Strips {
            g,
            rows: rows.clamp(1, g.out[0].max(1)),
            k,
            plain,
        }
    }

    fn workspace(&self) -> usize {
        match self.plain {
            true => 0,
            false => self.k * self.rows * self.g.out[1],
        }
    }

    /// Iterates over the rows of output pixels of each strip.
    fn all(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (rows, all) = (self.rows, self.g.out[0]);
        (0..all)
            .step_by(rows)
            .map(move |first| first..all.min(first + rows))
    }

    /// Returns the first output pixel of a strip and the number of its pixels.
    fn pixels(&self, rows: &Range<usize>) -> (usize, usize) {
        (rows.start * self.g.out[1], rows.len() * self.g.out[1])
    }

    /// Calls `f` for each run of a strip that is inside the image, with its index in the strip, its
    /// index in the image, and its length. Its elements are `stride` apart in the image.
    #[inline(always)]
    fn runs(&self, rows: &Range<usize>, mut f: impl FnMut(usize, usize, usize)) {
        let g = self.g;
        let ([h, w], [kh, kw], ow) = (g.size, g.kernel, g.out[1]);
        let ([sh, sw], [ph, pw], [dh, dw]) = (g.conv.stride, g.conv.padding, g.conv.dilation);
        let mut to = 0;
        for c in 0..g.c {
            for p in 0..kh {
                for q in 0..kw {
                    // The output columns whose tap is inside the image.
                    let from = pw.saturating_sub(q * dw).div_ceil(sw).min(ow);
                    let end = (w + pw).saturating_sub(q * dw).div_ceil(sw).min(ow);
                    for i in rows.clone() {
                        let row = (i * sh + p * dh).checked_sub(ph).filter(|row| *row < h);
                        if let (Some(row), true) = (row, from < end) {
                            let column = from * sw + q * dw - pw;
                            f(to + from, (c * h + row) * w + column, end - from);
                        }
                        to += ow;
                    }
                }
            }
        }
    }

    /// Returns a strip of the unfolded group of channels `x`, with the distance between its rows.
    fn unfold<'b>(
        &self,
        x: &'b [f32],
        rows: &Range<usize>,
        workspace: &'b mut [f32],
    ) -> (&'b [f32], usize) {
        let (first, len) = self.pixels(rows);
        if self.plain {
            return (x.get(first..).unwrap_or(&[]), self.g.pixels());
        }
        let strip = &mut workspace[..self.k * len];
        if self.g.conv.padding != [0, 0] {
            strip.fill(0.0);
        }
        let step = self.g.conv.stride[1];
        self.runs(rows, |to, from, n| match step {
            1 => strip[to..to + n].copy_from_slice(&x[from..from + n]),
            _ => {
                for (y, x) in strip[to..to + n]
                    .iter_mut()
                    .zip(x[from..].iter().step_by(step))
                {
                    *y = *x;
                }
            }
        });
        (strip, len)
    }

    /// Adds a strip to the group of channels from which it was unfolded.
    fn fold(&self, strip: &[f32], rows: &Range<usize>, x: &mut [f32]) {
        let step = self.g.conv.stride[1];
        self.runs(rows, |from, to, n| match step {
            1 => {
                for (x, y) in x[to..to + n].iter_mut().zip(&strip[from..from + n]) {
                    *x += *y;
                }
            }
            _ => {
                for (x, y) in x[to..].iter_mut().step_by(step).zip(&strip[from..from + n]) {
                    *x += *y;
                }
            }
        });
    }
}

/// Returns the number of elements of one group of an image, for the input and the output.
fn group_sizes(g: &Geometry) -> (usize, usize) {
    (g.c * g.size[0] * g.size[1], g.m * g.pixels())
}

fn part(x: &[f32], size: usize, i: usize) -> &[f32] {
    x.get(i * size..(i + 1) * size).unwrap_or(&[])
}

pub(super) fn forward(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32]) {
    let (strips, groups) = (Strips::new(g), g.conv.groups);
    let (x_len, y_len) = group_sizes(g);
    let threads = g.n * groups == 1;
    let group = |(i, y): (usize, &mut [f32])| {
        let x = part(x, x_len, i);
        let weights = part(w, g.m * strips.k, i % groups);
        with_workspace(strips.workspace(), |workspace| {
            for rows in strips.all() {
                let (first, len) = strips.pixels(&rows);
                let (strip, row) = rows::widest(|| strips.unfold(x, &rows, workspace));
                gemm_into(
                    (g.m, len, strips.k),
                    (weights, Strides::rows(strips.k)),
                    (strip, Strides::rows(row)),
                    Into {
                        y: &mut y[first..],
                        row: g.pixels(),
                        add: false,
                        threads,
                    },
                );
            }
        });
    };
    threads::for_pieces(y, y_len, threads::pays(y.len(), 0), group);
}

pub(super) fn input_grad(g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    let (strips, groups) = (Strips::new(g), g.conv.groups);
    let (x_len, y_len) = group_sizes(g);
    let threads = g.n * groups == 1;
    let group = |(i, dx): (usize, &mut [f32])| {
        let dy = part(dy, y_len, i);
        let weights = (
            part(w, g.m * strips.k, i % groups),
            Strides::columns(strips.k),
        );
        let pixels = |first: usize| (dy.get(first..).unwrap_or(&[]), Strides::rows(g.pixels()));
        if strips.plain {
            let into = Into {
                y: dx,
                row: g.pixels(),
                add: false,
                threads,
            };
            return gemm_into((strips.k, g.pixels(), g.m), weights, pixels(0), into);
        }
        dx.fill(0.0);
        with_workspace(strips.workspace(), |workspace| {
            for rows in strips.all() {
                let (first, len) = strips.pixels(&rows);
                let into = Into {
                    y: &mut *workspace,
                    row: len,
                    add: false,
                    threads,
                };
                gemm_into((strips.k, len, g.m), weights, pixels(first), into);
                rows::widest(|| strips.fold(workspace, &rows, dx));
            }
        });
    };
    threads::for_pieces(dx, x_len, threads::pays(dx.len(), 0), group);
}

pub(super) fn weight_grad(g: &Geometry, dy: &[f32], x: &[f32], dw: &mut [f32]) {
    let (strips, groups) = (Strips::new(g), g.conv.groups);
    let (x_len, y_len) = group_sizes(g);
    if dw.is_empty() {
        return;
    }
    let parts = (MAX_SUM_ELEMENTS / dw.len())
        .clamp(1, MAX_PARTS)
        .min(g.n.max(1));
    let images = g.n.div_ceil(parts).max(1);
    let threads = parts == 1;
    let add_up = |images: Range<usize>, dw: &mut [f32]| {
        dw.fill(0.0);
        with_workspace(strips.workspace(), |workspace| {
            for i in images.flat_map(|n| n * groups..(n + 1) * groups) {
                let (x, dy) = (part(x, x_len, i), part(dy, y_len, i));
                let at = i % groups * g.m * strips.k;
                for rows in strips.all() {
                    let (first, len) = strips.pixels(&rows);
                    let (strip, row) = rows::widest(|| strips.unfold(x, &rows, workspace));
                    gemm_into(
                        (g.m, strips.k, len),
                        (dy.get(first..).unwrap_or(&[]), Strides::rows(g.pixels())),
                        (strip, Strides::columns(row)),
                        Into {
                            y: &mut dw[at..],
                            row: strips.k,
                            add: true,
                            threads,
                        },
                    );
                }
            }
        });
    };
    if parts == 1 {
        return add_up(0..g.n, dw);
    }
    let len = dw.len();
    let mut sums = SUMS.take();
    sums.resize(parts * len, 0.0);
    threads::for_pieces(&mut sums, len, threads::pays(len, 0), |(i, dw)| {
        add_up(g.n.min(i * images)..g.n.min((i + 1) * images), dw);
    });
    let (first, others) = sums.split_at(len);
    dw.copy_from_slice(first);
    for part in others.chunks_exact(len) {
        for (dw, part) in dw.iter_mut().zip(part) {
            *dw += *part;
        }
    }
    SUMS.set(sums);
}

thread_local! {
    /// The sums of the weight gradient's parts.
    static SUMS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}
