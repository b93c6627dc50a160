//! Minima, products, boolean reductions, and reductions composed of others.

use super::SIZES;
use crate::DType;
use crate::doctor::case::{Case, Draw, case};
use crate::ops::Array;

/// Reduces over the middle axis.
fn middle(x: &Array, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let (outer, n, inner) = (x.shape[0], x.shape[1], x.shape[2]);
    let mut y = Vec::new();
    for o in 0..outer {
        for j in 0..inner {
            let along = (0..n).map(|i| x.data[(o * n + i) * inner + j]);
            y.push(f(&along.collect::<Vec<_>>()));
        }
    }
    y
}

fn variance(x: &[f64], correction: f64) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - correction)
}

fn norm(x: &[f64], p: f64) -> f64 {
    x.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(1.0 / p)
}

fn logsumexp(x: &[f64]) -> f64 {
    x.iter().map(|x| x.exp()).sum::<f64>().ln()
}

/// Each reduction at each size, over the middle axis.
fn sized() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in SIZES {
        for (outer, inner) in [(1, 1), (3, 1), (2, 3)] {
            let name = format!("{outer}x{n}x{inner}");
            let shape = [outer, n, inner];
            cases.push(
                case("prod", name.clone(), |x| x[0].prod(&[1]))
                    .f32_in(shape, 0.93, 1.07)
                    .formula(|x| middle(&x[0], |v| v.iter().product())),
            );
            cases.push(
                case("any", name.clone(), |x| x[0].any(&[1]))
                    .argument(DType::Bool, shape, Draw::Between(0.0, 1.01))
                    .formula(|x| {
                        middle(&x[0], |v| f64::from(u8::from(v.iter().any(|v| *v != 0.0))))
                    }),
            );
            cases.push(
                case("all", name.clone(), |x| x[0].all(&[1]))
                    .argument(DType::Bool, shape, Draw::Between(0.99, 2.0))
                    .formula(|x| {
                        middle(&x[0], |v| f64::from(u8::from(v.iter().all(|v| *v != 0.0))))
                    }),
            );
            if n == 0 {
                continue;
            }
            cases.push(
                case("min", name.clone(), |x| x[0].min(&[1]))
                    .f32_in(shape, -8.0, 8.0)
                    .distinct()
                    .formula(|x| middle(&x[0], |v| v.iter().copied().fold(f64::MAX, f64::min))),
            );
            cases.push(
                case("logsumexp", name.clone(), |x| x[0].logsumexp(&[1]))
                    .f32(shape)
                    .formula(|x| middle(&x[0], logsumexp)),
            );
            cases.push(
                case("var", name.clone(), |x| x[0].var(&[1], 0.0))
                    .f32(shape)
                    .formula(|x| middle(&x[0], |v| variance(v, 0.0))),
            );
            for p in [1.0, 2.0, 3.0] {
                cases.push(
                    case("norm", format!("{p}_of_{name}"), move |x| {
                        x[0].norm(&[1], p)
                    })
                    .f32(shape)
                    .avoiding(&[0.0])
                    .formula(move |x| middle(&x[0], |v| norm(v, p))),
                );
            }
            if n > 1 {
                cases.push(
                    case("std", name, |x| x[0].std(&[1], 1.0))
                        .f32(shape)
                        .formula(|x| middle(&x[0], |v| variance(v, 1.0).sqrt())),
                );
            }
        }
    }
    cases
}

/// The same expression on a broadcast, permuted and sliced input, over axes that are not adjacent.
fn views() -> Vec<Case> {
    let all: [(&str, fn(&crate::Tensor, &[isize]) -> crate::Tensor); 6] = [
        ("prod", |x, axes| x.prod(axes)),
        ("logsumexp", |x, axes| x.logsumexp(axes)),
        ("var", |x, axes| x.var(axes, 1.0)),
        ("std", |x, axes| x.std(axes, 0.0)),
        ("norm", |x, axes| x.norm(axes, 2.0)),
        ("norm", |x, axes| x.norm(axes, 1.5)),
    ];
    let mut cases = Vec::new();
    for (i, (op, f)) in all.into_iter().enumerate() {
        let away = |case: Case| case.avoiding(&[0.0, 0.02, -0.02]);
        cases.extend([
            away(case(op, format!("all_{i}"), move |x| f(&x[0], &[])).f32([3, 5, 7])),
            away(
                case(op, format!("outer_and_inner_{i}"), move |x| {
                    f(&x[0], &[0, -1])
                })
                .f32([3, 5, 7]),
            ),
            away(
                case(op, format!("permuted_{i}"), move |x| {
                    f(&x[0].permute(&[1, 0]), &[1])
                })
                .f32([7, 9]),
            ),
            away(
                case(op, format!("sliced_{i}"), move |x| {
                    f(&x[0].slice(&[1, 2], &[3, 5], &[2, 1]), &[1])
                })
                .f32([7, 9]),
            ),
            away(
                case(op, format!("broadcast_{i}"), move |x| {
                    f(&x[0].broadcast_to([3, 7]), &[1])
                })
                .f32([7]),
            ),
            away(
                case(op, format!("twice_{i}"), move |x| {
                    f(&x[0], &[0]) * f(&x[0], &[1])
                })
                .f32([7, 7]),
            ),
        ]);
    }
    cases
}

