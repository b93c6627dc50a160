//! Random tensors. The cases of `random_uniform` and `random_normal` check the individual numbers.

use crate::doctor::case::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("random_uniform", "times", |x| {
            &x[0] * x[0].random_uniform(x[0].shape())
        })
        .f32([65, 7]),
        case("random_uniform", "two_streams", |x| {
            &x[0] * x[0].random_uniform([257]) - x[0].random_uniform([257])
        })
        .f32([257]),
        case("random_uniform", "times_permuted", |x| {
            &x[0] * x[0].random_uniform([7, 5]).permute(&[1, 0])
        })
        .f32([5, 7]),
        case("random_normal", "times", |x| {
            &x[0] * x[0].random_normal(x[0].shape())
        })
        .f32([65, 7]),
        case("random_uniform", "dropout", |x| x[0].dropout(0.25)).f32([1009]),
        case("random_uniform", "dropout_of_nothing", |x| {
            x[0].dropout(0.0)
        })
        .f32([65])
        .formula(|x| x[0].data.clone()),
        case("random_uniform", "dropout_of_all", |x| x[0].dropout(1.0))
            .f32([65])
            .error("below 1"),
    ]
}
