//! Normalizations: layer, RMS and group.

use crate::Tensor;

use crate::doctor::case::{Case, case};

const EPS: f64 = 1e-5;

fn layer(x: &[Tensor]) -> Tensor {
    x[0].layer_norm(Some(&x[1]), Some(&x[2]), EPS)
}

fn rms(x: &[Tensor]) -> Tensor {
    x[0].rms_norm(Some(&x[1]), EPS)
}

/// Computes the normalization from its definition, with the variance as the mean of squares minus
/// the squared mean.
fn normalized(row: &[f64], centred: bool) -> Vec<f64> {
    let n = row.len() as f64;
    let mean = match centred {
        true => row.iter().sum::<f64>() / n,
        false => 0.0,
    };
    let variance = row.iter().map(|x| x * x).sum::<f64>() / n - mean * mean;
    let each = |x: &f64| (x - mean) / (variance + EPS).sqrt();
    row.iter().map(each).collect()
}

pub fn cases() -> Vec<Case> {
    let sizes = [
        [0, 7],
        [1, 1],
        [5, 2],
        [3, 3],
        [2, 7],
        [65, 63],
        [3, 65],
        [2, 255],
        [7, 256],
        [3, 257],
        [1, 1009],
        [257, 8],
    ];
    let mut cases: Vec<Case> = Vec::new();
    for [rows, n] in sizes {
        cases.push(
            case("layer_norm", format!("{rows}x{n}"), layer)
                .f32([rows, n])
                .f32([n])
                .f32([n])
                .formula(move |x| {
                    let (w, b) = (&x[1].data, &x[2].data);
                    let row = |row: &[f64]| {
                        let each = normalized(row, true).into_iter().zip(w.iter().zip(b));
                        each.map(|(h, (w, b))| h * w + b).collect::<Vec<_>>()
                    };
                    x[0].data.chunks(n).flat_map(row).collect()
                }),
        );
        cases.push(
            case("rms_norm", format!("{rows}x{n}"), rms)
                .f32([rows, n])
                .f32([n])
                .formula(move |x| {
                    let row = |row: &[f64]| {
                        let each = normalized(row, false).into_iter().zip(&x[1].data);
                        each.map(|(h, w)| h * w).collect::<Vec<_>>()
                    };
                    x[0].data.chunks(n).flat_map(row).collect()
                }),
        );
    }
    cases.extend([
        case("layer_norm", "constant_rows", layer)
            .given([2, 3], &[5.0, 5.0, 5.0, -1e4, -1e4, -1e4])
            .constant()
            .given([3], &[1.0, 2.0, 3.0])
            .given([3], &[0.5, 0.25, 0.0])
            .expect(&[0.5, 0.25, 0.0, 0.5, 0.25, 0.0]),
        case("layer_norm", "large_mean", layer)
            .f32_in([5, 67], 99.0, 101.0)
            .f32([67])
            .f32([67]),
        case("layer_norm", "tiny", layer)
            .f32_in([5, 67], -1e-3, 1e-3)
            .f32([67])
            .f32([67]),
        case("layer_norm", "no_affine", |x| {
            x[0].layer_norm(None, None, EPS)
        })
        .f32([5, 7]),
        case("layer_norm", "no_bias", |x| {
            x[0].layer_norm(Some(&x[1]), None, EPS)
        })
        .f32([5, 7])
        .f32([7]),
        case("layer_norm", "no_columns", layer)
            .f32([3, 0])
            .f32([0])
            .f32([0]),
        case("layer_norm", "rank_3", layer)
            .f32([3, 5, 7])
            .f32([7])
            .f32([7]),
        case("layer_norm", "vector", layer)
            .f32([65])
            .f32([65])
            .f32([65]),
        case("layer_norm", "permuted", |x| {
            x[0].permute(&[1, 0])
                .layer_norm(Some(&x[1]), Some(&x[2]), EPS)
        })
        .f32([7, 9])
        .f32([7])
        .f32([7]),
        case("layer_norm", "residual", |x| {
            &x[0] + x[0].layer_norm(Some(&x[1]), Some(&x[2]), EPS).gelu()
        })
        .f32([9, 16])
        .f32([16])
        .f32([16]),
        case("layer_norm", "other_weight", layer)
            .f32([5, 7])
            .f32([5])
            .f32([7])
            .error("shape [7]"),
        case("layer_norm", "integers", layer)
            .below([5, 7], 3)
            .f32([7])
            .f32([7])
            .error("f32"),
        case("rms_norm", "zeros", rms)
            .given([2, 2], &[0.0, 0.0, 0.0, 0.0])
            .constant()
            .f32([2])
            .expect(&[0.0; 4]),
        case("rms_norm", "no_affine", |x| x[0].rms_norm(None, EPS)).f32([5, 7]),
        case("rms_norm", "permuted", |x| {
            x[0].permute(&[1, 0]).rms_norm(Some(&x[1]), EPS)
        })
        .f32([7, 9])
        .f32([7]),
        case("rms_norm", "other_weight", rms)
            .f32([5, 7])
            .f32([1])
            .error("shape [7]"),
        case("layer_norm", "groups", |x| {
            x[0].group_norm(2, Some(&x[1]), Some(&x[2]), EPS)
        })
        .f32([3, 6, 5, 2])
        .f32([6])
        .f32([6]),
        case("layer_norm", "groups_of_one", |x| {
            x[0].group_norm(6, Some(&x[1]), Some(&x[2]), EPS)
        })
        .f32([3, 6, 7])
        .f32([6])
        .f32([6]),
        case("layer_norm", "groups_of_features", |x| {
            x[0].group_norm(2, None, None, EPS)
        })
        .f32([3, 6]),
        case("layer_norm", "groups_that_do_not_divide", |x| {
            x[0].group_norm(4, None, None, EPS)
        })
        .f32([3, 6])
        .error("are not a multiple"),
    ]);
    cases
}
