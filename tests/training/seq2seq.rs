//! An encoder-decoder Transformer: it learns to reverse sequences, hides the future and padding,
//! and has PyTorch's names.

use wgrad::data::{Dataset, Targets};
use wgrad::nn::{self, Module, Visitor};
use wgrad::ops::AttentionOptions;
use wgrad::optim::Adam;
use wgrad::random::Stream;
use wgrad::{Device, Fit, Tensor, Trainer, loss, metrics};

use crate::near;

/// Tokens: 0 begins a target, 1 is padding, the others are letters.
const VOCABULARY: usize = 8;
const LETTERS: u32 = 6;
const LENGTH: usize = 5;
const FEATURES: usize = 32;

/// The token that begins a target.
const BEGIN: u32 = 0;
const PADDING: u32 = 1;

/// Scores of the tokens of a target `[batch, t, vocabulary]`. A sample is the source, then the
/// target, which begins with [`BEGIN`] and lacks its last token.
struct Model {
    /// The number of the source's tokens that are read.
    source: usize,
    tokens: nn::Embedding,
    positions: nn::LearnedPositions,
    transformer: nn::Transformer,
    head: nn::Linear,
}

impl Model {
    fn new(transformer: nn::Transformer) -> Self {
        Model {
            source: LENGTH,
            tokens: nn::Embedding::new(VOCABULARY, FEATURES),
            positions: nn::LearnedPositions::new(LENGTH, FEATURES),
            transformer,
            head: nn::Linear::new(FEATURES, VOCABULARY),
        }
    }
}

impl Module for Model {
    fn forward(&self, x: &Tensor) -> Tensor {
        let source = x.narrow(1, 0, self.source);
        let target = x.narrow(1, LENGTH, LENGTH);
        let seen = AttentionOptions {
            mask: Some(source.eq_scalar(f64::from(PADDING)).logical_not()),
            ..AttentionOptions::default()
        };
        let options = nn::TransformerOptions {
            source: seen.clone(),
            memory: seen,
            ..nn::TransformerOptions::default()
        };
        let embedded = |x: &Tensor| self.positions.forward(&self.tokens.forward(x));
        let (source, target) = (embedded(&source), embedded(&target));
        let y = self.transformer.attend_with(&source, &target, &options);
        self.head.forward(&y)
    }

    fn visit(&self, v: &mut Visitor) {
        v.child("tokens", &self.tokens);
        v.child("positions", &self.positions);
        v.child("transformer", &self.transformer);
        v.child("head", &self.head);
    }
}

fn small() -> nn::TransformerConfig {
    nn::TransformerConfig {
        features: FEATURES,
        heads: 4,
        encoder_layers: 1,
        decoder_layers: 1,
        hidden: 64,
        dropout: 0.0,
        ..nn::TransformerConfig::default()
    }
}

/// Random letters, and the same in reverse order as the target.
fn reversed(n: usize, seed: u64) -> Dataset {
    let mut random = Stream::new(seed);
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let source: Vec<u32> = (0..LENGTH).map(|_| 2 + random.below(LETTERS)).collect();
        let target: Vec<u32> = source.iter().rev().copied().collect();
        let shifted = [&[BEGIN], &target[..LENGTH - 1]].concat();
        features.extend(source.iter().chain(&shifted).map(|t| *t as f32));
        labels.extend(target);
    }
    let targets = Targets::Sequences {
        labels,
        width: LENGTH,
        classes: VOCABULARY,
    };
    Dataset::from_arrays(features, [2 * LENGTH], targets).unwrap()
}

fn compiled(device: &Device, transformer: nn::Transformer) -> Trainer {
    compiled_model(device, Model::new(transformer))
}

fn compiled_model(device: &Device, model: Model) -> Trainer {
    Trainer::new(model)
        .loss(loss::CrossEntropy::new())
        .optimizer(Adam::new(3e-3))
        .metric(metrics::Accuracy)
        .compile(device, &reversed(2, 0))
        .unwrap()
}

/// The scores for one sample, `[t, vocabulary]`.
fn scores(trainer: &mut Trainer, tokens: [u32; 2 * LENGTH]) -> Vec<f32> {
    let features = tokens.iter().map(|t| *t as f32).collect();
    let set = Dataset::from_arrays(features, [2 * LENGTH], Targets::Unlabelled).unwrap();
    trainer.predict(&set).unwrap().values
}

