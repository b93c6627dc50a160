//! Infinite elements: maxima and minima, and what is computed relative to them.

use crate::doctor::case::{Case, case};
use crate::graph::MaxPool;
use crate::ops::Array;
use crate::{Shape, Tensor};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Returns columns along the middle axis. In turn, all elements of a column are `low`; all but one
/// are `low`; the first and the last are `-low`.
fn columns([outer, n, inner]: [usize; 3], low: f64) -> Vec<f64> {
    let of = |e: usize| {
        let (o, i, j) = (e / (n * inner), e / inner % n, e % inner);
        match (o * inner + j) % 3 {
            1 if i == n / 2 => 1.5,
            2 if i == 0 || i == n - 1 => -low,
            _ => low,
        }
    };
    (0..outer * n * inner).map(of).collect()
}

/// Returns the extreme elements of the columns along the middle axis.
fn extremes(x: &Array, smallest: bool) -> Vec<f64> {
    let (n, inner) = (x.shape[1], x.shape[2]);
    let mut y = Vec::new();
    for block in x.data.chunks(n * inner) {
        for j in 0..inner {
            let column = block.iter().copied().skip(j).step_by(inner);
            y.extend(match smallest {
                false => column.reduce(f64::max),
                true => column.reduce(f64::min),
            });
        }
    }
    y
}

/// Returns the gradient of the extreme elements, shared by the equal ones of each column.
fn shared(x: &Array, y: &[f64], dy: &[f64]) -> Vec<f64> {
    let (n, inner) = (x.shape[1], x.shape[2]);
    let column = |e: usize| e / (n * inner) * inner + e % inner;
    let mut hits = vec![0.0; y.len()];
    for (e, x) in x.data.iter().enumerate() {
        if *x == y[column(e)] {
            hits[column(e)] += 1.0;
        }
    }
    let slope = |(e, x): (usize, &f64)| match *x == y[column(e)] {
        true => dy[column(e)] / hits[column(e)],
        false => 0.0,
    };
    x.data.iter().enumerate().map(slope).collect()
}

