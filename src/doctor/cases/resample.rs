//! Average pooling and upsampling, with every option.

use crate::graph::Resampling;

use crate::doctor::case::{Case, case};

const fn average(
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    count_padding: bool,
) -> Resampling {
    Resampling::Average {
        kernel,
        stride,
        padding,
        count_padding,
    }
}

const fn linear(to: [usize; 2], align_corners: bool) -> Resampling {
    Resampling::Linear { to, align_corners }
}

pub fn cases() -> Vec<Case> {
    use Resampling::{Adaptive, Nearest};
    let all: Vec<(&str, &str, [usize; 4], Resampling)> = vec![
        (
            "avg_pool",
            "two",
            [2, 3, 6, 8],
            average([2, 2], [2, 2], [0, 0], true),
        ),
        (
            "avg_pool",
            "two_odd",
            [2, 3, 7, 5],
            average([2, 2], [2, 2], [0, 0], true),
        ),
        (
            "avg_pool",
            "overlapping",
            [1, 2, 7, 9],
            average([3, 3], [2, 2], [1, 1], true),
        ),
        (
            "avg_pool",
            "without_padding",
            [1, 2, 7, 9],
            average([3, 4], [1, 2], [1, 2], false),
        ),
        (
            "avg_pool",
            "skipping",
            [1, 2, 9, 9],
            average([1, 2], [3, 4], [0, 0], true),
        ),
        (
            "avg_pool",
            "row",
            [2, 3, 1, 65],
            average([1, 3], [1, 2], [0, 1], false),
        ),
        (
            "avg_pool",
            "whole",
            [3, 2, 5, 3],
            average([5, 3], [1, 1], [0, 0], true),
        ),
        (
            "avg_pool",
            "one",
            [1, 1, 1, 1],
            average([1, 1], [1, 1], [0, 0], true),
        ),
        (
            "avg_pool",
            "no_images",
            [0, 3, 4, 4],
            average([2, 2], [2, 2], [0, 0], true),
        ),
        (
            "adaptive_avg_pool",
            "one",
            [2, 3, 5, 7],
            Adaptive { to: [1, 1] },
        ),
        (
            "adaptive_avg_pool",
            "even",
            [1, 2, 6, 9],
            Adaptive { to: [2, 3] },
        ),
        (
            "adaptive_avg_pool",
            "overlapping",
            [1, 2, 7, 10],
            Adaptive { to: [3, 4] },
        ),
        (
            "adaptive_avg_pool",
            "larger",
            [1, 2, 3, 5],
            Adaptive { to: [7, 7] },
        ),
        (
            "adaptive_avg_pool",
            "same",
            [1, 2, 3, 5],
            Adaptive { to: [3, 5] },
        ),
        (
            "adaptive_avg_pool",
            "row",
            [1, 3, 1, 257],
            Adaptive { to: [1, 63] },
        ),
        (
            "adaptive_avg_pool",
            "no_samples",
            [0, 2, 5, 3],
            Adaptive { to: [2, 2] },
        ),
        (
            "adaptive_avg_pool",
            "column",
            [2, 1, 65, 1],
            Adaptive { to: [7, 1] },
        ),
        (
            "adaptive_avg_pool",
            "wide",
            [3, 1, 2, 9],
            Adaptive { to: [3, 4] },
        ),
        (
            "upsample_nearest",
            "no_samples",
            [0, 2, 3, 2],
            Nearest { to: [6, 4] },
        ),
        (
            "upsample_nearest",
            "same",
            [2, 2, 3, 5],
            Nearest { to: [3, 5] },
        ),
        (
            "upsample_nearest",
            "row",
            [1, 3, 1, 63],
            Nearest { to: [1, 257] },
        ),
        (
            "upsample_nearest",
            "column",
            [3, 1, 7, 1],
            Nearest { to: [65, 1] },
        ),
        (
            "upsample_nearest",
            "wide",
            [1, 1, 5, 9],
            Nearest { to: [2, 31] },
        ),
        (
            "upsample_nearest",
            "twice",
            [2, 3, 4, 5],
            Nearest { to: [8, 10] },
        ),
        (
            "upsample_nearest",
            "odd",
            [1, 2, 3, 7],
            Nearest { to: [7, 10] },
        ),
        (
            "upsample_nearest",
            "smaller",
            [1, 2, 9, 7],
            Nearest { to: [4, 3] },
        ),
        (
            "upsample_nearest",
            "one",
            [2, 1, 1, 1],
            Nearest { to: [3, 65] },
        ),
        (
            "upsample_bilinear",
            "twice",
            [2, 3, 4, 5],
            linear([8, 10], false),
        ),
        (
            "upsample_bilinear",
            "odd",
            [1, 2, 3, 7],
            linear([7, 10], false),
        ),
        (
            "upsample_bilinear",
            "smaller",
            [1, 2, 9, 7],
            linear([4, 2], false),
        ),
        (
            "upsample_bilinear",
            "much_smaller",
            [1, 1, 13, 9],
            linear([2, 1], false),
        ),
        (
            "upsample_bilinear",
            "one",
            [2, 1, 1, 1],
            linear([3, 65], false),
        ),
        (
            "upsample_bilinear",
            "same",
            [1, 2, 3, 4],
            linear([3, 4], false),
        ),
        (
            "upsample_bilinear",
            "corners",
            [2, 3, 4, 5],
            linear([8, 10], true),
        ),
        (
            "upsample_bilinear",
            "corners_odd",
            [1, 2, 3, 7],
            linear([7, 10], true),
        ),
        (
            "upsample_bilinear",
            "corners_smaller",
            [1, 2, 9, 7],
            linear([4, 2], true),
        ),
        (
            "upsample_bilinear",
            "corners_of_one",
            [1, 2, 1, 3],
            linear([4, 1], true),
        ),
    ];
    let mut cases = Vec::new();
    for (op, name, x, kind) in all {
        cases.push(case(op, name, move |x| x[0].resample(kind)).f32(x));
    }
    let twice = |x: &[crate::Tensor]| {
        let large = x[0].resample(linear([6, 8], false)).tanh();
        large.resample(average([2, 2], [2, 2], [0, 0], true)).relu()
    };
    cases.extend([
        case("avg_pool", "known", |x| {
            x[0].resample(average([2, 2], [2, 2], [0, 0], true))
        })
        .given([1, 2, 4], &[1.0, 2.0, -5.0, -4.0, 3.0, 0.0, -7.0, -6.0])
        .expect(&[1.5, -5.5]),
        case("avg_pool", "known_padding", |x| {
            x[0].resample(average([1, 2], [1, 2], [0, 1], false))
        })
        .given([1, 4], &[1.0, 2.0, 4.0, 8.0])
        .expect(&[1.0, 3.0, 8.0]),
        case("adaptive_avg_pool", "known", |x| {
            x[0].resample(Adaptive { to: [1, 2] })
        })
        .given([1, 3], &[1.0, 2.0, 4.0])
        .expect(&[1.5, 3.0]),
        case("upsample_nearest", "known", |x| {
            x[0].resample(Nearest { to: [1, 5] })
        })
        .given([1, 3], &[1.0, 2.0, 4.0])
        .expect(&[1.0, 1.0, 2.0, 2.0, 4.0]),
        case("upsample_bilinear", "known", |x| {
            x[0].resample(linear([1, 4], false))
        })
        .given([1, 2], &[1.0, 5.0])
        .expect(&[1.0, 2.0, 4.0, 5.0]),
        case("upsample_bilinear", "known_corners", |x| {
            x[0].resample(linear([1, 4], true))
        })
        .given([1, 2], &[1.0, 7.0])
        .expect(&[1.0, 3.0, 5.0, 7.0]),
        case("upsample_bilinear", "and_back", twice).f32_in([1, 2, 3, 4], 0.1, 1.0),
        case("avg_pool", "permuted", |x| {
            x[0].permute(&[1, 0])
                .resample(average([2, 2], [1, 1], [0, 0], true))
        })
        .f32([5, 4]),
        case("avg_pool", "vector", |x| {
            x[0].resample(average([2, 2], [1, 1], [0, 0], true))
        })
        .f32([5])
        .error("expected images"),
        case("avg_pool", "too_small", |x| {
            x[0].resample(average([2, 3], [1, 1], [0, 0], true))
        })
        .f32([5, 2])
        .error("the kernel's width is 3, but the images' is only 2"),
        case("avg_pool", "much_padding", |x| {
            x[0].resample(average([2, 2], [1, 1], [0, 2], true))
        })
        .f32([5, 5])
        .error("at most half"),
        case("adaptive_avg_pool", "nothing", |x| {
            x[0].resample(Adaptive { to: [0, 1] })
        })
        .f32([5, 5])
        .error("empty"),
        case("upsample_nearest", "too_long", |x| {
            x[0].resample(Nearest { to: [1, 1 << 26] })
        })
        .f32([1, 100])
        .error("too long"),
    ]);
    cases
}
