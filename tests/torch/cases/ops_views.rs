//! Views, concatenation, padding and creation; see `tests/fixtures/ops_views.py`.

use wgrad::Tensor;
use wgrad::ops::PadMode;

use crate::case::{Case, function};

pub fn cases() -> Vec<Case> {
    vec![
        function("reshape", |x| vec![x[0].reshape([3, 10])]),
        function("permute", |x| vec![x[0].permute(&[2, 0, 1])]),
        function("transpose", |x| vec![x[0].transpose(0, -1)]),
        function("broadcast_to", |x| vec![x[0].broadcast_to([4, 3, 5])]),
        function("expand", |x| vec![x[0].expand(&[2, -1, 5])]),
        function("flatten", |x| vec![x[0].flatten(1)]),
        function("squeeze_unsqueeze", |x| {
            vec![x[0].squeeze(1), x[0].unsqueeze(-1), x[0].unsqueeze(1)]
        }),
        function("slice_step", |x| {
            vec![x[0].slice(&[1, 0, 2], &[2, 2, 2], &[3, 1, 4])]
        }),
        function("flip", |x| {
            vec![x[0].flip(&[0]), x[0].flip(&[1, 2]), x[0].flip(&[-1])]
        }),
        function("flip_of_permuted", |x| {
            vec![x[0].permute(&[1, 0]).flip(&[0]).exp()]
        }),
        function("roll", |x| {
            vec![
                x[0].roll(&[1], &[0]),
                x[0].roll(&[-2], &[1]),
                x[0].roll(&[2, -9], &[0, 1]),
            ]
        }),
        function("repeat", |x| {
            vec![x[0].repeat(&[2, 3]), x[0].repeat(&[2, 1, 3])]
        }),
        function("tile", |x| {
            vec![x[0].tile(&[2]), x[0].tile(&[3, 2]), x[0].tile(&[2, 1, 2])]
        }),
        function("split", |x| x[0].split(&[1, 3, 2], 1)),
        function("chunk", |x| x[0].chunk(3, -1)),
        function("concat", |x| {
            vec![Tensor::concat(&[&x[0], &x[1], &x[0]], 1)]
        }),
        function("stack", |x| {
            vec![
                Tensor::stack(&[&x[0], &x[1], &x[0]], 0),
                Tensor::stack(&[&x[0], &x[1]], -1),
            ]
        }),
        function("pad_constant", |x| {
            vec![x[0].pad(&[(3, 0), (1, 2)], PadMode::Constant(-1.5))]
        }),
        function("pad_reflect", |x| {
            vec![x[0].pad(&[(2, 0), (1, 3)], PadMode::Reflect)]
        }),
        function("pad_replicate", |x| {
            vec![x[0].pad(&[(2, 7), (1, 3)], PadMode::Replicate)]
        }),
        function("triangles_minus_2", |x| vec![x[0].tril(-2), x[0].triu(-2)]),
        function("triangles_0", |x| vec![x[0].tril(0), x[0].triu(0)]),
        function("triangles_1", |x| vec![x[0].tril(1), x[0].triu(1)]),
        function("arange", |x| vec![&x[0] * x[0].arange(-1.0, 2.3, 0.5)]),
        function("linspace", |x| vec![&x[0] * x[0].linspace(-1.0, 2.3, 7)]),
        function("eye", |x| vec![&x[0] + x[0].eye(3, 5)]),
        function("full", |x| {
            vec![&x[0] * x[0].full([3], 2.5) + x[0].ones([3]) + x[0].zeros([3])]
        }),
    ]
}
