//! The predictions of a model's outputs: classes with probabilities, or numbers.

use super::Preprocessing;
use crate::loss::{LossSpec, Outputs};
use crate::train::Predictions;

/// The prediction for one sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Prediction {
    /// A class, and the probability of each class.
    Class {
        /// The index of the class with the largest probability.
        class: usize,
        /// The name of that class.
        name: String,
        /// The probability of each class; empty if the model predicts only the class.
        probabilities: Vec<f64>,
    },
    /// The labels of the sample, and the probability of each label.
    Labels {
        /// The names of the labels with a probability above the loss's threshold.
        names: Vec<String>,
        /// The probability of each label, in the order of the training data.
        probabilities: Vec<f64>,
    },
    /// Numbers, in the target's units.
    Values {
        /// The numbers.
        values: Vec<f64>,
        /// Their standard deviations; empty if the model does not predict them.
        deviations: Vec<f64>,
    },
}

/// Returns the prediction for each sample of a model's outputs.
pub fn predictions(
    loss: Option<&LossSpec>,
    preprocessing: &Preprocessing,
    outputs_of: &Predictions,
) -> Vec<Prediction> {
    let outputs = loss.map(LossSpec::outputs);
    let prediction = |row: &[f32]| {
        if preprocessing.classes.is_empty() {
            let logit = outputs == Some(Outputs::Logit);
            if logit || outputs == Some(Outputs::Probability) {
                return labels(preprocessing, logit, row);
            }
            return values(outputs, row.iter().map(|v| f64::from(*v)).collect());
        }
        let (class, probabilities) = match outputs {
            Some(Outputs::Margin) => (usize::from(first(row) > 0.0), Vec::new()),
            Some(Outputs::Logit) => two_classes(1.0 / (1.0 + (-first(row)).exp())),
            Some(Outputs::Probability | Outputs::Values) => two_classes(first(row)),
            _ => softmax(row),
        };
        Prediction::Class {
            class,
            name: preprocessing.class_name(class),
            probabilities,
        }
    };
    outputs_of.rows().map(prediction).collect()
}

/// Returns the labels of a row of logits or probabilities.
fn labels(preprocessing: &Preprocessing, logit: bool, row: &[f32]) -> Prediction {
    let probability = |v: &f32| match logit {
        true => 1.0 / (1.0 + (-f64::from(*v)).exp()),
        false => f64::from(*v),
    };
    let probabilities: Vec<f64> = row.iter().map(probability).collect();
    let likely = probabilities.iter().enumerate().filter(|(_, p)| **p > 0.5);
    Prediction::Labels {
        names: likely.map(|(i, _)| preprocessing.output_name(i)).collect(),
        probabilities,
    }
}

/// Converts a model's outputs to numbers.
fn values(outputs: Option<Outputs>, mut values: Vec<f64>) -> Prediction {
    let mut deviations = Vec::new();
    match outputs {
        Some(Outputs::LogRates | Outputs::LogShares) => {
            values.iter_mut().for_each(|v| *v = v.exp());
        }
        Some(Outputs::MeansAndLogVariances) => {
            let logs = values.split_off(values.len() / 2);
            deviations = logs.iter().map(|log| (0.5 * log).exp()).collect();
        }
        _ => {}
    }
    Prediction::Values { values, deviations }
}

fn first(row: &[f32]) -> f64 {
    row.first().map_or(f64::NAN, |v| f64::from(*v))
}

/// A class, and the probability of each.
type Class = (usize, Vec<f64>);

fn two_classes(second: f64) -> Class {
    (usize::from(second > 0.5), vec![1.0 - second, second])
}

fn softmax(row: &[f32]) -> Class {
    let mut class = 0;
    let mut largest = f64::NEG_INFINITY;
    for (i, v) in row.iter().enumerate() {
        if f64::from(*v) > largest {
            (class, largest) = (i, f64::from(*v));
        }
    }
    let powers: Vec<f64> = row
        .iter()
        .map(|v| (f64::from(*v) - largest).exp())
        .collect();
    let sum: f64 = powers.iter().sum();
    (class, powers.iter().map(|p| p / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_and_never_overflow() {
        let (class, probabilities) = softmax(&[1000.0, 0.0, 1001.0]);
        assert_eq!(class, 2);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((probabilities[2] - 1.0 / (1.0 + (-1f64).exp())).abs() < 1e-9);
    }

    #[test]
    fn two_classes_have_one_threshold() {
        let class = |p| two_classes(p).0;
        assert_eq!((class(0.2), class(0.5), class(0.51)), (0, 0, 1));
    }

    #[test]
    fn logarithms_become_numbers() {
        let told = |outputs| match values(Some(outputs), vec![0.0, 2.0f64.ln()]) {
            Prediction::Values { values, deviations } => (values, deviations),
            _ => (vec![], vec![]),
        };
        let (rates, none) = told(Outputs::LogRates);
        assert!((rates[0] - 1.0).abs() + (rates[1] - 2.0).abs() < 1e-12);
        assert!(none.is_empty());
        let (means, deviations) = told(Outputs::MeansAndLogVariances);
        assert_eq!(means, [0.0]);
        assert!((deviations[0] - 2.0f64.sqrt()).abs() < 1e-12);
    }
}
