//! Log-softmax.

use crate::doctor::case::{Case, case};

fn naive(row: &[f64]) -> Vec<f64> {
    let total: f64 = row.iter().map(|x| x.exp()).sum();
    row.iter().map(|x| x - total.ln()).collect()
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
            case("log_softmax", format!("{rows}x{n}"), |x| {
                x[0].log_softmax(-1)
            })
            .f32_in([rows, n], -4.0, 4.0)
            .formula(move |x| x[0].data.chunks(n).flat_map(naive).collect())
        })
        .into();
    cases.extend([
        case("log_softmax", "huge", |x| x[0].log_softmax(0))
            .given([3], &[1e4, -1e4, 0.0])
            .expect(&[0.0, -2e4, -1e4]),
        case("log_softmax", "huge_equals", |x| x[0].log_softmax(0))
            .given([4], &[1e4; 4])
            .expect(&[-4f64.ln(); 4]),
        case("log_softmax", "wide_spread", |x| x[0].log_softmax(-1)).f32_in([5, 67], -60.0, 60.0),
        case("log_softmax", "axis_0", |x| x[0].log_softmax(0)).f32([7, 9]),
        case("log_softmax", "middle_axis", |x| x[0].log_softmax(1)).f32([3, 5, 2]),
        case("log_softmax", "permuted", |x| {
            x[0].permute(&[1, 0]).log_softmax(-1)
        })
        .f32([7, 9]),
        case("log_softmax", "sliced", |x| {
            x[0].slice(&[1, 2], &[3, 5], &[2, 1]).log_softmax(-1)
        })
        .f32([7, 9]),
        case("log_softmax", "twice", |x| {
            x[0].log_softmax(-1) * x[0].log_softmax(0)
        })
        .f32([5, 5]),
        case("log_softmax", "scalar", |x| x[0].log_softmax(0))
            .f32([])
            .error("no axis 0"),
    ]);
    cases
}
