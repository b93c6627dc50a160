//! Scaled dot-product attention.

use crate::ops::{Array, AttentionOptions};
use crate::{DType, Tensor};

use crate::doctor::case::{Case, Draw, case};

fn options(causal: Option<usize>, scale: Option<f64>) -> AttentionOptions {
    AttentionOptions {
        causal,
        scale,
        ..AttentionOptions::default()
    }
}

/// Attention with a mask if there is a fourth argument.
fn attention(causal: Option<usize>) -> impl Fn(&[Tensor]) -> Tensor + Send + Sync {
    move |x| {
        let mask = x.get(3).cloned();
        let options = AttentionOptions {
            mask,
            ..options(causal, None)
        };
        x[0].scaled_dot_product_attention(&x[1], &x[2], &options)
    }
}

/// Computes attention with the whole matrix of weights: `q [b, h, t, d]`, `k [b, g, s, d]`,
/// `v [b, g, s, e]`, and a mask `[b, s]`.
fn naive(x: &[Array], causal: Option<usize>) -> Vec<f64> {
    let keys = x[1].shape[2];
    let mask = |[b, _, _, j]: [usize; 4]| x.get(3).map_or(0.0, |m| m.data[b * keys + j]);
    naive_masked(x, causal, mask)
}

/// The element of a mask that broadcasts to `[b, h, t, s]`.
fn broadcast(mask: &Array, at: [usize; 4]) -> f64 {
    let skipped = 4 - mask.shape.rank();
    let axes = mask.shape.iter().zip(&at[skipped..]);
    let index = axes.fold(0, |index, (&n, &i)| index * n + if n == 1 { 0 } else { i });
    mask.data[index]
}

/// As [`naive`], with a number added to the score of each batch, head, query and key.
fn naive_masked(x: &[Array], causal: Option<usize>, mask: impl Fn([usize; 4]) -> f64) -> Vec<f64> {
    let (q, k, v) = (&x[0].shape, &x[1].shape, &x[2].shape);
    let (h, t, d, g, s, e) = (q[1], q[2], q[3], k[1], k[2], v[3]);
    let mut y = Vec::new();
    for row in 0..q[0] * h * t {
        let (b, head, i) = (row / (h * t), row / t % h, row % t);
        let kv = b * g + head / (h / g);
        let exp = |j: usize| {
            let (query, key) = (
                &x[0].data[row * d..][..d],
                &x[1].data[(kv * s + j) * d..][..d],
            );
            let product: f64 = query.iter().zip(key).map(|(q, k)| q * k).sum();
            let mask = mask([b, head, i, j]);
            let seen = causal.is_none_or(|ahead| j <= i + ahead);
            if seen {
                (product / (d as f64).sqrt() + mask).exp()
            } else {
                0.0
            }
        };
        let p: Vec<f64> = (0..s).map(exp).collect();
        let total: f64 = p.iter().sum();
        y.extend((0..e).map(|c| {
            let sum: f64 = (0..s).map(|j| p[j] * x[2].data[(kv * s + j) * e + c]).sum();
            if total > 0.0 { sum / total } else { 0.0 }
        }));
    }
    y
}

/// The sizes are `[b, t, s, heads, kv_heads, d, e]`.
fn sized([b, t, s, h, g, d, e]: [usize; 7], causal: Option<usize>) -> Case {
    let kind = causal.map_or(String::new(), |ahead| format!("_causal_{ahead}"));
    let name = format!("{b}x{t}x{s}_heads_{h}_{g}_features_{d}_{e}{kind}");
    case("attention", name, attention(causal))
        .f32([b, h, t, d])
        .f32([b, g, s, d])
        .f32([b, g, s, e])
        .formula(move |x| naive(x, causal))
}

/// With a mask for each pair of a query and a key as the fourth argument, and one for the keys as the fifth.
fn of_pairs(causal: Option<usize>) -> impl Fn(&[Tensor]) -> Tensor + Send + Sync {
    move |x| {
        let options = AttentionOptions {
            mask: x.get(4).cloned(),
            attn_mask: Some(x[3].clone()),
            ..options(causal, None)
        };
        x[0].scaled_dot_product_attention(&x[1], &x[2], &options)
    }
}

/// The cases of masks for pairs: `b`, `h`, `g`, `t`, `s`, `d`, `e`, and the mask's shape.
fn pairs(name: &str, sizes: [usize; 7], mask: &[usize], causal: Option<usize>) -> Case {
    let [b, h, g, t, s, d, e] = sizes;
    case("attention", format!("pairs_{name}"), of_pairs(causal))
        .f32([b, h, t, d])
        .f32([b, g, s, d])
        .f32([b, g, s, e])
        .f32(mask)
        .formula(move |x| naive_masked(x, causal, |at| broadcast(&x[3], at)))
}

