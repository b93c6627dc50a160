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

/// What is wrong with a number that is added to a variance, if anything.
pub(super) fn wrong_eps(eps: f64) -> Option<String> {
    let fits = eps >= 0.0 && eps.is_finite();
    (!fits).then(|| format!("expected an eps of at least 0, found {eps}"))
}

/// The parameters of a normalization, and the line that made it.
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

    /// Traces the layer over the last axes of `x`, which must be `shape`, as rows.
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
                let reason = format!("the layer normalizes the last axes {shape} of its input");
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

/// Layer normalization over the last axes (Ba, Kiros and Hinton, 2016): mean 0 and variance 1, times
/// `weight`, plus `bias`. Takes and gives `[.., shape]`.
pub struct LayerNorm {
    shape: Shape,
    eps: f64,
    affine: Affine,
}

impl LayerNorm {
    /// Over the last axes, which are `shape`; `[n]` for the last one. `eps` is 1e-5, as in PyTorch.
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

    /// The same layer with another number added to the variance.
    pub fn eps(self, eps: f64) -> Self {
        LayerNorm { eps, ..self }
    }

    /// The same layer without a bias.
    pub fn without_bias(mut self) -> Self {
        self.affine.bias = None;
        self
    }

    /// The same layer without weight and bias.
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

/// RMS normalization over the last axes (Zhang and Sennrich, 2019): divided by the root of the mean
/// square, times `weight`. Takes and gives `[.., shape]`.
pub struct RmsNorm {
    shape: Shape,
    eps: f64,
    affine: Affine,
}

impl RmsNorm {
    /// Over the last axes, which are `shape`; `[n]` for the last one. `eps` is the distance from 1 to
    /// the next `f32`, as in PyTorch.
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

    /// The same layer with another number added to the mean square.
    pub fn eps(self, eps: f64) -> Self {
        RmsNorm { eps, ..self }
    }

    /// The same layer without a weight.
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

/// Group normalization (Wu and He, 2018): the channels of `[batch, channels, ..]` in groups of
/// neighbours, each group of a sample normalized by itself; then times `weight`, plus `bias`.
pub struct GroupNorm {
    groups: usize,
    channels: usize,
    eps: f64,
    affine: Affine,
}

impl GroupNorm {
    /// `channels` in `groups` groups, which must divide them. `eps` is 1e-5, as in PyTorch.
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

    /// The same layer with another number added to the variance.
    pub fn eps(self, eps: f64) -> Self {
        GroupNorm { eps, ..self }
    }

    /// The same layer without weight and bias.
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
                let reason = format!("the layer takes [batch, {channels}, ..]");
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
    /// What is added to the variance.
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
    /// What is added to the mean square.
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
    /// The number of groups, which divides the channels.
    #[schemars(with = "range::Count<1>", extend("examples" = [8]))]
    pub groups: usize,
    /// What is added to the variance.
    #[serde(default = "default_eps")]
    #[schemars(with = "range::Positive")]
    pub eps: f64,
}

impl Settings for GroupNormSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let (groups, channels) = (self.groups, sample.first().copied().unwrap_or(0));
        match groups > 0 && channels.is_multiple_of(groups) {
            true => Ok(Box::new(GroupNorm::new(groups, channels).eps(self.eps))),
            false => Err(format!("{channels} channels do not fall into {groups} groups").into()),
        }
    }
}

fn default_eps() -> f64 {
    1e-5
}

/// PyTorch's: the distance from 1 to the next `f32`.
fn default_rms_eps() -> f64 {
    f64::from(f32::EPSILON)
}

/// The last axes, which are normalized together.
fn last(sample: &[usize], axes: usize) -> std::result::Result<&[usize], String> {
    let from = sample.len().checked_sub(axes);
    from.and_then(|from| sample.get(from..))
        .ok_or_else(|| format!("there are no {axes} axes"))
}
