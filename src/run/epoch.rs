//! The results of an epoch as a line of JSON.

use serde::{Deserialize, Serialize};

/// The results of an epoch: a line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Steps since the start of the training.
    pub step: u64,
    /// The duration of this epoch in seconds, including validation.
    pub seconds: f64,
    /// The learning rate of the epoch's last step.
    #[serde(with = "number")]
    pub lr: f64,
    /// The mean training loss over the epoch's samples.
    #[serde(with = "number")]
    pub loss: f64,
    /// The training metrics by name, in the order of the configuration.
    #[serde(with = "numbers", default)]
    pub metrics: Vec<(String, f64)>,
    /// The validation loss, if there is a validation split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_loss: Option<f64>,
    /// The validation metrics, by name.
    #[serde(with = "numbers", default, skip_serializing_if = "Vec::is_empty")]
    pub val_metrics: Vec<(String, f64)>,
}

impl EpochRecord {
    /// Returns a training metric by name.
    pub fn metric(&self, name: &str) -> Option<f64> {
        find(&self.metrics, name)
    }

    /// Returns a validation metric by name, without the prefix `val_`.
    pub fn val_metric(&self, name: &str) -> Option<f64> {
        find(&self.val_metrics, name)
    }
}

fn find(metrics: &[(String, f64)], name: &str) -> Option<f64> {
    metrics.iter().find(|(n, _)| n == name).map(|(_, x)| *x)
}

/// JSON has no NaN and no infinity: they are written as `null`, and `null` is read as NaN.
mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(x: &f64, s: S) -> Result<S::Ok, S::Error> {
        x.is_finite().then_some(*x).serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(d)?.unwrap_or(f64::NAN))
    }
}

/// As [`number`], for a map in the order of its entries.
mod numbers {
    use std::fmt;

    use serde::de::{MapAccess, Visitor};
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(map: &[(String, f64)], s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(map.iter().map(|(k, x)| (k, x.is_finite().then_some(*x))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(String, f64)>, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Vec<(String, f64)>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a table of numbers")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Option<f64>>()? {
                    entries.push((name, value.unwrap_or(f64::NAN)));
                }
                Ok(entries)
            }
        }
        d.deserialize_map(Entries)
    }
}
