//! Sums, means and maxima over any axes.

use crate::ops::Array;

use super::SIZES;
use crate::doctor::case::{Case, case};

/// Reduces over the middle axis.
fn middle(x: &Array, f: impl Fn(&mut dyn Iterator<Item = f64>) -> f64) -> Vec<f64> {
    let (outer, n, inner) = (x.shape[0], x.shape[1], x.shape[2]);
    let mut y = Vec::new();
    for o in 0..outer {
        for j in 0..inner {
            y.push(f(&mut (0..n).map(|i| x.data[(o * n + i) * inner + j])));
        }
    }
    y
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in SIZES {
        for (outer, inner) in [(1, 1), (3, 1), (1, 5), (2, 3)] {
            cases.push(
                case("sum", format!("{outer}x{n}x{inner}"), |x| x[0].sum(&[1]))
                    .f32([outer, n, inner])
                    .formula(|x| middle(&x[0], |v| v.sum())),
            );
            if n > 0 {
                cases.push(
                    case("max", format!("{outer}x{n}x{inner}"), |x| x[0].max(&[1]))
                        .f32_in([outer, n, inner], -8.0, 8.0)
                        .distinct()
                        .formula(|x| middle(&x[0], |v| v.fold(f64::NEG_INFINITY, f64::max))),
                );
            }
        }
    }
    cases.extend([
        case("sum", "long_column", |x| x[0].sum(&[0])).f32([2049, 3]),
        case("sum", "long_row", |x| x[0].sum(&[1])).f32([3, 2049]),
        // Long enough for chunks of rows.
        case("sum", "very_long", |x| x[0].sum(&[])).f32([33000]),
        case("max", "very_long", |x| x[0].max(&[]))
            .f32([33000])
            .constant(),
        // More than one thread's work in a single row.
        case("sum", "of_very_many", |x| x[0].sum(&[])).f32([70_001]),
        case("sum", "wide", |x| x[0].sum(&[0])).f32([2, 1009]),
        case("sum", "all", |x| x[0].sum(&[])).f32([3, 5, 7]),
        case("sum", "outer_and_inner", |x| x[0].sum(&[0, -1])).f32([3, 5, 7]),
        case("sum", "scalar", |x| x[0].sum(&[])).f32([]),
        case("sum", "known", |x| x[0].sum(&[0]))
            .given([2, 2], &[1.0, 2.0, 3.0, 4.0])
            .expect(&[4.0, 6.0]),
        case("sum", "of_nothing", |x| x[0].sum(&[1]))
            .f32([3, 0])
            .expect(&[0.0; 3]),
        case("sum", "to_nothing", |x| x[0].sum(&[1]))
            .f32([0, 3])
            .expect(&[]),
        case("sum", "permuted", |x| x[0].permute(&[1, 0]).sum(&[1])).f32([7, 9]),
        case("sum", "sliced", |x| {
            x[0].slice(&[1, 2], &[3, 5], &[2, 1]).sum(&[1])
        })
        .f32([7, 9]),
        case("sum", "broadcast", |x| x[0].broadcast_to([5, 7]).sum(&[0])).f32([7]),
        case("sum", "of_products", |x| (&x[0] * &x[1]).sum(&[1]))
            .f32([5, 257])
            .f32([5, 257]),
        case("sum", "scaled_after", |x| (x[0].sum(&[1]) * 3.0).relu()).f32([5, 257]),
        case("sum", "twice", |x| x[0].sum(&[0]) * x[0].sum(&[1])).f32([7, 7]),
        case("sum", "mean", |x| x[0].mean(&[]))
            .given([4], &[1.0, 2.0, 3.0, 6.0])
            .expect(&[3.0]),
        case("sum", "mean_rows", |x| x[0].mean(&[-1])).f32([5, 65]),
        case("max", "equals_share", |x| x[0].max(&[0]))
            .given([3], &[2.0, 2.0, 1.0])
            .constant()
            .expect(&[2.0]),
        case("max", "all_negative", |x| x[0].max(&[1]))
            .f32_in([3, 257], -9.0, -5.0)
            .distinct(),
        case("max", "permuted", |x| x[0].permute(&[1, 0]).max(&[1]))
            .f32([7, 9])
            .distinct(),
        case("max", "all", |x| x[0].max(&[]))
            .f32([3, 5, 7])
            .distinct(),
        case("max", "of_nothing", |x| x[0].max(&[1]))
            .f32([3, 0])
            .error("does not exist"),
        case("sum", "no_such_axis", |x| x[0].sum(&[2]))
            .f32([3, 5])
            .error("no axis 2"),
        case("sum", "integers", |x| x[0].sum(&[0]))
            .below([3], 5)
            .error("f32"),
    ]);
    cases
}
