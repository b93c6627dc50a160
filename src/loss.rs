//! Losses: the mean over a batch of how wrong each sample is.
//!
//! A [`Loss`] compares a model's output with a data set's targets. The same formulas as functions of any
//! tensors, with other [reductions](functional::Reduction) and those that compare more than two, are in
//! [`functional`]. Conventions are PyTorch's.

mod classes;
mod combined;
mod distributions;
pub mod functional;
mod outputs;
mod sequences;
mod values;

pub use classes::{CrossEntropy, CrossEntropySpec, FocalCrossEntropy, Nll, NllSpec};
pub use combined::Combined;
pub(crate) use combined::array_target;
pub use distributions::{GaussianNll, KlDivergence, PoissonNll};
pub use outputs::Outputs;
pub use sequences::Ctc;
pub use values::{Bce, BceWithLogits, Focal, Hinge, Huber, Mae, Mse, SmoothL1};

use crate::graph::Meta;
use crate::nn::Visitor;
use crate::schema::{Kind, kinds};
use crate::task::Task;
use crate::{DType, Shape, Source, Tensor};

kinds! {
    /// A loss as a configuration says it: its kind with its settings.
    ///
    /// ```
    /// use wgrad::loss::{Huber, LossSpec};
    ///
    /// let spec: LossSpec = serde_json::from_str(r#"{ "type": "huber", "delta": 2.0 }"#)?;
    /// assert_eq!(spec, Huber::new(2.0).into());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum LossSpec by "type" as dyn Settings, Kind::of("loss", "loss \"{}\"");
    "cross_entropy" => CrossEntropy(CrossEntropySpec),
    "mse" => Mse(Mse),
    "bce_with_logits" => BceWithLogits(BceWithLogits),
    "bce" => Bce(Bce),
    "focal_cross_entropy" => FocalCrossEntropy(FocalCrossEntropy),
    "focal" => Focal(Focal),
    "mae" => Mae(Mae),
    "huber" => Huber(Huber),
    "smooth_l1" => SmoothL1(SmoothL1),
    "nll" => Nll(NllSpec),
    "hinge" => Hinge(Hinge),
    "poisson_nll" => PoissonNll(PoissonNll),
    "gaussian_nll" => GaussianNll(GaussianNll),
    "kl_divergence" => KlDivergence(KlDivergence),
}

impl LossSpec {
    /// The loss of a task whose configuration names none.
    pub fn usual(task: Task) -> Self {
        match task {
            Task::Classification | Task::Language => CrossEntropySpec::default().into(),
            Task::Regression => Mse.into(),
        }
    }

    /// The loss.
    pub fn build(&self) -> Box<dyn Loss> {
        self.settings().build()
    }

    /// What the model's outputs are to it.
    pub fn outputs(&self) -> Outputs {
        self.settings().outputs()
    }
}

/// The settings of a loss.
pub(crate) trait Settings {
    /// The loss.
    fn build(&self) -> Box<dyn Loss>;

    /// What the model's outputs are to it.
    fn outputs(&self) -> Outputs;
}

/// Gives losses that are plain data as settings of themselves.
macro_rules! settings {
    ($($loss:ident $outputs:ident),* $(,)?) => {
        $(impl crate::loss::Settings for $loss {
            fn build(&self) -> Box<dyn crate::loss::Loss> {
                Box::new(*self)
            }
            fn outputs(&self) -> crate::loss::Outputs {
                crate::loss::Outputs::$outputs
            }
        })*
    };
}

use settings;

/// What a loss compares the model's output with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A class number for each sample, `u32 [batch]`, or for each position of a sample, `[batch, ..]`.
    Labels {
        /// How many classes the output scores.
        classes: usize,
        /// The shape of a sample's positions; a scalar's for one label a sample.
        positions: Shape,
    },
    /// For each sample, `u32 [batch, 1 + labels]`: how many of its frames count, and then labels without a place.
    Framed {
        /// How many frames the output has.
        frames: usize,
        /// How many classes the output scores.
        classes: usize,
        /// Labels a sample.
        labels: usize,
    },
    /// Numbers of the shape of the loss's [prediction](Loss::prediction), `f32`.
    Values {
        /// Numbers a sample.
        width: usize,
    },
}

/// How wrong an output is.
pub trait Loss: Send {
    /// What targets it needs for outputs of this type `[batch, ..]`, or why the output does not fit.
    fn target(&self, output: &Meta) -> Result<Target, String>;

    /// The mean over the batch: a scalar `f32`. `target` has the type that [`Loss::target`] asks for,
    /// numbers reshaped to the shape of [`Loss::prediction`].
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor;

