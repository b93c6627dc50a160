//! Half-precision values that several steps read, so that they are stored and read again.

use crate::doctor::case::{Case, case};
use crate::graph::{Conv, MaxPool};
use crate::ops::Array;
use crate::{DType, Tensor};

const TYPES: [DType; 2] = [DType::F16, DType::Bf16];

/// Windows of 2 x 2.
const TWO: MaxPool = MaxPool {
    kernel: [2, 2],
    stride: [2, 2],
    padding: [0, 0],
    dilation: [1, 1],
};

/// Rounds an f32 to the type with the `half` crate.
fn round(dtype: DType, v: f64) -> f64 {
    match dtype {
        DType::F16 => half::f16::from_f32(v as f32).to_f64(),
        _ => half::bf16::from_f32(v as f32).to_f64(),
    }
}

fn rounded(dtype: DType, x: &Array) -> Vec<f64> {
    x.data.iter().map(|v| round(dtype, *v)).collect()
}

/// Adds the sum of all elements to each element. The sum is a separate step, so `x` is stored
/// before.
fn plus_sum(x: &Tensor) -> Tensor {
    x + x.sum(&[])
}

/// Stores any number of elements and reads them in order.
fn stored(dtype: DType, n: usize) -> Case {
    case("half_precision", format!("{dtype}_stored_{n}"), move |x| {
        plus_sum(&x[0].cast(dtype))
    })
    .f32([n])
    .constant()
    .formula(move |x| {
        let x = rounded(dtype, &x[0]);
        let sum: f64 = x.iter().sum();
        x.iter().map(|x| x + sum).collect()
    })
}

/// The product of `a [m, k]` and `b [k, n]`, with these types, stored as they are or transposed.
fn product(name: &str, types: [DType; 2], [m, n, k]: [usize; 3], t: [bool; 2]) -> Case {
    let shape = |rows, columns, t| if t { [columns, rows] } else { [rows, columns] };
    let name = format!(
        "{name}_{}x{m}x{n}x{k}",
        types.map(|t| t.to_string()).concat()
    );
    case("half_precision", name, move |x| {
        let as_is = |x: &Tensor, t: bool| if t { x.permute(&[1, 0]) } else { x.clone() };
        let [a, b] = [0, 1].map(|i| as_is(&x[i].cast(types[i]), t[i]));
        a.matmul(&b)
    })
    .f32(shape(m, k, t[0]))
    .constant()
    .f32(shape(k, n, t[1]))
    .constant()
    .formula(move |x| {
        let [a, b] = [0, 1].map(|i| match types[i] {
            DType::F32 => x[i].data.clone(),
            dtype => rounded(dtype, &x[i]),
        });
        let at = |x: &[f64], i, j, rows, columns, t| match t {
            true => x[j * rows + i],
            false => x[i * columns + j],
        };
        let one = |i, j| -> f64 {
            let terms = (0..k).map(|p| at(&a, i, p, m, k, t[0]) * at(&b, p, j, k, n, t[1]));
            terms.sum()
        };
        (0..m * n).map(|at| one(at / n, at % n)).collect()
    })
}

