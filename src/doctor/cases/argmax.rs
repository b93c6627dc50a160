//! Argmax.

use crate::doctor::case::{Case, case};

pub fn cases() -> Vec<Case> {
    let sizes = [
        [0, 3],
        [1, 1],
        [3, 2],
        [2, 65],
        [65, 7],
        [1, 1009],
        [257, 3],
    ];
    let mut cases: Vec<Case> = sizes
        .map(|[rows, n]| {
            case("argmax", format!("{rows}x{n}"), |x| x[0].argmax())
                .f32([rows, n])
                .distinct()
                .formula(move |x| {
                    let position = |row: &[f64]| {
                        let max = row.iter().copied().fold(f64::MIN, f64::max);
                        row.iter().position(|&v| v == max).unwrap_or(0) as f64
                    };
                    x[0].data.chunks(n).map(position).collect()
                })
        })
        .into();
    cases.extend([
        case("argmax", "first_of_equals", |x| x[0].argmax())
            .given([2, 4], &[1.0, 3.0, 3.0, 2.0, -1.0, -1.0, -2.0, -1.0])
            .expect(&[1.0, 0.0]),
        case("argmax", "huge", |x| x[0].argmax())
            .given([2, 3], &[-1e30, -1e38, -1e31, 1e30, 1e38, 1e31])
            .expect(&[0.0, 1.0]),
        case("argmax", "permuted", |x| x[0].permute(&[1, 0]).argmax())
            .f32([9, 7])
            .distinct(),
        case("argmax", "rank_3", |x| x[0].argmax())
            .f32([3, 5, 7])
            .distinct(),
        case("argmax", "vector", |x| x[0].argmax())
            .f32([67])
            .distinct(),
        case("argmax", "empty_rows", |x| x[0].argmax())
            .f32([3, 0])
            .mistake("not empty"),
    ]);
    cases
}
