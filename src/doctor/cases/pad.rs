//! Padding, the gradient of slicing.

use crate::{DType, Shape};

use crate::doctor::case::{Case, Draw, case};

pub fn cases() -> Vec<Case> {
    let pad = |before: &'static [usize], step: &'static [usize], to: &'static [usize]| {
        move |x: &[crate::Tensor]| x[0].pad_into(before, step, &Shape::from(to))
    };
    vec![
        case("pad", "known", pad(&[1], &[2], &[6]))
            .given([2], &[5.0, 7.0])
            .expect(&[0.0, 5.0, 0.0, 7.0, 0.0, 0.0]),
        case("pad", "rows", pad(&[1, 0], &[1, 1], &[4, 3])).f32([2, 3]),
        case("pad", "columns", pad(&[0, 2], &[1, 1], &[2, 7])).f32([2, 3]),
        case("pad", "both", pad(&[1, 2], &[2, 3], &[7, 20])).f32([3, 5]),
        case("pad", "long", pad(&[3], &[1], &[1009])).f32([257]),
        case("pad", "middle", pad(&[0, 1, 0], &[1, 2, 1], &[2, 6, 5])).f32([2, 3, 5]),
        case("pad", "of_nothing", pad(&[2], &[1], &[5]))
            .f32([0])
            .expect(&[0.0; 5]),
        case("pad", "to_the_end", pad(&[3], &[1], &[5])).f32([2]),
        case("pad", "permuted", |x| {
            x[0].permute(&[1, 0])
                .pad_into(&[1, 1], &[1, 1], &Shape::from([6, 5]))
        })
        .f32([3, 4]),
        case("pad", "sliced_without_zeros", |x| {
            let padded = x[0].pad_into(&[0, 2], &[1, 1], &Shape::from([3, 9]));
            padded.slice(&[0, 3], &[2, 2], &[1, 2]) + padded.narrow(1, 2, 2).narrow(0, 1, 2)
        })
        .f32([3, 5]),
        case("pad", "sliced_with_zeros", |x| {
            let padded = x[0].pad_into(&[0, 2], &[1, 1], &Shape::from([3, 9]));
            padded.narrow(1, 1, 4) + padded.narrow(1, 5, 4)
        })
        .f32([3, 5]),
        case("pad", "u32", pad(&[1], &[1], &[3]))
            .numbers([2], &[u32::MAX, 7])
            .expect(&[0.0, 4294967295.0, 7.0]),
        case("pad", "bool", pad(&[1], &[2], &[9])).argument(
            DType::Bool,
            [4],
            Draw::Between(0.0, 2.0),
        ),
        case("pad", "too_short", pad(&[3], &[1], &[4]))
            .f32([2])
            .error("exceed the size 4"),
    ]
}