/// Name, shape of the images, shape of the weights, and `[stride, padding, groups]`.
type Convolution = (&'static str, [usize; 4], [usize; 4], [usize; 3]);

const CONVOLUTIONS: [Convolution; 5] = [
    ("plain", [2, 3, 8, 10], [5, 3, 3, 3], [1, 0, 1]),
    ("padded", [2, 4, 6, 6], [8, 4, 3, 3], [1, 1, 1]),
    ("strided", [2, 3, 9, 7], [6, 3, 3, 3], [2, 1, 1]),
    ("depthwise", [2, 6, 8, 8], [6, 1, 3, 3], [1, 1, 6]),
    ("pointwise", [3, 7, 4, 6], [9, 7, 1, 1], [1, 0, 1]),
];

/// Convolutions of half-precision values, forward and as the input gradient (a transposed
/// convolution).
fn convolutions(dtype: DType) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, x, w, [stride, padding, groups]) in CONVOLUTIONS {
        let conv = Conv {
            stride: [stride; 2],
            padding: [padding; 2],
            dilation: [1; 2],
            groups,
        };
        let forward = case("half_precision", format!("{dtype}_conv_{name}"), move |t| {
            let y = t[0].cast(dtype).conv2d(&t[1].cast(dtype), conv);
            plus_sum(&y.relu().cast(dtype))
        });
        cases.push(forward.f32(x).constant().f32(w).constant());
        if stride == 1 {
            let size = [x[2], x[3]];
            let out = |axis: usize| x[axis] + 2 * padding - w[axis] + 1;
            let y = [x[0], w[0], out(2), out(3)];
            let back = case(
                "half_precision",
                format!("{dtype}_conv_back_{name}"),
                move |t| {
                    let x = t[0].cast(dtype);
                    plus_sum(
                        &x.conv_transpose2d(&t[1].cast(dtype), conv, size)
                            .cast(dtype),
                    )
                },
            );
            cases.push(back.f32(y).constant().f32(w).constant());
        }
    }
    cases
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for dtype in TYPES {
        cases.extend(convolutions(dtype));
        cases.extend(super::SIZES.map(|n| stored(dtype, n)));
        cases.extend([
            case("half_precision", format!("{dtype}_transposed"), move |x| {
                let stored = x[0].cast(dtype);
                plus_sum(&stored).sum(&[1]) * stored.permute(&[1, 0]).sum(&[1]).sum(&[])
            })
            .f32([5, 7])
            .constant()
            .formula(move |x| {
                let x = rounded(dtype, &x[0]);
                let sum: f64 = x.iter().sum();
                let row = |r: usize| x[7 * r..7 * (r + 1)].iter().sum::<f64>() + 7.0 * sum;
                (0..5).map(|r| row(r) * sum).collect()
            }),
            // Read in one step as f32 and as half precision.
            case("half_precision", format!("{dtype}_beside_f32"), move |x| {
                let doubled = &x[0] * 2.0;
                let both = doubled.cast(dtype);
                (plus_sum(&both) - plus_sum(&doubled)) * 0.5
            })
            .f32([9, 8])
            .constant()
            .formula(move |x| {
                let off = |v: &f64| round(dtype, 2.0 * v) - 2.0 * v;
                let sum: f64 = x[0].data.iter().map(off).sum();
                x[0].data.iter().map(|v| 0.5 * (off(v) + sum)).collect()
            }),
            // The epilogue of a product and an operand of the next one.
            case(
                "half_precision",
                format!("{dtype}_between_products"),
                move |x| {
                    let y = x[0].matmul(&x[1]).relu().cast(dtype);
                    y.matmul(&x[2]) + y.sum(&[]) * 0.125
                },
            )
            .f32([12, 9])
            .constant()
            .f32([9, 80])
            .constant()
            .f32([80, 68])
            .constant(),
            case("half_precision", format!("{dtype}_pooled"), move |x| {
                plus_sum(&x[0].cast(dtype)).cast(dtype).max_pool2d(TWO)
            })
            .f32([2, 3, 6, 7])
            .constant(),
            case(
                "half_precision",
                format!("{dtype}_into_integers"),
                move |x| {
                    let large = x[0].cast(dtype) * 100.0;
                    large.cast(dtype).cast(DType::I32)
                },
            )
            .f32([21])
            .constant()
            .formula(move |x| {
                let each = x[0].data.iter();
                let large = |v: &f64| round(dtype, f64::from((round(dtype, *v) * 100.0) as f32));
                each.map(|v| large(v).trunc()).collect()
            }),
            product("nn", [dtype; 2], [17, 72, 20], [false; 2]),
            product("nt", [dtype; 2], [16, 72, 20], [false, true]),
            product("tn", [dtype; 2], [16, 72, 21], [true, false]),
            product("odd", [dtype; 2], [5, 7, 9], [false; 2]),
            product("left", [dtype, DType::F32], [9, 68, 12], [false; 2]),
            product("right", [DType::F32, dtype], [9, 68, 12], [false; 2]),
            product("odd_right", [DType::F32, dtype], [9, 67, 11], [false, true]),
        ]);
    }
    cases.push(
        case("half_precision", "no_constant", |x| {
            crate::ops::constant(&x[0].shared_graph(), 1.0, [2], DType::F16)
        })
        .f32([2])
        .error("Tensor::cast"),
    );
    cases
}