/// Maxima and minima on each path of the kernels: short and long rows, and single, vector and
/// chunked columns.
fn extreme_cases() -> Vec<Case> {
    let shapes = [
        [3, 1, 1],
        [3, 5, 1],
        [2, 5, 3],
        [2, 5, 4],
        [3, 300, 1],
        [3, 4100, 1],
        [2, 300, 3],
        [1, 300, 4],
    ];
    let all: [(&str, f64, fn(&Tensor) -> Tensor); 2] = [
        ("max", -INF, |x| x.max(&[1])),
        ("min", INF, |x| x.min(&[1])),
    ];
    let mut cases = Vec::new();
    for (op, low, f) in all {
        let smallest = op == "min";
        for shape in shapes {
            let [outer, n, inner] = shape;
            cases.push(
                case(op, format!("infinite_{outer}x{n}x{inner}"), move |x| {
                    f(&x[0])
                })
                .given(shape, &columns(shape, low))
                .formula(move |x| extremes(&x[0], smallest))
                .gradient(move |x, dy| shared(&x[0], &extremes(&x[0], smallest), dy)),
            );
        }
    }
    cases.extend([
        case("max", "infinite_over_two_runs", |x| x[0].max(&[0, 2]))
            .given([2, 2, 2], &[-INF, -INF, 1.0, INF, -INF, -INF, INF, INF])
            .expect(&[-INF, INF])
            .gradient(|_, dy| {
                let (a, b) = (dy[0] / 4.0, dy[1] / 3.0);
                vec![a, a, 0.0, b, a, a, b, b]
            }),
        case("norm", "largest_is_infinite", |x| x[0].norm(&[1], INF))
            .given([2, 3], &[1.0, -INF, 2.0, INF, -INF, 0.0])
            .expect(&[INF, INF])
            .gradient(|_, dy| vec![0.0, -dy[0], 0.0, dy[1] / 2.0, -dy[1] / 2.0, 0.0]),
        case("argmax", "infinite", |x| x[0].argmax())
            .given([3, 3], &[-INF, -INF, -INF, 1.0, INF, INF, -INF, -5.0, -INF])
            .expect(&[0.0, 1.0, 1.0]),
        case("argmin", "infinite", |x| x[0].argmin())
            .given([3, 3], &[INF, INF, INF, 1.0, -INF, -INF, INF, -5.0, INF])
            .expect(&[0.0, 1.0, 1.0]),
        case("topk", "infinite", |x| x[0].topk(3, 0, true).0)
            .given([5], &[-INF, 2.0, INF, -INF, -INF])
            .expect(&[INF, 2.0, -INF])
            .gradient(|_, dy| vec![dy[2], dy[1], dy[0], 0.0, 0.0]),
        case("topk", "places_of_infinite", |x| x[0].topk(3, 0, false).1)
            .given([4], &[INF, -INF, INF, INF])
            .expect(&[1.0, 0.0, 2.0]),
        case("maximum", "infinite", |x| x[0].maximum(&x[1]))
            .given([4], &[-INF, -INF, INF, INF])
            .given([4], &[-INF, 1.0, 1.0, INF])
            .constant()
            .expect(&[-INF, 1.0, INF, INF])
            .gradient(|_, dy| vec![dy[0] / 2.0, 0.0, dy[2], dy[3] / 2.0]),
        case("clamped", "infinite_below", |x| x[0].clamp_min(0.5))
            .given([3], &[-INF, 0.0, INF])
            .expect(&[0.5, 0.5, INF])
            .gradient(|_, dy| vec![0.0, 0.0, dy[2]]),
        case("clamped", "infinite_above", |x| x[0].clamp_max(0.5))
            .given([3], &[-INF, 0.0, INF])
            .expect(&[-INF, 0.0, 0.5])
            .gradient(|_, dy| vec![dy[0], dy[1], 0.0]),
    ]);
    cases
}

/// A pooling with the gradient of each window to the element at `first`.
fn pooled(
    name: &str,
    pool: MaxPool,
    shape: impl Into<Shape>,
    elements: &[f64],
    expected: &[f64],
    first: &[usize],
) -> Case {
    let (n, first) = (elements.len(), first.to_vec());
    case("max_pool", name, move |x| x[0].max_pool2d(pool))
        .given(shape, elements)
        .expect(expected)
        .gradient(move |_, dy| {
            let mut dx = vec![0.0; n];
            for (at, dy) in first.iter().zip(dy) {
                dx[*at] += dy;
            }
            dx
        })
}

fn pool_cases() -> Vec<Case> {
    let pool = |kernel, stride, padding, dilation| MaxPool {
        kernel,
        stride,
        padding,
        dilation,
    };
    let two = pool([2, 2], [2, 2], [0, 0], [1, 1]);
    let three = pool([3, 3], [2, 2], [1, 1], [1, 1]);
    let line = pool([1, 3], [1, 2], [0, 1], [1, 1]);
    let mut some = [-INF; 16];
    (some[5], some[2], some[7], some[15]) = (-5.0, INF, INF, 3.0);
    vec![
        pooled(
            "infinite",
            two,
            [4, 4],
            &[-INF; 16],
            &[-INF; 4],
            &[0, 2, 8, 10],
        ),
        pooled(
            "some_infinite",
            two,
            [4, 4],
            &some,
            &[-5.0, INF, -INF, 3.0],
            &[5, 2, 8, 15],
        ),
        // Padding is never the first of equal elements.
        pooled(
            "infinite_and_padding",
            three,
            [4, 4],
            &[-INF; 16],
            &[-INF; 4],
            &[0, 1, 4, 5],
        ),
        pooled(
            "infinite_line",
            line,
            [1, 5],
            &[-INF; 5],
            &[-INF; 3],
            &[0, 1, 3],
        ),
        case("max_pool", "only_padding", |x| {
            x[0].max_pool2d(MaxPool {
                kernel: [1, 2],
                stride: [1, 1],
                padding: [0, 1],
                dilation: [1, 2],
            })
        })
        .given([1, 1], &[5.0])
        .expect(&[-INF])
        .gradient(|_, _| vec![0.0]),
    ]
}

