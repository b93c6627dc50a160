//! Normalizations, embeddings, positions, attention and the blocks of Transformers; see
//! `tests/fixtures/attention.py`.

use wgrad::Tensor;
use wgrad::nn::{
    Activation, Embedding, GroupNorm, LayerNorm, LearnedPositions, Linear, Module,
    MultiHeadAttention, Parallel, Parameter, Residual, RmsNorm, Rope, Sequential,
    SinusoidalPositions, SwiGlu, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer, Visitor,
};
use wgrad::ops::AttentionOptions;

use crate::case::{Case, function, layer, module};

/// PyTorch's mask selects the padding keys; ours selects the visible keys.
fn but(padding: &Tensor) -> AttentionOptions {
    AttentionOptions {
        mask: Some(padding.logical_not()),
        ..AttentionOptions::default()
    }
}

fn attention(
    name: &'static str,
    options: impl Fn(&[Tensor]) -> AttentionOptions + Send + Sync + 'static,
) -> Case {
    function(name, move |x| {
        vec![x[0].scaled_dot_product_attention(&x[1], &x[2], &options(x))]
    })
}

fn mha(name: &'static str, make: fn() -> MultiHeadAttention) -> Case {
    layer(name, make)
}

pub fn cases() -> Vec<Case> {
    let plain = AttentionOptions::default;
    let causal = move |ahead| AttentionOptions {
        causal: Some(ahead),
        ..plain()
    };
    let eight = || MultiHeadAttention::new(8, 2);
    let mut cases = vec![
        layer("layer_norm", || LayerNorm::new([7])),
        // A single number is its own mean, so it is normalized to 0.
        layer("layer_norm_one", || LayerNorm::new([1])).cancelling(&["weight"]),
        layer("layer_norm_two_axes", || LayerNorm::new([3, 5]).eps(1e-3)),
        layer("layer_norm_without_bias", || {
            LayerNorm::new([6]).without_bias()
        }),
        layer("layer_norm_without_affine", || {
            LayerNorm::new([6]).without_affine()
        }),
        layer("layer_norm_wide", || LayerNorm::new([129])),
        layer("rms_norm", || RmsNorm::new([7]).eps(1e-6)),
        // PyTorch's default depends on the element type, which is f64 in the fixture.
        layer("rms_norm_default", || RmsNorm::new([65]).eps(f64::EPSILON)),
        layer("group_norm", || GroupNorm::new(2, 6)),
        layer("group_norm_each", || GroupNorm::new(3, 3).eps(1e-4)),
        layer("group_norm_flat", || GroupNorm::new(2, 8).without_affine()),
        layer("embedding", || Embedding::new(7, 5)),
        layer("embedding_padding", || Embedding::new(7, 4).with_padding(3)),
        layer("positions", || LearnedPositions::new(9, 4)),
        layer("positions_offset", || {
            LearnedPositions::new(9, 4).from_position(3)
        }),
        layer("sinusoids", || SinusoidalPositions::new(20, 6)),
        layer("rope_halves", || Rope::new(8, 5)),
        module(
            "rope_offset",
            || Rope::new(6, 12).with_base(500.0),
            |rope, x| vec![rope.turn(&x[0], 1, 7)],
        ),
        layer("rope_pairs", || Rope::new(8, 6).interleaved()),
        attention("attention", move |_| plain()),
        attention("attention_causal", move |_| causal(0)),
        attention("attention_scale", move |_| AttentionOptions {
            scale: Some(0.3),
            ..plain()
        }),
        attention("attention_grouped", move |_| plain()),
        attention("attention_ahead", move |_| causal(4)),
        attention("attention_seen", move |x| AttentionOptions {
            mask: Some(x[3].clone()),
            ..plain()
        }),
        attention("attention_long", move |_| causal(0)),
        mha("mha", || MultiHeadAttention::new(8, 2)),
        mha("mha_one_token", || MultiHeadAttention::new(6, 3)),
        mha("mha_causal", || MultiHeadAttention::new(8, 4).causal()),
        mha("mha_without_bias", || {
            MultiHeadAttention::new(8, 1).without_bias()
        }),
        module("mha_padded", eight, |mha, x| {
            vec![mha.forward_with(&x[0], &but(&x[1]))]
        }),
        module("mha_cross", eight, |mha, x| {
            vec![mha.attend(&x[0], (&x[1], &x[1]), &AttentionOptions::default())]
        }),
        module("mha_cross_padded", eight, |mha, x| {
            vec![mha.attend(&x[0], (&x[1], &x[2]), &but(&x[3]))]
        }),
        mha("mha_grouped", || {
            let rope = Rope::new(4, 8);
            let mha = MultiHeadAttention::new(16, 4).kv_heads(2);
            mha.causal().rope(rope, 0)
        }),
        layer("swiglu", || SwiGlu::new(5, 9)),
        layer("branches", || {
            let branches = Parallel::concat(-1)
                .add(Linear::new(4, 3))
                .add(Linear::new(4, 2));
            Sequential::new()
                .add(Residual::new(Linear::new(4, 4)))
                .add(branches)
        }),
        layer("encoder", || TransformerEncoderLayer::new(8, 2, 8)),
        layer("encoder_gpt", || {
            let block = TransformerEncoderLayer::new(8, 2, 8).pre_norm().causal();
            block.activation(Activation::Gelu)
        }),
        module(
            "encoder_padded",
            || TransformerEncoderLayer::new(8, 4, 8),
            |block, x| vec![block.forward_with(&x[0], &but(&x[1]))],
        ),
        layer("llama", || {
            let attention = MultiHeadAttention::new(8, 2).kv_heads(1);
            let block = TransformerEncoderLayer::new(8, 2, 10).self_attention(attention);
            block
                .pre_norm()
                .rms_norm(1e-5)
                .swiglu()
                .causal()
                .rope(Rope::new(4, 16))
        }),
        module(
            "decoder",
            || TransformerDecoderLayer::new(8, 2, 8).causal(),
            |block, x| {
                let all = AttentionOptions::default();
                vec![block.attend(&x[0], &x[1], &all, &all)]
            },
        ),
        module(
            "decoder_pre_norm",
            || {
                let block = TransformerDecoderLayer::new(8, 2, 8).pre_norm().causal();
                block.activation(Activation::Gelu)
            },
            |block, x| vec![block.attend(&x[0], &x[1], &AttentionOptions::default(), &but(&x[2]))],
        ),
    ];
    cases.push(attention("attention_added", |x| {
        // PyTorch's script adds sin(0), sin(1) and so on.
        let values = (0..12).map(|i| (i as f64).sin()).collect();
        AttentionOptions {
            mask: Some(constants(&x[0], [2, 6], values)),
            ..AttentionOptions::default()
        }
    }));
    cases.extend(pairs());
    cases.extend(stacks());
    cases
}

