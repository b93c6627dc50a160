//! What a network's outputs mean: classes with probabilities, or quantities.

use wgrad::data::Dataset;
use wgrad::train::Predictions;

use crate::config::{Loss, Outputs};
use crate::preparation::Preparation;
use crate::report::{self, Confusion};

/// What the network says about one sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A class, and each class's probability.
    Class {
        /// The class with the largest probability.
        class: usize,
        /// One for each class; none where the network tells only the class.
        probabilities: Vec<f64>,
    },
    /// Quantities, in the target's units.
    Values {
        /// The quantities.
        values: Vec<f64>,
        /// Their standard deviations; none where the network does not tell how sure it is.
        deviations: Vec<f64>,
    },
}

/// One answer a sample.
pub fn answers(
    loss: Option<&Loss>,
    preparation: &Preparation,
    predictions: &Predictions,
) -> Vec<Answer> {
    let quantities = preparation.classes.is_empty();
    let outputs = loss.map(Loss::outputs);
    let answer = |row: &[f32]| match outputs {
        _ if quantities => values(outputs, row.iter().map(|v| f64::from(*v)).collect()),
        Some(Outputs::Margin) => Answer::Class {
            class: usize::from(first(row) > 0.0),
            probabilities: Vec::new(),
        },
        Some(Outputs::Logit) => two_classes(1.0 / (1.0 + (-first(row)).exp())),
        Some(Outputs::Probability | Outputs::Quantities) => two_classes(first(row)),
        _ => softmax(row),
    };
    predictions.rows().map(answer).collect()
}

/// Quantities from what a network gives for them.
fn values(outputs: Option<Outputs>, mut values: Vec<f64>) -> Answer {
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
    Answer::Values { values, deviations }
}

fn first(row: &[f32]) -> f64 {
    row.first().map_or(f64::NAN, |v| f64::from(*v))
}

fn two_classes(second: f64) -> Answer {
    Answer::Class {
        class: usize::from(second > 0.5),
        probabilities: vec![1.0 - second, second],
    }
}

fn softmax(row: &[f32]) -> Answer {
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
    Answer::Class {
        class,
        probabilities: powers.iter().map(|p| p / sum).collect(),
    }
}

/// What was taken for what; `None` where there are no classes.
pub fn confusion(
    preparation: &Preparation,
    set: &Dataset,
    answers: &[Answer],
) -> Option<Confusion> {
    let n = preparation.classes.len();
    if n == 0 {
        return None;
    }
    let mut counts = vec![vec![0u64; n]; n];
    for (i, answer) in answers.iter().enumerate() {
        let (Some(actual), Answer::Class { class, .. }) = (set.label(i), answer) else {
            continue;
        };
        let row = counts.get_mut(actual as usize);
        if let Some(count) = row.and_then(|row| row.get_mut(*class)) {
            *count += 1;
        }
    }
    Some(Confusion {
        classes: preparation.classes.clone(),
        counts,
    })
}

/// Targets and predictions of the first quantity; `None` where there are classes.
pub fn pairs(
    preparation: &Preparation,
    set: &Dataset,
    answers: &[Answer],
) -> Option<report::Predictions> {
    if !preparation.classes.is_empty() {
        return None;
    }
    let mut found = report::Predictions {
        target: match preparation.target.as_str() {
            "" => "target".to_string(),
            name => name.to_string(),
        },
        ..report::Predictions::default()
    };
    for (i, answer) in answers.iter().enumerate() {
        let Answer::Values { values, .. } = answer else {
            continue;
        };
        let actual = set.values(i).and_then(<[f32]>::first);
        if let (Some(actual), Some(predicted)) = (actual, values.first()) {
            found.actual.push(f64::from(*actual));
            found.predicted.push(*predicted);
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_and_never_overflow() {
        let Answer::Class {
            class,
            probabilities,
        } = softmax(&[1000.0, 0.0, 1001.0])
        else {
            unreachable!()
        };
        assert_eq!(class, 2);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((probabilities[2] - 1.0 / (1.0 + (-1f64).exp())).abs() < 1e-9);
    }

    #[test]
    fn two_classes_have_one_threshold() {
        let class = |p| match two_classes(p) {
            Answer::Class { class, .. } => class,
            Answer::Values { .. } => 9,
        };
        assert_eq!((class(0.2), class(0.5), class(0.51)), (0, 0, 1));
    }

    #[test]
    fn logarithms_become_quantities() {
        let told = |outputs| match values(Some(outputs), vec![0.0, 2.0f64.ln()]) {
            Answer::Values { values, deviations } => (values, deviations),
            Answer::Class { .. } => (vec![], vec![]),
        };
        let (rates, none) = told(Outputs::LogRates);
        assert!((rates[0] - 1.0).abs() + (rates[1] - 2.0).abs() < 1e-12);
        assert!(none.is_empty());
        let (means, deviations) = told(Outputs::MeansAndLogVariances);
        assert_eq!(means, [0.0]);
        assert!((deviations[0] - 2.0f64.sqrt()).abs() < 1e-12);
    }
}
