//! Batch normalization (Ioffe and Szegedy, 2015): `y = (x - mean) / sqrt(var + eps) weight + bias`,
//! for each channel.
//!
//! In training, mean and (biased) variance are those of the batch. The running statistics move
//! towards them by `momentum`; the running variance moves towards the unbiased estimate, as in
//! PyTorch. In evaluation the running statistics are used.
//!
//! The layer is a composition of two sums and an elementwise chain, with a gradient rule of its
//! own. A gradient composed from the rules of the parts would read the input five times, and would
//! add terms that cancel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::{Backward, Grads, Init};
use crate::{Shape, Source, Tensor};

use super::norm::wrong_eps;
use super::{Module, Parameter, Settings, Unfit, Visitor, traced};
use crate::schema::{Path, range};

/// What [`BatchNorm1d`] and [`BatchNorm2d`] share.
struct BatchNorm {
    kind: &'static str,
    /// The numbers of axes that the input may have.
    ranks: &'static [usize],
    features: usize,
    eps: f64,
    momentum: f64,
    affine: Option<(Parameter, Parameter)>,
    running_mean: Parameter,
    running_var: Parameter,
    batches: Parameter,
    source: Source,
}

macro_rules! batch_norm {
    ($(#[$doc:meta])* $name:ident $ranks:expr) => {
        $(#[$doc])*
        pub struct $name(BatchNorm);

        impl $name {
            /// Creates a layer for this number of channels. `eps` is 1e-5, and `momentum` is 0.1.
            #[track_caller]
            pub fn new(features: usize) -> Self {
                let constant = |value| Parameter::new([features], Init::Constant(value));
                $name(BatchNorm {
                    kind: stringify!($name),
                    ranks: &$ranks,
                    features,
                    eps: default_eps(),
                    momentum: default_momentum(),
                    affine: Some((constant(1.0), constant(0.0))),
                    running_mean: constant(0.0).frozen(),
                    running_var: constant(1.0).frozen(),
                    batches: Parameter::new(Shape::scalar(), Init::Constant(0.0)).frozen(),
                    source: Source::caller(),
                })
            }

            /// Sets `eps`, which is added to the variance.
            pub fn eps(mut self, eps: f64) -> Self {
                self.0.eps = eps;
                self
            }

            /// Sets the weight of a batch in the running statistics: `running = (1 - momentum)
            /// running + momentum batch`.
            pub fn momentum(mut self, momentum: f64) -> Self {
                self.0.momentum = momentum;
                self
            }

            /// Removes weight and bias.
            pub fn without_affine(mut self) -> Self {
                self.0.affine = None;
                self
            }
        }

        impl Module for $name {
            fn forward(&self, x: &Tensor) -> Tensor {
                self.0.forward(x)
            }
            fn visit(&self, visitor: &mut Visitor) {
                self.0.visit(visitor);
            }
        }
    };
}

batch_norm! {
    /// Batch normalization of `[batch, features]` or `[batch, features, length]`.
    ///
    /// The parameters have PyTorch's names: `weight`, `bias`, `running_mean`, `running_var`,
    /// `num_batches_tracked`. In training, statistics are those of the batch; in evaluation,
    /// running means of them.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let layer = nn::BatchNorm1d::new(1);
    /// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [1])?;
    /// let set = Dataset::from_arrays(vec![9.0, 11.0], [1], Targets::values(vec![0.0, 0.0]))?;
    /// trainer.fit(&set, Fit::epochs(1).batch_size(2))?;
    /// assert_eq!(trainer.weights("running_mean")?, [1.0]); // 0.9 * 0 + 0.1 * 10
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    BatchNorm1d [2, 3]
}
batch_norm! {
    /// Batch normalization of images `[batch, channels, height, width]`.
    ///
    /// The parameters have PyTorch's names: `weight`, `bias`, `running_mean`, `running_var`,
    /// `num_batches_tracked`. In training, statistics are those of the batch; in evaluation,
    /// running means of them.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let layer = nn::BatchNorm2d::new(3);
    /// let trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [3, 8, 8])?;
    /// assert_eq!(trainer.summary().trained, 6); // a weight and a bias for each channel
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    BatchNorm2d [4]
}

impl BatchNorm {
    fn visit(&self, visitor: &mut Visitor) {
        if let Some((weight, bias)) = &self.affine {
            visitor.parameter("weight", weight);
            visitor.parameter("bias", bias);
        }
        visitor.parameter("running_mean", &self.running_mean);
        visitor.parameter("running_var", &self.running_var);
        visitor.parameter("num_batches_tracked", &self.batches);
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let layer = self.running_mean.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            if let Some(reason) = self.unfit(x) {
                return x.record_error("batch_norm", reason, self.source);
            }
            traced(
                x,
                &format!("{}({})", self.kind, self.features),
                |x| match x.is_training() {
                    true => self.train(x),
                    false => self.eval(x),
                },
            )
        })
    }

    fn unfit(&self, x: &Tensor) -> Option<String> {
        let shape = x.shape();
        x.id()?;
        if !self.ranks.contains(&shape.rank()) || shape.get(1) != Some(&self.features) {
            let axes = self
                .ranks
                .iter()
                .map(|r| format!("{r}"))
                .collect::<Vec<_>>();
            let (kind, features, axes) = (self.kind, self.features, axes.join(" or "));
            return Some(format!(
                "{kind} expected an input [batch, {features}, ..] of {axes} axes, found {shape}"
            ));
        }
        if let Some(reason) = wrong_eps(self.eps) {
            return Some(reason);
        }
        if !(0.0..=1.0).contains(&self.momentum) {
            let momentum = self.momentum;
            return Some(format!(
                "expected a momentum of at least 0 and at most 1, found {momentum}"
            ));
        }
        let each = shape.len() / self.features.max(1);
        (x.is_training() && each < 2).then(|| {
            format!(
                "expected more than one value for each channel of a batch, found {each} (input {shape}); drop \
                 the last batch with `Fit::drop_last`, or choose a batch size that leaves no last batch of one sample"
            )
        })
    }

    fn train(&self, x: &Tensor) -> Tensor {
        let channels = Channels::of(&x.shape());
        let count = channels.count;
        let mean = channels.sum(x) * (1.0 / count);
        let spread = channels.spread(&mean);
        let variance = channels.sum(&x.squared_difference(&spread)) * (1.0 / count);
        let centred = x - spread;
        let deviation = (&variance + self.eps).rsqrt();

        let towards = |running: &Parameter, new: &Tensor| {
            let old = running.tensor(x);
            running.assign(&(old * (1.0 - self.momentum) + new * self.momentum));
        };
        towards(&self.running_mean, &mean);
        towards(&self.running_var, &(variance * (count / (count - 1.0))));
        self.batches.assign(&(self.batches.tensor(x) + 1.0));

        match &self.affine {
            Some((weight, bias)) => {
                let (weight, bias) = (weight.tensor(x), bias.tensor(x));
                let scale = &deviation * &weight;
                let y = centred * channels.spread(&scale) + channels.spread(&bias);
                let inputs = [x, &mean, &deviation, &weight, &bias];
                y.with_gradient(&inputs, move |b| channels.gradient(b))
            }
            None => {
                let y = centred * channels.spread(&deviation);
                y.with_gradient(&[x, &mean, &deviation], move |b| channels.gradient(b))
            }
        }
    }

    fn eval(&self, x: &Tensor) -> Tensor {
        let channels = Channels::of(&x.shape());
        let mean = channels.spread(&self.running_mean.tensor(x));
        let deviation = (self.running_var.tensor(x) + self.eps).rsqrt();
        match &self.affine {
            Some((weight, bias)) => {
                let scale = channels.spread(&(deviation * weight.tensor(x)));
                (x - mean) * scale + channels.spread(&bias.tensor(x))
            }
            None => (x - mean) * channels.spread(&deviation),
        }
    }
}

