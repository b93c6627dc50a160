//! Methods composed of views and concatenation: roll, repeat, tile, chunk, expand, pad and
//! triangles.

use crate::doctor::case::{Case, Draw, case};
use crate::ops::PadMode::{Constant, Reflect, Replicate};
use crate::{DType, Tensor};

const SIX: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

pub fn cases() -> Vec<Case> {
    let all = [rolls(), repeats(), pads(), triangles()];
    all.into_iter().flatten().collect()
}

fn rolls() -> Vec<Case> {
    vec![
        case("roll", "known", |x| x[0].roll(&[1], &[-1]))
            .given([2, 3], &SIX)
            .expect(&[3.0, 1.0, 2.0, 6.0, 4.0, 5.0]),
        case("roll", "back", |x| x[0].roll(&[-2], &[0]))
            .given([3], &[1.0, 2.0, 3.0])
            .expect(&[3.0, 1.0, 2.0]),
        case("roll", "both", |x| x[0].roll(&[2, -3], &[0, 1])).f32([5, 7]),
        case("roll", "middle", |x| x[0].roll(&[4], &[1])).f32([3, 7, 5]),
        case("roll", "further_than_long", |x| x[0].roll(&[-1009], &[0])).f32([65]),
        case("roll", "all_around", |x| x[0].roll(&[10], &[0]))
            .f32([5])
            .formula(|x| x[0].data.clone()),
        case("roll", "empty", |x| x[0].roll(&[3], &[0])).f32([0, 3]),
        case("roll", "permuted", |x| {
            x[0].permute(&[1, 0]).roll(&[1], &[0]) * x[0].permute(&[1, 0])
        })
        .f32([5, 7]),
        case("roll", "u32", |x| x[0].roll(&[1], &[0]))
            .numbers([3], &[1, 2, u32::MAX])
            .expect(&[4294967295.0, 1.0, 2.0]),
        case("roll", "too_few_axes", |x| x[0].roll(&[1, 2], &[0]))
            .f32([3])
            .error("2 shifts for 1 axes"),
        case("roll", "no_such_axis", |x| x[0].roll(&[1], &[1]))
            .f32([3])
            .error("1 axis; there is no axis 1"),
        case("chunk", "uneven", |x| {
            let parts = x[0].chunk(3, -1);
            Tensor::concat(&[&parts[2], &parts[0]], -1)
        })
        .given([1, 7], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
        .expect(&[7.0, 1.0, 2.0, 3.0]),
        case("chunk", "more_than_elements", |x| {
            let parts = x[0].chunk(5, 0);
            &parts[2] * parts.len() as f64
        })
        .given([3], &[1.0, 2.0, 3.0])
        .expect(&[9.0]),
        case("chunk", "of_nothing", |x| x[0].chunk(2, 0).remove(0)).f32([0, 3]),
        case("chunk", "into_none", |x| x[0].chunk(0, 0).remove(0))
            .f32([3])
            .error("the number of parts is 0"),
        case("chunk", "no_such_axis", |x| x[0].chunk(2, 3).remove(0))
            .f32([3])
            .error("no axis 3"),
    ]
}

fn repeats() -> Vec<Case> {
    vec![
        case("repeat", "known", |x| x[0].repeat(&[2, 2]))
            .given([1, 2], &[1.0, 2.0])
            .expect(&[1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]),
        case("repeat", "new_axis", |x| x[0].repeat(&[3, 1, 2])).f32([5, 7]),
        case("repeat", "once", |x| x[0].repeat(&[1, 1])).f32([5, 7]),
        case("repeat", "never", |x| x[0].repeat(&[0, 2])).f32([5, 7]),
        case("repeat", "empty", |x| x[0].repeat(&[3, 2])).f32([0, 7]),
        case("repeat", "scalar", |x| x[0].repeat(&[7])).f32([]),
        case("repeat", "rank_4", |x| x[0].repeat(&[2, 3, 2, 3])).f32([2, 1, 3, 2]),
        case("repeat", "rank_5", |x| x[0].repeat(&[2, 2, 2, 2, 2])).f32([2, 3, 2, 2, 2]),
        case("repeat", "permuted", |x| {
            x[0].permute(&[1, 0]).repeat(&[2, 3]).exp()
        })
        .f32([5, 3]),
        case("repeat", "too_few", |x| x[0].repeat(&[2]))
            .f32([2, 3])
            .error("[2] names 1 of 2 axes"),
        case("tile", "known", |x| x[0].tile(&[2]))
            .given([2, 2], &[1.0, 2.0, 3.0, 4.0])
            .expect(&[1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]),
        case("tile", "new_axis", |x| x[0].tile(&[2, 3])).f32([5]),
        case("expand", "kept", |x| x[0].expand(&[2, -1, 5]) * &x[1])
            .f32([3, 1])
            .f32([2, 3, 5]),
        case("expand", "kept_new_axis", |x| x[0].expand(&[-1, 3]))
            .f32([3])
            .error("[3] does not expand to [-1, 3]"),
        case("expand", "other_size", |x| x[0].expand(&[2, 4]))
            .f32([3])
            .error("[3] does not broadcast to [2, 4]"),
    ]
}

fn pads() -> Vec<Case> {
    vec![
        case("pad", "constant", |x| {
            x[0].pad(&[(1, 0), (0, 2)], Constant(9.0))
        })
        .given([1, 2], &[1.0, 2.0])
        .expect(&[9.0, 9.0, 9.0, 9.0, 1.0, 2.0, 9.0, 9.0]),
        case("pad", "constant_images", |x| {
            x[0].pad(&[(1, 2), (3, 0)], Constant(-0.5))
        })
        .f32([2, 3, 5, 7]),
        case("pad", "constant_of_nothing", |x| {
            x[0].pad(&[(2, 1)], Constant(1.5))
        })
        .f32([0])
        .expect(&[1.5; 3]),
        case("pad", "constant_u32", |x| {
            x[0].pad(&[(1, 1)], Constant(4294967295.0))
        })
        .numbers([1], &[7])
        .expect(&[4294967295.0, 7.0, 4294967295.0]),
        case("pad", "constant_bool", |x| {
            x[0].pad(&[(1, 1)], Constant(1.0)).cast(DType::F32)
        })
        .argument(DType::Bool, [65], Draw::Between(0.0, 2.0)),
        case("pad", "no_widths", |x| x[0].pad(&[], Constant(1.0))).f32([5]),
        case("pad", "reflect", |x| x[0].pad(&[(2, 1)], Reflect))
            .given([3], &[1.0, 2.0, 3.0])
            .expect(&[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]),
        case("pad", "reflect_images", |x| {
            x[0].pad(&[(2, 1), (0, 3)], Reflect)
        })
        .f32([2, 3, 5]),
        case("pad", "reflect_permuted", |x| {
            x[0].permute(&[1, 0]).pad(&[(1, 1), (2, 2)], Reflect)
        })
        .f32([5, 7]),
        case("pad", "replicate", |x| x[0].pad(&[(2, 1)], Replicate))
            .given([3], &[1.0, 2.0, 3.0])
            .expect(&[1.0, 1.0, 1.0, 2.0, 3.0, 3.0]),
        case("pad", "replicate_images", |x| {
            x[0].pad(&[(2, 1), (0, 3)], Replicate)
        })
        .f32([2, 3, 5]),
        case("pad", "replicate_one", |x| x[0].pad(&[(65, 64)], Replicate)).f32([1]),
        case("pad", "reflect_too_far", |x| x[0].pad(&[(3, 0)], Reflect))
            .f32([3])
            .error("axis 0 has 3 elements, so a reflection must be smaller than 3; found 3 and 0"),
        case("pad", "replicate_nothing", |x| {
            x[0].pad(&[(1, 0)], Replicate)
        })
        .f32([0])
        .error("axis 0 is empty"),
        case("pad", "too_many_widths", |x| {
            x[0].pad(&[(1, 0), (0, 0)], Replicate)
        })
        .f32([3])
        .error("2 pairs of widths for 1 axes"),
    ]
}

fn triangles() -> Vec<Case> {
    let mut cases = vec![
        case("tril", "known_matrix", |x| x[0].tril(0))
            .given([2, 3], &SIX)
            .expect(&[1.0, 0.0, 0.0, 4.0, 5.0, 0.0]),
        case("triu", "known_matrix", |x| x[0].triu(1))
            .given([2, 3], &SIX)
            .expect(&[0.0, 2.0, 3.0, 0.0, 0.0, 6.0]),
        case("tril", "bool", |x| x[0].tril(0).cast(DType::F32)).argument(
            DType::Bool,
            [3, 5, 4],
            Draw::Between(0.0, 2.0),
        ),
        case("tril", "vector", |x| x[0].tril(0))
            .f32([3])
            .error("matrices [.., m, n]"),
        case("triu", "u32", |x| x[0].triu(0))
            .below([3, 3], 5)
            .error("f32 or bool"),
    ];
    for (i, shape) in [[1, 1, 1], [2, 3, 7], [3, 65, 63], [1, 0, 3], [1, 7, 2]]
        .into_iter()
        .enumerate()
    {
        for diagonal in [-2, 0, 3, isize::MAX] {
            let name = format!("{i}_from_{diagonal}");
            cases.push(case("tril", &name, move |x| x[0].tril(diagonal)).f32(shape));
            cases.push(case("triu", name, move |x| x[0].triu(diagonal) * &x[0]).f32(shape));
        }
    }
    cases
}
