use super::*;
use crate::data::Targets;

fn set(features: Vec<f32>, size: usize) -> Dataset {
    let n = (features.len() / size) as u32;
    let targets = Targets::classes((0..n).collect(), n as usize);
    Dataset::from_arrays(features, [size], targets).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| n.to_string()).collect()
}

#[test]
fn standardized_features_have_mean_0_and_deviation_1() {
    let (scaled, scaler) = set(vec![1.0, 10.0, 3.0, 10.0, 5.0, 40.0, 7.0, 20.0], 2)
        .standardized()
        .unwrap();
    assert_eq!(scaler.offset(), [4.0, 20.0]);
    assert_eq!(scaler.width(), [5f32.sqrt(), 150f32.sqrt()]);
    for column in 0..2 {
        let x: Vec<f32> = (0..4).map(|i| scaled.row(i).unwrap()[column]).collect();
        assert!(x.iter().sum::<f32>().abs() < 1e-6);
        assert!((x.iter().map(|x| x * x).sum::<f32>() / 4.0 - 1.0).abs() < 1e-6);
    }
    assert_eq!(scaled.label(3), Some(3));
}

#[test]
fn min_max_reaches_0_and_1_exactly() {
    let (scaled, scaler) = set(vec![0.1, 0.3, 0.7], 1).scaled(Method::MinMax).unwrap();
    assert_eq!(scaler.method(), Method::MinMax);
    assert_eq!(
        (scaled.row(0).as_deref(), scaled.row(2).as_deref()),
        (Some(&[0.0f32][..]), Some(&[1.0f32][..]))
    );
}

#[test]
fn a_constant_feature_becomes_0() {
    // The mean of many 0.1s is not exactly 0.1.
    for method in [Method::Standard, Method::MinMax] {
        let (scaled, scaler) = set(vec![0.1; 1009], 1).scaled(method).unwrap();
        assert_eq!(scaler.width(), [1.0]);
        assert!(scaled.features_all().iter().all(|&x| x == 0.0));
    }
}

#[test]
fn a_part_is_scaled_by_the_samples_it_has() {
    let (train, test) = set(vec![0.0, 2.0, 100.0], 1).split_last(0.3).unwrap();
    let (train, scaler) = train.standardized().unwrap();
    let test = scaler.apply(&test).unwrap();
    assert_eq!(train.features_all().as_ref(), [-1.0, 1.0]);
    assert_eq!(test.features_all().as_ref(), [99.0]);
    assert_eq!((test.len(), test.label(0)), (1, Some(2)));
}

#[test]
fn other_features_are_refused() {
    let train = set(vec![1.0, 2.0, 3.0, 4.0], 2)
        .with_feature_names(names(&["a", "b"]))
        .unwrap();
    let (_, scaler) = train.standardized().unwrap();
    let swapped = set(vec![1.0, 2.0], 2)
        .with_feature_names(names(&["a", "c"]))
        .unwrap();
    assert_eq!(
        scaler.apply(&swapped).unwrap_err().to_string(),
        "features: the scaler was fitted to \"b\" where this set has \"c\""
    );
    assert_eq!(
        scaler.apply(&set(vec![1.0; 4], 4)).unwrap_err().to_string(),
        "features: the scaler was fitted to 2 features, but 4 are given"
    );
    assert_eq!(
        scaler
            .apply_in_place(&mut [1.0; 3])
            .unwrap_err()
            .to_string(),
        "features: the scaler was fitted to 2 features, but 3 are given"
    );
    assert!(scaler.apply(&set(vec![1.0, 2.0], 2)).is_ok());
}

#[test]
fn json_keeps_every_bit() {
    let features = (0..999).map(|i| (i as f32 * 0.37).sin() * 1e3).collect();
    let (_, scaler) = set(features, 3).standardized().unwrap();
    let json = serde_json::to_string(&scaler).unwrap();
    assert!(
        json.starts_with("{\"method\":\"standard\",\"offset\":["),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Scaler>(&json).unwrap(), scaler);
}

#[test]
fn damaged_json_is_refused() {
    let error = |json: &str| {
        serde_json::from_str::<Scaler>(json)
            .unwrap_err()
            .to_string()
    };
    let text = error("{\"method\":\"min_max\",\"offset\":[0],\"width\":[0]}");
    assert_eq!(
        text,
        "the scaler's feature 0: the offset must be finite, and the width finite and above 0"
    );
    let text = error("{\"method\":\"min_max\",\"offset\":[0],\"width\":[1,2]}");
    assert!(
        text.starts_with("the scaler: offsets, widths and feature names differ"),
        "{text}"
    );
}

#[test]
fn a_range_that_is_no_number_is_refused() {
    let wide = set(vec![-3e38, 3e38], 1);
    assert_eq!(
        wide.scaled(Method::MinMax).unwrap_err().to_string(),
        "the scaler's feature 0: the offset must be finite, and the width finite and above 0"
    );
}
