//! Normalization layers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::{Shape, Source, Tensor};

use super::{Module, Parameter, Settings, Unfit, Visitor, traced};
use crate::schema::{Path, range};

fn ones(shape: &Shape) -> Parameter {
    Parameter::new(shape, Init::Constant(1.0))
}

fn zeros(shape: &Shape) -> Parameter {
    Parameter::new(shape, Init::Constant(0.0))
}

fn tensor(parameter: &Option<Parameter>, x: &Tensor) -> Option<Tensor> {
    parameter.as_ref().map(|p| p.tensor(x))
}

/// Returns why `eps` is invalid, if it is.
pub(super) fn wrong_eps(eps: f64) -> Option<String> {
    let fits = eps >= 0.0 && eps.is_finite();
    (!fits).then(|| format!("expected an eps of at least 0, found {eps}"))
}

/// The parameters of a normalization layer, and the line that created it.
struct Affine {
    weight: Option<Parameter>,
    bias: Option<Parameter>,
    source: Source,
}

impl Affine {
    fn visit(&self, visitor: &mut Visitor) {
        if let Some(weight) = &self.weight {
            visitor.parameter("weight", weight);
        }
        if let Some(bias) = &self.bias {
            visitor.parameter("bias", bias);
        }
    }

    /// Traces the layer over the last axes of `x`, which must equal `shape`. `f` gets them as rows.
    fn over_last(
        &self,
        x: &Tensor,
        (kind, op, shape, eps): (&'static str, &'static str, &Shape, f64),
        f: impl FnOnce(&Tensor, Option<Tensor>, Option<Tensor>) -> Tensor,
    ) -> Tensor {
        let layer = self.weight.as_ref().and_then(|w| w.layer(x));
        x.in_scope(layer, Some(self.source), |x| {
            let given = x.shape();
            if let (Some(reason), Some(_)) = (wrong_eps(eps), x.id()) {
                return x.record_error(op, reason, self.source);
            }
            if x.id().is_some() && !given.ends_with(shape) || shape.rank() == 0 {
                let reason =
                    format!("expected an input whose last axes are {shape}, found {given}");
                return x.record_error(op, reason, self.source);
            }
            traced(x, &format!("{kind}({shape})"), |x| {
                let n = shape.len();
                let row = |p: &Option<Parameter>| tensor(p, x).map(|t| t.reshape([n]));
                let (weight, bias) = (row(&self.weight), row(&self.bias));
                let mut rows = given.to_vec();
                rows.truncate(given.rank().saturating_sub(shape.rank()));
                rows.push(n);
                f(&x.reshape(rows), weight, bias).reshape(given)
            })
        })
    }
}

/// Layer normalization over the last axes (Ba, Kiros and Hinton, 2016).
///
/// Normalizes to mean 0 and variance 1, multiplies by `weight` and adds `bias`. Takes and returns
/// `[.., shape]`.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let layer = nn::LayerNorm::new([2]);
/// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [2])?;
/// let x = Dataset::from_arrays(vec![1.0, 3.0], [2], Targets::Unlabelled)?;
/// let y = trainer.predict(&x)?.values;
/// assert!((y[0] + 1.0).abs() < 1e-4 && (y[1] - 1.0).abs() < 1e-4);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct LayerNorm {
    shape: Shape,
    eps: f64,
    affine: Affine,
}

impl LayerNorm {
    /// Creates a layer over the last axes, whose sizes are `shape`; `[n]` for the last axis alone.
    /// `eps` is 1e-5, as in PyTorch.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        LayerNorm {
            affine: Affine {
                weight: Some(ones(&shape)),
                bias: Some(zeros(&shape)),
                source: Source::caller(),
            },
            shape,
            eps: default_eps(),
        }
    }

    /// Sets `eps`, which is added to the variance.
    pub fn eps(self, eps: f64) -> Self {
        LayerNorm { eps, ..self }
    }

    /// Removes the bias.
    pub fn without_bias(mut self) -> Self {
        self.affine.bias = None;
        self
    }

    /// Removes weight and bias.
    pub fn without_affine(mut self) -> Self {
        (self.affine.weight, self.affine.bias) = (None, None);
        self
    }
}

impl Module for LayerNorm {
    fn forward(&self, x: &Tensor) -> Tensor {
        let over = ("LayerNorm", "layer_norm", &self.shape, self.eps);
        self.affine.over_last(x, over, |x, weight, bias| {
            x.layer_norm(weight.as_ref(), bias.as_ref(), self.eps)
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.affine.visit(visitor);
    }
}

/// RMS normalization over the last axes (Zhang and Sennrich, 2019).
///
/// Divides by the root mean square and multiplies by `weight`. Takes and returns `[.., shape]`.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let layer = nn::RmsNorm::new([2]);
/// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [2])?;
/// let x = Dataset::from_arrays(vec![1.0, 7.0], [2], Targets::Unlabelled)?;
/// let y = trainer.predict(&x)?.values; // the root mean square is 5
/// assert!((y[0] - 0.2).abs() < 1e-6 && (y[1] - 1.4).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct RmsNorm {
    shape: Shape,
    eps: f64,
    affine: Affine,
}

impl RmsNorm {
    /// Creates a layer over the last axes, whose sizes are `shape`; `[n]` for the last axis alone.
    /// `eps` is `f32::EPSILON`, as in PyTorch.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        RmsNorm {
            affine: Affine {
                weight: Some(ones(&shape)),
                bias: None,
                source: Source::caller(),
            },
            shape,
            eps: default_rms_eps(),
        }
    }

    /// Sets `eps`, which is added to the mean square.
    pub fn eps(self, eps: f64) -> Self {
        RmsNorm { eps, ..self }
    }

    /// Removes the weight.
    pub fn without_affine(mut self) -> Self {
        self.affine.weight = None;
        self
    }
}

