//! Batch normalization, in training and in evaluation.

use wgrad::nn::{self, Module};

use crate::case::{Case, layer, module};

pub fn cases() -> Vec<Case> {
    vec![
        layer("fresh", || nn::BatchNorm1d::new(5)),
        layer("features", || nn::BatchNorm1d::new(5)),
        layer("features_eval", || nn::BatchNorm1d::new(5)).eval(),
        layer("length", || nn::BatchNorm1d::new(3)),
        layer("length_one_sample", || nn::BatchNorm1d::new(3)),
        layer("length_eval", || nn::BatchNorm1d::new(3)).eval(),
        layer("images", || nn::BatchNorm2d::new(6)),
        layer("images_eval", || nn::BatchNorm2d::new(6)).eval(),
        layer("one_channel", || nn::BatchNorm2d::new(1)),
        layer("options", || nn::BatchNorm2d::new(4).eps(0.1).momentum(0.3)),
        layer("without_affine", || {
            nn::BatchNorm1d::new(4).without_affine()
        }),
        // An f32 near 1000 has an error of up to 3e-5, and so does the mean.
        layer("far_mean", || nn::BatchNorm1d::new(3)).within(2e-4),
        layer("second_step", || nn::BatchNorm1d::new(4)),
        module(
            "used_twice",
            || nn::BatchNorm1d::new(4),
            |norm, x| vec![norm.forward(&norm.forward(&x[0]).tanh())],
        ),
        layer("block", || {
            nn::Sequential::new()
                .add(nn::Linear::new(5, 6))
                .add(nn::BatchNorm1d::new(6))
                .add(nn::Relu)
                .add(nn::Linear::new(6, 2))
        })
        // Subtracting the mean cancels the bias.
        .cancelling(&["0.bias"]),
    ]
}
