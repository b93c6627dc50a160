//! Whole tables: nothing leaks from rows that are not fitted, a stored preprocessor gives the same
//! bits, and columns are found by name.

use wgrad::data::{ColumnType, Frame, Targets, Values};
use wgrad::preprocess::*;

use super::helpers::*;

const SPECS: [&str; 5] = [
    "{}",
    r#"{ "numbers": { "scale": "quantile", "missing": "mean", "outliers": "iqr" } }"#,
    r#"{ "numbers": { "scale": "min_max", "missing": -1.5, "outliers": { "quantile": [0.1, 0.9] } },
         "categories": { "one_hot": 2, "above": "ordinal" }, "dates": { "cyclic": false } }"#,
    r#"{ "numbers": { "scale": "log", "missing": "forward_fill", "outliers": "z_score" },
         "categories": { "one_hot": 0, "buckets": 7 }, "texts": { "buckets": 9, "ngrams": 1 } }"#,
    r#"{ "numbers": { "scale": "robust", "missing": "most_frequent" },
         "dates": { "parts": ["weekday", "elapsed"] } }"#,
];

#[test]
fn other_rows_change_nothing_that_is_fitted() {
    let frame = all_kinds(60);
    let train: Vec<usize> = (0..60).filter(|row| row % 3 != 0).collect();
    for text in SPECS {
        let spec = spec(text);
        let fitted = fit(&frame, &train, &spec);
        let alone = frame.select(&train);
        let all: Vec<usize> = (0..train.len()).collect();
        assert_eq!(fit(&alone, &all, &spec), fitted, "{text}");
        let json = serde_json::to_string(&fitted).unwrap();
        assert_eq!(
            serde_json::to_string(&fit(&alone, &all, &spec)).unwrap(),
            json
        );
    }
}

