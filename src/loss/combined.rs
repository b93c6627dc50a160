//! The loss of a model with several outputs.

use super::functional::mean_of;
use super::{Loss, Target};
use crate::graph::Meta;
use crate::nn::Visitor;
use crate::{DType, Tensor};

/// A weighted sum of losses, for a model with several outputs.
///
/// The first loss compares the output that [`Module::forward`](crate::nn::Module::forward) returns
/// with the data set's targets. Each further loss compares an output that the model has
/// [named](Tensor::as_output) with the [array](crate::data::Dataset::with_array) of the same name,
/// which contains values or class labels.
///
/// Predictions and metrics are those of the first output;
/// [`metrics::OfOutput`](crate::metrics::OfOutput) is a metric of another output.
///
/// # Example
///
/// ```
/// use wgrad::prelude::*;
/// use wgrad::nn::{Linear, Visitor};
///
/// /// Classifies a house and estimates its price.
/// struct House { class: Linear, price: Linear }
///
/// impl Module for House {
///     fn forward(&self, x: &Tensor) -> Tensor {
///         self.price.forward(x).as_output("price");
///         self.class.forward(x)
///     }
///     fn visit(&self, v: &mut Visitor) {
///         v.child("class", &self.class);
///         v.child("price", &self.price);
///     }
/// }
///
/// let set = Dataset::from_arrays(vec![0.0, 1.0, 0.0, 1.0], [1], Targets::classes(vec![0, 1, 0, 1], 2))?
///     .with_array("price", vec![2.0, 5.0, 2.0, 5.0], [1])?;
/// let model = House { class: Linear::new(1, 2), price: Linear::new(1, 1) };
/// let mut trainer = Trainer::new(model)
///     .loss(loss::Combined::new(loss::CrossEntropy::new()).output("price", loss::Mse, 0.5))
///     .metric(metrics::Accuracy)
///     .metric(metrics::OfOutput::new("price", metrics::Mae))
///     .optimizer(optim::Adam::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// trainer.fit(&set, Fit::epochs(200).batch_size(4))?;
/// let (_, prices) = trainer.predict(&set)?.output("price").map(|(s, v)| (s.clone(), v.to_vec())).unwrap();
/// assert!((prices[1] - 5.0).abs() < 0.1);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Combined {
    first: Box<dyn Loss>,
    others: Vec<Part>,
}

/// The loss of a named output.
struct Part {
    output: String,
    loss: Box<dyn Loss>,
    weight: f64,
}

impl Combined {
    /// Creates the loss of the model's first output, with weight 1.
    pub fn new(loss: impl Loss + 'static) -> Self {
        Combined {
            first: Box::new(loss),
            others: Vec::new(),
        }
    }

    /// Adds `weight` times the loss of the output of this name.
    pub fn output(mut self, name: &str, loss: impl Loss + 'static, weight: f64) -> Self {
        self.others.push(Part {
            output: name.to_string(),
            loss: Box::new(loss),
            weight,
        });
        self
    }

    /// Returns `first` plus the losses of all named outputs.
    fn sum(&self, first: Tensor, output: &Tensor) -> Tensor {
        self.others.iter().fold(first, |sum, part| {
            let y = output.named_output(&part.output);
            let target = array_target(part.loss.as_ref(), &y, &part.output);
            sum + mean_of(part.loss.as_ref(), &y, &target) * part.weight
        })
    }
}

/// Returns the array that a loss compares a named output with, in the loss's element type.
#[track_caller]
pub(crate) fn array_target(loss: &dyn Loss, output: &Tensor, name: &str) -> Tensor {
    let array = output.batch_array(name);
    if array.id().is_none() {
        return array;
    }
    match loss.target(&output.meta()) {
        Ok(Target::Values { .. }) | Err(_) => array.reshape(loss.prediction(output).shape()),
        Ok(target) => {
            let meta = target.meta(output.dim(0));
            array.cast(DType::U32).reshape(meta.shape)
        }
    }
}

impl Loss for Combined {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        self.first.target(output)
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        self.sum(self.first.mean(output, target), output)
    }
    fn weighted_mean(&self, output: &Tensor, target: &Tensor, weights: &Tensor) -> Tensor {
        self.sum(self.first.weighted_mean(output, target, weights), output)
    }
    fn named_targets(&self, outputs: &[(String, Meta)]) -> Result<Vec<(String, Target)>, String> {
        let target = |part: &Part| {
            let Part {
                output,
                loss,
                weight,
            } = part;
            if !(*weight >= 0.0 && weight.is_finite()) {
                return Err(format!(
                    "the weight of the output {output:?} is {weight}; expected at least 0"
                ));
            }
            if loss.label_weight(0).is_some() {
                return Err(format!(
                    "expected a loss of the output {output:?} without class weights and ignored labels: the batches \
                     of a step count by those of the first loss"
                ));
            }
            let Some((_, meta)) = outputs.iter().find(|(name, _)| name == output) else {
                let names: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
                return Err(format!(
                    "expected an output {output:?} of the model, found [{}]; see `Tensor::as_output`",
                    names.join(", ")
                ));
            };
            match loss.target(meta)? {
                Target::Framed { .. } => {
                    Err(format!("the output {output:?} cannot have a framed loss"))
                }
                target => Ok((output.clone(), target)),
            }
        };
        self.others.iter().map(target).collect()
    }
    fn of_output(&self, name: &str) -> Option<&dyn Loss> {
        let mut parts = self.others.iter();
        parts
            .find(|part| part.output == name)
            .map(|part| part.loss.as_ref())
    }
    fn prediction(&self, output: &Tensor) -> Tensor {
        self.first.prediction(output)
    }
    fn threshold(&self) -> f64 {
        self.first.threshold()
    }
    fn takes_logits(&self) -> bool {
        self.first.takes_logits()
    }
    fn ignore_index(&self) -> Option<u32> {
        self.first.ignore_index()
    }
    fn label_weight(&self, label: u32) -> Option<f64> {
        self.first.label_weight(label)
    }
    fn cross_entropy(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        self.first.cross_entropy(output, target)
    }
    fn name(&self) -> &'static str {
        "combined"
    }
    fn visit(&self, visitor: &mut Visitor) {
        self.first.visit(visitor);
        for part in &self.others {
            let mut of_part = |name: String, p: &crate::nn::Parameter| {
                visitor.parameter(&format!("{}.{name}", part.output), p);
            };
            part.loss.visit(&mut Visitor::new(&mut of_part));
        }
    }
}
