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
    for shape in [&[1, 1][..], &[0, 3], &[7, 2], &[65, 3], &[257]] {
        let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
        let drawn = case("argmin", sizes.join("x"), |x| x[0].argmin());
        cases.push(drawn.f32(shape).distinct());
    }
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
        case("argmin", "rank_3", |x| x[0].argmin())
            .f32([3, 5, 7])
            .distinct(),
        case("argmin", "long", |x| x[0].argmin())
            .f32([2, 1009])
            .distinct(),
        case("argmax", "very_long", |x| x[0].argmax()).f32([2, 70_001]),
        // Equal elements in different chunks, and a last chunk that is not full.
        case("argmin", "first_of_many", |x| x[0].floor().argmin()).f32([3, 1009]),
        case("argmin", "first_of_equals", |x| x[0].argmin())
            .given([2, 4], &[1.0, 3.0, 1.0, 2.0, 0.0, -0.0, 2.0, 1.0])
            .expect(&[0.0, 0.0]),
        case("argmax", "nan", |x| x[0].argmax())
            .given([2, 3], &[1.0, f64::NAN, 3.0, f64::NAN, 2.0, f64::NAN])
            .expect(&[1.0, 0.0]),
        case("argmin", "nan", |x| x[0].argmin())
            .given([2, 3], &[1.0, f64::NAN, -3.0, f64::NAN, 2.0, f64::NAN])
            .expect(&[1.0, 0.0]),
        case("argmax", "of_the_first_axis", |x| x[0].argmax_along(0))
            .given([2, 3], &[1.0, 5.0, 3.0, 4.0, 2.0, 3.0])
            .expect(&[1.0, 0.0, 0.0]),
        case("argmin", "of_the_middle_axis", |x| x[0].argmin_along(1))
            .f32([3, 5, 7])
            .distinct()
            .formula(|x| {
                let mut y = Vec::new();
                for o in 0..3 {
                    for j in 0..7 {
                        let at = |i: usize| x[0].data[(o * 5 + i) * 7 + j];
                        let least = (0..5).map(at).fold(f64::MAX, f64::min);
                        y.extend((0..5).position(|i| at(i) == least).map(|i| i as f64));
                    }
                }
                y
            }),
        case("argmax", "numbers", |x| x[0].argmax())
            .numbers([4], &[7, u32::MAX, 1 << 31, 0])
            .expect(&[1.0]),
        case("argmax", "no_such_axis", |x| x[0].argmax_along(2))
            .f32([3, 5])
            .error("no axis 2"),
        case("argmax", "empty_rows", |x| x[0].argmax())
            .f32([3, 0])
            .error("non-empty"),
    ]);
    cases
}
