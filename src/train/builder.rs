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

/// Configures a [`Trainer`](super::Trainer); `compile` builds it.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
/// use wgrad::train::Group;
///
/// let set = Dataset::from_arrays(vec![0.0; 8], [2], Targets::classes(vec![0, 1, 0, 1], 2))?;
/// let model = nn::Sequential::new().add(nn::Linear::new(2, 4)).add(nn::Linear::new(4, 2));
/// let trainer = Trainer::new(model)
///     .loss(loss::CrossEntropy::new().label_smoothing(0.1))
///     .optimizer(optim::AdamW::new(1e-3))
///     .schedule(schedule::Schedule::cosine(0.0).warmup_epochs(1.0))
///     .metric(metrics::Accuracy)
///     .clip_grad_norm(1.0)
///     .freeze("0.*")
///     .group("*.bias", Group::factor(2.0))
///     .compile(&Device::cpu(), &set)?;
/// assert_eq!((trainer.summary().parameters, trainer.summary().trained), (22, 10));
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct TrainerBuilder {
    pub(super) train_spec: TrainSpec,
}

impl TrainerBuilder {
    /// Sets the loss. Default: softmax cross-entropy.
    pub fn loss(mut self, loss: impl Loss + 'static) -> Self {
        self.train_spec.loss = Box::new(loss);
        self
    }

    /// Sets the optimizer. Default: Adam with a learning rate of 0.001.
    pub fn optimizer(mut self, optimizer: impl Optimizer + 'static) -> Self {
        self.train_spec.optimizer = Box::new(optimizer);
        self
    }

    /// Adds a metric, which is reported with the loss. May be called several times.
    pub fn metric(mut self, metric: impl Metric + 'static) -> Self {
        self.train_spec.metrics.push(Box::new(metric));
        self
    }

    /// Sets the learning-rate schedule. Default: constant.
    pub fn schedule(mut self, schedule: impl Into<Schedule>) -> Self {
        self.train_spec.schedule = schedule.into();
        self
    }

    /// Clips the global gradient norm to `max`, as in PyTorch.
    pub fn clip_grad_norm(mut self, max: f64) -> Self {
        self.train_spec.clip.norm = Some(max);
        self
    }

    /// Clips each element of the gradients to `-max` to `max`, as in PyTorch, before the norm is
    /// clipped.
    pub fn clip_grad_value(mut self, max: f64) -> Self {
        self.train_spec.clip.value = Some(max);
        self
    }

    /// Adds an L1 penalty: `factor` times the sum of the absolute values of all trained parameters.
    /// It makes small parameters 0. The reported loss excludes it.
    pub fn l1(mut self, factor: f64) -> Self {
        self.train_spec.penalty.0 = factor;
        self
    }

    /// Adds an L2 penalty: half `factor` times the sum of the squares of all trained parameters. It
    /// is PyTorch's `weight_decay`, for any optimizer. The reported loss excludes it.
    pub fn l2(mut self, factor: f64) -> Self {
        self.train_spec.penalty.1 = factor;
        self
    }

    /// Keeps an exponential moving average of the trained parameters: `average = decay average + (1
    /// - decay) p` after each step.
    ///
    /// Validation, `evaluate`, `predict` and [`Trainer::save_weights`] use the average. It starts
    /// from the weights after the first step, as in PyTorch's `AveragedModel`.
    pub fn ema(mut self, decay: f64) -> Self {
        self.train_spec.ema = Some(decay);
        self
    }

    /// Accumulates the gradients of this number of batches before each optimizer step.
    ///
    /// The gradients are averaged over all samples, so a step is that of one large batch, with the
    /// memory of a small one. Schedules count optimizer steps. The last step of an epoch has the
    /// remaining batches.
    pub fn accumulate_gradients(mut self, batches: u64) -> Self {
        self.train_spec.accumulate = batches;
        self
    }

    /// Sets the precision of stored activations: mixed precision with [`DType::Bf16`] or
    /// [`DType::F16`]. Default: [`DType::F32`].
    ///
    /// Activations that the backward pass reads are stored in 16 bits, which takes about half the
    /// memory. All computations, weights, gradients and optimizer states are in f32, so no loss
    /// scaling is needed. `Bf16` has the range of f32. `F16` has three more bits of precision and
    /// magnitudes up to 65,504. Evaluation and prediction are in f32.
    ///
    /// If an activation of the first batch exceeds the range of `F16`, training ends with an error
    /// that names the op.
    ///
    /// On the CPU the results are the same, but the memory is that of f32.
    pub fn precision(mut self, activations: DType) -> Self {
        self.train_spec.precision = activations;
        self
    }

    /// Reports the global norm of each step's gradients, before clipping, in
    /// [`BatchResult::gradient_norm`](super::BatchResult::gradient_norm).
    pub fn gradient_norm(mut self) -> Self {
        self.train_spec.gradient_norm = true;
        self
    }

    /// Expects a [weight of each sample](crate::data::Dataset::with_sample_weights) in the training
    /// data; without one, a sample has weight 1. [`compile`](TrainerBuilder::compile) sets it by its
    /// example; [`compile_for`](TrainerBuilder::compile_for) has none.
    pub fn sample_weights(mut self, weighted: bool) -> Self {
        self.train_spec.sample_weights = weighted;
        self
    }

    /// Sets the seed of initial weights, shuffling and dropout. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.train_spec.seed = seed;
        self
    }

    /// Excludes the parameters whose names match `pattern` from training. `*` matches any text:
    /// `"encoder.*"`, `"*.bias"`.
    pub fn freeze(mut self, pattern: &str) -> Self {
        self.train_spec.frozen.push(pattern.to_string());
        self
    }

    /// Sets the learning rate or weight decay of the parameters whose names match `pattern`. `*`
    /// matches any text. May be called several times; a parameter belongs to the first matching
    /// group.
    pub fn group(mut self, pattern: &str, group: Group) -> Self {
        self.train_spec.groups.push(Grouped {
            pattern: pattern.to_string(),
            group,
            optimizer: None,
        });
        self
    }

    /// Freezes the weights whose names match `pattern`, and trains a low-rank adapter for each. `*`
    /// matches any text; `"*"` matches all matrices.
    ///
    /// Use [`TrainerBuilder::freeze`] to exclude other parameters from training; adapters stay
    /// trained. The tensors of an adapter are named `lora_A` and `lora_B`, in the layer of the
    /// `weight`.
    pub fn lora(mut self, pattern: &str, lora: Lora) -> Self {
        self.train_spec.lora.push((pattern.to_string(), lora));
        self
    }

    /// Checks the model against the device and the type of data of `example`, and initializes the
    /// weights. Shapes that do not fit are reported here, with the line of the model.
    pub fn compile(self, device: &Device, example: &Dataset) -> Result<Trainer> {
        let sample = example.sample_shape().clone();
        self.compile_with(device, sample, Arrays::of(example))
    }

    /// Like [`TrainerBuilder::compile`], for samples of this shape.
    pub fn compile_for(self, device: &Device, sample: impl Into<Shape>) -> Result<Trainer> {
        let arrays = Arrays {
            weights: self.train_spec.sample_weights.then(Shape::default),
            ..Arrays::default()
        };
        self.compile_with(device, sample.into(), arrays)
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
        // The training graph is traced as well, because a gradient may not exist.
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
