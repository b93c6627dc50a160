//! A hundred steps of training compared with PyTorch: losses, final weights and running statistics.
//! The networks are those of the benchmarks `fashion_cnn`, `gpt_small` and `lstm` (`w4`, `w5` and
//! `w6` in the fixture), and small ones of the same kinds.
//!
//! Weights and data come from a hash of their index, as in `tests/fixtures/curves.py`. The small
//! networks are also trained in f64 by the naive reference. The large ones take a while on a
//! software adapter, so they only run there with `WGRAD_TEST_LARGE=1`.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize_to_file};
use wgrad::data::{Dataset, Targets};
use wgrad::exec::reference::{Values, evaluate};
use wgrad::graph::{Op, Role};
use wgrad::nn::{self, Module, Sequential, Visitor};
use wgrad::ops::Array;
use wgrad::optim::{Adam, AdamW, Optimizer};
use wgrad::{Device, Fit, Shape, Trainer, loss};

use crate::common;
use crate::fixture::{self, Fixture};

const BATCHES: usize = 10;
const EPOCHS: u64 = 10;
const RATE: f64 = 1e-3;

/// A network with its data; see the script.
struct Job {
    name: &'static str,
    large: bool,
    batch: usize,
    model: fn() -> Sequential,
    data: fn() -> Dataset,
    loss: Kind,
    /// Suffixes of the names of parameters whose gradient is 0 up to rounding, or nearly so. Adam
    /// amplifies rounding errors of any size, up to its rate per step.
    drifting: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    CrossEntropy,
    Mse,
    /// Cross-entropy, with AdamW.
    Tokens,
}

fn jobs() -> Vec<Job> {
    let job = |name, batch, model, data, loss| Job {
        name,
        large: !str::ends_with(name, "_small"),
        batch,
        model,
        data,
        loss,
        drifting: &[],
    };
    vec![
        Job {
            // Batch normalization cancels the bias of the convolution before it.
            drifting: &["0.bias", "1.running_mean"],
            ..job(
                "w4_small",
                8,
                || cnn(12, [4, 8], 16, true),
                || images(12, 8),
                Kind::CrossEntropy,
            )
        },
        Job {
            // A term that is added to all keys does not change attention.
            drifting: &["in_proj_bias"],
            ..job(
                "w5_small",
                4,
                || gpt(2, 2, 16, 9, 11),
                || tokens(9, 11, 4),
                Kind::Tokens,
            )
        },
        job(
            "w6_small",
            4,
            || lstm(5, 7),
            || sequences(6, 5, 4),
            Kind::Mse,
        ),
        job(
            "w4",
            64,
            || cnn(28, [32, 64], 128, false),
            || patterns(28, 64),
            Kind::CrossEntropy,
        ),
        Job {
            drifting: &["in_proj_bias"],
            ..job(
                "w5",
                16,
                || gpt(4, 4, 128, 128, 96),
                || tokens(128, 96, 16),
                Kind::Tokens,
            )
        },
        job(
            "w6",
            32,
            || lstm(64, 128),
            || sequences(64, 64, 32),
            Kind::Mse,
        ),
    ]
}

fn cnn(size: usize, [c1, c2]: [usize; 2], hidden: usize, norm: bool) -> Sequential {
    let side = (size - 4) / 2;
    let first = Sequential::new().add(nn::Conv2d::new(1, c1, 3));
    let first = match norm {
        true => first.add(nn::BatchNorm2d::new(c1)),
        false => first,
    };
    first
        .add(nn::Relu)
        .add(nn::Conv2d::new(c1, c2, 3))
        .add(nn::Relu)
        .add(nn::MaxPool2d::new(2))
        .add(nn::Flatten)
        .add(nn::Linear::new(c2 * side * side, hidden))
        .add(nn::Relu)
        .add(nn::Linear::new(hidden, 10))
}

fn gpt(blocks: usize, heads: usize, d: usize, context: usize, vocabulary: usize) -> Sequential {
    let start = Sequential::new()
        .add(nn::Embedding::new(vocabulary, d))
        .add(nn::LearnedPositions::new(context, d));
    let blocks = (0..blocks).fold(start, |model, _| {
        let block = nn::TransformerEncoderLayer::new(d, heads, 4 * d);
        model.add(block.pre_norm().causal().activation(nn::Activation::Gelu))
    });
    blocks
        .add(nn::LayerNorm::new([d]))
        .add(nn::Linear::new(d, vocabulary))
}

