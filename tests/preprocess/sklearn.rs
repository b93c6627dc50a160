//! Compares the transformers with scikit-learn and pandas: see `tests/preprocess/preprocess.py` for
//! the keys. All are fitted to the training rows of a table, and applied to all rows.

use std::collections::{BTreeMap, BTreeSet};

use safetensors::{Dtype, SafeTensors};
use wgrad::data::{ColumnType, Frame, MISSING, Values};
use wgrad::preprocess::*;

/// The largest difference, relative to numbers above 1.
const TOLERANCE: f64 = 1e-12;

const TABLES: [&str; 6] = [
    "iris",
    "wine",
    "breast_cancer",
    "diabetes",
    "grunfeld",
    "co2",
];

struct Fixture {
    tensors: BTreeMap<String, Vec<f64>>,
    names: BTreeMap<String, Vec<String>>,
}

impl Fixture {
    fn read() -> Self {
        let bytes = include_bytes!("preprocess.safetensors");
        let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
        let names = &metadata.metadata().as_ref().unwrap()["names"];
        let mut tensors = BTreeMap::new();
        for (key, view) in SafeTensors::deserialize(bytes).unwrap().tensors() {
            let chunks = || view.data().chunks_exact(8).map(|c| c.try_into().unwrap());
            let numbers = match view.dtype() {
                Dtype::F64 => chunks().map(f64::from_le_bytes).collect(),
                Dtype::I64 => chunks().map(|c| i64::from_le_bytes(c) as f64).collect(),
                Dtype::U8 => view.data().iter().map(|b| f64::from(*b)).collect(),
                other => panic!("{key} is {other:?}"),
            };
            tensors.insert(key, numbers);
        }
        Fixture {
            tensors,
            names: serde_json::from_str(names).unwrap(),
        }
    }

    fn get(&self, key: &str) -> &[f64] {
        let found = self.tensors.get(key);
        found.unwrap_or_else(|| panic!("{key} is not in the fixture"))
    }

    fn rows(&self, table: &str) -> Vec<usize> {
        let rows = self.get(&format!("{table}/rows"));
        rows.iter().map(|row| *row as usize).collect()
    }

    /// The columns of numbers of a table.
    fn columns(&self, table: &str) -> BTreeSet<String> {
        let keys = self.tensors.keys();
        let column = |key: &String| {
            let rest = key.strip_prefix(&format!("{table}/number/"))?;
            Some(rest.split('/').next()?.to_string())
        };
        keys.filter_map(column).collect()
    }

    fn category<'a>(&'a self, table: &str) -> Vec<Option<&'a str>> {
        let cells = self.get(&format!("{table}/category/cells"));
        let name = |code: &f64| self.names[table].get(*code as usize);
        let present = |code: &&f64| **code >= 0.0;
        let cell = |code| {
            Some(code)
                .filter(present)
                .and_then(name)
                .map(String::as_str)
        };
        cells.iter().map(cell).collect()
    }
}

#[track_caller]
fn assert_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let close = (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0);
        let both_missing = found.is_nan() && expected.is_nan();
        assert!(
            close || both_missing,
            "{what}: {i} is {found}, expected {expected}"
        );
    }
}

fn select<T: Copy>(cells: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|row| cells[*row]).collect()
}

#[test]
fn numbers_are_those_of_scikit_learn() {
    let fixture = Fixture::read();
    let mut columns = 0;
    for table in TABLES {
        let rows = fixture.rows(table);
        for column in fixture.columns(table) {
            let get = |key: &str| fixture.get(&format!("{table}/number/{column}/{key}"));
            let cells = get("cells");
            let train = select(cells, &rows);
            let check = |key: &str, found: Vec<f64>| {
                assert_close(&format!("{table}/{column}/{key}"), &found, get(key));
            };
            check(
                "standard",
                StandardScaler::fit(&train).unwrap().transform(cells),
            );
            check(
                "min_max",
                MinMaxScaler::fit(&train).unwrap().transform(cells),
            );
            check(
                "robust",
                RobustScaler::fit(&train).unwrap().transform(cells),
            );
            check("log", LogScaler::fit(&train).unwrap().transform(cells));
            let ranks = QuantileTransformer::fit(&train).unwrap();
            check("quantile", ranks.transform(cells));
            let ranks = QuantileTransformer::fit_quantiles(&train, 7).unwrap();
            check("quantile_7", ranks.transform(cells));
            for (key, strategy) in [
                ("mean", Missing::Mean),
                ("median", Missing::Median),
                ("most_frequent", Missing::MostFrequent),
            ] {
                let imputer = SimpleImputer::fit(&train, strategy).unwrap();
                check(key, imputer.transform(cells));
            }
            columns += 1;
        }
    }
    assert_eq!(columns, 22);
}

#[test]
fn categories_are_those_of_scikit_learn() {
    let fixture = Fixture::read();
    for table in TABLES {
        let cells = fixture.category(table);
        let train = select(&cells, &fixture.rows(table));
        let get = |key: &str| fixture.get(&format!("{table}/category/{key}"));
        let one_hot = OneHotEncoder::fit(&train);
        assert_eq!(one_hot.transform(&cells), get("one_hot"), "{table}");
        let ordinal = OrdinalEncoder::fit(&train).transform(&cells);
        let ordinal: Vec<f64> = ordinal.into_iter().map(|i| i as f64).collect();
        assert_eq!(ordinal, get("ordinal"), "{table}");
        // The fixture has missing cells, and, with more than two names, one that is not fitted.
        assert!(cells.contains(&None), "{table}");
        let fitted = one_hot.names().len();
        let unseen = usize::from(fixture.names[table].len() > 2);
        assert_eq!(fitted, fixture.names[table].len() - unseen, "{table}");
    }
}

