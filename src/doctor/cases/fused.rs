//! Chains of ops as they occur in models, which the passes fuse.

use crate::graph::{Matmul, Op};
use crate::{DType, Source, Tensor};

use crate::doctor::case::{Case, case};

/// Layer normalization, composed of elementwise ops and reductions.
fn normalized(x: &Tensor) -> Tensor {
    let centred = x - x.mean(&[-1]).unsqueeze(-1);
    let variance = centred.square().mean(&[-1]).unsqueeze(-1);
    centred * (variance + 1e-5).rsqrt()
}

/// Single-head attention: `q`, `k`, `v` are `[time, features]`.
fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> Tensor {
    let scores = q.matmul_t(k) * (1.0 / (q.dim(-1) as f64).sqrt());
    scores.softmax(-1).matmul(v)
}

/// Computes `a^T b` over the last two axes.
fn transposed_product(a: &Tensor, b: &Tensor) -> Tensor {
    let op = Op::Matmul(Matmul {
        ta: true,
        tb: false,
    });
    Tensor::apply(op, &[a, b], Source::caller())
}

pub fn cases() -> Vec<Case> {
    vec![
        case("fused", "mlp", |x| {
            let h = (x[0].matmul_t(&x[1]) + &x[2]).gelu();
            h.matmul_t(&x[3]) + &x[4]
        })
        .f32([9, 7])
        .f32([16, 7])
        .f32([16])
        .f32([3, 16])
        .f32([3]),
        case("fused", "layer_norm", |x| normalized(&x[0]) * &x[1] + &x[2])
            .f32([5, 67])
            .f32([67])
            .f32([67]),
        case("fused", "attention", |x| attention(&x[0], &x[1], &x[2]))
            .f32([5, 8])
            .f32([7, 8])
            .f32([7, 6]),
        case("fused", "matmul_prologue", |x| {
            (&x[0] * &x[1] + 1.0).tanh().matmul(&x[2]).silu()
        })
        .f32([2, 65, 37])
        .f32([37])
        .f32([2, 37, 10]),
        case("fused", "matmul_prologue_tall", |x| {
            x[0].silu().matmul_t(&x[1]) + &x[2]
        })
        .f32([131, 40])
        .f32([64, 40])
        .f32([64]),
        case("fused", "matmul_prologue_column", |x| {
            (&x[0] - &x[1]).square().matmul(&x[2])
        })
        .f32([7, 259])
        .f32([7, 1])
        .f32([259, 1]),
        case("fused", "matmul_prologue_split", |x| {
            transposed_product(&x[0].sigmoid(), &x[1]) * 0.5
        })
        .f32([1009, 3])
        .f32([1009, 5]),
        case("fused", "matmul_prologue_transposed", |x| {
            transposed_product(&(&x[0] * &x[1]), &x[2])
        })
        .f32([3, 9, 66])
        .f32([3, 9, 1])
        .f32([3, 9, 12]),
        case("fused", "matmul_prologue_view", |x| {
            x[0].permute(&[0, 2, 1, 3]).matmul(&x[1])
        })
        .f32([2, 7, 3, 5])
        .f32([2, 3, 5, 8]),
        case("fused", "matmul_prologue_random", |x| {
            x[0].dropout(0.3).matmul(&x[1])
        })
        .f32([33, 12])
        .f32([12, 4]),
        case("fused", "embedding", |x| {
            let h = x[0].gather(&x[2]).tanh().mean(&[1]);
            h.matmul(&x[1]).log_softmax(-1)
        })
        .f32([11, 4])
        .f32([4, 3])
        .below([5, 6], 11),
        case("fused", "one_hot_mean", |x| {
            let hit = x[0].argmax().eq(&x[1]).cast(DType::F32);
            hit.mean(&[]) + x[0].mean(&[]) * 0.5
        })
        .f32([65, 10])
        .distinct()
        .below([65], 10),
        case("fused", "long_chain", |x| {
            let a = (&x[0] * &x[1] + 1.0).tanh();
            let b = (&a - &x[1]).square() * 0.5;
            (a * b.sigmoid() + x[0].silu()).softplus()
        })
        .f32([257])
        .f32([257]),
        case("fused", "diamond", |x| {
            let a = x[0].exp();
            let (b, c) = (&a * 2.0, a.square());
            (b.sum(&[0]) * c).sum(&[1]) + a.permute(&[1, 0]).sum(&[0])
        })
        .f32_in([7, 7], -1.0, 1.0),
        // More tensors than a kernel may bind.
        case("fused", "ten_leaves", |x| {
            x.iter()
                .skip(1)
                .fold(x[0].clone(), |sum, x| sum * 0.5 + x.tanh())
        })
        .f32([65])
        .f32([65])
        .f32([65])
        .f32([65])
        .f32([65])
        .f32([65])
        .f32([65])
        .f32([65])
        .f32([65])
        .f32([65]),
        case("fused", "mixed_views", |x| {
            x[0].permute(&[1, 0]) * x[1].broadcast_to([12, 8])
                + x[2].slice(&[1, 2], &[12, 8], &[1, 2])
                - &x[3]
        })
        .f32([8, 12])
        .f32([12, 1])
        .f32([14, 20])
        .f32([8]),
        // The right operand is computed after the left one, whose buffer the product reuses if no
        // gradient reads it.
        case("fused", "product_of_two_copies", |x| {
            let a = x[0].narrow(2, 1, 3).reshape([6, 3]);
            let b = x[1].narrow(1, 2, 2).reshape([6, 2]);
            a.transpose(0, 1).matmul(&b)
        })
        .f32([2, 3, 5])
        .constant()
        .f32([3, 5, 2])
        .constant(),
        case("fused", "product_of_a_chain_and_a_copy", |x| {
            let a = (&x[0] * 0.5).tanh();
            a.matmul(&x[1].narrow(1, 2, 3))
        })
        .f32([5, 4])
        .constant()
        .f32([4, 7])
        .constant(),
        case("fused", "scatter_of_gather", |x| {
            x[0].gather(&x[1]).relu().scatter_add(&x[2], 5) * 2.0
        })
        .f32([7, 4])
        .avoiding(&[0.0])
        .below([9], 7)
        .below([9], 5),
        case("fused", "select", |x| {
            x[0].gt(&x[1]).select(&x[0].exp(), &(&x[1] * 3.0))
        })
        .f32([65])
        .f32([65])
        .apart(),
    ]
}
