//! Leaves: inputs and constants.

use crate::doctor::case::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("input", "itself", |x| x[0].clone())
            .f32([5, 3])
            .formula(|x| x[0].data.clone()),
        case("input", "u32", |x| x[0].clone())
            .numbers([2], &[7, u32::MAX])
            .expect(&[7.0, 4294967295.0]),
        case("constant", "alone", |x| x[0].constant_like(2.5))
            .f32([3])
            .expect(&[2.5]),
        case("constant", "added", |x| &x[0] + 0.5)
            .given([2], &[1.0, 2.0])
            .expect(&[1.5, 2.5]),
        case("constant", "zeros", |x| x[0].zeros_like() - &x[0]).f32([7]),
        case("constant", "u32", |x| &x[0] + x[0].constant_like(3.0))
            .numbers([2], &[1, u32::MAX])
            .expect(&[4.0, 2.0]),
    ]
}