/// The default of a preprocessor is scikit-learn's pipeline of imputer and scaler, rounded to f32.
#[test]
fn a_preprocessor_is_a_pipeline_of_scikit_learn() {
    let fixture = Fixture::read();
    for table in TABLES {
        let rows = fixture.rows(table);
        let mut frame = Frame::new();
        let mut types = Vec::new();
        for column in fixture.columns(table) {
            let cells = fixture.get(&format!("{table}/number/{column}/cells"));
            types.push((column.clone(), ColumnType::Number));
            frame = frame.with(column, Values::Number(cells.to_vec())).unwrap();
        }
        let codes = fixture.get(&format!("{table}/category/cells")).iter();
        let code = |code: &f64| if *code < 0.0 { MISSING } else { *code as u32 };
        let cells = Values::Category {
            codes: codes.map(code).collect(),
            names: fixture.names[table].clone(),
        };
        frame = frame.with("category", cells).unwrap();
        types.push(("category".to_string(), ColumnType::Category));
        let spec = PreprocessSpec::default();
        let fitted = Preprocessor::fit(&frame, &rows, &spec, &types).unwrap();
        let features = fitted.transform(&frame).unwrap();
        assert_eq!(features.values.len(), features.rows * features.width);
        for group in fitted.feature_groups() {
            let feature = |i: usize| {
                let row = features.values.chunks(features.width);
                row.map(|row| row[i]).collect::<Vec<f32>>()
            };
            if group.column == "category" {
                let width = group.range.len();
                let key = format!("{table}/category/one_hot");
                for (row, expected) in fixture.get(&key).chunks(width).enumerate() {
                    let found = &features.row(row).unwrap()[group.range.clone()];
                    assert!(
                        found
                            .iter()
                            .map(|x| f64::from(*x))
                            .eq(expected.iter().copied())
                    );
                }
                continue;
            }
            let get = |key: &str| fixture.get(&format!("{table}/number/{}/{key}", group.column));
            for (found, expected) in feature(group.range.start).iter().zip(get("pipeline")) {
                // Both are rounded to f32 from f64 numbers whose last bits may differ.
                let error = (f64::from(*found) - expected).abs();
                assert!(error <= f64::from(f32::EPSILON) * expected.abs().max(1e-6));
            }
            let cells = get("cells");
            let missing = rows.iter().any(|row| cells[*row].is_nan());
            assert_eq!(group.range.len(), 1 + usize::from(missing));
            if missing {
                let indicator = feature(group.range.start + 1);
                assert!(
                    indicator
                        .iter()
                        .zip(cells)
                        .all(|(i, x)| (*i == 1.0) == x.is_nan())
                );
            }
        }
    }
}

#[test]
fn forward_fill_is_that_of_pandas() {
    let fixture = Fixture::read();
    let cells = fixture.get("forward/cells");
    assert!(cells.iter().any(|x| x.is_nan()));
    let imputer = SimpleImputer::fit(cells, Missing::ForwardFill).unwrap();
    assert_eq!(imputer.transform(cells), fixture.get("forward/filled"));
    // At the beginning, pandas leaves missing cells.
    let filled = SimpleImputer::fit(&[f64::NAN, 1.0, 3.0, 8.0], Missing::ForwardFill).unwrap();
    assert_eq!(
        filled.transform(&[f64::NAN, 7.0, f64::NAN]),
        [3.0, 7.0, 7.0]
    );
}

#[test]
fn parts_of_dates_are_those_of_pandas() {
    let fixture = Fixture::read();
    let (seconds, parts) = (fixture.get("dates/seconds"), fixture.get("dates/parts"));
    let named = [
        (DatePart::Year, None),
        (DatePart::Month, Some((1.0, 12.0))),
        (DatePart::Day, Some((1.0, 31.0))),
        (DatePart::Weekday, Some((0.0, 7.0))),
        (DatePart::Hour, Some((0.0, 24.0))),
    ];
    for (column, (part, period)) in named.into_iter().enumerate() {
        let values: Vec<f64> = parts.chunks(5).map(|row| row[column]).collect();
        let standard = StandardScaler::fit(&values).unwrap().transform(&values);
        let numbers = DateEncoder::fit(seconds, &[part], false).unwrap();
        assert_close("a part", &numbers.transform(seconds), &standard);
        if let Some((first, period)) = period {
            let angle = |x: &f64| std::f64::consts::TAU * (x - first) / period;
            let circle = |x: &f64| [angle(x).sin(), angle(x).cos()];
            let circle: Vec<f64> = values.iter().flat_map(circle).collect();
            let encoder = DateEncoder::fit(seconds, &[part], true).unwrap();
            assert_close("a circle", &encoder.transform(seconds), &circle);
        }
    }
}

#[test]
fn hashes_are_the_same_in_python() {
    let fixture = Fixture::read();
    let texts: Vec<Option<&str>> = fixture.names["texts"].iter().map(|t| Some(&**t)).collect();
    let words = HashingVectorizer::new(24, 2).unwrap();
    assert_close(
        "texts",
        &words.transform(&texts),
        fixture.get("texts/hashed"),
    );
    let encoder = HashEncoder::new(64).unwrap();
    let index = |name: &String| encoder.index(name) as f64;
    let buckets: Vec<f64> = fixture.names["grunfeld"].iter().map(index).collect();
    assert_eq!(buckets, fixture.get("hashed/buckets"));
}
