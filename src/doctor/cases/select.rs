//! Index selection and scattering along an axis, one-hot rows and masked filling.

use crate::DType;

use crate::doctor::case::{Case, Draw, case};

pub fn cases() -> Vec<Case> {
    let sizes: [(&[usize], isize, usize); 8] = [
        (&[5, 3], 0, 7),
        (&[5, 3], 1, 7),
        (&[2, 5, 4], 1, 3),
        (&[2, 5, 3], -1, 65),
        (&[3], 0, 1),
        (&[3, 1, 2], 1, 2),
        (&[2, 0, 3], 1, 2),
        (&[2, 3, 5], 1, 0),
    ];
    let named = |shape: &[usize], axis: isize, count: usize| {
        format!(
            "{count}_along_{axis}_of_{}",
            shape
                .iter()
                .map(|n| n.to_string())
                .collect::<Vec<_>>()
                .join("x")
        )
    };
    let mut cases: Vec<Case> = Vec::new();
    for (shape, axis, count) in sizes {
        let at = axis.rem_euclid(shape.len() as isize) as usize;
        let name = named(shape, axis, count);
        cases.push(
            case("index_select", &name, move |x| {
                x[0].index_select(axis, &x[1])
            })
            .f32(shape)
            .below([count], shape[at] + 1),
        );
        let mut src = shape.to_vec();
        src[at] = count;
        cases.push(
            case("scatter_add_dim", name, move |x| {
                x[0].scatter_add_dim(axis, &x[1], &x[2])
            })
            .f32(shape)
            .below(src.clone(), shape[at] + 1)
            .f32(src),
        );
    }
    cases.extend([
        case("index_select", "known", |x| x[0].index_select(1, &x[1]))
            .given([2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .numbers([4], &[2, 0, 3, 2])
            .expect(&[3.0, 1.0, 0.0, 3.0, 6.0, 4.0, 0.0, 6.0]),
        case("index_select", "permuted", |x| {
            x[0].permute(&[2, 0, 1]).index_select(1, &x[1])
        })
        .f32([5, 3, 4])
        .below([7], 5),
        case("index_select", "matrix_of_ids", |x| {
            x[0].index_select(0, &x[1])
        })
        .f32([5, 3])
        .below([2, 2], 5)
        .error("indices u32 [m], found u32 [2, 2]"),
        case("index_select", "no_such_axis", |x| {
            x[0].index_select(-3, &x[1])
        })
        .f32([5, 3])
        .below([2], 5)
        .error("no axis -3"),
        case("scatter_add_dim", "known", |x| {
            x[0].scatter_add_dim(0, &x[1], &x[2])
        })
        .given([2, 2], &[1.0, 2.0, 3.0, 4.0])
        .numbers([3, 2], &[1, 0, 1, 2, 1, u32::MAX])
        .given([3, 2], &[10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
        .expect(&[1.0, 22.0, 93.0, 4.0]),
        case("scatter_add_dim", "other_shape", |x| {
            x[0].scatter_add_dim(0, &x[1], &x[2])
        })
        .f32([5, 3])
        .below([2, 3], 5)
        .f32([3, 3])
        .error("indices [2, 3] and elements [3, 3] must have the same shape"),
        case("scatter_add_dim", "float_ids", |x| {
            x[0].scatter_add_dim(0, &x[1], &x[1])
        })
        .f32([5])
        .f32([3])
        .error("indices in u32"),
        case("one_hot", "known", |x| x[0].one_hot(3))
            .numbers([3], &[2, 0, 3])
            .expect(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        case("one_hot", "of_a_product", |x| {
            x[0].one_hot(65).matmul(&x[1])
        })
        .below([7, 3], 65)
        .f32([65, 2]),
        case("one_hot", "no_classes", |x| x[0].one_hot(0)).below([5], 3),
        case("one_hot", "floats", |x| x[0].one_hot(3))
            .f32([3])
            .error("must be u32, found f32"),
        case("masked_fill", "known", |x| x[0].masked_fill(&x[1], 7.0))
            .given([3], &[1.0, 2.0, 3.0])
            .argument(DType::Bool, [3], Draw::Given(vec![1.0, 0.0, 1.0]))
            .expect(&[7.0, 2.0, 7.0]),
        case("masked_fill", "broadcast", |x| {
            x[0].masked_fill(&x[1], -1e30).softmax(-1)
        })
        .f32([2, 5, 7])
        .argument(DType::Bool, [5, 7], Draw::Between(0.0, 1.5)),
        case("masked_fill", "float_mask", |x| {
            x[0].masked_fill(&x[0], 0.0)
        })
        .f32([3])
        .error("must be bool"),
    ]);
    cases
}
