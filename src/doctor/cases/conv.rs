//! Convolution and its gradients, with every option and at odd sizes.

use crate::graph::{Conv, ConvWeightGrad, Op};
use crate::{Shape, Source, Tensor};

use crate::doctor::case::{Case, case};

/// Name, shape of the images, shape of the weights, and the convolution. The arguments `p`, `s`,
/// `d` and `g` are padding, stride, dilation and groups.
type Sizes = (&'static str, [usize; 4], [usize; 4], Conv);

const fn conv(
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
) -> Conv {
    Conv {
        stride,
        padding,
        dilation,
        groups,
    }
}

const SIZES: [Sizes; 22] = [
    ("one", [1, 1, 1, 1], [1, 1, 1, 1], Conv::PLAIN),
    ("plain", [2, 3, 7, 7], [2, 3, 3, 3], Conv::PLAIN),
    ("fours", [2, 4, 10, 10], [8, 4, 3, 3], Conv::PLAIN),
    ("pointwise", [3, 7, 5, 3], [2, 7, 1, 1], Conv::PLAIN),
    ("many_channels", [1, 65, 3, 3], [63, 65, 2, 2], Conv::PLAIN),
    ("one_channel", [2, 1, 9, 8], [3, 1, 3, 3], Conv::PLAIN),
    ("row", [2, 3, 1, 65], [7, 3, 1, 5], Conv::PLAIN),
    ("whole", [3, 2, 3, 7], [2, 2, 3, 7], Conv::PLAIN),
    ("wide", [1, 2, 2, 257], [3, 2, 2, 3], Conv::PLAIN),
    ("no_images", [0, 2, 5, 5], [3, 2, 3, 3], Conv::PLAIN),
    (
        "padded",
        [2, 3, 5, 7],
        [2, 3, 3, 3],
        conv([1, 1], [1, 1], [1, 1], 1),
    ),
    (
        "padded_more",
        [1, 2, 3, 2],
        [2, 2, 3, 3],
        conv([1, 1], [3, 4], [1, 1], 1),
    ),
    (
        "strided",
        [2, 3, 9, 8],
        [2, 3, 3, 3],
        conv([2, 2], [0, 0], [1, 1], 1),
    ),
    (
        "strided_past_the_end",
        [2, 2, 8, 10],
        [3, 2, 3, 3],
        conv([2, 3], [1, 0], [1, 1], 1),
    ),
    (
        "strided_pointwise",
        [2, 3, 7, 7],
        [5, 3, 1, 1],
        conv([2, 2], [0, 0], [1, 1], 1),
    ),
    (
        "gaps",
        [1, 2, 7, 9],
        [2, 2, 2, 2],
        conv([3, 4], [0, 0], [1, 1], 1),
    ),
    (
        "dilated",
        [2, 2, 9, 11],
        [3, 2, 3, 3],
        conv([1, 1], [0, 0], [2, 3], 1),
    ),
    (
        "grouped",
        [2, 6, 5, 5],
        [4, 3, 3, 3],
        conv([1, 1], [1, 1], [1, 1], 2),
    ),
    (
        "depthwise",
        [2, 7, 6, 6],
        [7, 1, 3, 3],
        conv([1, 1], [1, 1], [1, 1], 7),
    ),
    (
        "depthwise_twice",
        [1, 3, 7, 7],
        [6, 1, 3, 3],
        conv([2, 2], [1, 1], [1, 1], 3),
    ),
    (
        "everything",
        [2, 4, 11, 13],
        [6, 2, 3, 2],
        conv([2, 3], [2, 1], [2, 3], 2),
    ),
    (
        "many_images",
        [65, 1, 4, 5],
        [2, 1, 2, 3],
        conv([1, 1], [0, 1], [1, 1], 1),
    ),
];

fn shape(dims: [usize; 4]) -> Shape {
    Shape::from(dims)
}

/// Computes the convolution from its definition, with other loops than the reference.
fn definition(
    x: &[f64],
    [n, c, h, w]: [usize; 4],
    k: &[f64],
    [oc, part, kh, kw]: [usize; 4],
    conv: Conv,
) -> Vec<f64> {
    let at = |image: usize, channel: usize, i: isize, j: isize| {
        let inside = (0..h as isize).contains(&i) && (0..w as isize).contains(&j);
        match inside {
            true => x[((image * c + channel) * h + i as usize) * w + j as usize],
            false => 0.0,
        }
    };
    let out = |size: usize, kernel: usize, a: usize| {
        (size + 2 * conv.padding[a] - conv.dilation[a] * (kernel - 1) - 1) / conv.stride[a] + 1
    };
    let (oh, ow) = (out(h, kh, 0), out(w, kw, 1));
    let place = |o: usize, k: usize, a: usize| {
        (o * conv.stride[a] + k * conv.dilation[a]) as isize - conv.padding[a] as isize
    };
    let mut y = Vec::new();
    for e in 0..n * oc * oh * ow {
        let (image, o, i, j) = (e / (oc * oh * ow), e / (oh * ow) % oc, e / ow % oh, e % ow);
        let first = o / (oc / conv.groups) * part;
        let terms = (0..part * kh * kw).map(|t| {
            let (ch, p, q) = (t / (kh * kw), t / kw % kh, t % kw);
            at(image, first + ch, place(i, p, 0), place(j, q, 1)) * k[o * part * kh * kw + t]
        });
        y.push(terms.sum());
    }
    y
}

/// The weight gradient as a function; the other gradients are methods.
fn weight_grad(dy: &Tensor, x: &Tensor, conv: Conv, kernel: [usize; 2]) -> Tensor {
    let op = Op::ConvWeightGrad(ConvWeightGrad { conv, kernel });
    Tensor::apply(op, &[dy, x], Source::caller())
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, x, w, conv) in SIZES {
        let forward = case("conv", name, move |t| t[0].conv2d(&t[1], conv));
        cases.push(
            forward
                .f32(shape(x))
                .f32(shape(w))
                .formula(move |t| definition(&t[0].data, x, &t[1].data, w, conv)),
        );
        // Second derivatives.
        let y = |axis: usize| {
            let reach = conv.dilation[axis] * (w[axis + 2] - 1) + 1;
            (x[axis + 2] + 2 * conv.padding[axis] - reach) / conv.stride[axis] + 1
        };
        let y = [x[0], w[0], y(0), y(1)];
        let transposed = case("conv_input_grad", name, move |t| {
            t[0].conv_transpose2d(&t[1], conv, [x[2], x[3]])
        });
        cases.push(transposed.f32(shape(y)).f32(shape(w)));
        let weights = case("conv_weight_grad", name, move |t| {
            weight_grad(&t[0], &t[1], conv, [w[2], w[3]])
        });
        cases.push(weights.f32(shape(y)).f32(shape(x)));
    }
    let bias = |x: &[Tensor]| (x[0].conv2d(&x[1], Conv::PLAIN) + x[2].reshape([1, 3, 1, 1])).relu();
    cases.extend([
        case("conv", "known", |x| x[0].conv2d(&x[1], Conv::PLAIN))
            .given([1, 1, 2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .given([1, 1, 2, 2], &[1.0, 10.0, 100.0, 1000.0])
            .expect(&[5421.0, 6532.0]),
        case("conv", "bias_relu", bias)
            .f32([2, 2, 6, 6])
            .f32([3, 2, 3, 3])
            .f32([3]),
        case("conv", "bias_relu_odd", bias)
            .f32([2, 2, 5, 7])
            .f32([3, 2, 3, 3])
            .f32([3]),
        case("conv", "twice", |x| {
            let same = conv([1, 1], [1, 1], [1, 1], 1);
            x[0].conv2d(&x[1], same).tanh().conv2d(&x[1], same)
        })
        .f32([2, 3, 5, 5])
        .f32([3, 3, 3, 3]),
        case("conv", "permuted", |x| {
            x[0].permute(&[0, 3, 1, 2]).conv2d(&x[1], Conv::PLAIN)
        })
        .f32([2, 5, 6, 3])
        .f32([2, 3, 3, 3]),
        // Large enough for a split of the sum over pixels.
        case("conv", "split", |x| x[0].conv2d(&x[1], Conv::PLAIN))
            .f32_in([3, 2, 33, 35], -1.0, 1.0)
            .f32_in([4, 2, 3, 3], -1.0, 1.0),
        case("conv", "kernel_too_large", |x| {
            x[0].conv2d(&x[1], Conv::PLAIN)
        })
        .f32([1, 1, 2, 5])
        .f32([1, 1, 3, 3])
        .error("the kernel's height is 3, but the images' is only 2"),
        case("conv", "dilated_kernel_too_large", |x| {
            x[0].conv2d(&x[1], conv([1, 1], [1, 1], [3, 3], 1))
        })
        .f32([1, 1, 9, 4])
        .f32([1, 1, 3, 3])
        .error("the kernel's width is 7 with its dilation, but the images' is only 6 with padding"),
        case("conv", "wrong_channels", |x| {
            x[0].conv2d(&x[1], Conv::PLAIN)
        })
        .f32([1, 3, 5, 5])
        .f32([2, 4, 3, 3])
        .error("3 channels"),
        case("conv", "no_groups", |x| {
            x[0].conv2d(&x[1], conv([1, 1], [0, 0], [1, 1], 0))
        })
        .f32([1, 3, 5, 5])
        .f32([2, 3, 3, 3])
        .error("at least 1 group"),
        case("conv", "uneven_groups", |x| {
            x[0].conv2d(&x[1], conv([1, 1], [0, 0], [1, 1], 2))
        })
        .f32([1, 4, 5, 5])
        .f32([3, 2, 3, 3])
        .error("3 output channels are not a multiple of 2 groups"),
        case("conv", "no_stride", |x| {
            x[0].conv2d(&x[1], conv([1, 0], [0, 0], [1, 1], 1))
        })
        .f32([1, 3, 5, 5])
        .f32([2, 3, 3, 3])
        .error("the stride must be at least 1"),
        case("conv", "no_batch", |x| x[0].conv2d(&x[1], Conv::PLAIN))
            .f32([3, 5, 5])
            .f32([2, 3, 3, 3])
            .error("expected images"),
        case("conv", "integers", |x| x[0].conv2d(&x[1], Conv::PLAIN))
            .below([1, 3, 5, 5], 3)
            .f32([2, 3, 3, 3])
            .error("f32"),
        case("conv_input_grad", "wrong_size", |x| {
            x[0].conv_transpose2d(&x[1], Conv::PLAIN, [8, 8])
        })
        .f32([1, 2, 5, 5])
        .f32([2, 3, 3, 3])
        .error("gives [1, 2, 6, 6]"),
        case("conv_weight_grad", "wrong_size", |x| {
            weight_grad(&x[0], &x[1], Conv::PLAIN, [3, 3])
        })
        .f32([1, 2, 5, 5])
        .f32([1, 3, 8, 8])
        .error("gives [1, 2, 6, 6]"),
    ]);
    cases
}
