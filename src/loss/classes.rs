//! Losses of classification: from logits or log-probabilities, and integer labels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::functional::{self, Classes, Reduction};
use super::{Loss, Outputs, Settings, Target, settings};
use crate::graph::Meta;
use crate::nn::{Parameter, Visitor};
use crate::schema::range;
use crate::{DType, Tensor};

/// Returns the target of outputs `[batch, .., classes]`.
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
                "expected {what} f32 [batch, .., classes] of at least 2 classes, found {dtype}{shape}"
            ))
        }
    }
}

/// Checks that there is one weight for each class.
fn check_weights(weight: &Option<Parameter>, target: Target) -> Result<Target, String> {
    match (weight, &target) {
        (Some(weight), Target::Labels { classes, .. }) if weight.shape().len() != *classes => {
            Err(format!(
                "expected {classes} class weights, one for each class of the output, found {}",
                weight.shape().len()
            ))
        }
        _ => Ok(target),
    }
}

/// Returns the weight of a label: that of its class, and 0 if it is ignored. `None` where all
/// labels have equal weights.
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

/// Softmax cross-entropy with integer labels, in nats.
///
/// Takes logits `[batch, classes]` with a label for each sample, or `[batch, .., classes]` with a
/// label for each position, and averages over all labels.
///
/// With class weights or an ignored label, the mean of a batch is weighted, as in PyTorch. So are
/// the loss of an epoch and accumulated gradients; they do not depend on how samples are divided
/// into batches. If all labels of a batch are ignored, its loss is NaN and its gradient 0. A
/// training step of such a batch alone is an error that names the batch.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{CrossEntropy, Loss}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let logits = g.tensor([2, 2], [0.0, 0.0, 0.0, 0.0]);
///     CrossEntropy::new().mean(&logits, &g.indices([2], [0, 1]))
/// })?;
/// assert!((loss.data[0] - 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct CrossEntropy {
    smoothing: f64,
    weight: Option<Parameter>,
    ignore: Option<u32>,
}

impl CrossEntropy {
    /// Creates the loss, a mean over the batch, without smoothing, weights or an ignored label.
    pub fn new() -> Self {
        CrossEntropy::default()
    }

    /// Sets the label smoothing: this fraction of the target, from 0 to 1, is distributed over all
    /// classes.
    pub fn label_smoothing(self, smoothing: f64) -> Self {
        CrossEntropy { smoothing, ..self }
    }

    /// Sets the weight of each class.
    #[track_caller]
    pub fn weights(self, weights: Vec<f32>) -> Self {
        let weight = Some(table(weights));
        CrossEntropy { weight, ..self }
    }

    /// Sets the label of samples or positions to ignore.
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
                "expected a label smoothing from 0 to 1, found {smoothing}"
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

/// The negative log-probability of the label, for a model that ends with a log-softmax.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{Loss, Nll}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     Nll::new().mean(&g.tensor([1, 2], [-0.5, -1.0]), &g.indices([1], [0]))
/// })?;
/// assert_eq!(loss.data, [0.5]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Nll {
    weight: Option<Parameter>,
    ignore: Option<u32>,
}

impl Nll {
    /// Creates the loss, a mean over the batch, without weights or an ignored label.
    pub fn new() -> Self {
        Nll::default()
    }

    /// Sets the weight of each class.
    #[track_caller]
    pub fn weights(self, weights: Vec<f32>) -> Self {
        let weight = Some(table(weights));
        Nll { weight, ..self }
    }

    /// Sets the label of samples or positions to ignore.
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
        // A softmax of log-probabilities returns the probabilities, so they are valid logits.
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

/// Focal loss of several classes: cross-entropy with a smaller weight for samples that are already
/// classified with high probability; see [`functional::focal_cross_entropy`].
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{FocalCrossEntropy, Loss}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     FocalCrossEntropy::new(2.0).mean(&g.tensor([1, 2], [0.0, 0.0]), &g.indices([1], [0]))
/// })?;
/// assert!((loss.data[0] - 0.25 * 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
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
    /// Creates the loss with this exponent, 2 in the paper; 0 is plain cross-entropy.
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
