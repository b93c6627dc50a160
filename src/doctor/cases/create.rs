//! Functions that create tensors.

use crate::DType;

use crate::doctor::case::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("full", "known", |x| x[0].full([3], 2.5))
            .f32([])
            .expect(&[2.5; 3]),
        case("full", "zeros_and_ones", |x| {
            &x[0] * x[0].zeros([5]) + x[0].ones([5])
        })
        .f32([5])
        .expect(&[1.0; 5]),
        case("full", "empty", |x| x[0].ones([0, 3])).f32([]),
        case("arange", "whole", |x| x[0].numbers(5))
            .f32([])
            .expect(&[0.0, 1.0, 2.0, 3.0, 4.0]),
        case("arange", "known", |x| x[0].arange(1.0, 2.5, 0.5))
            .f32([])
            .expect(&[1.0, 1.5, 2.0]),
        case("arange", "down", |x| x[0].arange(3.0, 0.0, -1.0))
            .f32([])
            .expect(&[3.0, 2.0, 1.0]),
        case("arange", "none", |x| x[0].arange(1.0, 1.0, 0.5)).f32([]),
        case("arange", "times", |x| {
            &x[0] * x[0].arange(-1.0, 1.0, 2.0 / 1009.0)
        })
        .f32([1009]),
        case("arange", "across_rows", |x| {
            &x[0] * x[0].arange(0.0, 7.0, 1.0) + x[0].numbers(5).cast(DType::F32).unsqueeze(1)
        })
        .f32([5, 7]),
        case("arange", "in_a_product", |x| {
            x[0].matmul(&x[0].arange(0.0, 7.0, 1.0).unsqueeze(1))
        })
        .f32([5, 7]),
        case("arange", "wrong_way", |x| x[0].arange(0.0, 5.0, -1.0))
            .f32([])
            .error("from 0 to 5 by -1"),
        case("arange", "no_step", |x| x[0].arange(0.0, 5.0, 0.0))
            .f32([])
            .error("by 0"),
        case("linspace", "known", |x| x[0].linspace(-1.0, 1.0, 5))
            .f32([])
            .expect(&[-1.0, -0.5, 0.0, 0.5, 1.0]),
        case("linspace", "one", |x| x[0].linspace(3.0, 4.0, 1))
            .f32([])
            .expect(&[3.0]),
        case("linspace", "none", |x| x[0].linspace(3.0, 4.0, 0)).f32([]),
        case("linspace", "times", |x| {
            &x[0] * x[0].linspace(0.0, 1.0, 257)
        })
        .f32([257]),
        case("eye", "known", |x| x[0].eye(2, 3))
            .f32([])
            .expect(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        case("eye", "times", |x| x[0].matmul(&x[0].eye(7, 7)))
            .f32([65, 7])
            .formula(|x| x[0].data.clone()),
        case("random_bernoulli", "times", |x| {
            &x[0] * x[0].random_bernoulli(0.3, [65, 7])
        })
        .f32([65, 7]),
        case("random_bernoulli", "never", |x| {
            x[0].random_bernoulli(0.0, [257])
        })
        .f32([])
        .expect(&[0.0; 257]),
        case("random_bernoulli", "always", |x| {
            x[0].random_bernoulli(1.0, [257])
        })
        .f32([])
        .expect(&[1.0; 257]),
        case("random_bernoulli", "impossible", |x| {
            x[0].random_bernoulli(1.5, [2])
        })
        .f32([])
        .error("from 0 to 1"),
        case("random_permutation", "rows", |x| {
            x[0].gather(&x[0].random_permutation(65))
        })
        .f32([65, 3]),
        // A sorted permutation has each number once.
        case("random_permutation", "has_each_once", |x| {
            let p = x[0].random_permutation(1009);
            p.gather(&p.argsort(0, false))
        })
        .f32([])
        .formula(|_| (0..1009).map(f64::from).collect()),
    ]
}
