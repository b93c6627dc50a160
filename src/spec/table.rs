//! `[data]` of format `table`: a table as people have it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::Names;
use crate::data::{ColumnType, FileList, ReadOptions};
use crate::preprocess::PreprocessSpec;
use crate::schema::{ByteSize, Path, SettingError, range};

/// A table with columns of numbers, categories, dates and texts, also with missing cells. The types
/// of the columns are inferred, and all columns except the target become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableSpec {
    /// The file, a list of files, or a pattern such as `part-*.csv`: CSV, TSV or another delimited
    /// text, or JSON, also with gzip; Parquet; or a folder with one subfolder of texts per class.
    #[schemars(with = "range::TextOrTexts", extend("examples" = ["table.csv"]))]
    pub path: FileList,
    /// Files for the test, with the same columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::TextOrTexts>")]
    pub test_path: Option<FileList>,
    /// The name of the target column, or a list of names for several targets: columns of numbers,
    /// or columns of booleans, which are labels that a row has or has not.
    #[schemars(extend("examples" = ["label"]))]
    pub target: Names,
    /// The separator of labels in a target column with several labels in a cell, such as `"|"`.
    /// Default: a cell is one class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub separator: Option<String>,
    /// The positive of two classes. It becomes the second class, which the metrics of two classes
    /// are for. Default: the last class in the order of numbers and letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub positive: Option<String>,
    /// The names of columns that are ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "range::Texts")]
    pub ignore: Vec<String>,
    /// The types of columns, by name. Default: they are inferred from all cells.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ColumnType>,
    /// The column that names the split of each row: `train`, `validation` or `test`; or numbers,
    /// the largest for the test and the second largest for validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub split: Option<String>,
    /// The column of groups, such as patients: all rows of a group are in the same split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub group: Option<String>,
    /// The column with the time of each row, a date or a number: the last rows are for the test,
    /// and those before them for validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub time: Option<String>,
    /// For a forecast: the number of consecutive rows that a prediction is made from. The rows are
    /// in the order of `time`, or of the file, and the splits follow one another. Default: each row
    /// is a sample of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub window: Option<usize>,
    /// For a forecast: the number of rows after the window whose targets are predicted. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub horizon: Option<usize>,
    /// For a forecast: the number of rows of a season, at most `window`. The model predicts the
    /// difference from the values one season before. Default: from the last value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub season: Option<usize>,
    /// For a forecast: whether the network gets the differences of the target's values from the last
    /// value in the window, instead of the values: those of a series with a trend grow out of the
    /// range of the training rows. Default: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<bool>,
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
    /// Words that mean that a cell is missing, in upper or lower case, besides the usual ones such as
    /// `NA`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "range::Texts", extend("examples" = [["unknown"]]))]
    pub missing: Vec<String>,
    /// Whether the first line has the names of the columns. Default: it is found by the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The largest amount of memory for the cells and features of the table, such as `"512 MiB"`.
    /// The features of a larger table are written to a file beside the run, and read from it by
    /// the batch; the preprocessing is fitted to a random sample of the training rows. The targets
    /// and the order of the rows stay in memory: about 50 bytes for each row. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<ByteSize>,
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
            missing: self.missing.clone(),
        }
    }

    /// Checks constraints between settings.
    pub(super) fn conflicts(&self, at: &Path) -> Result<(), SettingError> {
        let ways = [
            ("split", self.split.is_some()),
            ("group", self.group.is_some()),
            ("time", self.time.is_some()),
        ];
        let mut set = ways.iter().filter(|(_, set)| *set).map(|(key, _)| *key);
        if let (Some(first), Some(second)) = (set.next(), set.next()) {
            let message = format!("`{first}` and `{second}` both determine the splits");
            return Err(SettingError::new(at.key(second), message).help("leave one of them out"));
        }
        if self.split.is_some() && self.test_path.is_some() {
            let message = "`split` determines the test rows, but `test_path` is set too";
            return Err(SettingError::new(at.key("split"), message).help("leave one of them out"));
        }
        let Some(window) = self.window else {
            let only = [
                ("horizon", self.horizon.is_some()),
                ("season", self.season.is_some()),
                ("difference", self.difference.is_some()),
            ];
            return match only.iter().find(|(_, set)| *set) {
                Some((key, _)) => {
                    let message = format!("`{key}` is for a forecast, which has a `window`");
                    Err(SettingError::new(at.key(key), message))
                }
                None => self.single_target(at),
            };
        };
        let others = [
            ("split", self.split.is_some()),
            ("group", self.group.is_some()),
            ("separator", self.separator.is_some()),
            ("positive", self.positive.is_some()),
        ];
        if let Some((key, _)) = others.iter().find(|(_, set)| *set) {
            let message = format!("`{key}` does not apply to a forecast, which has a `window`");
            return Err(SettingError::new(at.key(key), message));
        }
        match self.season {
            Some(season) if season > window => {
                let message = format!("`season` is {season}, but `window` has {window} rows only");
                let help = "choose a window of at least one season";
                Err(SettingError::new(at.key("season"), message).help(help))
            }
            _ => Ok(()),
        }
    }

    /// Checks the settings that are for a single target.
    fn single_target(&self, at: &Path) -> Result<(), SettingError> {
        if self.target.iter().len() > 1 {
            let only = [
                ("separator", self.separator.is_some()),
                ("positive", self.positive.is_some()),
            ];
            if let Some((key, _)) = only.iter().find(|(_, set)| *set) {
                let message = format!("`{key}` is for a single target, but there are several");
                return Err(SettingError::new(at.key(key), message));
            }
        }
        Ok(())
    }
}
