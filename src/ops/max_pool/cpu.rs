//! Max pooling on the CPU device, an image of one channel at a time.

use crate::ops::rows;

use super::Geometry;

pub(super) fn max_pool(g: &Geometry, x: &[f32], y: &mut [f32]) {
    let [h, w] = g.size;
    let [oh, ow] = g.out;
    let [kh, kw] = g.pool.kernel;
    let pairs = is_pairs(g);
    rows::for_rows(
        y,
        oh * ow,
        2 * kh * kw,
        #[inline(always)]
        |plane, y| {
            let x = rows::row(x, h * w, plane);
            if pairs {
                for (y, x) in y.chunks_exact_mut(ow).zip(x.chunks_exact(2 * w)) {
                    let (above, below) = x.split_at(w);
                    let (above, below) = (above.as_chunks().0, below.as_chunks().0);
                    for (y, ([a, b], [c, d])) in y.iter_mut().zip(above.iter().zip(below)) {
                        *y = larger_of(larger_of(*a, *b), larger_of(*c, *d));
                    }
                }
                return;
            }
            y.fill(f32::NEG_INFINITY);
            for (i, y) in y.chunks_exact_mut(ow).enumerate() {
                for p in 0..kh {
                    let row = i * g.pool.stride[0] + p * g.pool.dilation[0];
                    let row = row.checked_sub(g.pool.padding[0]).filter(|r| *r < h);
                    let Some(x) = row.and_then(|r| x.get(r * w..(r + 1) * w)) else {
                        continue;
                    };
                    for q in 0..kw {
                        tap(g, q, x, y);
                    }
                }
            }
        },
    );
}

/// Returns whether the windows are 2 x 2 and adjacent, the most frequent kind.
fn is_pairs(g: &Geometry) -> bool {
    let p = &g.pool;
    p.kernel == [2, 2] && p.stride == [2, 2] && p.padding == [0, 0] && p.dilation == [1, 1]
}

#[inline(always)]
fn larger_of(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// Takes one tap of all windows of a row.
#[inline(always)]
fn tap(g: &Geometry, q: usize, x: &[f32], y: &mut [f32]) {
    let (step, padding) = (g.pool.stride[1], g.pool.padding[1]);
    let q = q * g.pool.dilation[1];
    // The windows whose tap is inside the image.
    let from = padding.saturating_sub(q).div_ceil(step).min(y.len());
    let end = (x.len() + padding).saturating_sub(q).div_ceil(step);
    let end = end.clamp(from, y.len());
    let (y, x) = (
        &mut y[from..end],
        &x[(from * step + q).saturating_sub(padding).min(x.len())..],
    );
    match step {
        1 => larger::<1>(x, y),
        2 => larger::<2>(x, y),
        _ => {
            for (y, x) in y.iter_mut().zip(x.iter().step_by(step)) {
                *y = larger_of(*y, *x);
            }
        }
    }
}

#[inline(always)]
fn larger<const STEP: usize>(x: &[f32], y: &mut [f32]) {
    let (whole, rest) = x.as_chunks::<STEP>();
    let last = rest.first().map(|x| [*x; STEP]);
    for (y, x) in y.iter_mut().zip(whole.iter().chain(&last)) {
        *y = larger_of(*y, x[0]);
    }
}

/// Returns the first element of window `o` on an axis, and one past its last, in steps of the
/// dilation.
#[inline(always)]
fn span(g: &Geometry, o: usize, axis: usize) -> (usize, usize) {
    let (padding, step) = (g.pool.padding[axis], g.pool.dilation[axis]);
    let start = o * g.pool.stride[axis];
    let end = start + (g.pool.kernel[axis] - 1) * step + 1;
    let first = match start >= padding {
        true => start - padding,
        // The first tap past the padding.
        false => (start + (padding - start).div_ceil(step) * step) - padding,
    };
    (first, end.saturating_sub(padding).min(g.size[axis]))
}

pub(super) fn max_pool_grad(g: &Geometry, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    let ([h, w], [oh, ow]) = (g.size, g.out);
    let [kh, kw] = g.pool.kernel;
    let [down, across] = g.pool.dilation;
    let cost = (2 * kh * kw).div_ceil(g.pool.stride[0] * g.pool.stride[1]) + 2;
    let pairs = is_pairs(g);
    rows::for_rows(
        dx,
        h * w,
        cost,
        #[inline(always)]
        |plane, dx| {
            let (x, dy) = (rows::row(x, h * w, plane), rows::row(dy, oh * ow, plane));
            dx.fill(0.0);
            if dy.is_empty() {
                return;
            }
            if pairs {
                let lines = x.chunks_exact(2 * w).zip(dx.chunks_exact_mut(2 * w));
                for ((x, dx), dy) in lines.zip(dy.chunks_exact(ow)) {
                    pair_of_rows(x, dy, dx);
                }
                return;
            }
            for i in 0..oh {
                let (top, bottom) = span(g, i, 0);
                for j in 0..ow {
                    let (left, right) = span(g, j, 1);
                    let (mut best, mut most) = (usize::MAX, f32::NEG_INFINITY);
                    for row in (top..bottom).step_by(down) {
                        for at in (row * w + left..row * w + right).step_by(across) {
                            let larger = x[at] > most || best == usize::MAX;
                            (best, most) = if larger { (at, x[at]) } else { (best, most) };
                        }
                    }
                    if let Some(dx) = dx.get_mut(best) {
                        *dx += dy[i * ow + j];
                    }
                }
            }
        },
    );
}

/// Computes the gradient of 2 x 2 windows, whose two rows are `x`.
#[inline(always)]
fn pair_of_rows(x: &[f32], dy: &[f32], dx: &mut [f32]) {
    let half = x.len() / 2;
    let ((above, below), (dx_above, dx_below)) = (x.split_at(half), dx.split_at_mut(half));
    let x = above.as_chunks().0.iter().zip(below.as_chunks().0);
    let dx = dx_above.as_chunks_mut().0.iter_mut();
    let dx = dx.zip(dx_below.as_chunks_mut().0);
    for ((([a, b], [c, d]), (to_above, to_below)), dy) in x.zip(dx).zip(dy) {
        let (left, right) = (*b > *a, *d > *c);
        let under = larger_of(*c, *d) > larger_of(*a, *b);
        let take = |it: bool| if it { *dy } else { 0.0 };
        *to_above = [take(!under & !left), take(!under & left)];
        *to_below = [take(under & !right), take(under & right)];
    }
}
