//! The weights of classes in the training loss.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::data::Dataset;
use crate::error::{Error, Result};

/// The weight of each class in the training loss and the training metrics.
///
/// # Example
/// ```
/// use wgrad::data::{Dataset, Targets};
/// use wgrad::spec::ClassWeights;
///
/// let targets = Targets::classes(vec![0, 0, 0, 1], 2);
/// let set = Dataset::from_arrays(vec![0.0; 4], [1], targets)?;
/// assert_eq!(ClassWeights::Balanced.of(&set)?, [4.0 / 6.0, 2.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeights {
    /// `n / (k n_c)` for a class with `n_c` of the `n` training samples, with `k` classes: all
    /// classes weigh the same together. This is scikit-learn's `class_weight="balanced"`.
    Balanced,
    /// The weights of classes by their names; 1 for all others.
    Named(BTreeMap<String, f64>),
}

impl ClassWeights {
    /// Returns the weight of each class of a data set.
    ///
    /// # Errors
    ///
    /// Returns an error if the targets are not classes, a class is named that does not exist, or a
    /// balanced class has no samples.
    pub fn of(&self, set: &Dataset) -> Result<Vec<f64>> {
        let place = "class_weights";
        let Some(counts) = set.class_counts() else {
            let reason = "expected targets that are classes, found other targets";
            return Err(Error::data(place, reason));
        };
        match self {
            ClassWeights::Balanced => {
                let (n, k) = (set.len() as f64, counts.len() as f64);
                match counts.iter().position(|count| *count == 0) {
                    None => Ok(counts.iter().map(|c| n / (k * *c as f64)).collect()),
                    Some(class) => {
                        let name = set.class_names().get(class);
                        let reason = format!(
                            "expected training samples of every class, found none of class {:?}",
                            name.map_or("", String::as_str)
                        );
                        Err(Error::data(place, reason))
                    }
                }
            }
            ClassWeights::Named(weights) => {
                let names = set.class_names();
                if let Some(unknown) = weights.keys().find(|name| !names.contains(name)) {
                    let known: Vec<String> = names.iter().map(|n| format!("{n:?}")).collect();
                    let expected = format!("one of {}", known.join(", "));
                    return Err(Error::argument(
                        "a class of class_weights",
                        unknown,
                        expected,
                    ));
                }
                let weight = |name: &String| weights.get(name).copied().unwrap_or(1.0);
                Ok(names.iter().map(weight).collect())
            }
        }
    }

    /// Returns a data set whose samples have the weights of their classes.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`ClassWeights::of`].
    pub fn apply(&self, set: Dataset) -> Result<Dataset> {
        let of_class = self.of(&set)?;
        let weight = |i: usize| set.label(i).and_then(|label| of_class.get(label as usize));
        let weights = (0..set.len()).map(|i| weight(i).map_or(1.0, |w| *w as f32));
        let weights = weights.collect();
        set.with_sample_weights(weights)
    }
}

impl Serialize for ClassWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            ClassWeights::Balanced => "balanced".serialize(serializer),
            ClassWeights::Named(weights) => weights.serialize(serializer),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Balanced,
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected \"balanced\" or the weights of classes by name"
        )]
        enum Form {
            Word(Word),
            Named(BTreeMap<String, f64>),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Word(Word::Balanced) => ClassWeights::Balanced,
            Form::Named(weights) => ClassWeights::Named(weights),
        })
    }
}

impl JsonSchema for ClassWeights {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ClassWeights".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["balanced"] },
                { "type": "object", "additionalProperties": { "type": "number", "exclusiveMinimum": 0 } },
            ],
            "x-expected": "\"balanced\", or the weights of classes by name",
            "examples": ["balanced", { "bad": 5.0 }],
        })
    }
}
