//! The results of an epoch as a line of JSON.

use std::collections::BTreeMap;

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
    /// The training metrics, by name.
    #[serde(with = "numbers", default)]
    pub metrics: BTreeMap<String, f64>,
    /// The validation loss, if there is a validation split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_loss: Option<f64>,
    /// The validation metrics, by name.
    #[serde(with = "numbers", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub val_metrics: BTreeMap<String, f64>,
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

/// As [`number`], for a map.
mod numbers {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(map: &BTreeMap<String, f64>, s: S) -> Result<S::Ok, S::Error> {
        let map: BTreeMap<&str, Option<f64>> = map
            .iter()
            .map(|(k, x)| (k.as_str(), x.is_finite().then_some(*x)))
            .collect();
        map.serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, f64>, D::Error> {
        let map = BTreeMap::<String, Option<f64>>::deserialize(d)?;
        Ok(map
            .into_iter()
            .map(|(k, x)| (k, x.unwrap_or(f64::NAN)))
            .collect())
    }
}
