//! The settings of preprocessing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clip::Outliers;
use super::dates::DatePart;
use super::impute::Missing;
use super::scaling::Scale;
use crate::error::{Error, Result};
use crate::schema::range;

/// The settings of a [`Preprocessor`](super::Preprocessor), by kind of column.
///
/// # Example
/// ```
/// use wgrad::preprocess::{PreprocessSpec, Scale};
///
/// let text = r#"{
///     "numbers": { "scale": "robust" },
///     "overrides": { "income": { "scale": "log", "outliers": "iqr" } }
/// }"#;
/// let spec: PreprocessSpec = serde_json::from_str(text)?;
/// assert_eq!(spec.numbers.scale, Scale::Robust);
/// assert_eq!(spec.overrides["income"].scale, Some(Scale::Log));
/// assert_eq!(spec.categories.one_hot, 32);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessSpec {
    /// The settings of numbers.
    pub numbers: NumberSpec,
    /// The settings of categories.
    pub categories: CategorySpec,
    /// The settings of dates.
    pub dates: DateSpec,
    /// The settings of texts.
    pub texts: TextSpec,
    /// Settings of single columns, by name.
    pub overrides: BTreeMap<String, ColumnSpec>,
}

/// The settings of columns of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NumberSpec {
    /// The scale. A column whose training cells are all 0 or 1 stays as it is, unless
    /// `overrides` sets its scale.
    pub scale: Scale,
    /// The number that replaces missing ones.
    pub missing: Missing,
    /// Whether a column with missing training cells gets a second feature: 1 where the cell is
    /// missing, 0 elsewhere.
    pub indicator: bool,
    /// Which numbers are clipped as outliers.
    pub outliers: Outliers,
}

impl Default for NumberSpec {
    fn default() -> Self {
        NumberSpec {
            scale: Scale::default(),
            missing: Missing::default(),
            indicator: true,
            outliers: Outliers::default(),
        }
    }
}

/// How categories with many names are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ManyNames {
    /// As one of `buckets` features, by a hash of the name.
    #[default]
    Hash,
    /// As one feature, the index of the name, for an embedding: the network of a configuration gets
    /// vectors that it learns in place of the indices.
    Ordinal,
}

/// The settings of categories.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CategorySpec {
    /// The most names of a column that is encoded with one feature for each name.
    pub one_hot: usize,
    /// How columns with more names are encoded.
    pub above: ManyNames,
    /// The number of features of a hashed column.
    #[schemars(with = "range::Count<1>")]
    pub buckets: usize,
}

impl Default for CategorySpec {
    fn default() -> Self {
        CategorySpec {
            one_hot: 32,
            above: ManyNames::default(),
            buckets: 64,
        }
    }
}

/// The settings of dates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DateSpec {
    /// The parts that become features. Those that are the same in all training cells are left out.
    pub parts: Vec<DatePart>,
    /// Whether month, day, weekday and hour become sine and cosine.
    pub cyclic: bool,
}

impl Default for DateSpec {
    fn default() -> Self {
        DateSpec {
            parts: DatePart::ALL.to_vec(),
            cyclic: true,
        }
    }
}

/// The settings of texts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TextSpec {
    /// The number of features.
    #[schemars(with = "range::Count<1>")]
    pub buckets: usize,
    /// The most words of an n-gram.
    #[schemars(with = "range::Count<1>")]
    pub ngrams: usize,
}

impl Default for TextSpec {
    fn default() -> Self {
        TextSpec {
            buckets: 1024,
            ngrams: 2,
        }
    }
}

/// The settings of one column, in place of those of its kind. Only settings of its kind may be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnSpec {
    /// Of numbers: the scale, also of a column of 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Of numbers: the number that replaces missing ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// Of numbers: whether a feature indicates missing cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indicator: Option<bool>,
    /// Of numbers: which ones are clipped as outliers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<Outliers>,
    /// Of categories: the most names for one feature each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_hot: Option<usize>,
    /// Of categories: how more names are encoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<ManyNames>,
    /// Of categories and texts: the number of buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub buckets: Option<usize>,
    /// Of dates: the parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<DatePart>>,
    /// Of dates: whether parts become sine and cosine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cyclic: Option<bool>,
    /// Of texts: the most words of an n-gram.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub ngrams: Option<usize>,
}

/// The settings of columns of numbers, and whether the scale is set for the column itself.
pub(super) struct NumberSettings {
    pub spec: NumberSpec,
    pub scale_is_set: bool,
}

