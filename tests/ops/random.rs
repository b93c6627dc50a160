//! Random tensors. What single numbers are is tested with the functions `uniform` and `normal`.

use crate::case::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("uniform", "times", |x| {
            &x[0] * x[0].random_uniform(x[0].shape())
        })
        .f32([65, 7]),
        case("uniform", "two_streams", |x| {
            &x[0] * x[0].random_uniform([257]) - x[0].random_uniform([257])
        })
        .f32([257]),
        case("uniform", "times_permuted", |x| {
            &x[0] * x[0].random_uniform([7, 5]).permute(&[1, 0])
        })
        .f32([5, 7]),
        case("normal", "times", |x| {
            &x[0] * x[0].random_normal(x[0].shape())
        })
        .f32([65, 7]),
        case("uniform", "dropout", |x| x[0].dropout(0.25)).f32([1009]),
        case("uniform", "dropout_of_nothing", |x| x[0].dropout(0.0))
            .f32([65])
            .formula(|x| x[0].data.clone()),
        case("uniform", "dropout_of_all", |x| x[0].dropout(1.0))
            .f32([65])
            .mistake("below 1"),
    ]
}