fn lstm(inputs: usize, hidden: usize) -> Sequential {
    Sequential::new()
        .add(nn::Lstm::new(inputs, hidden).last())
        .add(nn::Linear::new(hidden, 1))
}

/// Returns integers of 24 bits.
fn bits(seed: u32, n: usize) -> impl Iterator<Item = u32> {
    (0..n as u32).map(move |i| {
        let mut h = i.wrapping_add(seed.wrapping_mul(0x9E37_79B9));
        h ^= h >> 16;
        h = h.wrapping_mul(0x85EB_CA6B);
        h ^= h >> 13;
        h = h.wrapping_mul(0xC2B2_AE35);
        h ^= h >> 16;
        h >> 8
    })
}

/// Returns numbers from -1 to 1.
fn uniform(seed: u32, n: usize) -> Vec<f32> {
    let scale = f64::from(1u32 << 23);
    bits(seed, n)
        .map(|b| (f64::from(b) / scale - 1.0) as f32)
        .collect()
}

fn images(size: usize, batch: usize) -> Dataset {
    let n = BATCHES * batch;
    let labels: Vec<u32> = bits(2, n).map(|b| b % 10).collect();
    let mut pixels = uniform(1, n * size * size);
    // Each class is a little brighter in one row. Training on noise alone soon becomes chaotic.
    for (image, label) in pixels.chunks_mut(size * size).zip(&labels) {
        let from = *label as usize * size;
        image[from..from + size].iter_mut().for_each(|p| *p += 0.5);
    }
    Dataset::from_arrays(pixels, [1, size, size], Targets::classes(labels, 10)).unwrap()
}

/// Returns images that are half a pattern of their class and half noise. With less structure,
/// training of a large network is chaotic: PyTorch's own losses in f32 and in f64 differ by 1e-3.
fn patterns(size: usize, batch: usize) -> Dataset {
    let (n, area) = (BATCHES * batch, size * size);
    let labels: Vec<u32> = bits(2, n).map(|b| b % 10).collect();
    let mut pixels = uniform(1, n * area);
    let patterns = uniform(3, 10 * area);
    for (image, label) in pixels.chunks_mut(area).zip(&labels) {
        let pattern = &patterns[*label as usize * area..][..area];
        for (pixel, own) in image.iter_mut().zip(pattern) {
            *pixel = 0.5 * *pixel + 0.5 * own;
        }
    }
    Dataset::from_arrays(pixels, [1, size, size], Targets::classes(labels, 10)).unwrap()
}

fn tokens(context: usize, vocabulary: u32, batch: usize) -> Dataset {
    let n = BATCHES * batch * context;
    let x = bits(1, n).map(|b| (b % vocabulary) as f32).collect();
    let targets = Targets::Sequences {
        labels: bits(2, n).map(|b| b % vocabulary).collect(),
        width: context,
        classes: vocabulary as usize,
    };
    Dataset::from_arrays(x, [context], targets).unwrap()
}

fn sequences(steps: usize, inputs: usize, batch: usize) -> Dataset {
    let n = BATCHES * batch;
    let x = uniform(1, n * steps * inputs);
    Dataset::from_arrays(x, [steps, inputs], Targets::values(uniform(2, n))).unwrap()
}

/// Returns the initial weights: vectors named weight near 1, other vectors near 0, matrices by
/// their fan-in; buffers do not change.
fn first_weights(model: &dyn Module) -> Vec<(String, Shape, Vec<f32>)> {
    let mut found = Vec::new();
    model.visit(&mut Visitor::new(&mut |name, p| {
        found.push((name, p.shape().clone(), p.is_trained()));
    }));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let mut number = 100;
    let fill = |(name, shape, trained): (String, Shape, bool)| {
        let n = shape.len();
        if !trained {
            let value = f32::from(u8::from(name.ends_with("running_var")));
            return (name, shape, vec![value; n]);
        }
        let u = uniform(number, n);
        number += 1;
        let vector = if name.ends_with("weight") { 1.0 } else { 0.0 };
        let fan_in: usize = shape.iter().skip(1).product();
        let value = |u: f32| match shape.rank() {
            0 | 1 => 0.1 * f64::from(u) + vector,
            _ => f64::from(u) * (3.0 / fan_in as f64).sqrt(),
        };
        let values = u.into_iter().map(|u| value(u) as f32).collect();
        (name, shape, values)
    };
    found.into_iter().map(fill).collect()
}