impl Module for RmsNorm {
    fn forward(&self, x: &Tensor) -> Tensor {
        let over = ("RMSNorm", "rms_norm", &self.shape, self.eps);
        self.affine.over_last(x, over, |x, weight, _| {
            x.rms_norm(weight.as_ref(), self.eps)
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.affine.visit(visitor);
    }
}

/// Group normalization (Wu and He, 2018).
///
/// Divides the channels of `[batch, channels, ..]` into groups of consecutive channels. Normalizes
/// each group of each sample to mean 0 and variance 1, multiplies by `weight` and adds `bias`, one
/// of each for each channel.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let layer = nn::GroupNorm::new(2, 4);
/// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [4])?;
/// let x = Dataset::from_arrays(vec![1.0, 3.0, 10.0, 50.0], [4], Targets::Unlabelled)?;
/// let y = trainer.predict(&x)?.values;
/// assert!(y.iter().zip([-1.0, 1.0, -1.0, 1.0]).all(|(y, t)| (y - t).abs() < 1e-4));
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct GroupNorm {
    groups: usize,
    channels: usize,
    eps: f64,
    affine: Affine,
}

impl GroupNorm {
    /// Creates a layer of `channels` channels in `groups` groups of equal size. `eps` is 1e-5, as
    /// in PyTorch.
    #[track_caller]
    pub fn new(groups: usize, channels: usize) -> Self {
        let shape = Shape::from([channels]);
        GroupNorm {
            groups,
            channels,
            eps: default_eps(),
            affine: Affine {
                weight: Some(ones(&shape)),
                bias: Some(zeros(&shape)),
                source: Source::caller(),
            },
        }
    }

    /// Sets `eps`, which is added to the variance.
    pub fn eps(self, eps: f64) -> Self {
        GroupNorm { eps, ..self }
    }

    /// Removes weight and bias.
    pub fn without_affine(mut self) -> Self {
        (self.affine.weight, self.affine.bias) = (None, None);
        self
    }
}

impl Module for GroupNorm {
    fn forward(&self, x: &Tensor) -> Tensor {
        let affine = &self.affine;
        let layer = affine.weight.as_ref().and_then(|w| w.layer(x));
        x.in_scope(layer, Some(affine.source), |x| {
            let (shape, channels) = (x.shape(), self.channels);
            if x.id().is_some() && shape.get(1) != Some(&channels) {
                let reason = format!("expected an input [batch, {channels}, ..], found {shape}");
                return x.record_error("group_norm", reason, affine.source);
            }
            if let (Some(reason), Some(_)) = (wrong_eps(self.eps), x.id()) {
                return x.record_error("group_norm", reason, affine.source);
            }
            let kind = format!("GroupNorm({}, {channels})", self.groups);
            traced(x, &kind, |x| {
                let (weight, bias) = (tensor(&affine.weight, x), tensor(&affine.bias, x));
                x.group_norm(self.groups, weight.as_ref(), bias.as_ref(), self.eps)
            })
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.affine.visit(visitor);
    }
}

/// Layer normalization; see [`LayerNorm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerNormSpec {
    /// The number of last axes that are normalized together.
    #[serde(default = "super::spec::one")]
    #[schemars(with = "range::Count<1>")]
    pub axes: usize,
    /// Added to the variance.
    #[serde(default = "default_eps")]
    #[schemars(with = "range::Positive")]
    pub eps: f64,
}

impl Settings for LayerNormSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let last = last(sample, self.axes)?;
        Ok(Box::new(LayerNorm::new(last).eps(self.eps)))
    }
}

/// RMS normalization; see [`RmsNorm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RmsNormSpec {
    /// The number of last axes that are normalized together.
    #[serde(default = "super::spec::one")]
    #[schemars(with = "range::Count<1>")]
    pub axes: usize,
    /// Added to the mean square.
    #[serde(default = "default_rms_eps")]
    #[schemars(with = "range::Positive")]
    pub eps: f64,
}

impl Settings for RmsNormSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let last = last(sample, self.axes)?;
        Ok(Box::new(RmsNorm::new(last).eps(self.eps)))
    }
}

/// Group normalization of channels; see [`GroupNorm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupNormSpec {
    /// The number of groups. It must divide the number of channels.
    #[schemars(with = "range::Count<1>", extend("examples" = [8]))]
    pub groups: usize,
    /// Added to the variance.
    #[serde(default = "default_eps")]
    #[schemars(with = "range::Positive")]
    pub eps: f64,
}

impl Settings for GroupNormSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let (groups, channels) = (self.groups, sample.first().copied().unwrap_or(0));
        match groups > 0 && channels.is_multiple_of(groups) {
            true => Ok(Box::new(GroupNorm::new(groups, channels).eps(self.eps))),
            false => {
                Err(format!("{channels} channels are not divisible into {groups} groups").into())
            }
        }
    }
}

fn default_eps() -> f64 {
    1e-5
}

/// The distance from 1 to the next `f32`, PyTorch's default.
fn default_rms_eps() -> f64 {
    f64::from(f32::EPSILON)
}

/// Returns the last axes, which are normalized together.
fn last(sample: &[usize], axes: usize) -> std::result::Result<&[usize], String> {
    let from = sample.len().checked_sub(axes);
    from.and_then(|from| sample.get(from..))
        .ok_or_else(|| format!("there are no {axes} axes"))
}
