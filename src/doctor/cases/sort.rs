//! Sort, top-k and selection.

use super::SIZES;
use crate::DType;
use crate::doctor::case::{Case, Draw, case};
use crate::ops::Array;

/// Returns the first `keep` elements of each sorted row.
fn sorted(x: &Array, descending: bool, keep: usize) -> Vec<f64> {
    let mut y = Vec::new();
    for row in x.rows() {
        let mut row = row.to_vec();
        row.sort_by(f64::total_cmp);
        if descending {
            row.reverse();
        }
        y.extend_from_slice(&row[..keep]);
    }
    y
}

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in SIZES {
        for rows in [1, 3] {
            for descending in [false, true] {
                let name = format!("{rows}x{n}{}", if descending { "_down" } else { "" });
                let values = case("sort", name.clone(), move |x| x[0].sort(1, descending).0)
                    .f32_in([rows, n], -8.0, 8.0)
                    .distinct();
                cases.push(match n {
                    0 => values.expect(&[]),
                    _ => values.formula(move |x| sorted(&x[0], descending, n)),
                });
                // Few different values, so that the sort must keep the order of equal ones.
                cases.push(
                    case("argsort", name, move |x| x[0].argsort(1, descending)).below([rows, n], 5),
                );
            }
            for k in [1, 3, 40] {
                if k <= n {
                    cases.push(
                        case("topk", format!("{k}_of_{rows}x{n}"), move |x| {
                            x[0].topk(k, -1, true).0
                        })
                        .f32_in([rows, n], -8.0, 8.0)
                        .distinct()
                        .formula(move |x| sorted(&x[0], true, k)),
                    );
                }
            }
        }
    }
    let odd = [1.0, NAN, 0.0, -0.0, -INF, INF, 1.0, -1e-40];
    cases.extend([
        case("argsort", "nan_and_zeros", |x| x[0].argsort(0, false))
            .given([8], &odd)
            .expect(&[4.0, 7.0, 2.0, 3.0, 0.0, 6.0, 5.0, 1.0]),
        case("argsort", "nan_and_zeros_down", |x| x[0].argsort(0, true))
            .given([8], &odd)
            .expect(&[1.0, 5.0, 0.0, 6.0, 2.0, 3.0, 7.0, 4.0]),
        case("argsort", "of_signed", |x| x[0].argsort(1, false)).argument(
            DType::I32,
            [3, 65],
            Draw::Between(-9.0, 9.0),
        ),
        case("argsort", "of_truths", |x| x[0].argsort(0, true))
            .argument(DType::Bool, [5], Draw::Given(vec![0.0, 1.0, 1.0, 0.0, 1.0]))
            .expect(&[1.0, 2.0, 4.0, 0.0, 3.0]),
        case("argsort", "very_long", |x| x[0].argsort(0, false)).f32([33_000]),
        case("argsort", "all_equal", |x| x[0].argsort(0, true))
            .below([1009], 1)
            .formula(|_| (0..1009).map(f64::from).collect()),
        case("sort", "columns", |x| x[0].sort(0, false).0)
            .f32_in([65, 3], -8.0, 8.0)
            .distinct(),
        case("sort", "middle", |x| x[0].sort(1, true).0)
            .f32_in([2, 7, 3], -8.0, 8.0)
            .distinct(),
        case("sort", "permuted", |x| {
            x[0].permute(&[1, 0]).sort(1, false).0
        })
        .f32([7, 9])
        .distinct(),
        case("sort", "sliced", |x| {
            x[0].slice(&[1, 2], &[3, 5], &[2, 1]).sort(1, false).0
        })
        .f32([7, 9])
        .distinct(),
        case("sort", "broadcast", |x| {
            x[0].broadcast_to([3, 7]).sort(1, false).0
        })
        .f32([7])
        .distinct(),
        case("sort", "of_numbers", |x| x[0].sort(0, true).0)
            .numbers([4], &[7, u32::MAX, 0, 1 << 31])
            .expect(&[4294967295.0, 2147483648.0, 7.0, 0.0]),
        case("sort", "of_products", |x| {
            let (values, places) = (&x[0] * &x[1]).sort(1, true);
            values * (places.cast(DType::F32) + 1.0)
        })
        .f32_in([3, 17], 1.0, 9.0)
        .distinct()
        .f32_in([3, 1], 1.0, 9.0),
        case("topk", "smallest", |x| x[0].topk(2, 0, false).0)
            .given([5], &[3.0, 1.0, 4.0, 1.5, 9.0])
            .expect(&[1.0, 1.5]),
        case("topk", "places", |x| x[0].topk(3, 0, true).1)
            .given([5], &[3.0, 9.0, 4.0, 9.0, 9.0])
            .expect(&[1.0, 3.0, 4.0]),
        case("topk", "of_none", |x| x[0].topk(0, 1, true).0)
            .f32([3, 5])
            .expect(&[]),
        case("topk", "too_many", |x| x[0].topk(6, 1, true).0)
            .f32([3, 5])
            .error("fewer than 6"),
        case("sort", "no_such_axis", |x| x[0].sort(2, false).0)
            .f32([3, 5])
            .error("no axis 2"),
    ]);
    cases
}
