//! `[data]` of format `table`: a table as people have it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{ColumnType, ReadOptions};
use crate::preprocess::PreprocessSpec;
use crate::schema::range;

/// A table with columns of numbers, categories, dates and texts, also with missing cells. The types
/// of the columns are inferred, and all columns except the target become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableSpec {
    /// The file: CSV, TSV or another delimited text, also with gzip.
    #[schemars(with = "range::Text", extend("examples" = ["table.csv"]))]
    pub path: PathBuf,
    /// A second file for the test, with the same columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub test_path: Option<PathBuf>,
    /// The name of the target column.
    #[schemars(with = "range::Text", extend("examples" = ["label"]))]
    pub target: String,
    /// The names of columns that are ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "range::Texts")]
    pub ignore: Vec<String>,
    /// The types of columns, by name. Default: they are inferred from all cells.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ColumnType>,
    /// The delimiter of cells, one ASCII character. Default: it is found by the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The decimal mark of numbers, `.` or `,`. Default: it is found by the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// The encoding of the text, such as `latin1`. Default: it is found by the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub encoding: Option<String>,
    /// Whether the first line has the names of the columns. Default: it is found by the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// How columns become features.
    #[serde(default)]
    pub preprocessing: PreprocessSpec,
}

impl TableSpec {
    /// Returns how the file is read.
    pub fn options(&self) -> ReadOptions {
        ReadOptions {
            delimiter: self.delimiter,
            header: self.header,
            decimal: self.decimal,
            encoding: self.encoding.clone(),
        }
    }
}
