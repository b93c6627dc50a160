//! The builder of a trainer.

use crate::data::Dataset;
use crate::device::Device;
use crate::loss::Loss;
use crate::metrics::Metric;
use crate::nn::Lora;
use crate::optim::Optimizer;
use crate::schedule::Schedule;
use crate::{DType, Result, Shape};

use super::checkpoint::Position;
use super::feed::Feed;
use super::group::{Group, Grouped};
use super::indices::indices;
use super::spec::{Arrays, TrainSpec};
use super::state::Weights;
use super::summary::Summary;
use super::trace::{Purpose, probe, trace};
use super::trainer::Trainer;

/// A trainer before it is compiled: the model, and how to train it.
pub struct TrainerBuilder {
    pub(super) train_spec: TrainSpec,
}

impl TrainerBuilder {
    /// Sets the loss. Default: softmax cross-entropy.
    pub fn loss(mut self, loss: impl Loss + 'static) -> Self {
        self.train_spec.loss = Box::new(loss);
        self
    }

    /// How parameters change; without it, Adam with a rate of 0.001.
    pub fn optimizer(mut self, optimizer: impl Optimizer + 'static) -> Self {
        self.train_spec.optimizer = Box::new(optimizer);
        self
    }

    /// A number to report besides the loss; may be called again for more.
    pub fn metric(mut self, metric: impl Metric + 'static) -> Self {
        self.train_spec.metrics.push(Box::new(metric));
        self
    }

    /// How the learning rate changes; without it, it does not.
    pub fn schedule(mut self, schedule: impl Into<Schedule>) -> Self {
        self.train_spec.schedule = schedule.into();
        self
    }

    /// Scales all gradients so that their global norm is at most `max`, as in PyTorch.
    pub fn clip_grad_norm(mut self, max: f64) -> Self {
        self.train_spec.clip.norm = Some(max);
        self
    }

    /// Holds each element of all gradients between `-max` and `max`, as in PyTorch; before their norm is
    /// clipped.
    pub fn clip_grad_value(mut self, max: f64) -> Self {
        self.train_spec.clip.value = Some(max);
        self
    }

    /// Adds `factor` times the sum of all trained parameters' magnitudes to the loss, so that small
    /// ones become 0. The reported loss is without it.
    pub fn l1(mut self, factor: f64) -> Self {
        self.train_spec.penalty.0 = factor;
        self
    }

    /// Adds half `factor` times the sum of all trained parameters' squares to the loss: PyTorch's
    /// `weight_decay`, for any optimizer. The reported loss is without it.
    pub fn l2(mut self, factor: f64) -> Self {
        self.train_spec.penalty.1 = factor;
        self
    }

    /// Keeps an exponential moving average of the trained parameters, `average = decay average + (1 - decay) p`
    /// after each step, with which the model is validated, evaluated, used to predict, and saved by
    /// [`Trainer::save_weights`]. Starts from the weights after the first step, as PyTorch's `AveragedModel`.
    pub fn ema(mut self, decay: f64) -> Self {
        self.train_spec.ema = Some(decay);
        self
    }

    /// Makes one step of so many batches: their gradients are averaged over all samples, so that the step is
    /// that of one large batch in the memory of a small one. Schedules count steps. The last step of an epoch
    /// takes the batches that are left.
    pub fn accumulate_gradients(mut self, batches: u64) -> Self {
        self.train_spec.accumulate = batches;
        self
    }

    /// Mixed precision: with [`DType::Bf16`] or [`DType::F16`] the activations that wait for their gradient are kept in
    /// 16 bits, which takes about half the memory; with [`DType::F32`], as without this, in 32. Everything is
    /// computed in f32, and weights, gradients and the optimizer's state stay f32, so that no loss needs to be
    /// scaled. `Bf16` has the range of f32, `F16` three bits more and magnitudes up to 65,504. Evaluation and
    /// prediction are in f32.
    ///
    /// Where the first batch of a training has an activation that `F16` cannot hold, it ends with an error that names
    /// the op.
    ///
    /// On the CPU the numbers are the same, and take the memory of f32.
    pub fn precision(mut self, activations: DType) -> Self {
        self.train_spec.precision = activations;
        self
    }

    /// Reports the global norm of each step's gradients, before they are clipped, in
    /// [`BatchResult::gradient_norm`](super::BatchResult::gradient_norm).
    pub fn gradient_norm(mut self) -> Self {
        self.train_spec.gradient_norm = true;
        self
    }

    /// The seed of initial weights, shuffles and dropout; without it, 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.train_spec.seed = seed;
        self
    }

    /// Keeps parameters as they are, by name; a `*` stands for anything: `"encoder.*"`, `"*.bias"`.
    pub fn freeze(mut self, pattern: &str) -> Self {
        self.train_spec.frozen.push(pattern.to_string());
        self
    }

    /// Trains parameters of this name otherwise than the rest; a `*` stands for anything. May be called again
    /// for more groups; a parameter belongs to the first that fits.
    pub fn group(mut self, pattern: &str, group: Group) -> Self {
        self.train_spec.groups.push(Grouped {
            pattern: pattern.to_string(),
            group,
            optimizer: None,
        });
        self
    }

    /// Freezes the weights of this name and trains an adapter of each instead; a `*` stands for anything.
    /// `"*"` means all matrices. Use [`TrainerBuilder::freeze`] to exclude other parameters from training; adapters
    /// stay trained. An adapter's tensors are called `lora_A` and `lora_B`, beside the `weight` they belong to.
    pub fn lora(mut self, pattern: &str, lora: Lora) -> Self {
        self.train_spec.lora.push((pattern.to_string(), lora));
        self
    }

    /// Checks the model against the device and the kind of data that `example` is, and makes its first
    /// weights. Shapes that do not fit are an error here, with the line that made them.
    pub fn compile(self, device: &Device, example: &Dataset) -> Result<Trainer> {
        let sample = example.sample_shape().clone();
        self.compile_with(device, sample, Arrays::of(example))
    }

    /// Like [`TrainerBuilder::compile`], for samples of this shape.
    pub fn compile_for(self, device: &Device, sample: impl Into<Shape>) -> Result<Trainer> {
        self.compile_with(device, sample.into(), Arrays::default())
    }

    fn compile_with(self, device: &Device, sample: Shape, arrays: Arrays) -> Result<Trainer> {
        let mut train_spec = self.train_spec;
        train_spec.optimizer.check()?;
        train_spec.schedule.check()?;
        train_spec.prepare_groups()?;
        train_spec.check()?;
        train_spec.sample_weights = arrays.weights.is_some();
        let declared = train_spec.declare()?;
        train_spec.adapters.clone_from(&declared.adapters);
        let of = (&declared.variables[..], &declared.bound[..]);
        let (graph, spec) = probe(&train_spec, (&sample, arrays), of)?;
        // The training graph too: a gradient may not exist.
        trace(&train_spec, Purpose::Train, &spec, (&Feed::Streamed, 2), of)?;
        let mut weights = Weights::initial(&declared.variables, train_spec.seed)?;
        weights.restart_averages();
        let summary = Summary::new(&graph, &declared.variables);
        Ok(Trainer {
            position: Position {
                seed: train_spec.seed,
                ..Position::default()
            },
            train_spec,
            device: device.clone(),
            spec,
            declared,
            weights,
            ended: false,
            changed: false,
            session: None,
            run: None,
            first_step: None,
            summary,
            memory_report: None,
            good: None,
            indices: indices(&graph),
            last_batch: None,
        })
    }
}