/// Returns the softmax of a row; all NaN if no element is above negative infinity.
fn softmax(x: &[f64]) -> Vec<f64> {
    let total: f64 = x.iter().map(|x| x.exp()).sum();
    x.iter().map(|x| x.exp() / total).collect()
}

fn softmax_cases() -> Vec<Case> {
    let row = [1.0, -INF, 2.0, -INF, 0.5];
    // Long enough for lanes that see only negative infinity.
    let mut long = [-INF; 300];
    (long[7], long[290]) = (-3.0, -2.0);
    let log = |x: &[f64]| softmax(x).iter().map(|p| p.ln()).collect::<Vec<_>>();
    let log_slope = |x: &[Array], dy: &[f64]| {
        let total: f64 = dy.iter().sum();
        let p = softmax(&x[0].data);
        p.iter().zip(dy).map(|(p, dy)| dy - p * total).collect()
    };
    vec![
        case("softmax", "infinite", |x| x[0].softmax(-1))
            .given([5], &row)
            .formula(|x| softmax(&x[0].data)),
        case("softmax", "infinite_long", |x| x[0].softmax(-1))
            .given([300], &long)
            .formula(|x| softmax(&x[0].data)),
        case("softmax", "infinite_row", |x| x[0].softmax(-1))
            .given([2, 3], &[-INF, -INF, -INF, 1.0, -INF, 1.0])
            .constant()
            .expect(&[NAN, NAN, NAN, 0.5, 0.0, 0.5]),
        case("log_softmax", "infinite", |x| x[0].log_softmax(-1))
            .given([5], &row)
            .formula(move |x| log(&x[0].data))
            .gradient(log_slope),
        case("log_softmax", "infinite_long", |x| x[0].log_softmax(-1))
            .given([300], &long)
            .formula(move |x| log(&x[0].data))
            .gradient(log_slope),
        case("log_softmax", "infinite_row", |x| x[0].log_softmax(-1))
            .given([2, 3], &[-INF, -INF, -INF, 0.0, -INF, -INF])
            .constant()
            .expect(&[NAN, NAN, NAN, 0.0, -INF, -INF]),
        case("cross_entropy", "infinite", |x| x[0].cross_entropy(&x[1]))
            .given([2, 3], &[-INF, 1.0, 1.0, 0.0, -INF, -INF])
            .numbers([2], &[1, 0])
            .expect(&[std::f64::consts::LN_2, 0.0]),
        case("cross_entropy", "infinite_loss", |x| {
            x[0].cross_entropy(&x[1])
        })
        .given([1, 3], &[-INF, 1.0, 1.0])
        .numbers([1], &[0])
        .expect(&[INF])
        .gradient(|_, dy| vec![-dy[0], 0.5 * dy[0], 0.5 * dy[0]]),
        case("logsumexp", "some_infinite", |x| x[0].logsumexp(&[1]))
            .given([1, 3], &[-INF, 1.0, 1.0])
            .expect(&[1.0 + std::f64::consts::LN_2]),
        case("logsumexp", "infinite", |x| x[0].logsumexp(&[1]))
            .given([3, 2], &[-INF, -INF, INF, 0.0, INF, -INF])
            .constant()
            .expect(&[-INF, INF, INF]),
    ]
}

pub fn cases() -> Vec<Case> {
    let mut cases = extreme_cases();
    cases.extend(pool_cases());
    cases.extend(softmax_cases());
    cases
}
