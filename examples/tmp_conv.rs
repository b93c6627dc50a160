//! Temporary.
#![allow(clippy::unwrap_used)]
use std::time::Instant;
use wgrad::graph::*;
use wgrad::ops::*;
use wgrad::{DType, Shape};
fn time(name: &str, op: Op, x: &[Shape]) {
    let metas: Vec<Meta> = x.iter().map(|s| Meta::new(s.clone(), DType::F32)).collect();
    let y = op.def().infer(&metas).unwrap();
    let data: Vec<Vec<u32>> = x
        .iter()
        .map(|s| {
            (0..s.len())
                .map(|i| ((i as f32 * 0.37).sin()).to_bits())
                .collect()
        })
        .collect();
    let refs: Vec<HostRef> = metas
        .iter()
        .zip(&data)
        .map(|(meta, words)| HostRef { meta, words })
        .collect();
    let mut out = vec![0u32; y.shape.len()];
    let Work::Kernel(k) = op.def().work() else {
        return;
    };
    k.cpu(&refs, &y, &mut out);
    let mut best = f64::MAX;
    for _ in 0..15 {
        let t = Instant::now();
        k.cpu(&refs, &y, &mut out);
        best = best.min(t.elapsed().as_secs_f64());
    }
    let f = op.def().flops(&metas, &y);
    println!(
        "{name:<24} {:>8.3} ms {:>8.1} GFLOP/s",
        best * 1e3,
        f / best / 1e9
    );
}
fn main() {
    let s = |d: [usize; 4]| Shape::from(d);
    let c = Conv::PLAIN;
    time(
        "matmul 1024",
        Op::Matmul(Matmul {
            ta: false,
            tb: false,
        }),
        &[Shape::from([1024, 1024]), Shape::from([1024, 1024])],
    );
    time(
        "matmul 64x576x288",
        Op::Matmul(Matmul {
            ta: false,
            tb: false,
        }),
        &[Shape::from([64, 64, 288]), Shape::from([64, 288, 576])],
    );
    time(
        "conv1",
        Op::Conv(c),
        &[s([64, 1, 28, 28]), s([32, 1, 3, 3])],
    );
    time(
        "conv1 dw",
        Op::ConvWeightGrad(ConvWeightGrad {
            conv: c,
            kernel: [3, 3],
        }),
        &[s([64, 32, 26, 26]), s([64, 1, 28, 28])],
    );
    time(
        "conv2",
        Op::Conv(c),
        &[s([64, 32, 26, 26]), s([64, 32, 3, 3])],
    );
    time(
        "conv2 dx",
        Op::ConvInputGrad(ConvInputGrad {
            conv: c,
            size: [26, 26],
        }),
        &[s([64, 64, 24, 24]), s([64, 32, 3, 3])],
    );
    time(
        "conv2 dw",
        Op::ConvWeightGrad(ConvWeightGrad {
            conv: c,
            kernel: [3, 3],
        }),
        &[s([64, 64, 24, 24]), s([64, 32, 26, 26])],
    );
    let p = MaxPool {
        kernel: [2, 2],
        stride: [2, 2],
        padding: [0, 0],
        dilation: [1, 1],
    };
    time("pool", Op::MaxPool(p), &[s([64, 64, 24, 24])]);
    time(
        "pool dx",
        Op::MaxPoolGrad(MaxPoolGrad { pool: p }),
        &[s([64, 64, 24, 24]), s([64, 64, 12, 12])],
    );
    let same = Conv {
        padding: [1, 1],
        ..c
    };
    time(
        "resnet 64 56",
        Op::Conv(same),
        &[s([8, 64, 56, 56]), s([64, 64, 3, 3])],
    );
    time(
        "resnet 64 56 dx",
        Op::ConvInputGrad(ConvInputGrad {
            conv: same,
            size: [56, 56],
        }),
        &[s([8, 64, 56, 56]), s([64, 64, 3, 3])],
    );
    time(
        "resnet 64 56 dw",
        Op::ConvWeightGrad(ConvWeightGrad {
            conv: same,
            kernel: [3, 3],
        }),
        &[s([8, 64, 56, 56]), s([8, 64, 56, 56])],
    );
    time(
        "resnet 256 14",
        Op::Conv(same),
        &[s([8, 256, 14, 14]), s([256, 256, 3, 3])],
    );
    let dw = Conv {
        groups: 128,
        ..same
    };
    time(
        "depthwise",
        Op::Conv(dw),
        &[s([8, 128, 28, 28]), s([128, 1, 3, 3])],
    );
    time(
        "depthwise dx",
        Op::ConvInputGrad(ConvInputGrad {
            conv: dw,
            size: [28, 28],
        }),
        &[s([8, 128, 28, 28]), s([128, 1, 3, 3])],
    );
    time(
        "depthwise dw",
        Op::ConvWeightGrad(ConvWeightGrad {
            conv: dw,
            kernel: [3, 3],
        }),
        &[s([8, 128, 28, 28]), s([8, 128, 28, 28])],
    );
}