fn trainer(job: &Job, device: &Device, set: &Dataset) -> Result<Trainer, Failed> {
    let model = (job.model)();
    let weights = first_weights(&model);
    let builder = Trainer::new(model);
    let builder = match job.loss {
        Kind::CrossEntropy | Kind::Tokens => builder.loss(loss::CrossEntropy::new()),
        Kind::Mse => builder.loss(loss::Mse::new()),
    };
    let builder = match job.loss {
        Kind::Tokens => builder.optimizer(adamw()),
        _ => builder.optimizer(Adam::new(RATE)),
    };
    let mut trainer = builder.compile(device, set)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("first.safetensors");
    let bytes: Vec<(String, Shape, Vec<u8>)> = weights
        .into_iter()
        .map(|(name, shape, v)| {
            (
                name,
                shape,
                v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            )
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, b)| Ok((name, TensorView::new(Dtype::F32, shape.to_vec(), b)?)));
    let views: Vec<_> = views.collect::<Result<_, safetensors::SafeTensorError>>()?;
    serialize_to_file(views, None, &file)?;
    trainer.load_weights(&file)?;
    Ok(trainer)
}

fn adamw() -> AdamW {
    AdamW::new(RATE).weight_decay(0.01)
}

fn fit(job: &Job) -> Fit {
    Fit::epochs(EPOCHS).batch_size(job.batch).shuffle(false)
}

/// Returns the recorded values of a tensor after an epoch of a large network: its sum, its norm,
/// its first numbers.
fn kept(large: bool, values: Vec<f64>) -> Vec<f64> {
    const FIRST: usize = 14;
    if !large {
        return values;
    }
    let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let sum = values.iter().sum();
    [sum, norm]
        .into_iter()
        .chain(values.into_iter().take(FIRST))
        .collect()
}

/// Compares relative to the largest magnitude; fails for NaN.
fn compare(what: &str, got: &[f64], want: &[f64], tolerance: f64) -> Result<(), Failed> {
    let largest = want.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if got.len() != want.len() {
        return Err(format!("{what} has {} numbers, not {}", got.len(), want.len()).into());
    }
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let error = (g - w).abs();
        if !(error <= tolerance * largest) {
            let text = format!("{what}, element {i}: {g}, in PyTorch {w}, of {largest}");
            return Err(text.into());
        }
    }
    Ok(())
}

fn wanted(fixture: &Fixture, key: &str) -> Result<Vec<f64>, Failed> {
    let stored = fixture
        .get(key)
        .ok_or_else(|| Failed::from(format!("no {key}")))?;
    Ok(stored.array.data.clone())
}

/// Trains in f32. Losses are compared relative to each, weights relative to the largest one of
/// their tensor.
fn on(device: &Device, job: &Job, fixture: &Fixture) -> Result<(), Failed> {
    let set = (job.data)();
    let mut trainer = trainer(job, device, &set)?;
    let history = trainer.fit(&set, fit(job))?;
    let losses = history.epochs.iter().map(|e| e.loss);
    for (i, (got, want)) in losses.zip(wanted(fixture, "loss")?).enumerate() {
        compare(&format!("the loss of epoch {i}"), &[got], &[want], 1e-4)?;
    }
    for key in fixture.keys().filter(|k| k.starts_with("end/")) {
        let name = &key["end/".len()..];
        let got = trainer.weights(name)?.into_iter().map(f64::from).collect();
        let drift = job.drifting.iter().any(|end| name.ends_with(end));
        let tolerance = if drift { 1.0 } else { 1e-3 };
        compare(
            name,
            &kept(job.large, got),
            &wanted(fixture, key)?,
            tolerance,
        )?;
    }
    Ok(())
}