/// Masks for pairs of queries and keys, which get gradients.
fn cases_of_pairs() -> Vec<Case> {
    let (low, infinite) = (-3.4e38, f64::NEG_INFINITY);
    vec![
        pairs("of_all_axes", [2, 2, 2, 5, 6, 4, 3], &[2, 2, 5, 6], None),
        pairs(
            "of_queries_and_keys",
            [2, 4, 2, 5, 7, 4, 4],
            &[5, 7],
            Some(2),
        ),
        pairs("of_heads", [2, 3, 1, 4, 4, 2, 2], &[3, 1, 1], Some(0)),
        pairs("of_samples", [3, 2, 1, 4, 5, 3, 3], &[3, 1, 4, 5], None),
        pairs("of_one_number", [1, 2, 2, 3, 3, 4, 4], &[1], None),
        pairs("of_no_queries", [2, 1, 1, 0, 3, 4, 4], &[0, 3], None),
        // The second query attends to nothing at all.
        case("attention", "pairs_left_out", of_pairs(None))
            .f32([1, 2, 3, 4])
            .f32([1, 2, 4, 4])
            .f32([1, 2, 4, 4])
            .given(
                [3, 4],
                &[
                    0.0, low, 0.5, infinite, infinite, low, -1e30, infinite, 1.0, 0.0, 0.0, -2.0,
                ],
            )
            .constant()
            .formula(|x| naive_masked(x, None, |at| broadcast(&x[3], at))),
        case("attention", "pairs_by_truth_values", of_pairs(None))
            .f32([2, 2, 5, 4])
            .f32([2, 2, 7, 4])
            .f32([2, 2, 7, 4])
            .argument(DType::Bool, [2, 5, 7], Draw::Between(0.0, 2.0)),
        case("attention", "pairs_and_keys", of_pairs(Some(1)))
            .f32([2, 2, 4, 3])
            .f32([2, 2, 5, 3])
            .f32([2, 2, 5, 3])
            .f32([4, 5])
            .f32([2, 5])
            .formula(|x| {
                let keys = x[1].shape[2];
                let mask = |at: [usize; 4]| broadcast(&x[3], at) + x[4].data[at[0] * keys + at[3]];
                naive_masked(x, Some(1), mask)
            }),
        case("attention", "pairs_packed", |x| {
            let options = AttentionOptions {
                attn_mask: Some(x[1].clone()),
                ..options(Some(0), Some(0.3))
            };
            x[0].self_attention(2, &options)
        })
        .f32([2, 5, 4, 3])
        .f32([2, 1, 5, 5]),
        case("attention", "pairs_of_another_shape", of_pairs(None))
            .f32([2, 1, 3, 4])
            .f32([2, 1, 5, 4])
            .f32([2, 1, 5, 4])
            .f32([3, 4])
            .error("[batch, heads, queries, keys] = [2, 1, 3, 5], found [3, 4]"),
        case("attention", "pairs_of_numbers", of_pairs(None))
            .f32([1, 1, 2, 4])
            .f32([1, 1, 2, 4])
            .f32([1, 1, 2, 4])
            .argument(DType::U32, [2, 2], Draw::Between(0.0, 2.0))
            .error("of bool or f32, found u32"),
        case("attention", "pairs_packed_unevenly", |x| {
            let options = AttentionOptions {
                attn_mask: Some(x[1].clone()),
                ..AttentionOptions::default()
            };
            x[0].self_attention(2, &options)
        })
        .f32([2, 3, 5, 4])
        .f32([3, 3])
        .error("expected [batch, time, 2 + 2 kv_heads, d], found [2, 3, 5, 4]"),
    ]
}