impl PreprocessSpec {
    /// Returns the settings of a column of numbers.
    pub(super) fn numbers_of(&self, column: &str) -> Result<NumberSettings> {
        let keys = &["scale", "missing", "indicator", "outliers"];
        let own = self.own(column, "numbers", keys)?;
        Ok(NumberSettings {
            scale_is_set: own.scale.is_some(),
            spec: NumberSpec {
                scale: own.scale.unwrap_or(self.numbers.scale),
                missing: own.missing.unwrap_or(self.numbers.missing),
                indicator: own.indicator.unwrap_or(self.numbers.indicator),
                outliers: own.outliers.unwrap_or(self.numbers.outliers),
            },
        })
    }

    /// Returns the settings of a column of categories.
    pub(super) fn categories_of(&self, column: &str) -> Result<CategorySpec> {
        let own = self.own(column, "categories", &["one_hot", "above", "buckets"])?;
        Ok(CategorySpec {
            one_hot: own.one_hot.unwrap_or(self.categories.one_hot),
            above: own.above.unwrap_or(self.categories.above),
            buckets: own.buckets.unwrap_or(self.categories.buckets),
        })
    }

    /// Returns the settings of a column of dates.
    pub(super) fn dates_of(&self, column: &str) -> Result<DateSpec> {
        let own = self.own(column, "dates", &["parts", "cyclic"])?;
        Ok(DateSpec {
            parts: own.parts.unwrap_or_else(|| self.dates.parts.clone()),
            cyclic: own.cyclic.unwrap_or(self.dates.cyclic),
        })
    }

    /// Returns the settings of a column of texts.
    pub(super) fn texts_of(&self, column: &str) -> Result<TextSpec> {
        let own = self.own(column, "texts", &["buckets", "ngrams"])?;
        Ok(TextSpec {
            buckets: own.buckets.unwrap_or(self.texts.buckets),
            ngrams: own.ngrams.unwrap_or(self.texts.ngrams),
        })
    }

    /// Returns the column's own settings, which may only have these keys.
    fn own(&self, column: &str, kind: &str, keys: &[&str]) -> Result<ColumnSpec> {
        let own = self.overrides.get(column).cloned().unwrap_or_default();
        let set = serde_json::to_value(&own).unwrap_or_default();
        let mut set = set.as_object().into_iter().flat_map(|table| table.keys());
        match set.find(|key| !keys.contains(&key.as_str())) {
            None => Ok(own),
            Some(key) => Err(Error::argument(
                format!("the setting of the column {column:?}, which holds {kind},"),
                key,
                format!("one of {}", keys.join(", ")),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    /// Returns the error of settings that a configuration file may contain.
    fn error(text: &str) -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let checked = schema::check(&value, schema::of::<PreprocessSpec>().as_value());
        checked.err().map(|e| e.to_string())
    }

    #[test]
    fn the_schema_accepts_what_serde_reads() {
        let accepted = [
            "{}",
            r#"{ "numbers": { "missing": "most_frequent", "outliers": "z_score" } }"#,
            r#"{ "numbers": { "missing": -1.5, "outliers": { "quantile": [0.01, 0.99] } } }"#,
            r#"{ "categories": { "one_hot": 0, "above": "ordinal", "buckets": 1 } }"#,
            r#"{ "dates": { "parts": ["year", "elapsed"], "cyclic": false } }"#,
            r#"{ "texts": { "ngrams": 3 }, "overrides": { "a": { "missing": 0, "buckets": 2 } } }"#,
        ];
        for text in accepted {
            assert_eq!(error(text), None, "{text}");
            serde_json::from_str::<PreprocessSpec>(text).unwrap();
        }
        let written = serde_json::to_string(&PreprocessSpec::default()).unwrap();
        assert_eq!(error(&written), None, "{written}");
    }

    #[test]
    fn the_schema_rejects_other_settings() {
        let rejected = [
            r#"{ "numbers": { "missing": "modian" } }"#,
            r#"{ "numbers": { "scale": "minmax" } }"#,
            r#"{ "categories": { "buckets": 0 } }"#,
            r#"{ "texts": { "ngrams": 0 } }"#,
            r#"{ "numbers": { "outliers": { "quantile": [0.5, 2] } } }"#,
            r#"{ "numbers": { "outliers": { "quantiles": [0, 1] } } }"#,
            r#"{ "overrides": { "a": { "bucket": 1 } } }"#,
            r#"{ "overrides": { "a": { "scale": "big" } } }"#,
        ];
        for text in rejected {
            assert!(error(text).is_some(), "{text}");
        }
    }
}