#[test]
fn a_column_that_equals_the_target_elsewhere_does_not_leak() {
    // Noise in 100 training rows; elsewhere the target, of another scale and with missing cells.
    let noise = noise(100);
    let target = |i: usize| {
        if i.is_multiple_of(7) {
            NAN
        } else {
            1e6 * (i % 2) as f64
        }
    };
    let cells: Vec<f64> = noise.iter().copied().chain((0..100).map(target)).collect();
    let train: Vec<usize> = (0..100).collect();
    for text in SPECS {
        let spec = spec(text);
        let with = fit(&numbers("leak", cells.clone()), &train, &spec);
        let without = fit(&numbers("leak", noise.clone()), &train, &spec);
        assert_eq!(with, without);
        assert_eq!(
            with.feature_names(),
            ["leak"],
            "no indicator: no training cell is missing"
        );
        let training = numbers("leak", noise.clone());
        let expected = without.transform(&training).unwrap().values;
        let found = with
            .transform(&numbers("leak", cells.clone()))
            .unwrap()
            .values;
        assert_eq!(found[..100], expected);
        assert!(found.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn a_stored_preprocessor_gives_the_same_bits() {
    let frame = all_kinds(60);
    let train: Vec<usize> = (0..40).collect();
    for text in SPECS {
        let fitted = fit(&frame, &train, &spec(text));
        let json = serde_json::to_string(&fitted).unwrap();
        let read: Preprocessor = serde_json::from_str(&json).unwrap();
        assert_eq!(read, fitted);
        let (found, expected) = (
            read.transform(&frame).unwrap(),
            fitted.transform(&frame).unwrap(),
        );
        let bits = |features: &Features| -> Vec<u32> {
            features.values.iter().map(|x| x.to_bits()).collect()
        };
        assert_eq!(bits(&found), bits(&expected));
        assert_eq!(found.names, expected.names);
        assert_eq!(found.values.len(), 60 * found.width);
        assert!(found.values.iter().all(|x| x.is_finite()));
        let later = json.replacen("\"version\":1", "\"version\":2", 1);
        let error = serde_json::from_str::<Preprocessor>(&later)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("version of the preprocessor is 2, but must be 1"),
            "{error}"
        );
    }
}

#[test]
fn settings_are_written_and_read() {
    for text in SPECS {
        let read = spec(text);
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(spec(&written), read, "{written}");
    }
    let unknown = serde_json::from_str::<PreprocessSpec>(r#"{ "number": {} }"#);
    assert!(
        unknown
            .unwrap_err()
            .to_string()
            .contains("unknown field `number`")
    );
    assert!(serde_json::from_str::<Missing>("\"modian\"").is_err());
}

#[test]
fn columns_are_found_by_name() {
    let frame = all_kinds(30);
    let rows: Vec<usize> = (0..30).collect();
    let fitted = fit(&frame, &rows, &PreprocessSpec::default());
    let expected = fitted.transform(&frame).unwrap();
    assert!(expected.ignored.is_empty());
    let mut reversed = numbers("extra", vec![1.0; 30]);
    for column in frame.columns().iter().rev() {
        reversed = reversed.with(&*column.name, column.values.clone()).unwrap();
    }
    let found = fitted.transform(&reversed).unwrap();
    assert_eq!(
        (&found.values, found.ignored),
        (&expected.values, vec!["extra".to_string()])
    );

    let groups = fitted.feature_groups();
    let columns: Vec<&str> = groups.iter().map(|group| &*group.column).collect();
    assert_eq!(
        columns,
        ["number", "flag", "color", "user", "date", "words"]
    );
    assert_eq!(groups[0].range.start, 0);
    assert!(
        groups
            .windows(2)
            .all(|pair| pair[0].range.end == pair[1].range.start)
    );
    assert_eq!(groups[5].range.end, expected.width);
    assert!(expected.names[groups[5].range.start].starts_with("words#"));

    let few = frame.select(&rows);
    let few = numbers("flag", vec![0.0; 30])
        .with("words", few.column("words").unwrap().values.clone())
        .unwrap();
    let error = fitted.transform(&few).unwrap_err().to_string();
    let expected = "the table: the columns \"number\", \"color\", \"user\", \"date\" are missing; \
                    found flag, words";
    assert_eq!(error, expected);
}

#[test]
fn columns_without_information_are_left_out() {
    let frame = numbers("constant", vec![5.0; 4])
        .with("empty", Values::Number(vec![NAN; 4]))
        .and_then(|f| f.with("sparse", Values::Number(vec![1.0, NAN, NAN, NAN])))
        .and_then(|f| f.with("same", categories(&[Some("x"); 4])))
        .and_then(|f| f.with("when", Values::Date(vec![1e9; 4])))
        .and_then(|f| f.with("text", texts(&[Some("same"); 4])))
        .and_then(|f| f.with("id", Values::Number(vec![1.0, 2.0, 3.0, 4.0])))
        .and_then(|f| f.with("x", Values::Number(vec![1.0, 2.0, 3.0, 4.0])))
        .unwrap();
    let mut types = types(&frame);
    types[6].1 = ColumnType::Id;
    let fitted = Preprocessor::fit(&frame, &[0, 1, 2, 3], &PreprocessSpec::default(), &types);
    let fitted = fitted.unwrap();
    assert_eq!(fitted.feature_names(), ["sparse is missing", "x"]);
    assert_eq!(
        fitted.left_out(),
        ["id", "constant", "empty", "same", "when", "text"]
    );
    let warnings: Vec<String> = fitted.warnings().iter().map(Warning::to_string).collect();
    assert_eq!(warnings.len(), 8, "{warnings:#?}");
    assert_eq!(
        warnings[1],
        "4 of 4 training cells of the column \"empty\" are missing"
    );
    // Columns that were left out are neither needed nor reported.
    let found = fitted.transform(&frame).unwrap();
    assert!(found.ignored.is_empty());
    let few = numbers("x", vec![2.0])
        .with("sparse", Values::Number(vec![NAN]))
        .unwrap();
    let found = fitted.transform(&few).unwrap();
    assert_eq!(found.values[0], 1.0);

    let error = fit_error(
        &numbers("a", vec![1.0, 1.0]),
        &[0, 1],
        &PreprocessSpec::default(),
    );
    assert!(
        error.contains("\"a\" has the same cell in all training rows"),
        "{error}"
    );
}

#[test]
fn errors_name_the_place() {
    let frame = numbers("a", vec![1.0, 2.0, f64::INFINITY]);
    let default = PreprocessSpec::default();
    let error = fit_error(&frame, &[2, 1], &default);
    assert!(
        error.starts_with("the column \"a\", row 2: expected a finite number"),
        "{error}"
    );
    let fitted = fit(&frame, &[0, 1], &default);
    let error = fitted.transform(&frame).unwrap_err().to_string();
    assert!(
        error.starts_with("the column \"a\", row 2: expected a finite number"),
        "{error}"
    );
    let error = fitted
        .transform(&numbers("a", vec![1e300]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("which is not finite as f32"), "{error}");
    let dates = |cells| Frame::new().with("d", Values::Date(cells)).unwrap();
    let fitted = fit(&dates(vec![0.0, 1e5]), &[0, 1], &default);
    for far in [1e300, f64::INFINITY] {
        let error = fitted
            .transform(&dates(vec![0.0, far]))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("the column \"d\", row 1: "), "{error}");
    }
    let fitted = fit(&numbers("a", vec![1.0, 2.0]), &[0, 1], &default);
    let text = Frame::new().with("a", texts(&[Some("b")])).unwrap();
    let error = fitted.transform(&text).unwrap_err().to_string();
    assert_eq!(error, "the column \"a\": expected numbers, found texts");
    let error = fit_error(&frame, &[0, 3], &default);
    assert_eq!(
        error,
        "a training row is 3, but must be below 3, the number of rows"
    );
    assert!(fit_error(&frame, &[], &default).contains("number of training rows is 0"));
    let error = fit_error(&frame, &[0, 1], &spec(r#"{ "overrides": { "b": {} } }"#));
    assert_eq!(error, "a column of `overrides` is b, but must be one of a");
    let error = fit_error(
        &frame,
        &[0, 1],
        &spec(r#"{ "overrides": { "a": { "ngrams": 1 } } }"#),
    );
    assert_eq!(
        error,
        "the setting of the column \"a\", which holds numbers, is ngrams, but must be one of \
         scale, missing, indicator, outliers"
    );
    let outliers = r#"{ "numbers": { "outliers": { "quantile": [0.9, 0.1] } } }"#;
    let error = fit_error(&frame, &[0, 1], &spec(outliers));
    assert!(
        error.contains("must be two numbers from 0 to 1 in ascending order"),
        "{error}"
    );
    let wrong = Preprocessor::fit(&frame, &[0, 1], &default, &[("a".into(), ColumnType::Date)]);
    let error = wrong.unwrap_err().to_string();
    assert_eq!(error, "the column \"a\": expected dates, found numbers");
    let twice = [
        ("a".into(), ColumnType::Number),
        ("a".into(), ColumnType::Id),
    ];
    let error = Preprocessor::fit(&frame, &[0, 1], &default, &twice).unwrap_err();
    assert!(error.to_string().contains("\"a\" has two types"), "{error}");
    let codes = Values::Category {
        codes: vec![0, 9],
        names: vec!["x".into()],
    };
    let error = fit_error(&Frame::new().with("c", codes).unwrap(), &[0, 1], &default);
    assert!(
        error.starts_with("the column \"c\", row 1: the code"),
        "{error}"
    );
    assert!(StandardScaler::fit(&[1e200, -1e200]).is_err());
    assert!(StandardScaler::fit(&[NAN]).is_err());
}

#[test]
fn features_become_a_data_set() {
    let frame = all_kinds(20);
    let fitted = fit(
        &frame,
        &(0..10).collect::<Vec<_>>(),
        &PreprocessSpec::default(),
    );
    let features = fitted.transform(&frame).unwrap();
    let names = features.names.clone();
    let set = features
        .into_dataset(Targets::classes(vec![0; 20], 2))
        .unwrap();
    assert_eq!((set.len(), set.feature_names()), (20, &names[..]));
}
