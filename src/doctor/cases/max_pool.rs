//! Max pooling, with every option.

use crate::graph::MaxPool;

use crate::doctor::case::{Case, case};

const fn pool(
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> MaxPool {
    MaxPool {
        kernel,
        stride,
        padding,
        dilation,
    }
}

const TWO: MaxPool = pool([2, 2], [2, 2], [0, 0], [1, 1]);

pub fn cases() -> Vec<Case> {
    let sizes: [(&str, [usize; 4], MaxPool); 13] = [
        ("two", [2, 3, 6, 8], TWO),
        ("two_odd", [2, 3, 7, 5], TWO),
        ("one", [1, 1, 1, 1], pool([1, 1], [1, 1], [0, 0], [1, 1])),
        (
            "identity",
            [2, 2, 3, 5],
            pool([1, 1], [1, 1], [0, 0], [1, 1]),
        ),
        (
            "skipping",
            [1, 2, 9, 9],
            pool([1, 2], [3, 4], [0, 0], [1, 1]),
        ),
        (
            "overlapping",
            [2, 2, 7, 9],
            pool([3, 3], [2, 2], [1, 1], [1, 1]),
        ),
        (
            "every_place",
            [1, 3, 6, 7],
            pool([3, 2], [1, 1], [1, 1], [1, 1]),
        ),
        (
            "dilated",
            [1, 2, 9, 8],
            pool([3, 2], [1, 2], [0, 1], [2, 3]),
        ),
        (
            "dilated_padding",
            [1, 2, 7, 7],
            pool([3, 3], [2, 1], [1, 1], [3, 2]),
        ),
        ("row", [2, 3, 1, 65], pool([1, 3], [1, 2], [0, 1], [1, 1])),
        ("whole", [3, 2, 5, 3], pool([5, 3], [1, 1], [0, 0], [1, 1])),
        ("wide", [1, 1, 3, 257], pool([3, 7], [1, 3], [0, 3], [1, 1])),
        ("no_images", [0, 3, 4, 4], TWO),
    ];
    let case_of = |(name, x, pool): (&str, [usize; 4], MaxPool)| {
        case("max_pool", name, move |x| x[0].max_pool2d(pool))
            .f32(x)
            .distinct()
    };
    let mut cases: Vec<Case> = sizes.map(case_of).into();
    cases.extend([
        case("max_pool", "known", |x| x[0].max_pool2d(TWO))
            .given([1, 2, 4], &[1.0, 2.0, -5.0, -4.0, 3.0, 0.0, -7.0, -6.0])
            .expect(&[3.0, -4.0]),
        // The gradient goes to the first of equal elements, which finite differences cannot
        // confirm.
        case("max_pool", "equals", |x| {
            x[0].max_pool2d(pool([2, 2], [1, 1], [0, 0], [1, 1]))
                * &x[0].slice(&[1, 1], &[2, 3], &[1, 1])
        })
        .given([3, 4], &[1.0; 12])
        .constant()
        .expect(&[1.0; 6]),
        case("max_pool", "all_very_low", |x| x[0].max_pool2d(TWO))
            .given([2, 2], &[-1.329227995784916e36; 4])
            .constant()
            .expect(&[-1.329227995784916e36]),
        case("max_pool", "of_relu", |x| {
            x[0].relu().max_pool2d(TWO).sqrt()
        })
        .f32_in([2, 3, 6, 6], 0.5, 2.0)
        .distinct(),
        case("max_pool", "permuted", |x| {
            x[0].permute(&[0, 3, 1, 2]).max_pool2d(TWO)
        })
        .f32([2, 4, 5, 3])
        .distinct(),
        case("max_pool", "vector", |x| x[0].max_pool2d(TWO))
            .f32([5])
            .error("expected images"),
        case("max_pool", "too_small", |x| x[0].max_pool2d(TWO))
            .f32([1, 1, 5])
            .error("the kernel's height is 2, but the images' is only 1"),
        case("max_pool", "no_stride", |x| {
            x[0].max_pool2d(pool([2, 2], [0, 2], [0, 0], [1, 1]))
        })
        .f32([1, 5, 5])
        .error("the stride must be at least 1"),
        case("max_pool", "much_padding", |x| {
            x[0].max_pool2d(pool([3, 3], [1, 1], [2, 0], [1, 1]))
        })
        .f32([1, 5, 5])
        .error("at most half"),
        case("max_pool", "integers", |x| x[0].max_pool2d(TWO))
            .below([4, 4], 3)
            .error("f32"),
    ]);
    cases
}
