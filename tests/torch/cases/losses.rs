//! Losses as functions, with their options and reductions.

use wgrad::loss::functional::{self as f, Classes, Reduction};
use wgrad::{DType, Tensor};

use crate::case::{Case, function};

const REDUCTIONS: [(&str, Reduction); 3] = [
    ("mean", Reduction::Mean),
    ("sum", Reduction::Sum),
    ("none", Reduction::None),
];

/// Returns integers as floats, which get no gradient.
fn number(x: &Tensor) -> Tensor {
    x.cast(DType::F32)
}

/// Returns 1 and -1 for 1 and 0.
fn sign(x: &Tensor) -> Tensor {
    number(x) * 2.0 - 1.0
}

fn named(name: String) -> &'static str {
    name.leak()
}

fn of_classes() -> Vec<Case> {
    let options = [
        ("plain", 0.0, None),
        ("smooth", 0.1, None),
        ("weighted", 0.0, None),
        ("ignoring", 0.0, Some(2)),
        ("all", 0.2, Some(2)),
        ("smooth_ignoring", 0.3, Some(2)),
    ];
    let mut cases = Vec::new();
    for (name, smoothing, ignore) in options {
        for (end, reduction) in REDUCTIONS {
            let case = |log: bool| {
                move |x: &[Tensor]| {
                    let weight = x.get(2).map(|w| number(w) / 4.0);
                    let options = Classes {
                        smoothing,
                        weight: weight.as_ref(),
                        ignore,
                    };
                    vec![match log {
                        true => f::nll(&x[0], &x[1], &options, reduction),
                        false => f::cross_entropy(&x[0], &x[1], &options, reduction),
                    }]
                }
            };
            let of = |what: &str| named(format!("{what}_{name}_{end}"));
            cases.push(function(of("cross_entropy"), case(false)));
            if smoothing == 0.0 {
                cases.push(function(of("nll"), case(true)));
            }
        }
    }
    cases
}

pub fn cases() -> Vec<Case> {
    let mut cases = of_classes();
    for (end, r) in REDUCTIONS {
        let of = |what: &str| named(format!("{what}_{end}"));
        cases.extend([
            function(of("mse"), move |x| vec![f::mse(&x[0], &x[1], r)]),
            function(of("mae"), move |x| vec![f::mae(&x[0], &x[1], r)]),
            function(of("huber"), move |x| vec![f::huber(&x[0], &x[1], 1.3, r)]),
            function(of("smooth_l1"), move |x| {
                vec![f::smooth_l1(&x[0], &x[1], 0.7, r)]
            }),
            function(of("bce"), move |x| {
                vec![f::binary_cross_entropy(&x[0], &(number(&x[1]) / 16.0), r)]
            }),
            function(of("bce_logits"), move |x| {
                vec![f::binary_cross_entropy_with_logits(&x[0], &x[1], None, r)]
            }),
            function(of("kl_logs"), move |x| {
                vec![f::kl_divergence_of_logs(&x[0], &x[1], r)]
            }),
            function(of("triplet"), move |x| {
                vec![f::triplet([&x[0], &x[1], &x[2]], 0.8, false, r)]
            }),
            function(of("gaussian"), move |x| {
                vec![f::gaussian_nll(&x[0], &x[1], &x[2], (false, 1e-6), r)]
            }),
            function(of("poisson"), move |x| {
                vec![f::poisson_nll(&x[0], &number(&x[1]), false, r)]
            }),
        ]);
    }
    const NONE: Reduction = Reduction::None;
    const MEAN: Reduction = Reduction::Mean;
    cases.extend([
        function("bce_logits_pos", |x| {
            let weight = number(&x[2]) / 2.0;
            let loss = f::binary_cross_entropy_with_logits(&x[0], &x[1], Some(&weight), MEAN);
            vec![loss]
        }),
        function("smooth_l1_zero", |x| {
            vec![f::smooth_l1(&x[0], &x[1], 0.0, MEAN)]
        }),
        function("kl_mean", |x| vec![f::kl_divergence(&x[0], &x[1], MEAN)]),
        function("kl_batchmean", |x| {
            vec![f::kl_divergence(&x[0], &x[1], Reduction::BatchMean)]
        }),
        function("kl_holes", |x| {
            vec![f::kl_divergence(&x[0], &(number(&x[1]) / 16.0), NONE)]
        }),
        function("hinge_embedding", |x| {
            vec![f::hinge_embedding(&x[0], &sign(&x[1]), 0.9, NONE)]
        }),
        function("hinge", |x| vec![f::hinge(&x[0], &sign(&x[1]), 1.0, MEAN)]),
        function("cosine", |x| {
            vec![f::cosine_embedding(&x[0], &x[1], &sign(&x[2]), 0.1, NONE)]
        }),
        function("triplet_swap", |x| {
            vec![f::triplet([&x[0], &x[1], &x[2]], 0.8, true, NONE)]
        }),
        function("gaussian_full", |x| {
            vec![f::gaussian_nll(&x[0], &x[1], &x[2], (true, 1e-6), MEAN)]
        }),
        function("poisson_full", |x| {
            vec![f::poisson_nll(&x[0], &number(&x[1]), true, NONE)]
        }),
        function("poisson_rate", |x| {
            vec![f::poisson_nll_of_rate(&x[0], &number(&x[1]), false, NONE)]
        }),
        function("focal", |x| {
            vec![f::focal(&x[0], &number(&x[1]), 2.0, None, NONE)]
        }),
        function("focal_alpha", |x| {
            vec![f::focal(&x[0], &number(&x[1]), 2.0, Some(0.25), MEAN)]
        }),
        function("focal_classes", |x| {
            vec![f::focal_cross_entropy(&x[0], &x[1], 1.5, NONE)]
        }),
    ]);
    cases
}