/// The layout of the channels in a tensor `[batch, channels, ..]`.
struct Channels {
    /// All axes but that of the channels.
    axes: Vec<isize>,
    /// The shape in which a vector of one value for each channel broadcasts.
    shape: Shape,
    /// The number of values of each channel.
    count: f64,
}

impl Channels {
    fn of(x: &Shape) -> Self {
        let channels = x.get(1).copied().unwrap_or(1);
        let mut shape = vec![1; x.rank().saturating_sub(1)];
        if let Some(first) = shape.first_mut() {
            *first = channels;
        }
        Channels {
            axes: (0..x.rank() as isize).filter(|a| *a != 1).collect(),
            shape: shape.into(),
            count: x.len() as f64 / channels.max(1) as f64,
        }
    }

    fn sum(&self, x: &Tensor) -> Tensor {
        x.sum(&self.axes)
    }

    fn spread(&self, of_channels: &Tensor) -> Tensor {
        of_channels.reshape(self.shape.clone())
    }

    /// With `n = (x - mean) deviation`, `dweight = sum(dy n)` and `dbias = sum(dy)`: `dx =
    /// deviation weight (dy - mean(dy) - n mean(dy n))`. `dx` includes the paths through mean and
    /// deviation.
    fn gradient(&self, b: &Backward) -> Grads {
        let [x, mean, deviation, affine @ ..] = b.x else {
            return Err("expected an input, its mean and its deviation".to_string());
        };
        let centred = || x - self.spread(mean);
        let total = self.sum(b.dy);
        let along = self.sum(&(b.dy * centred())) * deviation;
        let scale = match affine.first() {
            Some(weight) => deviation * weight,
            None => deviation.clone(),
        };
        let slope = deviation * &along * (1.0 / self.count);
        let mean_dy = self.spread(&(&total * (1.0 / self.count)));
        // Terms that depend on the last sum come first, so that they form one chain.
        let shift = centred() * self.spread(&slope) + mean_dy;
        let dx = b.dy - shift;
        let mut grads = vec![Some(dx * self.spread(&scale)), None, None];
        if !affine.is_empty() {
            grads.extend([Some(along), Some(total)]);
        }
        Ok(grads)
    }
}

/// Batch normalization of features, of the channels of sequences, or of the channels of images.
///
/// See [`BatchNorm1d`] and [`BatchNorm2d`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchNormSpec {
    /// Added to the variance.
    #[serde(default = "default_eps")]
    #[schemars(with = "range::Positive")]
    pub eps: f64,
    /// The weight of a batch in the running statistics.
    #[serde(default = "default_momentum")]
    #[schemars(with = "range::Fraction")]
    pub momentum: f64,
}

impl Settings for BatchNormSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let channels = sample.first().copied().unwrap_or(0);
        let (eps, momentum) = (self.eps, self.momentum);
        match sample.len() {
            1 | 2 => Ok(Box::new(
                BatchNorm1d::new(channels).eps(eps).momentum(momentum),
            )),
            3 => Ok(Box::new(
                BatchNorm2d::new(channels).eps(eps).momentum(momentum),
            )),
            _ => Err(
                "it takes features, sequences [channels, length] or images [channels, height, width]"
                    .to_string()
                    .into(),
            ),
        }
    }
}

fn default_eps() -> f64 {
    1e-5
}

fn default_momentum() -> f64 {
    0.1
}
