//! Max-pooling on the CPU device, an image of one channel at a time.

use crate::ops::rows;

use super::Geometry;

pub(super) fn max_pool(g: &Geometry, x: &[f32], y: &mut [f32]) {
    let [h, w] = g.size;
    let [oh, ow] = g.out;
    let [kh, kw] = g.pool.kernel;
    rows::for_rows(
        y,
        oh * ow,
        2 * kh * kw,
        #[inline(always)]
        |plane, y| {
            let x = rows::row(x, h * w, plane);
            y.fill(f32::MIN);
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

/// Takes one tap of all windows of a row.
#[inline(always)]
fn tap(g: &Geometry, q: usize, x: &[f32], y: &mut [f32]) {
    let (step, padding) = (g.pool.stride[1], g.pool.padding[1]);
    let q = q * g.pool.dilation[1];
    // The windows whose tap lies in the image.
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
                *y = if *x > *y { *x } else { *y };
            }
        }
    }
}

#[inline(always)]
fn larger<const STEP: usize>(x: &[f32], y: &mut [f32]) {
    let (whole, rest) = x.as_chunks::<STEP>();
    let last = rest.first().map(|x| [*x; STEP]);
    for (y, x) in y.iter_mut().zip(whole.iter().chain(&last)) {
        *y = if x[0] > *y { x[0] } else { *y };
    }
}

/// The first element of window `o` on an axis, and one past its last, in steps of the dilation.
#[inline(always)]
fn span(g: &Geometry, o: usize, axis: usize) -> (usize, usize) {
    let (padding, step) = (g.pool.padding[axis], g.pool.dilation[axis]);
    let start = o * g.pool.stride[axis];
    let end = start + (g.pool.kernel[axis] - 1) * step + 1;
    let first = match start >= padding {
        true => start - padding,
        // The first tap that has left the padding.
        false => (start + (padding - start).div_ceil(step) * step) - padding,
    };
    (first, end.saturating_sub(padding).min(g.size[axis]))
}

pub(super) fn max_pool_grad(g: &Geometry, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    let ([h, w], [oh, ow]) = (g.size, g.out);
    let [kh, kw] = g.pool.kernel;
    let [down, across] = g.pool.dilation;
    let cost = (2 * kh * kw).div_ceil(g.pool.stride[0] * g.pool.stride[1]) + 2;
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
            for i in 0..oh {
                let (top, bottom) = span(g, i, 0);
                for j in 0..ow {
                    let (left, right) = span(g, j, 1);
                    let (mut best, mut most) = (usize::MAX, f32::MIN);
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