    /// The loss of each sample, `[batch]`, or of each of its positions, `[batch, ..]`: what [`Loss::mean`] is the mean
    /// of. Sample weights need it. `None`, the default, where the loss has no such form.
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        let _ = (output, target);
        None
    }

    /// The weights by label that [`Loss::each`] holds already, in its shape; a weighted mean divides by them.
    fn row_weights(&self, target: &Tensor, output: &Tensor) -> Option<Tensor> {
        let _ = (target, output);
        None
    }

    /// The mean over the batch by the [weights](crate::data::Dataset::with_weights) of its samples: `sum(w l) / sum(w)`
    /// of [`Loss::each`].
    #[track_caller]
    fn weighted_mean(&self, output: &Tensor, target: &Tensor, weights: &Tensor) -> Tensor {
        match self.each(output, target) {
            Some(each) => {
                let by_label = self.row_weights(target, output);
                functional::weighted_mean(&each, by_label.as_ref(), weights)
            }
            None => {
                let reason = "expected a loss per sample, which sample weights need; it has none";
                output.record_error(self.name(), reason.to_string(), Source::caller())
            }
        }
    }

    /// What it compares the model's further outputs with, by name, where `outputs` are those and their types: for
    /// each an array of the data set. None by default. See [`Combined`].
    fn named_targets(&self, outputs: &[(String, Meta)]) -> Result<Vec<(String, Target)>, String> {
        let _ = outputs;
        Ok(Vec::new())
    }

    /// The loss of the model's output of this name, if it has one.
    fn of_output(&self, name: &str) -> Option<&dyn Loss> {
        let _ = name;
        None
    }

    /// The prediction of targets that are numbers, in their units; errors such as
    /// [`Mae`](crate::metrics::Mae) are its. As it is, the output itself: a loss of logarithms, or of more
    /// numbers than there are targets, says otherwise.
    fn prediction(&self, output: &Tensor) -> Tensor {
        output.clone()
    }

    /// From which output on a binary prediction is positive; accuracy needs it.
    fn threshold(&self) -> f64 {
        0.5
    }

    /// Whether outputs are logits: scores before a softmax or sigmoid.
    fn takes_logits(&self) -> bool {
        self.threshold() == 0.0
    }

    /// The label that marks a row as left out, PyTorch's `ignore_index`. Metrics leave the row out, too.
    /// Default: none.
    fn ignore_index(&self) -> Option<u32> {
        None
    }

    /// How much a label counts in the mean of a batch, where that is a mean by weights; 0 for one that is ignored.
    /// `None`, the default, where all rows count alike. Batches of a step, of an epoch and of an evaluation count
    /// by the sum of their labels' weights.
    fn label_weight(&self, label: u32) -> Option<f64> {
        let _ = label;
        None
    }

    /// The cross-entropy of each label in nats, without smoothing, weights or any other factor: what
    /// [`Perplexity`](crate::metrics::Perplexity) is of. `None`, the default, where the loss has none; a metric
    /// then takes the loss itself.
    fn cross_entropy(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        let _ = (output, target);
        None
    }

    /// Its name, as in configurations and reports.
    fn name(&self) -> &'static str;

    /// Names the tables of numbers that it works with, as a module does its parameters.
    fn visit(&self, visitor: &mut Visitor) {
        let _ = visitor;
    }
}

impl Loss for Box<dyn Loss> {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        (**self).target(output)
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        (**self).mean(output, target)
    }
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        (**self).each(output, target)
    }
    fn row_weights(&self, target: &Tensor, output: &Tensor) -> Option<Tensor> {
        (**self).row_weights(target, output)
    }
    fn weighted_mean(&self, output: &Tensor, target: &Tensor, weights: &Tensor) -> Tensor {
        (**self).weighted_mean(output, target, weights)
    }
    fn named_targets(&self, outputs: &[(String, Meta)]) -> Result<Vec<(String, Target)>, String> {
        (**self).named_targets(outputs)
    }
    fn of_output(&self, name: &str) -> Option<&dyn Loss> {
        (**self).of_output(name)
    }
    fn prediction(&self, output: &Tensor) -> Tensor {
        (**self).prediction(output)
    }
    fn threshold(&self) -> f64 {
        (**self).threshold()
    }
    fn takes_logits(&self) -> bool {
        (**self).takes_logits()
    }
    fn ignore_index(&self) -> Option<u32> {
        (**self).ignore_index()
    }
    fn label_weight(&self, label: u32) -> Option<f64> {
        (**self).label_weight(label)
    }
    fn cross_entropy(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        (**self).cross_entropy(output, target)
    }
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn visit(&self, visitor: &mut Visitor) {
        (**self).visit(visitor);
    }
}

impl Target {
    /// The type of a batch of targets.
    pub fn meta(&self, batch: usize) -> Meta {
        match self {
            Target::Labels { positions, .. } => {
                Meta::new([&[batch], positions.dims()].concat(), DType::U32)
            }
            Target::Framed { labels, .. } => Meta::new([batch, 1 + labels], DType::U32),
            Target::Values { width } => Meta::new(Shape::from([batch, *width]), DType::F32),
        }
    }
}
