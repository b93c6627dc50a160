//! Single columns: numbers stay distinct, and missing and unknown cells are accepted.

use wgrad::data::{Frame, Values};
use wgrad::preprocess::*;

use super::helpers::*;

#[test]
fn milliseconds_since_1970_stay_distinct() {
    let cells = vec![
        1_700_000_000_000.0,
        1_700_000_000_100.0,
        1_700_000_050_000.0,
    ];
    let frame = numbers("time", cells.clone());
    for scale in ["standard", "min_max", "robust", "log", "quantile"] {
        let text = format!(r#"{{ "numbers": {{ "scale": "{scale}" }} }}"#);
        let fitted = fit(&frame, &[0, 1, 2], &spec(&text));
        let found = fitted.transform(&frame).unwrap().values;
        assert!(
            found[0] < found[1] && found[1] < found[2],
            "{scale}: {found:?}"
        );
        assert!(fitted.warnings().is_empty(), "{scale}");
    }
    let fitted = fit(
        &frame,
        &[0, 1, 2],
        &spec(r#"{ "numbers": { "scale": "none" } }"#),
    );
    let indistinct = Warning::Indistinct {
        column: "time".to_string(),
        distinct: 3,
        features: 1,
    };
    assert_eq!(fitted.warnings(), [indistinct]);
    // Standardized by hand: the mean is 16,700 above the first cell.
    let std = ((16_700f64.powi(2) + 16_600f64.powi(2) + 33_300f64.powi(2)) / 3.0).sqrt();
    let fitted = fit(&frame, &[0, 1, 2], &PreprocessSpec::default());
    let found = fitted.transform(&frame).unwrap().values;
    for (found, centered) in found.iter().zip([-16_700.0, -16_600.0, 33_300.0]) {
        assert!((f64::from(*found) - centered / std).abs() < 1e-7);
    }
}

#[test]
fn columns_of_0_and_1_stay_as_they_are() {
    let mut cells = vec![0.0; 1000];
    cells[7] = 1.0;
    let frame = numbers("rare", cells.clone());
    let rows: Vec<usize> = (0..1000).collect();
    let standard = r#"{ "numbers": { "scale": "standard", "outliers": "iqr" } }"#;
    let found = fit(&frame, &rows, &spec(standard))
        .transform(&frame)
        .unwrap();
    assert!(
        found
            .values
            .iter()
            .zip(&cells)
            .all(|(a, b)| f64::from(*a) == *b)
    );
    let scaled = spec(r#"{ "overrides": { "rare": { "scale": "standard" } } }"#);
    let found = fit(&frame, &rows, &scaled).transform(&frame).unwrap();
    assert!((found.values[7] - 999f32.sqrt()).abs() < 1e-4);
}

#[test]
fn missing_cells_have_indicators_only_if_some_were_missing_in_training() {
    let frame = numbers("a", vec![1.0, 3.0, NAN, 8.0])
        .with("b", Values::Number(vec![2.0, 4.0, 6.0, NAN]))
        .unwrap();
    let fitted = fit(
        &frame,
        &[0, 1, 2],
        &spec(r#"{ "numbers": { "scale": "none" } }"#),
    );
    assert_eq!(fitted.feature_names(), ["a", "a is missing", "b"]);
    let found = fitted.transform(&frame).unwrap();
    let expected = [1.0, 0.0, 2.0, 3.0, 0.0, 4.0, 2.0, 1.0, 6.0, 8.0, 0.0, 4.0];
    assert_eq!(found.values, expected);
    let plain = r#"{ "numbers": { "scale": "none", "indicator": false, "missing": 0.5 } }"#;
    let fitted = fit(&frame, &[0, 1, 2], &spec(plain));
    assert_eq!(fitted.feature_names(), ["a", "b"]);
    assert_eq!(
        fitted.transform(&frame).unwrap().row(2),
        Some(&[0.5, 6.0][..])
    );
}

#[test]
fn unseen_names_are_accepted() {
    let train = Frame::new()
        .with("c", categories(&[Some("b"), Some("a"), None]))
        .unwrap();
    // Another table has other codes for the same names.
    let other = Frame::new()
        .with("c", categories(&[Some("z"), Some("a"), None, Some("b")]))
        .unwrap();
    let one_hot = fit(&train, &[0, 1, 2], &PreprocessSpec::default());
    assert_eq!(one_hot.feature_names(), ["c=a", "c=b", "c is missing"]);
    let found = one_hot.transform(&other).unwrap().values;
    assert_eq!(found, [0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 1., 0.]);

    let ordinal = spec(r#"{ "categories": { "one_hot": 0, "above": "ordinal" } }"#);
    let ordinal = fit(&train, &[0, 1, 2], &ordinal);
    assert_eq!(
        ordinal.transform(&other).unwrap().values,
        [3.0, 0.0, 2.0, 1.0]
    );
    assert_eq!(ordinal.feature_groups()[0].indices, Some(4));

    let hashed = spec(r#"{ "categories": { "one_hot": 1, "buckets": 5 } }"#);
    let hashed = fit(&train, &[0, 1, 2], &hashed);
    let found = hashed.transform(&other).unwrap();
    assert_eq!((found.width, found.names[5].as_str()), (6, "c is missing"));
    assert!(
        found
            .values
            .chunks(6)
            .all(|row| row.iter().sum::<f32>() == 1.0)
    );
    assert_eq!(found.row(2), Some(&[0.0, 0.0, 0.0, 0.0, 0.0, 1.0][..]));
}

#[test]
fn equal_cells_become_0() {
    let cells = [0.1, 0.1, NAN, 0.1];
    let expected = |found: Vec<f64>| {
        assert!(found[2].is_nan());
        assert_eq!([found[0], found[1], found[3]], [0.0; 3]);
    };
    expected(StandardScaler::fit(&cells).unwrap().transform(&cells));
    expected(MinMaxScaler::fit(&cells).unwrap().transform(&cells));
    expected(RobustScaler::fit(&cells).unwrap().transform(&cells));
    expected(LogScaler::fit(&cells).unwrap().transform(&cells));
    expected(QuantileTransformer::fit(&cells).unwrap().transform(&cells));
}

#[test]
fn scaling_can_be_inverted() {
    let cells: Vec<f64> = noise(50).iter().map(|x| (x - 0.3) * 1e4).collect();
    let inverted = [
        StandardScaler::fit(&cells).map(|s| s.inverse_transform(&s.transform(&cells))),
        MinMaxScaler::fit(&cells).map(|s| s.inverse_transform(&s.transform(&cells))),
        RobustScaler::fit(&cells).map(|s| s.inverse_transform(&s.transform(&cells))),
        LogScaler::fit(&cells).map(|s| s.inverse_transform(&s.transform(&cells))),
    ];
    for found in inverted {
        let found = found.unwrap();
        assert!(
            found.iter().zip(&cells).all(|(a, b)| (a - b).abs() < 1e-9),
            "{found:?}"
        );
    }
}