on_every_device! {
    fn reverses_sequences(device) {
        let config = nn::TransformerConfig { pre_norm: true, ..small() };
        let mut trainer = compiled(device, nn::Transformer::new(config));
        let before = trainer.evaluate(&reversed(64, 1)).unwrap();
        trainer.fit(&reversed(512, 2), Fit::epochs(20).batch_size(32)).unwrap();
        let after = trainer.evaluate(&reversed(64, 1)).unwrap();
        let accuracy = after.metric("accuracy").unwrap();
        assert!(accuracy > 0.95, "{accuracy}");
        assert!(after.loss < before.loss / 4.0, "{} {}", before.loss, after.loss);
    }

    fn the_future_of_a_target_is_hidden(device) {
        let source = [2, 3, 4, 5, 6];
        let sample = |last: u32| {
            let target = [BEGIN, 6, 5, 4, last];
            [source, target].concat().try_into().unwrap()
        };
        let mut trainer = compiled(device, nn::Transformer::new(small()));
        let (one, other) = (scores(&mut trainer, sample(3)), scores(&mut trainer, sample(7)));
        let earlier = (LENGTH - 1) * VOCABULARY;
        assert_eq!(one[..earlier], other[..earlier]);
        assert_ne!(one[earlier..], other[earlier..]);

        let encoder = || nn::TransformerEncoderLayer::new(FEATURES, 4, 64);
        let encoder = nn::TransformerEncoder::new(1, encoder);
        let decoder = || nn::TransformerDecoderLayer::new(FEATURES, 4, 64);
        let decoder = nn::TransformerDecoder::new(1, decoder);
        let open = nn::Transformer::from_parts(encoder, decoder.without_causal_mask());
        let mut trainer = compiled(device, open);
        let (one, other) = (scores(&mut trainer, sample(3)), scores(&mut trainer, sample(7)));
        assert_ne!(one[..VOCABULARY], other[..VOCABULARY]);
    }

    fn padding_of_the_source_is_hidden(device) {
        let padded = [2, 3, 4, PADDING, PADDING, BEGIN, 4, 3, 2, 2];
        let with_mask = scores(&mut compiled(device, nn::Transformer::new(small())), padded);
        let short = Model { source: 3, ..Model::new(nn::Transformer::new(small())) };
        let without = scores(&mut compiled_model(device, short), padded);
        assert_eq!(with_mask.len(), LENGTH * VOCABULARY);
        for (a, b) in with_mask.iter().zip(&without) {
            near(f64::from(*a), f64::from(*b), 1e-5);
        }
        let other = [2, 3, 4, 5, PADDING, BEGIN, 4, 3, 2, 2];
        let other = scores(&mut compiled(device, nn::Transformer::new(small())), other);
        assert_ne!(with_mask, other);
    }
}

/// The names of PyTorch's `nn.Transformer(d, heads, 1, 1).state_dict()`, in its order.
#[test]
fn parameters_have_the_names_of_pytorch() {
    let mut names = Vec::new();
    let transformer = nn::Transformer::new(small());
    transformer.visit(&mut Visitor::new(&mut |name, _| names.push(name)));
    let attention = [
        "in_proj_weight",
        "in_proj_bias",
        "out_proj.weight",
        "out_proj.bias",
    ];
    let of = |layer: &str, parts: &[&str]| -> Vec<String> {
        let named = |part: &&str| match part.starts_with("norm") || part.starts_with("linear") {
            true => ["weight", "bias"]
                .map(|p| format!("{layer}{part}.{p}"))
                .to_vec(),
            false => attention.map(|p| format!("{layer}{part}.{p}")).to_vec(),
        };
        parts.iter().flat_map(named).collect()
    };
    let encoder = ["self_attn", "linear1", "linear2", "norm1", "norm2"];
    let decoder = [
        "self_attn",
        "multihead_attn",
        "linear1",
        "linear2",
        "norm1",
        "norm2",
        "norm3",
    ];
    let expected = [
        of("encoder.layers.0.", &encoder),
        of("encoder.", &["norm"]),
        of("decoder.layers.0.", &decoder),
        of("decoder.", &["norm"]),
    ];
    assert_eq!(names, expected.concat());
}
