//! Resampling on the CPU device, a row of the result at a time.

use crate::ops::rows;

use super::Axis;

pub(super) fn resample([h, w]: &[Axis; 2], x: &[f32], y: &mut [f32]) {
    let taps = h.taps(0).len() * w.taps(0).len();
    rows::for_rows(y, w.to(), 2 * taps + 4, |line, y| {
        let (plane, i) = (line / h.to(), line % h.to());
        y.fill(0.0);
        for r in h.taps(i) {
            let (down, x) = (h.weight(i, r), rows::row(x, w.n(), plane * h.n() + r));
            for (j, y) in y.iter_mut().enumerate() {
                for c in w.taps(j) {
                    *y += down * w.weight(j, c) * x[c];
                }
            }
        }
    });
}

pub(super) fn resample_grad([h, w]: &[Axis; 2], dy: &[f32], dx: &mut [f32]) {
    let users = h.users(h.n() / 2).len() * w.users(w.n() / 2).len();
    rows::for_rows(dx, w.n(), 2 * users + 4, |line, dx| {
        let (plane, r) = (line / h.n(), line % h.n());
        dx.fill(0.0);
        for i in h.users(r) {
            let (down, dy) = (h.weight(i, r), rows::row(dy, w.to(), plane * h.to() + i));
            for (c, dx) in dx.iter_mut().enumerate() {
                for j in w.users(c) {
                    *dx += down * w.weight(j, c) * dy[j];
                }
            }
        }
    });
}
