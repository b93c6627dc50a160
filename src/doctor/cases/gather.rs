//! Gather.

use crate::DType;

use crate::doctor::case::{Case, Draw, case};

pub fn cases() -> Vec<Case> {
    let sizes = [
        (0, 3, 5),
        (1, 1, 1),
        (2, 3, 7),
        (65, 10, 3),
        (63, 7, 4),
        (257, 1009, 8),
        (3, 2, 1009),
        (1, 3, 0),
    ];
    let mut cases: Vec<Case> = sizes
        .map(|(count, rows, row)| {
            case("gather", format!("{count}_of_{rows}x{row}"), |x| {
                x[0].gather(&x[1])
            })
            .f32([rows, row])
            .below([count], rows)
            .formula(move |x| {
                let id = |&id: &f64| id as usize;
                let row = |id| (0..row).map(move |j| x[0].data[id * row + j]);
                x[1].data.iter().map(id).flat_map(row).collect()
            })
        })
        .into();
    cases.extend([
        case("gather", "past_the_end", |x| x[0].gather(&x[1]))
            .given([2, 2], &[1.0, 2.0, 3.0, 4.0])
            .numbers([4], &[1, 2, u32::MAX, 0])
            .expect(&[3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0]),
        case("gather", "past_the_end_in_fours", |x| x[0].gather(&x[1]))
            .given([1, 4], &[1.0, 2.0, 3.0, 4.0])
            .numbers([3], &[1, 0, 1 << 30])
            .expect(&[0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]),
        case("gather", "empty_table", |x| x[0].gather(&x[1]))
            .f32([0, 3])
            .numbers([2], &[0, 1])
            .expect(&[0.0; 6]),
        case("gather", "repeated", |x| x[0].gather(&x[1]))
            .f32([3, 5])
            .numbers([6], &[2, 2, 0, 2, 0, 2]),
        case("gather", "ids_of_rank_2", |x| x[0].gather(&x[1]))
            .f32([5, 2, 3])
            .below([3, 4], 5),
        case("gather", "one_id", |x| x[0].gather(&x[1]))
            .f32([5, 3])
            .below([], 5),
        case("gather", "table_of_rank_1", |x| x[0].gather(&x[1]))
            .f32([65])
            .below([7], 65),
        case("gather", "u32", |x| x[0].gather(&x[1]))
            .numbers([3], &[7, u32::MAX, 0x7fc0_1234])
            .numbers([3], &[2, 1, 0])
            .expect(&[2143294004.0, 4294967295.0, 7.0]),
        case("gather", "bool", |x| x[0].gather(&x[1]))
            .argument(DType::Bool, [5, 4], Draw::Between(0.0, 2.0))
            .below([7], 5),
        case("gather", "permuted_table", |x| {
            x[0].permute(&[1, 0]).gather(&x[1])
        })
        .f32([4, 7])
        .below([5], 7),
        case("gather", "sliced_ids", |x| {
            x[0].gather(&x[1].slice(&[1], &[4], &[2]))
        })
        .f32([7, 3])
        .below([9], 7),
        case("gather", "twice", |x| {
            x[0].gather(&x[1]) * x[0].gather(&x[2])
        })
        .f32([5, 3])
        .below([4], 5)
        .below([4], 5),
        case("gather", "frozen", |x| x[0].gather_frozen(&x[1], 2) * &x[2])
            // Finite differences also see the frozen row, so the gradient of the table is not
            // checked.
            .f32([3, 4])
            .constant()
            .numbers([5], &[2, 0, 2, 1, 7])
            .f32([5, 4]),
        // The gradient of the table, computed with one-hot rows, without the frozen row.
        case("gather", "frozen_passes_no_gradient", |x| {
            x[0].gather_frozen(&x[1], 3)
        })
        .f32([3, 4])
        .numbers([6], &[2, 0, 2, 1, 3, u32::MAX]),
        case("gather", "float_ids", |x| x[0].gather(&x[1]))
            .f32([5, 3])
            .f32([2])
            .error("u32"),
        case("gather", "scalar_table", |x| x[0].gather(&x[1]))
            .f32([])
            .below([2], 1)
            .error("at least one axis"),
    ]);
    cases
}
