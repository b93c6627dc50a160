//! Scatter-add.

use crate::doctor::case::{Case, case};

pub fn cases() -> Vec<Case> {
    let sizes = [
        (0, 3, 5),
        (1, 1, 1),
        (2, 3, 7),
        (65, 10, 3),
        (63, 7, 4),
        (257, 101, 8),
        (3, 2, 1009),
        (4, 0, 3),
        (2, 3, 0),
    ];
    let mut cases: Vec<Case> = sizes
        .map(|(count, rows, row)| {
            case(
                "scatter_add",
                format!("{count}_into_{rows}x{row}"),
                move |x| x[0].scatter_add(&x[1], rows),
            )
            .f32([count, row])
            .below([count], rows)
            .formula(move |x| {
                let mut y = vec![0.0; rows * row];
                for (i, id) in x[1]
                    .data
                    .iter()
                    .enumerate()
                    .filter(|(_, id)| (**id as usize) < rows)
                {
                    for j in 0..row {
                        y[*id as usize * row + j] += x[0].data[i * row + j];
                    }
                }
                y
            })
        })
        .into();
    cases.extend([
        case("scatter_add", "past_the_end", |x| {
            x[0].scatter_add(&x[1], 2)
        })
        .given([4], &[1.0, 2.0, 4.0, 8.0])
        .numbers([4], &[1, 2, u32::MAX, 1])
        .expect(&[0.0, 9.0]),
        case("scatter_add", "all_into_one", |x| {
            x[0].scatter_add(&x[1], 3)
        })
        .f32([1009, 4])
        .numbers([1009], &[1; 1009]),
        // Many rows and indices are sorted: by one digit, by several, and with all indices out of
        // range.
        case("scatter_add", "sorted_by_two_digits", |x| {
            x[0].scatter_add(&x[1], 30_000)
        })
        .f32([257, 3])
        .below([257], 30_000)
        .formula(|x| {
            let mut y = vec![0.0; 90_000];
            for (i, id) in x[1].data.iter().enumerate() {
                for j in 0..3 {
                    y[*id as usize * 3 + j] += x[0].data[i * 3 + j];
                }
            }
            y
        }),
        case("scatter_add", "sorted_by_one_digit", |x| {
            x[0].scatter_add(&x[1], 255)
        })
        .f32([10_007, 1])
        .below([10_007], 300),
        case("scatter_add", "sorted_in_fours", |x| {
            x[0].scatter_add(&x[1], 70_001)
        })
        .f32([130, 4])
        .below([130], 70_100),
        case("scatter_add", "sorted_all_into_one", |x| {
            x[0].scatter_add(&x[1], 4096)
        })
        .f32([1009])
        .numbers([1009], &[4095; 1009]),
        case("scatter_add", "sorted_past_the_end", |x| {
            x[0].scatter_add(&x[1], 65_536)
        })
        .given([33], &[1.0; 33])
        .numbers([33], &[u32::MAX; 33])
        .expect(&[0.0; 65_536]),
        case("scatter_add", "ids_of_rank_2", |x| {
            x[0].scatter_add(&x[1], 5)
        })
        .f32([3, 4, 2])
        .below([3, 4], 5),
        case("scatter_add", "one_id", |x| x[0].scatter_add(&x[1], 5))
            .f32([3])
            .below([], 5),
        case("scatter_add", "permuted", |x| {
            x[0].permute(&[1, 0]).scatter_add(&x[1], 6)
        })
        .f32([4, 7])
        .below([7], 6),
        case("scatter_add", "other_ids", |x| x[0].scatter_add(&x[1], 6))
            .f32([4, 7])
            .below([7], 6)
            .error("one per row"),
        case("scatter_add", "u32_rows", |x| x[0].scatter_add(&x[0], 6))
            .below([7], 6)
            .error("must be f32"),
    ]);
    cases
}
