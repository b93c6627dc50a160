//! Matrix products, with each combination of transposed and untransposed operands.

use crate::graph::{Matmul, Op};
use crate::ops::Array;
use crate::{Source, Tensor};

use crate::doctor::case::{Case, case};

fn product(a: &Array, b: &Array, (m, n, k): (usize, usize, usize)) -> Vec<f64> {
    let mut y = vec![0.0; m * n];
    for p in 0..k {
        for i in 0..m {
            for j in 0..n {
                y[i * n + j] += a.data[i * k + p] * b.data[p * n + j];
            }
        }
    }
    y
}

fn stored(ta: bool, tb: bool, batch: &[usize], (m, n, k): (usize, usize, usize)) -> Case {
    let mark = |t: bool| if t { "t" } else { "n" };
    let lead: String = batch.iter().map(|b| format!("{b}x")).collect();
    let name = format!("{}{}_{lead}{m}x{n}x{k}", mark(ta), mark(tb));
    let a = if ta { [k, m] } else { [m, k] };
    let b = if tb { [n, k] } else { [k, n] };
    case("matmul", name, move |x: &[Tensor]| {
        Tensor::apply(
            Op::Matmul(Matmul { ta, tb }),
            &[&x[0], &x[1]],
            Source::caller(),
        )
    })
    .f32([batch, &a].concat())
    .f32([batch, &b].concat())
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (1, 1, 1),
        (2, 3, 7),
        (7, 2, 3),
        (63, 65, 64),
        (64, 64, 64),
        (1, 257, 3),
        (257, 1, 5),
        (3, 5, 1009),
        (65, 63, 7),
        (0, 3, 2),
        (3, 0, 2),
        (3, 2, 0),
        (10, 64, 64),
        (16, 16, 256),
        (33, 17, 31),
        (128, 8, 12),
    ];
    for size in sizes {
        for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
            cases.push(stored(ta, tb, &[], size));
        }
        let (m, n, k) = size;
        cases.push(
            case("matmul", format!("{m}x{n}x{k}"), |x| x[0].matmul(&x[1]))
                .f32([m, k])
                .f32([k, n])
                .formula(move |x| product(&x[0], &x[1], size)),
        );
    }
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        cases.push(stored(ta, tb, &[3], (5, 7, 9)));
        cases.push(stored(ta, tb, &[2, 3], (4, 8, 12)));
        cases.push(stored(ta, tb, &[0], (4, 8, 12)));
    }
    cases.extend([
        case("matmul", "known", |x| x[0].matmul(&x[1]))
            .given([2, 2], &[1.0, 2.0, 3.0, 4.0])
            .given([2, 2], &[5.0, 6.0, 7.0, 8.0])
            .expect(&[19.0, 22.0, 43.0, 50.0]),
        case("matmul", "one_matrix_for_all_rows", |x| x[0].matmul(&x[1]))
            .f32([3, 5, 7])
            .f32([7, 2]),
        case("matmul", "batches_broadcast", |x| x[0].matmul(&x[1]))
            .f32([2, 1, 3, 4])
            .f32([5, 4, 2]),
        case("matmul", "left_broadcast", |x| x[0].matmul(&x[1]))
            .f32([3, 4])
            .f32([5, 4, 2]),
        case("matmul", "transposed_weight", |x| x[0].matmul_t(&x[1]))
            .f32([5, 7])
            .f32([3, 7]),
        case("matmul", "permuted_left", |x| {
            x[0].permute(&[1, 0]).matmul(&x[1])
        })
        .f32([7, 5])
        .f32([7, 3]),
        case("matmul", "permuted_right", |x| {
            x[0].matmul(&x[1].transpose(0, 1))
        })
        .f32([5, 7])
        .f32([3, 7]),
        case("matmul", "permuted_batch", |x| {
            x[0].permute(&[1, 0, 2]).matmul(&x[1])
        })
        .f32([5, 3, 7])
        .f32([3, 7, 2]),
        case("matmul", "sliced", |x| {
            x[0].slice(&[1, 1], &[3, 4], &[1, 2]).matmul(&x[1])
        })
        .f32([5, 9])
        .f32([4, 3]),
        case("matmul", "broadcast_row", |x| {
            x[0].broadcast_to([5, 7]).matmul(&x[1])
        })
        .f32([7])
        .f32([7, 3]),
        case("matmul", "gram", |x| x[0].matmul_t(&x[0])).f32([5, 7]),
        case("matmul", "square", |x| x[0].matmul(&x[0])).f32([5, 5]),
        case("matmul", "linear_relu", |x| {
            (x[0].matmul_t(&x[1]) + &x[2]).relu()
        })
        .f32([9, 7])
        .f32([5, 7])
        .f32([5]),
        case("matmul", "wrong_k", |x| x[0].matmul(&x[1]))
            .f32([2, 3])
            .f32([4, 5])
            .error("do not fit"),
        case("matmul", "vector", |x| x[0].matmul(&x[1]))
            .f32([3])
            .f32([3, 5])
            .error("do not fit"),
        case("matmul", "wrong_batch", |x| x[0].matmul(&x[1]))
            .f32([2, 3, 4])
            .f32([3, 4, 5])
            .error("do not fit"),
        case("matmul", "integers", |x| x[0].matmul(&x[1]))
            .below([2, 3], 3)
            .f32([3, 5])
            .error("f32"),
    ]);
    cases
}
