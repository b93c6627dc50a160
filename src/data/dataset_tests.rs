use super::*;

fn error(features: Vec<f32>, shape: impl Into<Shape>, targets: Targets) -> String {
    let result = Dataset::from_arrays(features, shape, targets);
    result.unwrap_err().to_string()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| n.to_string()).collect()
}

fn small() -> Dataset {
    let features = vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    Dataset::from_arrays(features, [2], Targets::classes(vec![0, 1, 1], 2)).unwrap()
}

#[test]
fn arrays_are_checked() {
    let none = || Targets::Unlabelled;
    assert_eq!(error(vec![], [2], none()), "features: there are no samples");
    assert_eq!(
        error(vec![1.0], [2, 0], none()),
        "features: samples of shape [2, 0] have no elements"
    );
    assert_eq!(
        error(vec![1.0; 5], [2], none()),
        "features: 5 numbers do not divide into samples of shape [2] (2 each)"
    );
    assert_eq!(
        error(vec![0.0, 1.0, 2.0, f32::NAN], [2], none()),
        "features row 1, column 1: the value is NaN, which is not finite"
    );
    assert_eq!(
        error(vec![0.0], [1], Targets::classes(vec![0, 0], 1)),
        "labels: there are 2 labels for 1 samples"
    );
    let named = Dataset::with_names(
        vec![0.0, f32::NEG_INFINITY],
        Shape::from([2]),
        none(),
        names(&["age", "height"]),
    );
    assert_eq!(
        named.unwrap_err().to_string(),
        "features row 0, column \"height\": the value is -inf, which is not finite"
    );
    assert_eq!(
        error(vec![1.0], [usize::MAX, 2], none()),
        format!(
            "features: 1 numbers do not divide into samples of shape [{0}, 2] ({0} each)",
            usize::MAX
        )
    );
}

#[test]
fn a_scalar_is_a_sample_too() {
    let set = Dataset::from_arrays(vec![1.0, 2.0], Shape::scalar(), Targets::Unlabelled).unwrap();
    assert_eq!((set.len(), set.row(1).as_deref()), (2, Some(&[2.0f32][..])));
}

#[test]
fn samples_are_read_by_number() {
    let set = small();
    assert_eq!(set.len(), 3);
    assert!(!set.is_empty());
    assert_eq!(set.row(2).as_deref(), Some(&[4.0f32, 5.0][..]));
    assert_eq!(set.row(3), None);
    assert_eq!(set.label(1), Some(1));
    assert_eq!(set.label(3), None);
    assert_eq!(set.values(0), None);
    assert_eq!((set.classes(), set.target_width()), (Some(2), None));
    assert_eq!(set.class_names(), names(&["0", "1"]));
    assert_eq!(set.to_string(), "3 samples of shape [2], 2 classes");
}

#[test]
fn a_view_of_a_view_names_the_right_samples() {
    let view = small().view(&[2, 0, 1]).view(&[0, 2]);
    assert_eq!(view.len(), 2);
    assert_eq!(view.row(0).as_deref(), Some(&[4.0f32, 5.0][..]));
    assert_eq!(view.row(1).as_deref(), Some(&[2.0f32, 3.0][..]));
    assert_eq!(view.row(2), None);
    assert_eq!(view.features_all().as_ref(), [4.0, 5.0, 2.0, 3.0]);
    assert_eq!(
        view.targets_all().as_ref(),
        &Targets::classes(vec![1, 1], 2)
    );
}

#[test]
fn the_whole_set_is_borrowed_not_copied() {
    let set = small();
    assert!(matches!(set.features_all(), Cow::Borrowed(_)));
    assert!(matches!(set.targets_all(), Cow::Borrowed(_)));
    assert!(matches!(set.view(&[0]).features_all(), Cow::Owned(_)));
}

#[test]
fn values_have_a_width() {
    let values = vec![0.1, 0.2, 0.3, 0.4];
    let set = Dataset::from_arrays(vec![1.0, 2.0], [1], Targets::Values { values, width: 2 });
    let set = set.unwrap();
    assert_eq!(set.target_width(), Some(2));
    assert_eq!(set.values(1), Some(&[0.3f32, 0.4][..]));
    assert_eq!(
        set.to_string(),
        "2 samples of shape [1], 2 target values each"
    );
    assert_eq!((set.classes(), set.label(0)), (None, None));
}

#[test]
fn a_new_shape_must_keep_the_size() {
    let set = small().reshaped([1, 2, 1]).unwrap();
    assert_eq!(set.sample_shape(), &Shape::from([1, 2, 1]));
    assert_eq!(
        set.reshaped([3]).unwrap_err().to_string(),
        "the new sample shape is [3] (3 elements), but must be of the same size as [1, 2, 1] \
         (2 elements)"
    );
}

#[test]
fn classes_can_be_renamed_and_added() {
    let set = small()
        .with_class_names(names(&["no", "yes", "maybe"]))
        .unwrap();
    assert_eq!(set.classes(), Some(3));
    assert_eq!(
        small()
            .with_class_names(names(&["no"]))
            .unwrap_err()
            .to_string(),
        "labels row 1: the label is 1, but the only class is 0"
    );
    let set = Dataset::from_arrays(vec![1.0], [1], Targets::Unlabelled).unwrap();
    assert_eq!(
        set.with_class_names(names(&["a"])).unwrap_err().to_string(),
        "targets: class names need class targets, but this set has no targets"
    );
}

#[test]
fn one_name_for_each_feature() {
    let set = small().with_feature_names(names(&["a", "b"])).unwrap();
    assert_eq!(set.feature_names(), names(&["a", "b"]));
    assert_eq!(
        small()
            .with_feature_names(names(&["a"]))
            .unwrap_err()
            .to_string(),
        "feature names: there are 1 names for samples of 2 elements"
    );
}

#[test]
fn bytes_are_shares_of_255() {
    let bytes = vec![0, 255, 51, 102, 1, 254];
    let set = Dataset::from_bytes(bytes, [2], Targets::Unlabelled).unwrap();
    let want = [0.0, 1.0, 0.2, 0.4, 1.0 / 255.0, 254.0 / 255.0];
    assert_eq!(set.features_all().as_ref(), want);
    assert_eq!(set.row(1).as_deref(), Some(&[0.2f32, 0.4][..]));
    assert_eq!(set.row(3), None);
    let view = set.view(&[2, 0]);
    assert_eq!(view.features_all().as_ref(), [want[4], want[5], 0.0, 1.0]);
    let mut words = vec![7];
    view.gather_feature_words(&[1, 0], &mut words).unwrap();
    assert_eq!(words, [0.0, 1.0, want[4], want[5]].map(f32::to_bits));
    assert!(view.gather_features(&[2], &mut Vec::new()).is_err());
    let text = Dataset::from_bytes(vec![1, 2, 3], [2], Targets::Unlabelled).unwrap_err();
    assert!(text.to_string().contains("do not divide"), "{text}");
}
