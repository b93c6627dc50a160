//! Views: reshape, permute, broadcast_to, slice, and the methods composed of them.

use crate::doctor::case::{Case, case};

const SIX: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

pub fn cases() -> Vec<Case> {
    vec![
        case("reshape", "known", |x| x[0].reshape([3, 2]))
            .given([2, 3], &SIX)
            .expect(&SIX),
        case("reshape", "empty", |x| x[0].reshape([5, 0])).f32([0, 3]),
        case("reshape", "to_scalar", |x| x[0].reshape([])).f32([1, 1]),
        case("reshape", "of_permuted", |x| {
            x[0].permute(&[1, 0]).reshape([6])
        })
        .given([2, 3], &SIX)
        .expect(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        case("reshape", "flatten", |x| x[0].flatten(1)).f32([3, 5, 7]),
        case("reshape", "unsqueeze", |x| {
            x[0].unsqueeze(1) * x[0].unsqueeze(-1)
        })
        .f32([5]),
        case("reshape", "unsqueeze_front", |x| {
            x[0].unsqueeze(0) * x[0].unsqueeze(-1)
        })
        .given([2], &[2.0, 3.0])
        .expect(&[4.0, 6.0, 6.0, 9.0]),
        case("reshape", "squeeze", |x| {
            x[0].squeeze(1).matmul(&x[0].squeeze(-2))
        })
        .f32([3, 1, 3]),
        case("reshape", "other_count", |x| x[0].reshape([4]))
            .f32([2, 3])
            .error("has 4"),
        case("reshape", "squeeze_wide", |x| x[0].squeeze(0))
            .f32([2, 3])
            .error("of size 1"),
        case("reshape", "unsqueeze_far", |x| x[0].unsqueeze(4))
            .f32([2, 3])
            .error("no axis 4"),
        case("permute", "known", |x| x[0].permute(&[1, 0]))
            .given([2, 3], &SIX)
            .expect(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        case("permute", "rank_4", |x| x[0].permute(&[2, 0, 3, 1])).f32([2, 3, 5, 7]),
        case("permute", "large", |x| x[0].permute(&[1, 0])).f32([65, 63]),
        case("permute", "empty", |x| x[0].permute(&[1, 0])).f32([0, 3]),
        case("permute", "transpose", |x| x[0].transpose(-1, 0) + &x[0]).f32([5, 5]),
        case("permute", "not_each_once", |x| x[0].permute(&[0, 0]))
            .f32([2, 3])
            .error("once"),
        case("permute", "u32", |x| x[0].permute(&[1, 0]))
            .numbers([2, 2], &[1, 2, 3, u32::MAX])
            .expect(&[1.0, 3.0, 2.0, 4294967295.0]),
        case("broadcast_to", "known", |x| x[0].broadcast_to([2, 3]))
            .given([3], &[1.0, 2.0, 3.0])
            .expect(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0]),
        case("broadcast_to", "column", |x| x[0].broadcast_to([2, 3]))
            .given([2, 1], &[1.0, 2.0])
            .expect(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]),
        case("broadcast_to", "scalar", |x| x[0].broadcast_to([5, 7])).f32([]),
        case("broadcast_to", "middle", |x| {
            x[0].broadcast_to([2, 3, 5, 7])
        })
        .f32([3, 1, 7]),
        case("broadcast_to", "to_nothing", |x| x[0].broadcast_to([0, 3])).f32([1, 3]),
        case("broadcast_to", "large", |x| x[0].broadcast_to([65, 63])).f32([63]),
        case("broadcast_to", "wrong", |x| x[0].broadcast_to([4]))
            .f32([3])
            .error("[4]"),
        case("slice", "known", |x| x[0].slice(&[0, 1], &[2, 2], &[1, 1]))
            .given([2, 3], &SIX)
            .expect(&[2.0, 3.0, 5.0, 6.0]),
        case("slice", "steps", |x| {
            x[0].slice(&[1, 0, 2], &[2, 3, 2], &[3, 1, 4])
        })
        .f32([5, 3, 7]),
        case("slice", "of_slice", |x| {
            x[0].slice(&[1], &[30], &[2]).slice(&[2], &[9], &[3])
        })
        .f32([65]),
        case("slice", "of_permuted", |x| {
            x[0].permute(&[1, 0]).slice(&[2, 1], &[3, 2], &[2, 2])
        })
        .f32([5, 9]),
        case("slice", "of_broadcast", |x| {
            x[0].broadcast_to([5, 9]).slice(&[2, 1], &[2, 4], &[2, 2])
        })
        .f32([9]),
        case("slice", "nothing", |x| x[0].slice(&[2], &[0], &[1])).f32([3]),
        case("slice", "narrow", |x| x[0].narrow(-1, 2, 3)).f32([4, 7]),
        case("slice", "overlapping", |x| {
            x[0].narrow(0, 0, 5) * x[0].narrow(0, 1, 5)
        })
        .f32([6]),
        case("flip", "known", |x| x[0].flip(&[-1]))
            .given([2, 3], &SIX)
            .expect(&[3.0, 2.0, 1.0, 6.0, 5.0, 4.0]),
        case("flip", "both", |x| x[0].flip(&[0, 1]))
            .given([2, 3], &SIX)
            .expect(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]),
        case("flip", "middle", |x| x[0].flip(&[1]) * &x[0]).f32([3, 5, 7]),
        case("flip", "large", |x| x[0].flip(&[0]).exp()).f32([1009]),
        case("flip", "of_permuted", |x| {
            x[0].permute(&[2, 0, 1]).flip(&[0, 2]).exp()
        })
        .f32([3, 5, 7]),
        case("flip", "of_slice", |x| {
            x[0].slice(&[1, 2], &[3, 4], &[2, 3]).flip(&[1, 0])
        })
        .f32([7, 13]),
        case("flip", "sliced", |x| {
            x[0].flip(&[0]).slice(&[3], &[11], &[5])
        })
        .f32([65]),
        case("flip", "of_flip", |x| x[0].flip(&[0, 1]).flip(&[1])).f32([5, 3]),
        case("flip", "of_broadcast", |x| {
            x[0].broadcast_to([5, 9]).flip(&[0, 1])
        })
        .f32([9]),
        case("flip", "in_a_product", |x| {
            x[0].flip(&[1]).matmul(&x[1].flip(&[0]))
        })
        .f32([5, 7])
        .f32([7, 3]),
        case("flip", "reshaped", |x| x[0].flip(&[1]).reshape([15])).f32([3, 5]),
        case("flip", "in_a_sum", |x| x[0].flip(&[0]).sum(&[1])).f32([3, 257]),
        case("flip", "empty", |x| x[0].flip(&[0, 1])).f32([0, 3]),
        case("flip", "one", |x| x[0].flip(&[0])).f32([1]),
        case("flip", "no_axes", |x| x[0].flip(&[])).f32([3]),
        case("flip", "u32", |x| x[0].flip(&[0]))
            .numbers([3], &[1, 2, u32::MAX])
            .expect(&[4294967295.0, 2.0, 1.0]),
        case("flip", "twice_the_same", |x| x[0].flip(&[0, -2]))
            .f32([2, 3])
            .error("axis -2 is named twice"),
        case("flip", "no_such_axis", |x| x[0].flip(&[2]))
            .f32([2, 3])
            .error("no axis 2"),
        case("slice", "outside", |x| x[0].slice(&[1], &[3], &[2]))
            .f32([5])
            .error("out of range"),
        case("slice", "no_such_axis", |x| x[0].narrow(2, 0, 1))
            .f32([5, 2])
            .error("no axis 2"),
    ]
}
