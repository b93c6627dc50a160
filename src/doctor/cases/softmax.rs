//! Softmax.

use crate::doctor::case::{Case, case};

/// Computes softmax from its definition, without subtracting the maximum; accurate for small
/// arguments.
fn naive(row: &[f64]) -> Vec<f64> {
    let total: f64 = row.iter().map(|x| x.exp()).sum();
    row.iter().map(|x| x.exp() / total).collect()
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
        [257, 2],
    ];
    let mut cases: Vec<Case> = sizes
        .map(|[rows, n]| {
            case("softmax", format!("{rows}x{n}"), |x| x[0].softmax(-1))
                .f32_in([rows, n], -4.0, 4.0)
                .formula(move |x| x[0].data.chunks(n).flat_map(naive).collect())
        })
        .into();
    cases.extend([
        case("softmax", "huge", |x| x[0].softmax(0))
            .given([3], &[1e4, -1e4, 0.0])
            .expect(&[1.0, 0.0, 0.0]),
        case("softmax", "huge_equals", |x| x[0].softmax(0))
            .given([4], &[1e4; 4])
            .expect(&[0.25; 4]),
        case("softmax", "all_very_low", |x| x[0].softmax(0))
            .given([2], &[-3e38, -3e38])
            .constant()
            .expect(&[0.5, 0.5]),
        case("softmax", "masked", |x| x[0].softmax(0))
            .given([3], &[-3.4e38, 0.0, 0.0])
            .constant()
            .expect(&[0.0, 0.5, 0.5]),
        case("softmax", "wide_spread", |x| x[0].softmax(-1)).f32_in([5, 67], -60.0, 60.0),
        case("softmax", "vector", |x| x[0].softmax(0)).f32([65]),
        case("softmax", "no_columns", |x| x[0].softmax(-1)).f32([3, 0]),
        case("softmax", "axis_0", |x| x[0].softmax(0)).f32([7, 9]),
        case("softmax", "middle_axis", |x| x[0].softmax(1)).f32([3, 5, 2]),
        case("softmax", "permuted", |x| x[0].permute(&[1, 0]).softmax(-1)).f32([7, 9]),
        case("softmax", "sliced", |x| {
            x[0].slice(&[1, 2], &[3, 5], &[2, 1]).softmax(-1)
        })
        .f32([7, 9]),
        case("softmax", "broadcast", |x| {
            x[0].broadcast_to([4, 7]).softmax(-1)
        })
        .f32([7]),
        case("softmax", "twice", |x| x[0].softmax(-1) * x[0].softmax(0)).f32([5, 5]),
        case("softmax", "of_softmax", |x| x[0].softmax(-1).softmax(-1)).f32([5, 5]),
        case("softmax", "scalar", |x| x[0].softmax(0))
            .f32([])
            .error("no axis 0"),
        case("softmax", "integers", |x| x[0].softmax(0))
            .below([3], 3)
            .error("f32"),
    ]);
    cases
}
