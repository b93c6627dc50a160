//! The choice of a scale for a column of numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantile::QuantileTransformer;
use super::scale::{LogScaler, MinMaxScaler, RobustScaler, StandardScaler};
use crate::error::Result;

/// The scale of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Mean 0 and standard deviation 1.
    #[default]
    Standard,
    /// From 0 to 1.
    MinMax,
    /// Median 0 and interquartile range 1.
    Robust,
    /// The standard scale of the signed logarithm.
    Log,
    /// The position among the training cells, from 0 to 1.
    Quantile,
    /// Numbers as they are.
    None,
}

/// A fitted scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub(super) enum Scaling {
    Standard(StandardScaler),
    MinMax(MinMaxScaler),
    Robust(RobustScaler),
    Log(LogScaler),
    Quantile(QuantileTransformer),
    None,
}

impl Scaling {
    pub(super) fn fit(cells: &[f64], scale: Scale) -> Result<Self> {
        Ok(match scale {
            Scale::Standard => Scaling::Standard(StandardScaler::fit(cells)?),
            Scale::MinMax => Scaling::MinMax(MinMaxScaler::fit(cells)?),
            Scale::Robust => Scaling::Robust(RobustScaler::fit(cells)?),
            Scale::Log => Scaling::Log(LogScaler::fit(cells)?),
            Scale::Quantile => Scaling::Quantile(QuantileTransformer::fit(cells)?),
            Scale::None => Scaling::None,
        })
    }

    pub(super) fn transform_one(&self, x: f64) -> f64 {
        match self {
            Scaling::Standard(scaler) => scaler.transform_one(x),
            Scaling::MinMax(scaler) => scaler.transform_one(x),
            Scaling::Robust(scaler) => scaler.transform_one(x),
            Scaling::Log(scaler) => scaler.transform_one(x),
            Scaling::Quantile(scaler) => scaler.transform_one(x),
            Scaling::None => x,
        }
    }
}
