//! `gpt_small` and `gpt_medium`: GPTs on a Markov stream.

use std::time::Instant;

use wgrad::data::{Dataset, Targets};
use wgrad::graph::Init;
use wgrad::nn::{
    Activation, Embedding, LayerNorm, LearnedPositions, Linear, Sequential, TransformerEncoderLayer,
};
use wgrad::random::Stream;
use wgrad::train::Trainer;
use wgrad::{Device, Fit, Result, loss, optim};

use crate::report::Report;
use crate::training::{final_loss, finish, first_step, memory};

/// The sizes of a GPT and its training.
pub struct Gpt {
    pub name: &'static str,
    pub blocks: usize,
    pub heads: usize,
    pub features: usize,
    pub context: usize,
    pub batch: usize,
    /// Steps of a timed run.
    pub steps: usize,
    pub runs: usize,
    pub warm_up: usize,
}

pub const SMALL: Gpt = Gpt {
    name: "gpt_small",
    blocks: 4,
    heads: 4,
    features: 128,
    context: 128,
    batch: 16,
    steps: 3,
    runs: 9,
    warm_up: 2,
};

pub const MEDIUM: Gpt = Gpt {
    name: "gpt_medium",
    blocks: 6,
    heads: 6,
    features: 384,
    context: 256,
    batch: 4,
    steps: 1,
    runs: 7,
    warm_up: 1,
};

const VOCABULARY: usize = 96;

/// The stream `x' = (5x + 7 + r) mod 96`, r uniform in 0..3, whose entropy is ln 4.
fn stream(n: usize) -> Vec<u32> {
    let mut random = Stream::new(1);
    let mut x = 1;
    let mut next = || {
        x = (5 * x + 7 + random.below(4)) % VOCABULARY as u32;
        x
    };
    (0..n).map(|_| next()).collect()
}

/// Windows of the stream at random places, with the tokens that follow each token.
fn windows(tokens: &[u32], context: usize, n: usize, random: &mut Stream) -> Result<Dataset> {
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let from = random.below((tokens.len() - context - 1) as u32) as usize;
        features.extend(tokens[from..from + context].iter().map(|&t| t as f32));
        labels.extend_from_slice(&tokens[from + 1..from + context + 1]);
    }
    let targets = Targets::Sequences {
        labels,
        width: context,
        classes: VOCABULARY,
    };
    Dataset::from_arrays(features, [context], targets)
}

fn model(gpt: &Gpt) -> Sequential {
    let small = || Init::Normal { std: 0.02 };
    let d = gpt.features;
    let start = Sequential::new()
        .add(Embedding::new(VOCABULARY, d).init(small()))
        .add(LearnedPositions::new(gpt.context, d).init(small()));
    let blocks = (0..gpt.blocks).fold(start, |model, _| {
        let block = TransformerEncoderLayer::new(d, gpt.heads, 4 * d);
        model.add(block.pre_norm().causal().activation(Activation::Gelu))
    });
    blocks
        .add(LayerNorm::new([d]))
        .add(Linear::new(d, VOCABULARY))
}

/// Trains with AdamW, and times runs of some steps.
pub fn train(device: &Device, gpt: &Gpt, start: Instant, report: &Report) -> Result<()> {
    let tokens = stream(200_000);
    let mut random = Stream::new(2);
    let mut draw = |steps: usize| windows(&tokens, gpt.context, steps * gpt.batch, &mut random);
    let first = draw(1)?;
    let mut trainer = Trainer::new(model(gpt))
        .loss(loss::CrossEntropy::new())
        .optimizer(optim::AdamW::new(1e-3).weight_decay(0.01))
        .precision(report.precision)
        .compile(device, &first)?;
    let fit = |epochs| report.limited(Fit::epochs(epochs).batch_size(gpt.batch));
    let history = trainer.fit(&first, fit(1))?;
    first_step(&trainer, gpt.name, start, report);
    if report.profiled(&mut trainer, &draw(20)?, gpt.batch)? {
        return Ok(());
    }
    trainer.fit(&draw(gpt.warm_up)?, fit(1))?;
    let mut rates = Vec::new();
    let mut last = f64::NAN;
    for _ in 0..gpt.runs {
        trainer.begin(&draw(gpt.steps)?, fit(1))?;
        let timed = Instant::now();
        let history = finish(&mut trainer)?;
        let tokens = (gpt.steps * gpt.batch * gpt.context) as f64;
        rates.push(tokens / timed.elapsed().as_secs_f64());
        last = final_loss(&history);
    }
    report.emit(
        gpt.name,
        "tokens_per_s",
        &rates,
        Some((final_loss(&history), last)),
    );
    memory(&trainer, gpt.name, report);
    Ok(())
}