/// A mask for each pair of a query and a key.
fn pair_mask(attn_mask: Tensor) -> AttentionOptions {
    AttentionOptions {
        attn_mask: Some(attn_mask),
        ..AttentionOptions::default()
    }
}

/// A causal mask for as many queries as keys, as truth values.
fn triangle(x: &Tensor, n: usize) -> AttentionOptions {
    let position = x.arange(0.0, n as f64, 1.0);
    pair_mask(position.le(&position.unsqueeze(-1)))
}

/// Keys that are no padding, as a mask for pairs.
fn unpadded(padding: &Tensor) -> AttentionOptions {
    let [batch, keys] = [padding.dim(0), padding.dim(1)];
    pair_mask(padding.logical_not().reshape([batch, 1, 1, keys]))
}

/// The same attention by masks for pairs of queries and keys.
fn pairs() -> Vec<Case> {
    let eight = || MultiHeadAttention::new(8, 2);
    vec![
        attention("pairs_causal", |x| triangle(&x[0], 6)).same_as("attention_causal"),
        attention("pairs_long", |x| triangle(&x[0], 37)).same_as("attention_long"),
        attention("pairs_grouped", |x| pair_mask(x[0].constant_like(0.0)))
            .same_as("attention_grouped"),
        attention("pairs_scale", |x| AttentionOptions {
            scale: Some(0.3),
            ..pair_mask(x[0].constant_like(0.0))
        })
        .same_as("attention_scale"),
        attention("pairs_seen", |x| pair_mask(x[3].reshape([2, 1, 1, 6])))
            .same_as("attention_seen"),
        attention("pairs_added", |x| {
            let values = (0..12).map(|i| (i as f64).sin()).collect();
            pair_mask(constants(&x[0], [2, 6], values).reshape([2, 1, 1, 6]))
        })
        .same_as("attention_added"),
        module(
            "pairs_mha_causal",
            || MultiHeadAttention::new(8, 4),
            |mha, x| vec![mha.forward_with(&x[0], &triangle(&x[0], 9))],
        )
        .same_as("mha_causal"),
        module("pairs_mha_padded", eight, |mha, x| {
            vec![mha.forward_with(&x[0], &unpadded(&x[1]))]
        })
        .same_as("mha_padded"),
        module("pairs_mha_cross_padded", eight, |mha, x| {
            vec![mha.attend(&x[0], (&x[1], &x[2]), &unpadded(&x[3]))]
        })
        .same_as("mha_cross_padded"),
        module(
            "pairs_mha_grouped",
            || {
                MultiHeadAttention::new(16, 4)
                    .kv_heads(2)
                    .rope(Rope::new(4, 8), 0)
            },
            |mha, x| vec![mha.forward_with(&x[0], &triangle(&x[0], 5))],
        )
        .same_as("mha_grouped"),
        module(
            "pairs_encoder_padded",
            || TransformerEncoderLayer::new(8, 4, 8),
            |block, x| vec![block.forward_with(&x[0], &unpadded(&x[1]))],
        )
        .same_as("encoder_padded"),
        module(
            "pairs_decoder_pre_norm",
            || {
                let block = TransformerDecoderLayer::new(8, 2, 8).pre_norm();
                block.activation(Activation::Gelu)
            },
            |block, x| {
                let (own, other) = (triangle(&x[0], 4), unpadded(&x[2]));
                vec![block.attend(&x[0], &x[1], &own, &other)]
            },
        )
        .same_as("decoder_pre_norm"),
    ]
}

