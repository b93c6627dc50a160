//! Cross-entropy with integer labels.

use crate::doctor::case::{Case, case};

fn naive(row: &[f64], label: usize) -> f64 {
    let total: f64 = row.iter().map(|x| x.exp()).sum();
    -(row[label].exp() / total).ln()
}

pub fn cases() -> Vec<Case> {
    let sizes = [
        [0, 7],
        [1, 1],
        [5, 2],
        [3, 3],
        [2, 7],
        [65, 63],
        [3, 65],
        [2, 255],
        [7, 256],
        [3, 257],
        [1, 1009],
        [257, 10],
    ];
    let mut cases: Vec<Case> = sizes
        .map(|[rows, n]| {
            case("cross_entropy", format!("{rows}x{n}"), |x| {
                x[0].cross_entropy(&x[1])
            })
            .f32_in([rows, n], -4.0, 4.0)
            .below([rows], n)
            .formula(move |x| {
                let rows = x[0].data.chunks(n).zip(&x[1].data);
                rows.map(|(row, label)| naive(row, *label as usize))
                    .collect()
            })
        })
        .into();
    cases.extend([
        case("cross_entropy", "saturated", |x| x[0].cross_entropy(&x[1]))
            .given(
                [4, 3],
                &[
                    1e4, -1e4, 0.0, 1e4, -1e4, 0.0, -200.0, 200.0, 0.0, -200.0, 200.0, 0.0,
                ],
            )
            .numbers([4], &[0, 1, 1, 0])
            .expect(&[0.0, 2e4, 0.0, 400.0]),
        case("cross_entropy", "label_outside", |x| {
            x[0].cross_entropy(&x[1])
        })
        .f32([3, 2])
        .numbers([3], &[0, 2, u32::MAX]),
        case("cross_entropy", "label_outside_is_0", |x| {
            x[0].cross_entropy(&x[1])
        })
        .given([2, 2], &[1.0, 2.0, 3.0, 4.0])
        .numbers([2], &[2, u32::MAX])
        .expect(&[0.0, 0.0]),
        case("cross_entropy", "mean", |x| {
            x[0].cross_entropy(&x[1]).mean(&[])
        })
        .f32([31, 10])
        .below([31], 10),
        case("cross_entropy", "rank_3", |x| x[0].cross_entropy(&x[1]))
            .f32([3, 5, 7])
            .below([3, 5], 7),
        case("cross_entropy", "vector", |x| x[0].cross_entropy(&x[1]))
            .f32([7])
            .below([], 7),
        case("cross_entropy", "permuted", |x| {
            x[0].permute(&[1, 0]).cross_entropy(&x[1])
        })
        .f32([7, 9])
        .below([9], 7),
        case("cross_entropy", "sliced_labels", |x| {
            x[0].cross_entropy(&x[1].narrow(0, 2, 5))
        })
        .f32([5, 3])
        .below([9], 3),
        case("cross_entropy", "wrong_labels", |x| {
            x[0].cross_entropy(&x[1])
        })
        .f32([5, 3])
        .below([4], 3)
        .error("one per row"),
        case("cross_entropy", "float_labels", |x| {
            x[0].cross_entropy(&x[1])
        })
        .f32([5, 3])
        .f32([5])
        .error("u32"),
        case("cross_entropy", "no_classes", |x| x[0].cross_entropy(&x[1]))
            .f32([5, 0])
            .below([5], 1)
            .error("classes"),
    ]);
    cases
}
