//! Concat, and the methods composed of it: stack and split.

use crate::{DType, Tensor};

use crate::doctor::case::{Case, Draw, case};

fn concat(axis: isize) -> impl Fn(&[Tensor]) -> Tensor + Send + Sync {
    move |x| Tensor::concat(&x.iter().collect::<Vec<_>>(), axis)
}

pub fn cases() -> Vec<Case> {
    vec![
        case("concat", "rows", concat(0))
            .given([1, 2], &[1.0, 2.0])
            .given([2, 2], &[3.0, 4.0, 5.0, 6.0])
            .expect(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        case("concat", "columns", concat(-1))
            .given([2, 1], &[1.0, 2.0])
            .given([2, 2], &[3.0, 4.0, 5.0, 6.0])
            .expect(&[1.0, 3.0, 4.0, 2.0, 5.0, 6.0]),
        case("concat", "middle", concat(1))
            .f32([2, 3, 5])
            .f32([2, 1, 5])
            .f32([2, 7, 5]),
        case("concat", "vectors_of_four", concat(1))
            .f32([3, 8])
            .f32([3, 4])
            .f32([3, 12]),
        // The second and the third part start at offsets that are not multiples of four.
        case("concat", "odd_start", concat(1))
            .f32([3, 3])
            .f32([3, 4])
            .f32([3, 1]),
        case("concat", "odd_pitch", concat(1))
            .f32([3, 4])
            .f32([3, 257]),
        case("concat", "long", concat(0))
            .f32([1009])
            .f32([255])
            .f32([65]),
        case("concat", "empty_part", concat(0))
            .f32([2, 3])
            .f32([0, 3])
            .f32([1, 3]),
        case("concat", "all_empty", concat(0))
            .f32([0, 3])
            .f32([0, 3]),
        case("concat", "no_columns", concat(0))
            .f32([2, 0])
            .f32([3, 0]),
        case("concat", "one", concat(0)).f32([2, 3]),
        case("concat", "ten", concat(0))
            .f32([3])
            .f32([3])
            .f32([3])
            .f32([3])
            .f32([3])
            .f32([3])
            .f32([3])
            .f32([3])
            .f32([3])
            .f32([3]),
        case("concat", "u32", concat(0))
            .numbers([2], &[7, u32::MAX])
            .numbers([1], &[0x7fc0_1234])
            .expect(&[7.0, 4294967295.0, 2143294004.0]),
        case("concat", "bool", |x| {
            Tensor::concat(&[&x[0], &x[1]], 0).cast(DType::F32)
        })
        .argument(DType::Bool, [5], Draw::Between(0.0, 2.0))
        .argument(DType::Bool, [3], Draw::Between(0.0, 2.0)),
        case("concat", "twice", |x| Tensor::concat(&[&x[0], &x[0]], 1)).f32([3, 5]),
        case("concat", "views", |x| {
            Tensor::concat(
                &[
                    &x[0].permute(&[1, 0]),
                    &x[1].narrow(0, 1, 3),
                    &x[2].broadcast_to([3, 2]),
                ],
                1,
            )
        })
        .f32([4, 3])
        .f32([5, 7])
        .f32([2]),
        case("concat", "stack_0", |x| Tensor::stack(&[&x[0], &x[1]], 0))
            .given([2], &[1.0, 2.0])
            .given([2], &[3.0, 4.0])
            .expect(&[1.0, 2.0, 3.0, 4.0]),
        case("concat", "stack_last", |x| {
            Tensor::stack(&[&x[0], &x[1]], -1)
        })
        .given([2], &[1.0, 2.0])
        .given([2], &[3.0, 4.0])
        .expect(&[1.0, 3.0, 2.0, 4.0]),
        case("concat", "split", |x| {
            let parts = x[0].split(&[1, 3, 2], 1);
            Tensor::concat(&[&parts[2], &parts[0], &parts[1]], 1)
        })
        .given(
            [2, 6],
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
        )
        .expect(&[4.0, 5.0, 0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 6.0, 7.0, 8.0, 9.0]),
        case("concat", "other_axes", concat(0))
            .f32([2, 3])
            .f32([2, 4])
            .error("agree"),
        case("concat", "other_type", concat(0))
            .f32([2])
            .below([2], 5)
            .error("agree"),
        case("concat", "no_such_axis", concat(2))
            .f32([2, 3])
            .f32([2, 3])
            .error("no axis 2"),
        case("concat", "nothing", |x| &x[0] + Tensor::concat(&[], 0))
            .f32([2])
            .error("at least 1"),
        case("concat", "split_short", |x| {
            x[0].split(&[1, 3], 0).remove(1)
        })
        .f32([5])
        .error("[1, 3]"),
    ]
}
