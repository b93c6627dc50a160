//! A fitted column of numbers: outliers, missing cells, and the scale.

use serde::{Deserialize, Serialize};

use super::clip::{Clipper, Outliers};
use super::encoder::{Block, infinite_cell};
use super::impute::SimpleImputer;
use super::scaling::{Scale, Scaling};
use super::spec::NumberSettings;
use super::stats;
use super::warning::Warning;
use crate::error::{Error, Result};

/// Clips, imputes and scales numbers, in this order. Each part is fitted to the result of those
/// before it, as in a pipeline of scikit-learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct NumberEncoder {
    clipper: Clipper,
    imputer: SimpleImputer,
    /// `None` if the training cells were the same, and only the indicator is a feature.
    scaling: Option<Scaling>,
    indicator: bool,
}

impl NumberEncoder {
    /// Fits the parts to the training cells of a column. `None` if no feature is left.
    pub(super) fn fit(
        column: &str,
        cells: &[f64],
        settings: &NumberSettings,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<Self>> {
        let spec = &settings.spec;
        let found = stats::present(cells)?;
        // Standardized, a 1 that occurs in one of 10,000 rows would be 100, and clipped it would
        // be 0.
        let binary = !settings.scale_is_set && found.iter().all(|x| *x == 0.0 || *x == 1.0);
        let (scale, outliers) = match binary {
            true => (Scale::None, Outliers::None),
            false => (spec.scale, spec.outliers),
        };
        let clipper = Clipper::fit(&found, outliers)?;
        let clipped = clipper.transform(cells);
        let imputer = SimpleImputer::fit(&clipped, spec.missing)?;
        let imputed = imputer.transform(&clipped);
        let indicator = spec.indicator && imputer.had_missing() && !found.is_empty();
        let constant = imputed.iter().all(|x| Some(x) == imputed.first());
        let scaling = match constant {
            true => None,
            false => Some(Scaling::fit(&imputed, scale)?),
        };
        if let Some(scaling) = &scaling {
            warnings.extend(Warning::indistinct(column, &imputed, |x| {
                scaling.transform_one(x) as f32
            }));
        }
        if scaling.is_none() && !indicator {
            return Ok(None);
        }
        if scaling.is_none() {
            warnings.push(Warning::Constant {
                column: column.to_string(),
            });
        }
        Ok(Some(NumberEncoder {
            clipper,
            imputer,
            scaling,
            indicator,
        }))
    }

    /// Returns whether the number is a feature.
    pub(super) fn has_value(&self) -> bool {
        self.scaling.is_some()
    }

    /// Returns whether its last feature indicates missing cells.
    pub(super) fn has_indicator(&self) -> bool {
        self.indicator
    }

    /// Writes the features of all cells.
    pub(super) fn transform(&self, column: &str, cells: &[f64], mut block: Block) -> Result<()> {
        if let Some(row) = cells.iter().position(|x| x.is_infinite()) {
            return Err(infinite_cell(column, row));
        }
        let imputed = self.imputer.transform(&self.clipper.transform(cells));
        for (row, (features, (x, cell))) in block.rows().zip(imputed.iter().zip(cells)).enumerate()
        {
            let mut features = features.iter_mut();
            if let Some(scaling) = &self.scaling {
                let scaled = scaling.transform_one(*x);
                if !(scaled as f32).is_finite() {
                    let reason = format!(
                        "{cell} becomes {scaled}, which is not finite as f32; set `outliers`, or \
                         `scale` to \"log\" or \"quantile\""
                    );
                    let place = format!("the column {column:?}, row {row}");
                    return Err(Error::data(place, reason));
                }
                if let Some(feature) = features.next() {
                    *feature = scaled as f32;
                }
            }
            if let Some(feature) = features.next().filter(|_| cell.is_nan()) {
                *feature = 1.0;
            }
        }
        Ok(())
    }
}
