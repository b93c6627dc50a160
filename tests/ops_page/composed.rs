//! Methods and losses that are composed of several ops, or that are another name of an op. The ops
//! are taken from the graph to which each traces.

use std::cell::RefCell;
use std::rc::Rc;

use wgrad::graph::{Conv, Elementwise, Graph, MaxPool, Mode, Op, Resampling};
use wgrad::loss::functional::{self as f, Classes, Reduction};
use wgrad::ops::PadMode;
use wgrad::{DType, Tensor, ops};

use DType::{Bool, F32, U32};

/// A method, or a function of a loss.
pub struct Composed {
    /// The call.
    pub call: &'static str,
    /// The result: words, and formulas between backticks.
    formula: &'static str,
    /// The arguments for tracing it here.
    x: &'static [(&'static [usize], DType)],
    make: fn(&[Tensor]) -> Tensor,
}

impl Composed {
    /// Returns its name.
    pub fn name(&self) -> &'static str {
        self.call.split('(').next().unwrap_or_default()
    }

    /// Returns its ops, each once, in the order of the graph.
    fn made_of(&self) -> Vec<&'static str> {
        let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
        let input = |(i, (shape, dtype)): (usize, &(&[usize], DType))| {
            ops::input(&graph, &format!("x{i}"), *shape, *dtype)
        };
        let x: Vec<Tensor> = self.x.iter().enumerate().map(input).collect();
        let y = (self.make)(&x);
        let traced = graph.borrow_mut().take_error();
        traced.unwrap_or_else(|e| panic!("{}: {e}", self.call));
        assert!(y.id().is_some(), "{} is broken", self.call);
        let mut names = Vec::new();
        for node in graph.borrow().nodes() {
            let name = match &node.op {
                Op::Input(_) => continue,
                Op::Elementwise(Elementwise { function, .. }) => function.name,
                op => op.name(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Renders the tables.
pub fn tables() -> String {
    let mut text = String::new();
    for (title, rows) in GROUPS {
        text += &format!("\n### {title}\n\n| call | result | composed of |\n|---|---|---|\n");
        for row in *rows {
            let made: Vec<String> = row.made_of().iter().map(|n| format!("`{n}`")).collect();
            let cells = [
                format!("`{}`", row.call),
                row.formula.to_string(),
                made.join(", "),
            ];
            text += &format!("| {} |\n", cells.map(|c| c.replace('|', "\\|")).join(" | "));
        }
    }
    text
}

/// Iterates over the rows of all tables.
pub fn all() -> impl Iterator<Item = &'static Composed> {
    GROUPS.iter().flat_map(|(_, rows)| *rows)
}

macro_rules! rows {
    ($([$($x:expr),*] $call:literal = $formula:literal: |$a:ident| $make:expr;)*) => {
        &[$(Composed {
            call: $call,
            formula: $formula,
            x: &[$($x),*],
            make: |$a| $make,
        }),*]
    };
}

const VECTOR: (&[usize], DType) = (&[6], F32);
const ROW: (&[usize], DType) = (&[3], F32);
const MATRIX: (&[usize], DType) = (&[2, 3], F32);
const CUBE: (&[usize], DType) = (&[2, 3, 4], F32);
const IMAGES: (&[usize], DType) = (&[2, 4, 5, 6], F32);
const TRUTH: (&[usize], DType) = (&[2, 3], Bool);
const LABELS: (&[usize], DType) = (&[2], U32);
const IDS: (&[usize], DType) = (&[2, 3], U32);

const CONV: Conv = Conv {
    stride: [1, 1],
    padding: [0, 0],
    dilation: [1, 1],
    groups: 1,
};
const POOL: MaxPool = MaxPool {
    kernel: [2, 2],
    stride: [2, 2],
    padding: [0, 0],
    dilation: [1, 1],
};
const TWICE: Resampling = Resampling::Nearest { to: [10, 12] };
const NONE: Reduction = Reduction::None;

static GROUPS: &[(&str, &[Composed])] = &[
    (
        "Reductions",
        rows![
            [MATRIX] "mean(axes)" = "`sum of x / n`": |x| x[0].mean(&[1]);
            [TRUTH] "any(axes)" = "whether any is true": |x| x[0].any(&[1]);
            [TRUTH] "all(axes)" = "whether all are true": |x| x[0].all(&[1]);
            [MATRIX] "logsumexp(axes)" = "`ln(sum of e^x)`, without overflow": |x| x[0].logsumexp(&[1]);
            [MATRIX] "var(axes, correction)" = "`sum of (x - mean)^2 / (n - correction)`": |x| x[0].var(&[1], 1.0);
            [MATRIX] "std(axes, correction)" = "the square root of `var`": |x| x[0].std(&[1], 1.0);
            [MATRIX] "norm(axes, p)" = "`(sum of |x|^p)^(1/p)`; here for `p = 2`": |x| x[0].norm(&[1], 2.0);
            [MATRIX] "argmax_along(axis)" = "`argmax` along any axis": |x| x[0].argmax_along(0);
            [MATRIX] "argmin_along(axis)" = "`argmin` along any axis": |x| x[0].argmin_along(0);
        ],
    ),
    (
        "Sorting",
        rows![
            [MATRIX] "sort(axis, descending)" = "sorted elements, and their positions": |x| x[0].sort(1, false).0;
            [MATRIX] "topk(k, axis, largest)" = "the first `k` sorted elements, and their positions": |x| x[0].topk(2, 1, true).0;
        ],
    ),
    (
        "Rearranging",
        rows![
            [MATRIX] "flatten(from)" = "axes from `from` on, merged into one": |x| x[0].flatten(0);
            [MATRIX] "unsqueeze(axis)" = "with another axis of size 1": |x| x[0].unsqueeze(0);
            [(&[2, 1, 3], F32)] "squeeze(axis)" = "without an axis of size 1": |x| x[0].squeeze(1);
            [MATRIX] "transpose(a, b)" = "two axes swapped": |x| x[0].transpose(0, 1);
            [ROW] "expand(sizes)" = "`broadcast_to`, where -1 keeps a size": |x| x[0].expand(&[2, -1]);
            [MATRIX] "narrow(axis, start, len)" = "`slice` along one axis": |x| x[0].narrow(1, 1, 2);
            [VECTOR] "roll(shifts, axes)" = "`y[i] = x[(i - shift) mod n]`": |x| x[0].roll(&[2], &[0]);
            [MATRIX] "repeat(counts)" = "the whole tensor, repeated `counts[i]` times along each axis": |x| x[0].repeat(&[2, 2]);
            [MATRIX] "tile(counts)" = "`repeat`, with counts for the last axes": |x| x[0].tile(&[2]);
            [VECTOR] "chunk(count, axis)" = "parts of about equal size": |x| x[0].chunk(2, 0)[0].clone();
            [VECTOR] "split(sizes, axis)" = "parts of these sizes": |x| x[0].split(&[2, 4], 0)[0].clone();
            [ROW, ROW] "stack(tensors, axis)" = "tensors along a new axis": |x| Tensor::stack(&[&x[0], &x[1]], 0);
            [MATRIX] "pad_into(before, step, to)" = "elements with a distance, and zeros elsewhere": |x| x[0].pad_into(&[1, 0], &[1, 2], &[4, 6].into());
        ],
    ),
    (
        "Selection",
        rows![
            [MATRIX, LABELS] "index_select(axis, ids)" = "`y[.., j, ..] = x[.., ids[j], ..]`": |x| x[0].index_select(1, &x[1]);
            [MATRIX, LABELS] "gather_frozen(ids, frozen)" = "`gather`, but no gradient flows into row `frozen`": |x| x[0].gather_frozen(&x[1], 0);
            [MATRIX, TRUTH] "masked_fill(mask, value)" = "`value` where the mask is true": |x| x[0].masked_fill(&x[1], 0.5);
            [MATRIX, IDS, MATRIX] "scatter_add_dim(axis, ids, src)" = "`y = x`, and `y[.., ids[.., j, ..], ..] += src[.., j, ..]`": |x| x[0].scatter_add_dim(1, &x[1], &x[2]);
        ],
    ),
    (
        "Creation",
        rows![
            [ROW] "full(shape, value)" = "`value` everywhere": |x| x[0].full([2], 3.0);
            [ROW] "zeros(shape)" = "0 everywhere": |x| x[0].zeros([2]);
            [ROW] "ones(shape)" = "1 everywhere": |x| x[0].ones([2]);
            [ROW] "constant_like(value)" = "a scalar of the same type": |x| x[0].constant_like(3.0);
            [ROW] "full_like(value)" = "`value`, in this shape": |x| x[0].full_like(3.0);
            [ROW] "zeros_like()" = "0, in this shape": |x| x[0].zeros_like();
            [ROW] "numbers(n)" = "`0, 1, .., n - 1`, `u32`": |x| x[0].numbers(4);
            [ROW] "arange(start, end, step)" = "`start + i step` below `end`": |x| x[0].arange(0.0, 1.0, 0.25);
            [ROW] "linspace(start, end, n)" = "`n` evenly spaced numbers, both ends included": |x| x[0].linspace(0.0, 1.0, 4);
            [ROW] "eye(m, n)" = "1 on the diagonal, 0 elsewhere": |x| x[0].eye(2, 3);
            [ROW] "random_bernoulli(p, shape)" = "1 with probability `p`, else 0": |x| x[0].random_bernoulli(0.3, [4]);
            [ROW] "random_permutation(n)" = "`0 .. n` in random order": |x| x[0].random_permutation(4);
        ],
    ),
    (
        "Functions",
        rows![
            [MATRIX] "log_sigmoid()" = "`ln(1 / (1 + e^-x))`": |x| x[0].log_sigmoid();
            [MATRIX] "selu()" = "`1.0507 elu(x)` with `a = 1.6733`": |x| x[0].selu();
            [MATRIX] "clamp(low, high)" = "`min(max(x, low), high)`": |x| x[0].clamp(0.0, 1.0);
            [MATRIX] "clamp_min(low)" = "`max(x, low)`": |x| x[0].clamp_min(0.0);
            [MATRIX] "clamp_max(high)" = "`min(x, high)`": |x| x[0].clamp_max(0.0);
            [MATRIX] "powf(p)" = "`x^p`; products for small integers `p`, here for 3": |x| x[0].powf(3.0);
            [MATRIX] "cast(to)" = "another element type; here `bool`": |x| x[0].cast(Bool);
            [TRUTH] "logical_not()" = "the logical not": |x| x[0].logical_not();
            [TRUTH, MATRIX, MATRIX] "select(a, b)" = "`a` where it is true, else `b`": |x| x[0].select(&x[1], &x[2]);
            [MATRIX, MATRIX] "eq(other)" = "`a = b`, `bool`, for any element type": |x| x[0].eq(&x[1]);
            [MATRIX, MATRIX] "ne(other)" = "`a != b`, `bool`, for any element type": |x| x[0].ne(&x[1]);
            [MATRIX, MATRIX] "lt(other)" = "`a < b`, `bool`": |x| x[0].lt(&x[1]);
            [MATRIX, MATRIX] "le(other)" = "`a <= b`, `bool`": |x| x[0].le(&x[1]);
            [MATRIX, MATRIX] "gt(other)" = "`a > b`, `bool`": |x| x[0].gt(&x[1]);
            [MATRIX, MATRIX] "ge(other)" = "`a >= b`, `bool`": |x| x[0].ge(&x[1]);
        ],
    ),
    (
        "Products and layers",
        rows![
            [MATRIX, MATRIX] "matmul_t(other)" = "`a b^T`": |x| x[0].matmul_t(&x[1]);
            [CUBE, (&[4, 5], F32)] "einsum(equation, operands)" = "sums of products; here `\"bij,jk->ibk\"`": |x| Tensor::einsum("bij,jk->ibk", &[&x[0], &x[1]]);
            [IMAGES, (&[6, 4, 3, 3], F32)] "conv2d(weight, conv)" = "the convolution": |x| x[0].conv2d(&x[1], CONV);
            [IMAGES, (&[4, 2, 3, 3], F32)] "conv_transpose2d(weight, conv, size)" = "the transposed convolution": |x| x[0].conv_transpose2d(&x[1], CONV, [7, 8]);
            [IMAGES] "max_pool2d(pool)" = "max pooling": |x| x[0].max_pool2d(POOL);
            [IMAGES] "resample(kind)" = "average pooling and upsampling; here `upsample_nearest`": |x| x[0].resample(TWICE);
            [IMAGES, (&[4], F32), (&[4], F32)] "group_norm(groups, weight, bias, eps)" = "`layer_norm` of groups of channels": |x| x[0].group_norm(2, Some(&x[1]), Some(&x[2]), 1e-5);
            [(&[2, 5, 3, 4], F32), (&[2, 5, 3, 4], F32), (&[2, 5, 3, 4], F32)] "scaled_dot_product_attention(k, v, options)" = "`softmax(q k^T / sqrt(d)) v` of `[batch, heads, time, d]`, as in PyTorch": |x| x[0].scaled_dot_product_attention(&x[1], &x[2], &Default::default());
            [(&[2, 5, 9, 4], F32)] "self_attention(heads, options)" = "`attention` of queries, keys and values in one tensor": |x| x[0].self_attention(3, &Default::default());
            [MATRIX] "dropout(p)" = "`x / (1 - p)` with probability `1 - p`, else 0": |x| x[0].dropout(0.5);
            [IMAGES] "pad(widths, mode)" = "padding by a constant, reflection or replication; here by reflection": |x| x[0].pad(&[(1, 1), (1, 1)], PadMode::Reflect);
            [IMAGES] "random_flip(p)" = "each image flipped with probability `p`": |x| x[0].random_flip(0.5);
            [IMAGES] "random_shift(pixels)" = "each image shifted by up to `pixels`": |x| x[0].random_shift([1, 1]);
            [IMAGES] "random_crop(to, padding)" = "a random window of each padded image": |x| x[0].random_crop([3, 3], [1, 1]);
        ],
    ),
    (
        "Losses",
        rows![
            [MATRIX, (&[2], F32)] "weighted_mean(losses, by_label, weights)" = "`sum(w l) / sum(w)`": |x| f::weighted_mean(&x[0], None, &x[1]);
            [MATRIX, LABELS] "nll(x, labels, ..)" = "`-x[label]`": |x| f::nll(&x[0], &x[1], &Classes::default(), NONE);
            [(&[2, 5, 4], F32), IDS, LABELS, LABELS] "ctc(log_p, labels, lengths, ..)" = "`ctc_loss`, divided by the number of labels": |x| f::ctc(&x[0], &x[1], [&x[2], &x[3]], Default::default(), Reduction::Mean);
            [(&[2, 5, 4], F32), IDS] "ctc_padded(log_p, labels, ..)" = "`ctc` of labels padded with the blank": |x| f::ctc_padded(&x[0], &x[1], None, Default::default(), NONE);
            [MATRIX, LABELS] "focal_cross_entropy(logits, labels, gamma, ..)" = "`(1 - p)^gamma (-ln p)` of the label's `p`": |x| f::focal_cross_entropy(&x[0], &x[1], 2.0, NONE);
            [MATRIX, MATRIX] "mse(x, t, ..)" = "`(x - t)^2`": |x| f::mse(&x[0], &x[1], NONE);
            [MATRIX, MATRIX] "mae(x, t, ..)" = "`|x - t|`": |x| f::mae(&x[0], &x[1], NONE);
            [MATRIX, MATRIX] "huber(x, t, delta, ..)" = "`(x - t)^2 / 2` up to `delta`, then `delta (|x - t| - delta / 2)`": |x| f::huber(&x[0], &x[1], 1.0, NONE);
            [MATRIX, MATRIX] "smooth_l1(x, t, beta, ..)" = "`huber` divided by `beta`": |x| f::smooth_l1(&x[0], &x[1], 0.5, NONE);
            [MATRIX, MATRIX] "binary_cross_entropy(p, t, ..)" = "`-(t ln(p) + (1 - t) ln(1 - p))`, at most 100": |x| f::binary_cross_entropy(&x[0], &x[1], NONE);
            [MATRIX, MATRIX] "binary_cross_entropy_with_logits(z, t, pos_weight, ..)" = "`ln(1 + e^z) - z t`": |x| f::binary_cross_entropy_with_logits(&x[0], &x[1], None, NONE);
            [MATRIX, MATRIX] "focal(z, t, gamma, alpha, ..)" = "`binary_cross_entropy_with_logits` times `(1 - p_t)^gamma`, weighted by `alpha`": |x| f::focal(&x[0], &x[1], 2.0, Some(0.25), NONE);
            [MATRIX, MATRIX] "kl_divergence(x, t, ..)" = "`t (ln t - x)`, 0 where `t` is 0": |x| f::kl_divergence(&x[0], &x[1], NONE);
            [MATRIX, MATRIX] "kl_divergence_of_logs(x, t, ..)" = "`e^t (t - x)`": |x| f::kl_divergence_of_logs(&x[0], &x[1], NONE);
            [MATRIX, MATRIX] "hinge(x, t, margin, ..)" = "`max(0, margin - x t)`": |x| f::hinge(&x[0], &x[1], 1.0, NONE);
            [MATRIX, MATRIX] "hinge_embedding(x, t, margin, ..)" = "`x` where `t` is 1, `max(0, margin - x)` where it is -1": |x| f::hinge_embedding(&x[0], &x[1], 1.0, NONE);
            [MATRIX, MATRIX, (&[2], F32)] "cosine_embedding(a, b, t, margin, ..)" = "`1 - cos(a, b)` where `t` is 1, `max(0, cos(a, b) - margin)` where it is -1": |x| f::cosine_embedding(&x[0], &x[1], &x[2], 0.1, NONE);
            [MATRIX, MATRIX, MATRIX] "triplet([a, p, n], margin, swap, ..)" = "`max(0, |a - p| - |a - n| + margin)`": |x| f::triplet([&x[0], &x[1], &x[2]], 1.0, false, NONE);
            [MATRIX, MATRIX, MATRIX] "gaussian_nll(mean, t, variance, (full, eps), ..)" = "`(ln v + (mean - t)^2 / v) / 2`, `v` at least `eps`": |x| f::gaussian_nll(&x[0], &x[1], &x[2], (false, 1e-6), NONE);
            [MATRIX, MATRIX] "poisson_nll(x, t, full, ..)" = "`e^x - t x`": |x| f::poisson_nll(&x[0], &x[1], false, NONE);
            [MATRIX, MATRIX] "poisson_nll_of_rate(x, t, full, ..)" = "`x - t ln(x + 1e-8)`": |x| f::poisson_nll_of_rate(&x[0], &x[1], false, NONE);
        ],
    ),
];
