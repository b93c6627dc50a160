//! Cumulative sums.

use super::SIZES;
use crate::doctor::case::{Case, case};
use crate::ops::Array;

/// Cumulative sums along the middle axis.
fn sums(x: &Array) -> Vec<f64> {
    let (outer, n, inner) = (x.shape[0], x.shape[1], x.shape[2]);
    let mut y = x.data.clone();
    for o in 0..outer {
        for at in (o * n + 1) * inner..(o + 1) * n * inner {
            y[at] += y[at - inner];
        }
    }
    y
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in SIZES {
        for (outer, inner) in [(1, 1), (3, 1), (1, 5), (2, 3)] {
            let name = format!("{outer}x{n}x{inner}");
            let shape = [outer, n, inner];
            let sum = case("cumsum", name, |x| x[0].cumsum(1)).f32(shape);
            cases.push(match n {
                0 => sum.expect(&[]),
                _ => sum.formula(|x| sums(&x[0])),
            });
        }
    }
    cases.extend([
        // Long enough for chunks of chunks.
        case("cumsum", "very_long", |x| x[0].cumsum(0))
            .f32([70_001])
            .constant(),
        // Few sums, so that finite differences are accurate enough for their gradients.
        case("cumsum", "some_of_very_long", |x| {
            x[0].cumsum(0).slice(&[67_000], &[9], &[370])
        })
        .f32([70_001]),
        case("cumsum", "long_columns", |x| x[0].cumsum(0)).f32([2049, 3]),
        case("cumsum", "known", |x| x[0].cumsum(-1))
            .given([2, 3], &[1.0, 2.0, 3.0, -1.0, 0.5, 4.0])
            .expect(&[1.0, 3.0, 6.0, -1.0, -0.5, 3.5]),
        case("cumsum", "permuted", |x| x[0].permute(&[1, 0]).cumsum(1)).f32([7, 9]),
        case("cumsum", "sliced", |x| {
            x[0].slice(&[1, 2], &[3, 5], &[2, 1]).cumsum(0)
        })
        .f32([7, 9]),
        case("cumsum", "broadcast", |x| {
            x[0].broadcast_to([5, 7]).cumsum(0)
        })
        .f32([7]),
        case("cumsum", "twice", |x| x[0].cumsum(0) * x[0].cumsum(1)).f32([7, 7]),
        case("cumsum", "no_such_axis", |x| x[0].cumsum(2))
            .f32([3, 5])
            .error("no axis 2"),
        case("cumsum", "integers", |x| x[0].cumsum(0))
            .below([3], 5)
            .error("f32"),
    ]);
    cases
}