/// Trains in f64: evaluates the graph of the training step node by node.
fn exactly(job: &Job, fixture: &Fixture) -> Result<(), Failed> {
    const EXACT: f64 = 1e-10;
    let set = (job.data)();
    let mut trainer = trainer(job, &Device::cpu(), &set)?;
    trainer.begin(&set, fit(job))?;
    let adam: Box<dyn Optimizer> = match job.loss {
        Kind::Tokens => Box::new(adamw()),
        _ => Box::new(Adam::new(RATE)),
    };
    let plan = trainer.plan().ok_or("no plan")?;
    let graph = &plan.graph;
    let mut values = Values::default();
    let names: Vec<String> = graph.variables.iter().map(|v| v.name.clone()).collect();
    let first = first_weights(&(job.model)());
    for v in &graph.variables {
        let known = first.iter().find(|f| f.0 == v.name);
        let data = match known {
            Some((_, _, data)) => data.iter().map(|v| f64::from(*v)).collect(),
            None if v.role == Role::Table => return Err("has a table".into()),
            None => vec![0.0; v.shape().len()],
        };
        values.variables.push(Array::new(v.shape().clone(), data));
    }
    let mut losses = Vec::new();
    let mut step = 0;
    for _ in 0..EPOCHS {
        let mut total = 0.0;
        for batch in 0..BATCHES {
            step += 1;
            for input in graph.nodes() {
                let Op::Input(input) = &input.op else {
                    continue;
                };
                let rows = batch * job.batch..(batch + 1) * job.batch;
                let data = match input.name.as_str() {
                    "batch.features" => rows
                        .flat_map(|i| set.row(i).unwrap().into_owned())
                        .map(f64::from)
                        .collect(),
                    "batch.targets" => targets(&set, rows),
                    "optimizer.scalars" => adam.scalars(step, RATE),
                    other => return Err(format!("nothing feeds {other}").into()),
                };
                let array = Array::new(input.shape.clone(), data);
                values.inputs.insert(input.name.clone(), array);
            }
            let computed = evaluate(graph, &values)?;
            let value = |id: wgrad::graph::NodeId| computed[id.index()].clone().unwrap();
            let loss = graph.outputs.iter().find(|o| o.name == "loss").unwrap();
            total += value(loss.node).data[0] / BATCHES as f64;
            for assign in &graph.assigns {
                values.variables[assign.variable.index()] = value(assign.node);
            }
        }
        losses.push(total);
    }
    compare("the losses", &losses, &wanted(fixture, "loss")?, EXACT)?;
    for key in fixture.keys().filter(|k| k.starts_with("end/")) {
        let name = &key["end/".len()..];
        let at = names
            .iter()
            .position(|n| n == name)
            .ok_or(name.to_string())?;
        let got = values.variables[at].data.clone();
        let drift = job.drifting.iter().any(|end| name.ends_with(end));
        // In f64, the rounding of a gradient is far below Adam's epsilon.
        let tolerance = if drift { 1e-6 } else { 10.0 * EXACT };
        compare(name, &got, &wanted(fixture, key)?, tolerance)?;
    }
    Ok(())
}

fn targets(set: &Dataset, rows: std::ops::Range<usize>) -> Vec<f64> {
    match set.targets_all().as_ref() {
        Targets::Classes { labels, .. } => labels[rows].iter().map(|l| f64::from(*l)).collect(),
        Targets::Sequences { labels, width, .. } => labels[rows.start * width..rows.end * width]
            .iter()
            .map(|l| f64::from(*l))
            .collect(),
        Targets::Values { values, .. } => values[rows].iter().map(|v| f64::from(*v)).collect(),
        Targets::Unlabelled => Vec::new(),
    }
}

/// Returns the tests of all networks.
pub fn trials() -> Vec<Trial> {
    let fixtures = Arc::new(fixture::read("curves"));
    let asked_for_large = std::env::var("WGRAD_TEST_LARGE").is_ok_and(|v| v == "1");
    let mut trials = Vec::new();
    for job in jobs() {
        let (large, name) = (job.large, job.name);
        let shared = Arc::new((job, fixtures.get(name).cloned().unwrap_or_default()));
        let mut add = |kind: &str, test: fn(&Job, &Fixture) -> Result<(), Failed>| {
            let shared = Arc::clone(&shared);
            let name = format!("curves::{name}::{kind}");
            trials.push(Trial::test(name, move || test(&shared.0, &shared.1)));
        };
        if !large {
            add("reference", exactly);
        }
        add("cpu", |job, fixture| on(&Device::cpu(), job, fixture));
        if !large || asked_for_large {
            add("gpu", |job, fixture| {
                let _alone = crate::runner::alone();
                common::gpu().map_or(Ok(()), |device| on(&device, job, fixture))
            });
        }
    }
    trials
}
