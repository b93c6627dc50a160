//! Losses of scores for classes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::functional::{self, Classes, Reduction};
use super::{Loss, Outputs, Settings, Target, settings};
use crate::graph::Meta;
use crate::nn::{Parameter, Visitor};
use crate::schema::range;
use crate::{DType, Tensor};

/// Labels for scores `[batch, .., classes]`.
fn labels(output: &Meta, what: &str) -> Result<Target, String> {
    match output.shape.dims() {
        [_, positions @ .., classes] if *classes > 1 && output.dtype == DType::F32 => {
            Ok(Target::Labels {
                classes: *classes,
                positions: positions.into(),
            })
        }
        _ => {
            let (dtype, shape) = (output.dtype, &output.shape);
            Err(format!(
                "needs {what} f32 [batch, .., classes] of 2 classes or more, not {dtype}{shape}"
            ))
        }
    }
}

/// The weights of classes, which must be as many as there are.
fn check_weights(weight: &Option<Parameter>, target: Target) -> Result<Target, String> {
    match (weight, &target) {
        (Some(weight), Target::Labels { classes, .. }) if weight.shape().len() != *classes => {
            Err(format!(
                "has weights for {} classes, but the output scores {classes}",
                weight.shape().len()
            ))
        }
        _ => Ok(target),
    }
}

/// How much a label counts, by its class's weight, where not all count alike.
fn label_weight(weight: &Option<Parameter>, ignore: Option<u32>, label: u32) -> Option<f64> {
    let counts = match (ignore, weight) {
        (None, None) => return None,
        (Some(ignored), _) if ignored == label => return Some(0.0),
        (_, None) => return Some(1.0),
        (_, Some(weight)) => weight.given()?,
    };
    Some(counts.get(label as usize).map_or(0.0, |w| f64::from(*w)))
}

#[track_caller]
fn table(weights: Vec<f32>) -> Parameter {
    Parameter::table([weights.len()], weights)
}

/// Softmax cross-entropy of logits `[batch, classes]` with integer labels, in nats; or of logits
/// `[batch, .., classes]` with a label for each position, the mean over all of them.
///
/// With weights or an ignored label, a batch's mean is one by weights, as in PyTorch. So is an epoch's loss, and so
/// are gradients that are accumulated: neither depends on how batches divide the samples. The loss of a batch
/// whose labels are all ignored is NaN and its gradient 0; training on it alone is an error that names the batch.
#[derive(Debug, Default)]
pub struct CrossEntropy {
    smoothing: f64,
    weight: Option<Parameter>,
    ignore: Option<u32>,
}

impl CrossEntropy {
    /// The mean over the batch.
    pub fn new() -> Self {
        CrossEntropy::default()
    }

    /// Spreads this share of the target over all classes, at least 0 and at most 1.
    pub fn label_smoothing(self, smoothing: f64) -> Self {
        CrossEntropy { smoothing, ..self }
    }

    /// How much each class counts.
    #[track_caller]
    pub fn weights(self, weights: Vec<f32>) -> Self {
        let weight = Some(table(weights));
        CrossEntropy { weight, ..self }
    }

    /// The label of samples or positions that do not count.
    pub fn ignore(self, label: u32) -> Self {
        let ignore = Some(label);
        CrossEntropy { ignore, ..self }
    }
}

impl CrossEntropy {
    fn options<'a>(&self, weight: Option<&'a Tensor>) -> Classes<'a> {
        Classes {
            smoothing: self.smoothing,
            weight,
            ignore: self.ignore,
        }
    }

    fn reduced(&self, output: &Tensor, target: &Tensor, reduction: Reduction) -> Tensor {
        let weight = self.weight.as_ref().map(|w| w.tensor(output));
        functional::cross_entropy(output, target, &self.options(weight.as_ref()), reduction)
    }
}

impl Loss for CrossEntropy {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        if !(0.0..=1.0).contains(&self.smoothing) {
            let smoothing = self.smoothing;
            return Err(format!(
                "its label smoothing is {smoothing}, but must be at least 0 and at most 1"
            ));
        }
        check_weights(&self.weight, labels(output, "logits")?)
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        self.reduced(output, target, Reduction::Mean)
    }
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        Some(self.reduced(output, target, Reduction::None))
    }
    fn row_weights(&self, target: &Tensor, output: &Tensor) -> Option<Tensor> {
        let weight = self.weight.as_ref().map(|w| w.tensor(output));
        self.options(weight.as_ref()).weights(target)
    }
    fn takes_logits(&self) -> bool {
        true
    }
    fn ignore_index(&self) -> Option<u32> {
        self.ignore
    }
    fn label_weight(&self, label: u32) -> Option<f64> {
        label_weight(&self.weight, self.ignore, label)
    }
    fn cross_entropy(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        Some(output.cross_entropy(target))
    }
    fn name(&self) -> &'static str {
        "cross_entropy"
    }
    fn visit(&self, visitor: &mut Visitor) {
        if let Some(weight) = &self.weight {
            visitor.parameter("weight", weight);
        }
    }
}

