//! Rotary position embedding.

use crate::Tensor;
use crate::ops::Array;

use crate::doctor::case::{Case, case};

fn rope(heads: usize, interleaved: bool) -> impl Fn(&[Tensor]) -> Tensor + Send + Sync {
    move |x| x[0].rope(&x[1], heads, interleaved)
}

/// Rotates pairs as complex numbers.
fn rotated(
    x: &[Array],
    [t, heads, d]: [usize; 3],
    r: usize,
    first: usize,
    inter: bool,
) -> Vec<f64> {
    let mut y = x[0].data.clone();
    for (token, y) in y.chunks_mut(d).enumerate() {
        let row = &x[1].data[token / heads % t * r..][..r];
        for p in (0..r / 2).filter(|_| token % heads < first) {
            let (i, k) = if inter {
                (2 * p, 2 * p + 1)
            } else {
                (p, p + r / 2)
            };
            let (a, b, c, s) = (y[i], y[k], row[p], row[r / 2 + p]);
            (y[i], y[k]) = (a * c - b * s, a * s + b * c);
        }
    }
    y
}

pub fn cases() -> Vec<Case> {
    let sizes = [
        ([1, 1, 1, 2], 2, 1),
        ([2, 3, 2, 4], 4, 2),
        ([0, 3, 2, 4], 4, 2),
        ([2, 7, 3, 8], 6, 2),
        ([1, 65, 1, 64], 64, 1),
        ([3, 2, 5, 7], 2, 5),
        ([1, 2, 2, 3], 0, 2),
        ([2, 1, 4, 10], 10, 0),
    ];
    let mut cases = Vec::new();
    for ([b, t, heads, d], r, first) in sizes {
        for inter in [false, true] {
            let kind = if inter { "interleaved" } else { "halves" };
            cases.push(
                case(
                    "rope",
                    format!("{b}x{t}x{heads}x{d}_{r}_{kind}"),
                    rope(first, inter),
                )
                .f32([b, t, heads, d])
                .f32_in([t, r], -1.0, 1.0)
                .constant()
                .formula(move |x| rotated(x, [t, heads, d], r, first, inter)),
            );
        }
    }
    cases.extend([
        case("rope", "no_batch", rope(2, false))
            .f32([5, 2, 6])
            .f32([5, 6])
            .constant(),
        case("rope", "offset", |x| {
            x[0].rope(&x[1].narrow(0, 3, 2), 2, false)
        })
        .f32([2, 2, 6])
        .f32([7, 6])
        .constant(),
        case("rope", "permuted", |x| {
            x[0].permute(&[0, 2, 1, 3]).rope(&x[1], 3, true)
        })
        .f32([2, 3, 5, 4])
        .f32([5, 4])
        .constant(),
        case("rope", "odd", rope(1, false))
            .f32([5, 2, 6])
            .f32([5, 3])
            .error("r even"),
        case("rope", "other_positions", rope(1, false))
            .f32([5, 2, 6])
            .f32([4, 6])
            .error("table [t, r]"),
        case("rope", "too_many_heads", rope(3, false))
            .f32([5, 2, 6])
            .f32([5, 6])
            .error("at least 3 heads"),
    ]);
    cases
}
