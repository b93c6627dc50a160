//! Preprocessing: from tables of numbers, categories, dates and texts to features.
//!
//! A [`Preprocessor`] is fitted to the training rows of a [`Frame`](crate::data::Frame), stored
//! with the model, and applied to other tables. It uses these transformers, which can be used
//! alone as well. Names and numbers are those of scikit-learn, where it has them; all arithmetic is
//! in f64.
//!
//! | columns | transformers |
//! |---|---|
//! | numbers | [`StandardScaler`], [`MinMaxScaler`], [`RobustScaler`], [`LogScaler`], [`QuantileTransformer`]; before them [`Clipper`] and [`SimpleImputer`] |
//! | categories | [`OneHotEncoder`], [`OrdinalEncoder`], [`HashEncoder`] |
//! | dates | [`DateEncoder`] |
//! | texts | [`HashingVectorizer`] |
//!
//! By default numbers are standardized, and missing ones replaced by the median; a column with
//! missing cells gets a second feature that indicates them. A column of only 0 and 1 stays as it
//! is: standardized, a 1 in one of 10,000 rows would become 100.
//!
//! # Example
//! ```
//! use wgrad::data::{ColumnType, Dataset, Frame, Targets, Values};
//! use wgrad::preprocess::{PreprocessSpec, Preprocessor};
//!
//! # fn main() -> wgrad::Result<()> {
//! let color = Values::Category {
//!     codes: vec![0, 1, 0, 2],
//!     names: vec!["red".into(), "blue".into(), "green".into()],
//! };
//! let day = 86_400.0;
//! let table = Frame::new()
//!     .with("price", Values::Number(vec![10.0, 30.0, f64::NAN, 1000.0]))?
//!     .with("color", color)?
//!     .with("sold", Values::Date(vec![0.0, day, 2.0 * day, 900.0 * day]))?;
//! let types = [
//!     ("price".to_string(), ColumnType::Number),
//!     ("color".to_string(), ColumnType::Category),
//!     ("sold".to_string(), ColumnType::Date),
//! ];
//!
//! // Fit to the first three rows. The last one is for the test: its price and color are unknown.
//! let mut spec = PreprocessSpec::default();
//! spec.dates.cyclic = false;
//! let fitted = Preprocessor::fit(&table, &[0, 1, 2], &spec, &types)?;
//! assert_eq!(
//!     fitted.feature_names(),
//!     [
//!         "price", "price is missing", "color=blue", "color=red",
//!         "sold.day", "sold.weekday", "sold.elapsed"
//!     ]
//! );
//! assert_eq!(fitted.feature_groups()[1].range, 2..4);
//!
//! let features = fitted.transform(&table)?;
//! assert_eq!(features.row(2).map(|row| &row[..4]), Some(&[0.0, 1.0, 0.0, 1.0][..]));
//! assert_eq!(features.row(3).map(|row| &row[2..4]), Some(&[0.0, 0.0][..]));
//!
//! let width = features.width;
//! let set = Dataset::from_arrays(features.values, [width], Targets::values(vec![1.0; 4]))?;
//! assert_eq!(set.len(), 4);
//! # Ok(())
//! # }
//! ```

mod categories;
mod civil;
mod clip;
mod dates;
mod encoder;
mod features;
mod hash;
mod impute;
mod numbers;
mod preprocessor;
mod quantile;
mod scale;
mod scaling;
mod spec;
mod stats;
mod texts;
mod warning;

pub use categories::{HashEncoder, OneHotEncoder, OrdinalEncoder};
pub use clip::{Clipper, Outliers};
pub use dates::{DateEncoder, DatePart};
pub use features::{FeatureGroup, Features};
pub use impute::{Missing, SimpleImputer};
pub use preprocessor::Preprocessor;
pub use quantile::QuantileTransformer;
pub use scale::{LogScaler, MinMaxScaler, RobustScaler, StandardScaler};
pub use scaling::Scale;
pub use spec::{
    CategorySpec, ColumnSpec, DateSpec, ManyNames, NumberSpec, PreprocessSpec, TextSpec,
};
pub use texts::HashingVectorizer;
pub use warning::Warning;