/// The settings of a [`CrossEntropy`] loss: softmax cross-entropy of a score for each class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropySpec {
    /// The share of the target that is spread over all classes.
    #[schemars(with = "range::Fraction")]
    pub label_smoothing: f64,
    /// The weight of each class.
    #[schemars(with = "Option<range::Positives>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f32>>,
    /// The label of samples that are left out.
    #[schemars(with = "Option<range::Count<0>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<u32>,
}

impl Settings for CrossEntropySpec {
    fn build(&self) -> Box<dyn Loss> {
        let mut loss = CrossEntropy::new().label_smoothing(self.label_smoothing);
        if let Some(weights) = &self.weights {
            loss = loss.weights(weights.clone());
        }
        if let Some(label) = self.ignore {
            loss = loss.ignore(label);
        }
        Box::new(loss)
    }

    fn outputs(&self) -> Outputs {
        Outputs::Scores
    }
}

/// Minus the log-probability of the label, for a model that ends with a log-softmax: cross-entropy in two parts.
#[derive(Debug, Default)]
pub struct Nll {
    weight: Option<Parameter>,
    ignore: Option<u32>,
}

impl Nll {
    /// The mean over the batch.
    pub fn new() -> Self {
        Nll::default()
    }

    /// How much each class counts.
    #[track_caller]
    pub fn weights(self, weights: Vec<f32>) -> Self {
        let weight = Some(table(weights));
        Nll { weight, ..self }
    }

    /// The label of samples or positions that do not count.
    pub fn ignore(self, label: u32) -> Self {
        let ignore = Some(label);
        Nll { ignore, ..self }
    }
}

impl Nll {
    fn options<'a>(&self, weight: Option<&'a Tensor>) -> Classes<'a> {
        Classes {
            smoothing: 0.0,
            weight,
            ignore: self.ignore,
        }
    }

    fn reduced(&self, output: &Tensor, target: &Tensor, reduction: Reduction) -> Tensor {
        let weight = self.weight.as_ref().map(|w| w.tensor(output));
        functional::nll(output, target, &self.options(weight.as_ref()), reduction)
    }
}

impl Loss for Nll {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        check_weights(&self.weight, labels(output, "log-probabilities")?)
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        self.reduced(output, target, Reduction::Mean)
    }
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        Some(self.reduced(output, target, Reduction::None))
    }
    fn row_weights(&self, target: &Tensor, output: &Tensor) -> Option<Tensor> {
        let weight = self.weight.as_ref().map(|w| w.tensor(output));
        self.options(weight.as_ref()).weights(target)
    }
    fn takes_logits(&self) -> bool {
        // A softmax of log-probabilities gives the probabilities back.
        true
    }
    fn ignore_index(&self) -> Option<u32> {
        self.ignore
    }
    fn label_weight(&self, label: u32) -> Option<f64> {
        label_weight(&self.weight, self.ignore, label)
    }
    fn cross_entropy(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        Some(functional::nll(
            output,
            target,
            &Classes::default(),
            Reduction::None,
        ))
    }
    fn name(&self) -> &'static str {
        "nll"
    }
    fn visit(&self, visitor: &mut Visitor) {
        if let Some(weight) = &self.weight {
            visitor.parameter("weight", weight);
        }
    }
}

/// The settings of a [`Nll`] loss: minus the log-probability of the label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NllSpec {
    /// The weight of each class.
    #[schemars(with = "Option<range::Positives>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f32>>,
    /// The label of samples that are left out.
    #[schemars(with = "Option<range::Count<0>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<u32>,
}

impl Settings for NllSpec {
    fn build(&self) -> Box<dyn Loss> {
        let mut loss = Nll::new();
        if let Some(weights) = &self.weights {
            loss = loss.weights(weights.clone());
        }
        if let Some(label) = self.ignore {
            loss = loss.ignore(label);
        }
        Box::new(loss)
    }

    fn outputs(&self) -> Outputs {
        Outputs::LogProbabilities
    }
}

/// Cross-entropy in which samples that are right already count less; see [`functional::focal_cross_entropy`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FocalCrossEntropy {
    /// The exponent; 0 is the plain cross-entropy.
    #[schemars(with = "range::NotNegative")]
    gamma: f64,
}

impl Default for FocalCrossEntropy {
    fn default() -> Self {
        FocalCrossEntropy { gamma: 2.0 }
    }
}

settings!(FocalCrossEntropy Scores);

impl FocalCrossEntropy {
    /// With this exponent, 2 in the paper; 0 is the plain cross-entropy.
    pub fn new(gamma: f64) -> Self {
        FocalCrossEntropy { gamma }
    }
}

impl Loss for FocalCrossEntropy {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        labels(output, "logits")
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        functional::focal_cross_entropy(output, target, self.gamma, Reduction::Mean)
    }
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        let none = Reduction::None;
        Some(functional::focal_cross_entropy(
            output, target, self.gamma, none,
        ))
    }
    fn takes_logits(&self) -> bool {
        true
    }
    fn cross_entropy(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        Some(output.cross_entropy(target))
    }
    fn name(&self) -> &'static str {
        "focal_cross_entropy"
    }
}