/// Attention with queries, keys and values in one tensor.
fn packed(heads: usize, causal: Option<usize>) -> impl Fn(&[Tensor]) -> Tensor + Send + Sync {
    move |x| {
        let mask = x.get(1).cloned();
        let options = AttentionOptions {
            mask,
            ..options(causal, None)
        };
        x[0].self_attention(heads, &options)
    }
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        sized([1, 1, 1, 1, 1, 1, 1], None),
        sized([2, 3, 2, 1, 1, 2, 3], None),
        sized([1, 7, 7, 2, 2, 3, 3], Some(0)),
        sized([2, 5, 9, 4, 2, 4, 8], None),
        sized([2, 5, 9, 4, 2, 4, 8], Some(4)),
        sized([1, 1, 65, 2, 1, 8, 4], Some(64)),
        sized([1, 65, 3, 1, 1, 4, 4], Some(0)),
        sized([1, 9, 5, 3, 1, 7, 2], Some(1)),
        sized([1, 65, 65, 2, 1, 32, 32], Some(0)),
        sized([2, 67, 70, 1, 1, 16, 16], None),
        sized([1, 33, 33, 1, 1, 65, 65], Some(0)),
        sized([1, 17, 129, 1, 1, 64, 64], None),
        sized([1, 10, 10, 1, 1, 128, 128], Some(0)),
        // More values than a tile takes; the other sizes are small because drivers unroll the loops
        // over features, and the default cases must compile fast.
        sized([1, 13, 17, 1, 1, 1, 65], Some(4)),
        sized([1, 11, 15, 1, 1, 4, 68], Some(4)),
        sized([0, 3, 2, 1, 1, 4, 4], None),
        sized([2, 0, 2, 1, 1, 4, 4], None),
    ];
    let with_mask = |name: &str, causal| {
        case("attention", name, attention(causal))
            .f32([2, 2, 6, 4])
            .f32([2, 1, 9, 4])
            .f32([2, 1, 9, 5])
            .f32([2, 9])
            .constant()
            .formula(move |x| naive(x, causal))
    };
    let low = -3.4e38;
    cases.extend([
        with_mask("added", None),
        with_mask("added_causal", Some(2)),
        // The second sample attends to nothing.
        case("attention", "left_out", attention(None))
            .f32([2, 2, 3, 4])
            .f32([2, 2, 4, 4])
            .f32([2, 2, 4, 4])
            .given([2, 4], &[0.0, low, 0.5, low, low, low, low, low])
            .constant()
            .formula(|x| naive(x, None)),
        case("attention", "of_no_keys", attention(None))
            .f32([2, 1, 3, 4])
            .f32([2, 1, 0, 4])
            .f32([2, 1, 0, 4])
            .expect(&[0.0; 24]),
        case("attention", "left_out_by_truth_values", |x| {
            let options = AttentionOptions {
                mask: Some(x[3].clone()),
                ..AttentionOptions::default()
            };
            x[0].scaled_dot_product_attention(&x[1], &x[2], &options)
        })
        .f32([3, 2, 5, 4])
        .f32([3, 2, 7, 4])
        .f32([3, 2, 7, 4])
        .argument(DType::Bool, [3, 7], Draw::Between(0.0, 2.0)),
        case("attention", "huge", attention(None))
            .given([1, 1, 1, 2], &[1e4, -1e4])
            .constant()
            .given([1, 1, 3, 2], &[1.0, 0.0, 0.0, 1.0, -1.0, 0.0])
            .constant()
            .given([1, 1, 3, 1], &[2.0, 3.0, 4.0])
            .constant()
            .expect(&[2.0]),
        case("attention", "rising", attention(None))
            .given([1, 1, 1, 1], &[100.0])
            .constant()
            .given(
                [1, 1, 9, 1],
                &[-8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0],
            )
            .constant()
            .f32([1, 1, 9, 3]),
        case("attention", "own_scale", |x| {
            x[0].attention(&x[1], &x[2], &options(None, Some(0.25)))
        })
        .f32([2, 5, 2, 4])
        .f32([2, 3, 2, 4])
        .f32([2, 3, 2, 4]),
        case("attention", "packed", packed(2, None)).f32([2, 7, 6, 4]),
        case("attention", "packed_causal", packed(4, Some(0))).f32([2, 9, 8, 8]),
        case("attention", "packed_odd", packed(3, Some(0))).f32([1, 10, 5, 3]),
        case("attention", "packed_masked", packed(2, Some(0)))
            .f32([2, 6, 4, 4])
            .f32([2, 6])
            .constant(),
        case("attention", "packed_of_one_projection", |x| {
            let qkv = x[0].matmul_t(&x[1]).reshape([2, 5, 6, 4]);
            qkv.self_attention(2, &AttentionOptions::causal())
                .flatten(2)
        })
        .f32([2, 5, 3])
        .f32([24, 3]),
        case("attention", "of_one_tensor", |x| {
            x[0].attention(&x[0], &x[0], &AttentionOptions::causal())
        })
        .f32([2, 6, 2, 4]),
        case("attention", "other_features", attention(None))
            .f32([1, 1, 3, 4])
            .f32([1, 1, 3, 5])
            .f32([1, 1, 3, 4])
            .error("queries [b, t, 1, d]"),
        case("attention", "uneven_heads", attention(None))
            .f32([1, 3, 3, 4])
            .f32([1, 2, 3, 4])
            .f32([1, 2, 3, 4])
            .error("3 query heads"),
        case("attention", "other_mask", attention(None))
            .f32([2, 1, 3, 4])
            .f32([2, 1, 5, 4])
            .f32([2, 1, 5, 4])
            .f32([2, 3])
            .error("[2, 5]"),
        case("attention", "rank_3", attention(None))
            .f32([2, 3, 4])
            .f32([2, 3, 4])
            .f32([2, 3, 4])
            .error("[batch, heads, time, features]"),
        case("attention", "packed_unevenly", packed(2, None))
            .f32([2, 3, 5, 4])
            .error("found 5"),
    ]);
    cases.extend(cases_of_pairs());
    cases
}