/// A stack of one block, whose parameters have the block's names.
struct OneBlock<M>(M);

impl<M: Module> Module for OneBlock<M> {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.0.forward(x)
    }
    fn visit(&self, visitor: &mut Visitor) {
        let mut take = |name: String, parameter: &Parameter| {
            let name = name.strip_prefix("layers.0.").expect("a block's parameter");
            visitor.parameter(name, parameter);
        };
        self.0.visit(&mut Visitor::new(&mut take));
    }
}

/// Stacks of one block compute what the block computes; the decoder's mask is causal by default.
fn stacks() -> Vec<Case> {
    vec![
        layer("stack_encoder", || {
            OneBlock(TransformerEncoder::new(1, || {
                TransformerEncoderLayer::new(8, 2, 8)
            }))
        })
        .same_as("encoder"),
        module(
            "stack_decoder",
            || {
                OneBlock(TransformerDecoder::new(1, || {
                    TransformerDecoderLayer::new(8, 2, 8)
                }))
            },
            |stack, x| {
                let all = AttentionOptions::default();
                vec![stack.0.attend(&x[0], &x[1], &all, &all)]
            },
        )
        .same_as("decoder"),
    ]
}

/// Returns a tensor of given numbers, composed of scalars.
fn constants(like: &Tensor, shape: [usize; 2], values: Vec<f64>) -> Tensor {
    let scalars: Vec<Tensor> = values.iter().map(|&v| like.constant_like(v)).collect();
    Tensor::stack(&scalars.iter().collect::<Vec<_>>(), 0).reshape(shape)
}
