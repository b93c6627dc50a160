//! Loss functions: a number for each batch that training minimizes.
//!
//! A [`Loss`] compares a model's output with a data set's targets, and is a mean over the batch.
//! [`functional`] has the same formulas as functions of tensors, with other
//! [reductions](functional::Reduction), and losses of more than two tensors. Conventions are
//! PyTorch's.

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
    /// A loss in a configuration: its kind and its settings.
    ///
    /// # Example
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
    /// Returns the default loss of a task.
    pub fn usual(task: Task) -> Self {
        match task {
            Task::Classification | Task::Language => CrossEntropySpec::default().into(),
            Task::Multilabel => BceWithLogits::default().into(),
            Task::Regression => Mse.into(),
        }
    }

    /// Builds the loss.
    pub fn build(&self) -> Box<dyn Loss> {
        self.settings().build()
    }

    /// Returns what the loss takes the model's outputs as.
    pub fn outputs(&self) -> Outputs {
        self.settings().outputs()
    }
}

/// The settings of a loss.
pub(crate) trait Settings {
    /// Builds the loss.
    fn build(&self) -> Box<dyn Loss>;

    /// Returns what the loss takes the model's outputs as.
    fn outputs(&self) -> Outputs;
}

/// Implements `Settings` for losses that are plain data: each is its own spec.
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

/// The targets that a loss compares the model's output with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The class of each sample, `u32 [batch]`, or of each position of a sample, `[batch, ..]`.
    Labels {
        /// The number of classes of the output.
        classes: usize,
        /// The shape of a sample's positions; that of a scalar for one label per sample.
        positions: Shape,
    },
    /// `u32 [batch, 1 + labels]`: for each sample the number of its valid frames, and then its
    /// labels, which are not aligned with the frames.
    Framed {
        /// The number of frames of the output.
        frames: usize,
        /// The number of classes of the output.
        classes: usize,
        /// The number of labels of a sample.
        labels: usize,
    },
    /// Values of the shape of the loss's [prediction](Loss::prediction), `f32`.
    Values {
        /// The number of values of a sample.
        width: usize,
    },
}

/// A loss function.
///
/// # Example
/// ```
/// use wgrad::engine::graph::Meta;
/// use wgrad::loss::{Loss, Target};
/// use wgrad::{Device, Tensor};
///
/// /// The mean of the fourth powers of the errors.
/// struct FourthPower;
///
/// impl Loss for FourthPower {
///     fn target(&self, output: &Meta) -> Result<Target, String> {
///         Ok(Target::Values { width: output.shape[1..].iter().product() })
///     }
///     fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
///         (output - target).powf(4.0).mean(&[])
///     }
///     fn name(&self) -> &'static str {
///         "fourth_power"
///     }
/// }
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     FourthPower.mean(&g.tensor([2, 1], [1.0, 5.0]), &g.tensor([2, 1], [0.0, 3.0]))
/// })?;
/// assert_eq!(loss.data, [8.5]);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub trait Loss: Send {
    /// Returns the type of the targets for outputs of this type, `[batch, ..]`, or why the output
    /// does not fit.
    fn target(&self, output: &Meta) -> Result<Target, String>;

    /// Returns the mean over the batch, a scalar `f32`. `target` has the type that [`Loss::target`]
    /// returns; values have the shape of [`Loss::prediction`].
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor;

    /// Returns the loss of each sample, `[batch]`, or of each of its positions, `[batch, ..]`, of
    /// which [`Loss::mean`] is the mean. Sample weights need it. Default: `None`, for a loss that
    /// has no such values.
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        let _ = (output, target);
        None
    }

    /// Returns the class weights that [`Loss::each`] is already multiplied by, in its shape. A
    /// weighted mean divides by them.
    fn row_weights(&self, target: &Tensor, output: &Tensor) -> Option<Tensor> {
        let _ = (target, output);
        None
    }

    /// Returns the mean over the batch with the
    /// [weights](crate::data::Dataset::with_weights) of its samples: `sum(w l) / sum(w)`, where `l`
    /// is [`Loss::each`].
    #[track_caller]
    fn weighted_mean(&self, output: &Tensor, target: &Tensor, weights: &Tensor) -> Tensor {
        match self.each(output, target) {
            Some(each) => {
                let by_label = self.row_weights(target, output);
                functional::weighted_mean(&each, by_label.as_ref(), weights)
            }
            None => {
                let reason = "expected a loss with a value for each sample, which sample weights \
                              need; this loss has none";
                output.record_error(self.name(), reason.to_string(), Source::caller())
            }
        }
    }

    /// Returns the array of the data set that each further output is compared with, by the output's
    /// name. `outputs` are the names and types of these outputs. Default: none. See [`Combined`].
    fn named_targets(&self, outputs: &[(String, Meta)]) -> Result<Vec<(String, Target)>, String> {
        let _ = outputs;
        Ok(Vec::new())
    }

    /// Returns the loss of the further output of this name. Default: `None`.
    fn of_output(&self, name: &str) -> Option<&dyn Loss> {
        let _ = name;
        None
    }

    /// Returns the prediction of the targets, in their units; metrics such as
    /// [`Mae`](crate::metrics::Mae) use it. Default: the output. A loss whose outputs are
    /// logarithms, or more numbers than the targets, overrides it.
    fn prediction(&self, output: &Tensor) -> Tensor {
        output.clone()
    }

    /// Returns the output above which a binary prediction is positive; accuracy uses it.
    fn threshold(&self) -> f64 {
        0.5
    }

    /// Returns whether outputs are logits: scores before a softmax or sigmoid.
    fn takes_logits(&self) -> bool {
        self.threshold() == 0.0
    }

    /// Returns the label of rows that the loss and all metrics ignore, PyTorch's `ignore_index`.
    /// Default: none.
    fn ignore_index(&self) -> Option<u32> {
        None
    }

    /// Returns the weight of a label in the mean of a batch, where that is a weighted mean; 0 for
    /// an ignored label. Default: `None`, all rows have equal weights. The batches of a step, an
    /// epoch or an evaluation are weighted by the sums of their labels' weights.
    fn label_weight(&self, label: u32) -> Option<f64> {
        let _ = label;
        None
    }

    /// Returns the cross-entropy of each label in nats, without smoothing or weights.
    /// [`Perplexity`](crate::metrics::Perplexity) is computed from it. Default: `None`; a metric
    /// then uses the loss itself.
    fn cross_entropy(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        let _ = (output, target);
        None
    }

    /// Returns the name of the loss in configurations and reports.
    fn name(&self) -> &'static str;

    /// Visits the tables that the loss uses, as a module visits its parameters.
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
    /// Returns the type of a batch of targets.
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
