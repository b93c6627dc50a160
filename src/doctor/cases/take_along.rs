//! Take along an axis.

use crate::DType;

use crate::doctor::case::{Case, Draw, case};

pub fn cases() -> Vec<Case> {
    // Shape, axis, and the number of elements taken along it.
    let sizes: [(&[usize], usize, usize); 9] = [
        (&[3], 0, 5),
        (&[1], 0, 1),
        (&[65], 0, 257),
        (&[5, 7], 1, 3),
        (&[5, 7], 0, 9),
        (&[2, 3, 5], 1, 4),
        (&[7, 1, 63], 1, 2),
        (&[3, 0, 2], 1, 2),
        (&[3, 4, 2], 2, 0),
    ];
    let mut cases: Vec<Case> = sizes
        .map(|(shape, axis, count)| {
            let mut ids = shape.to_vec();
            ids[axis] = count;
            let name = format!("{count}_along_{axis}_of_{}", shape.len());
            let name = format!("{name}_{}", shape.iter().sum::<usize>());
            case("take_along_dim", name, move |x| {
                x[0].take_along_dim(&x[1], axis as isize)
            })
            .f32(shape)
            // Some indices are out of range.
            .below(ids, shape[axis] + 1)
        })
        .into();
    cases.extend([
        case("take_along_dim", "known", |x| {
            x[0].take_along_dim(&x[1], -1)
        })
        .given([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        .numbers([2, 2], &[2, 0, 1, 1])
        .expect(&[3.0, 1.0, 5.0, 5.0]),
        case("take_along_dim", "past_the_end", |x| {
            x[0].take_along_dim(&x[1], 0)
        })
        .given([2, 2], &[1.0, 2.0, 3.0, 4.0])
        .numbers([2, 2], &[2, 1, u32::MAX, 0])
        .expect(&[0.0, 4.0, 0.0, 2.0]),
        case("take_along_dim", "repeated", |x| {
            x[0].take_along_dim(&x[1], 0)
        })
        .f32([3])
        .numbers([6], &[2, 2, 0, 2, 0, 2]),
        case("take_along_dim", "broadcast", |x| {
            x[0].take_along_dim(&x[1], 1)
        })
        .f32([5, 7, 1])
        .below([1, 3, 2], 7),
        case("take_along_dim", "permuted", |x| {
            x[0].permute(&[1, 0])
                .take_along_dim(&x[1].permute(&[1, 0]), 0)
        })
        .f32([4, 7])
        .below([4, 5], 7),
        case("take_along_dim", "twice", |x| {
            x[0].take_along_dim(&x[1], 0) * x[0].take_along_dim(&x[1], 0)
        })
        .f32([5, 3])
        .below([4, 3], 5),
        case("take_along_dim", "bool", |x| {
            x[0].take_along_dim(&x[1], 1).cast(DType::F32)
        })
        .argument(DType::Bool, [5, 4], Draw::Between(0.0, 2.0))
        .below([5, 6], 4),
        case("take_along_dim", "float_ids", |x| {
            x[0].take_along_dim(&x[1], 0)
        })
        .f32([5, 3])
        .f32([2, 3])
        .error("the indices must be u32"),
        case("take_along_dim", "other_axes", |x| {
            x[0].take_along_dim(&x[1], 0)
        })
        .f32([5, 3])
        .below([2, 4], 5)
        .error("agree in all axes but 0"),
        case("take_along_dim", "other_rank", |x| {
            x[0].take_along_dim(&x[1], 0)
        })
        .f32([5, 3])
        .below([2], 5)
        .error("agree in all axes but 0"),
        case("take_along_dim", "no_such_axis", |x| {
            x[0].take_along_dim(&x[1], 2)
        })
        .f32([5, 3])
        .below([5, 3], 3)
        .error("no axis 2"),
    ]);
    cases
}
