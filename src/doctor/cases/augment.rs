//! Random flips, shifts and crops of images.

use crate::doctor::case::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("source_pixel", "flip_always", |x| x[0].random_flip(1.0))
            .f32([3, 2, 5, 7])
            .formula(|x| {
                let rows = x[0].data.chunks(7);
                rows.flat_map(|row| row.iter().rev().copied()).collect()
            }),
        case("source_pixel", "flip_never", |x| x[0].random_flip(0.0))
            .f32([2, 3, 65])
            .formula(|x| x[0].data.clone()),
        case("source_pixel", "flip", |x| x[0].random_flip(0.5)).f32([65, 1, 3, 7]),
        case("source_pixel", "flip_of_a_chain", |x| {
            (&x[0] * 2.0).random_flip(0.5) + &x[1]
        })
        .f32([7, 2, 2, 4])
        .f32([7, 2, 2, 4]),
        case("source_pixel", "shift", |x| x[0].random_shift([2, 1])).f32([65, 2, 5, 3]),
        case("source_pixel", "shift_down_only", |x| {
            x[0].random_shift([3, 0])
        })
        .f32([7, 1, 7, 2]),
        case("source_pixel", "shift_by_nothing", |x| {
            x[0].random_shift([0, 0])
        })
        .f32([2, 1, 3, 3])
        .formula(|x| x[0].data.clone()),
        case("source_pixel", "shift_out_of_the_image", |x| {
            x[0].random_shift([9, 9])
        })
        .f32([63, 1, 2, 2]),
        case("source_pixel", "shift_of_no_image", |x| {
            x[0].random_shift([1, 1])
        })
        .f32([0, 1, 3, 3]),
        case("source_pixel", "shift_of_one_pixel", |x| {
            x[0].random_shift([1, 1])
        })
        .f32([257, 1, 1, 1]),
        case("source_pixel", "crop", |x| x[0].random_crop([4, 3], [1, 2])).f32([9, 3, 7, 8]),
        case("source_pixel", "crop_all", |x| {
            x[0].random_crop([3, 5], [0, 0])
        })
        .f32([2, 3, 5])
        .formula(|x| x[0].data.clone()),
        case("source_pixel", "crop_after_flip", |x| {
            x[0].random_flip(0.5).random_crop([5, 5], [1, 1])
        })
        .f32([7, 1, 5, 5]),
        case("source_pixel", "crop_larger_than_the_image", |x| {
            x[0].random_crop([4, 3], [1, 1])
        })
        .f32([2, 1, 3, 3])
        .error("a window of 4 x 3 does not fit in images of 3 x 3"),
        case("source_pixel", "flip_without_samples", |x| {
            x[0].random_flip(0.5)
        })
        .f32([3, 3])
        .error("expected f32 images [n, .., height, width]"),
        case("source_pixel", "flip_of_a_probability_above_1", |x| {
            x[0].random_flip(1.5)
        })
        .f32([1, 1, 3, 3])
        .error("from 0 to 1"),
    ]
}