pub fn cases() -> Vec<Case> {
    let mut cases = sized();
    cases.extend(views());
    let large = [1e4, 1e4, -1e4, 9e3];
    let sum = 1e4 + std::f64::consts::LN_2;
    cases.extend([
        case("min", "equals_share", |x| x[0].min(&[0]))
            .given([4], &[2.0, 1.0, 1.0, 3.0])
            .constant()
            .expect(&[1.0]),
        case("max", "outer_and_inner", |x| x[0].max(&[0, -1]))
            .f32([3, 5, 7])
            .distinct(),
        case("min", "very_long", |x| x[0].min(&[]))
            .f32([33000])
            .constant(),
        case("min", "permuted", |x| x[0].permute(&[1, 0]).min(&[1]))
            .f32([7, 9])
            .distinct(),
        case("min", "of_nothing", |x| x[0].min(&[1]))
            .f32([3, 0])
            .error("does not exist"),
        case("min", "no_such_axis", |x| x[0].min(&[-3]))
            .f32([3, 5])
            .error("no axis -3"),
        case("prod", "very_long", |x| x[0].prod(&[])).f32_in([33000], 0.99, 1.01),
        case("prod", "of_nothing", |x| x[0].prod(&[1]))
            .f32([3, 0])
            .expect(&[1.0; 3]),
        case("prod", "one_zero", |x| x[0].prod(&[1]))
            .given([2, 3], &[2.0, 0.0, -3.0, 0.0, 5.0, 7.0])
            .expect(&[0.0; 2]),
        case("prod", "two_zeros", |x| x[0].prod(&[1]))
            .given([2, 3], &[0.0, 2.0, 0.0, 0.0, 0.0, 0.0])
            .expect(&[0.0; 2]),
        case("prod", "zeros_over_two_runs", |x| x[0].prod(&[0, 2]))
            .given([2, 2, 2], &[2.0, 0.0, 1.0, 3.0, 4.0, 5.0, -1.0, 2.0])
            .expect(&[0.0, -6.0]),
        case("any", "of_nothing", |x| x[0].any(&[1]))
            .argument(DType::Bool, [2, 0], Draw::Between(0.0, 2.0))
            .expect(&[0.0; 2]),
        case("all", "of_nothing", |x| x[0].all(&[1]))
            .argument(DType::Bool, [2, 0], Draw::Between(0.0, 2.0))
            .expect(&[1.0; 2]),
        case("any", "of_numbers", |x| x[0].any(&[]))
            .f32([3])
            .error("must be bool"),
        case("logsumexp", "extreme", |x| x[0].logsumexp(&[1]))
            .given([2, 2], &large)
            .expect(&[sum, 9e3]),
        case("var", "far_from_0", |x| x[0].var(&[0], 0.0))
            .given([4], &[1e6, 1e6 + 1.0, 1e6 + 2.0, 1e6 + 3.0])
            .constant()
            .expect(&[1.25]),
        // The mean, 1e6 + 4/3, is not exact in f32.
        case("var", "of_a_rounded_mean", |x| x[0].var(&[0], 0.0))
            .given([3], &[1e6, 1e6 + 1.0, 1e6 + 3.0])
            .constant()
            .expect(&[14.0 / 9.0]),
        case("var", "of_one", |x| x[0].var(&[1], 1.0))
            .f32([3, 1])
            .error("must be above 0"),
        case("std", "of_equals", |x| x[0].std(&[0], 1.0))
            .given([3], &[2.0; 3])
            .constant()
            .expect(&[0.0]),
        case("std", "no_such_axis", |x| x[0].std(&[7], 1.0))
            .f32([3])
            .error("no axis 7"),
        case("norm", "largest", |x| x[0].norm(&[1], f64::INFINITY))
            .f32_in([5, 65], -8.0, 8.0)
            .distinct()
            .avoiding(&[0.0]),
        case("norm", "largest_of_equals", |x| {
            x[0].norm(&[], f64::INFINITY)
        })
        .given([3], &[2.0, -2.0, 1.0])
        .constant()
        .expect(&[2.0]),
        case("norm", "half", |x| x[0].norm(&[1], 0.5))
            .f32_in([5, 9], 0.5, 2.0)
            .formula(|x| x[0].rows().map(|v| norm(v, 0.5)).collect()),
        case("norm", "of_zeros", |x| x[0].norm(&[1], 2.0))
            .given([1, 3], &[0.0; 3])
            .constant()
            .expect(&[0.0]),
        case("norm", "of_order_0", |x| x[0].norm(&[], 0.0))
            .f32([3])
            .error("above 0"),
    ]);
    cases
}
