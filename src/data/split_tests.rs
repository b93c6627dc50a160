use super::*;
use crate::data::Targets;

/// Sample `i` has the feature `i` and, from a sorted list, its class.
fn set(per_class: &[usize]) -> Dataset {
    let labels: Vec<u32> = (0u32..)
        .zip(per_class)
        .flat_map(|(class, &count)| vec![class; count])
        .collect();
    let features = (0..labels.len()).map(|i| i as f32).collect();
    Dataset::from_arrays(features, [1], Targets::classes(labels, per_class.len())).unwrap()
}

fn ids(set: &Dataset) -> Vec<usize> {
    set.features_all().iter().map(|&x| x as usize).collect()
}

fn text(result: Result<(Dataset, Dataset)>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_split_loses_and_repeats_nothing() {
    let (a, b) = set(&[50, 51]).split(0.8, 1).unwrap();
    assert_eq!((a.len(), b.len()), (81, 20));
    let mut all = [ids(&a), ids(&b)].concat();
    assert_ne!(all, (0..101).collect::<Vec<_>>());
    all.sort_unstable();
    assert_eq!(all, (0..101).collect::<Vec<_>>());
}

#[test]
fn a_split_belongs_to_its_seed() {
    let set = set(&[100]);
    let part = |seed| ids(&set.split(0.5, seed).unwrap().0);
    assert_eq!(part(1), part(1));
    assert_ne!(part(1), part(2));
}

#[test]
fn a_split_of_a_split_stays_inside_it() {
    let (train, test) = set(&[40]).split(0.5, 1).unwrap();
    let (a, b) = train.split(0.5, 1).unwrap();
    let inside = ids(&train);
    assert!(
        [ids(&a), ids(&b)]
            .concat()
            .iter()
            .all(|i| inside.contains(i))
    );
    assert!(ids(&a).iter().all(|i| !ids(&test).contains(i)));
}

#[test]
fn split_last_keeps_the_order() {
    let (a, b) = set(&[10]).split_last(0.2).unwrap();
    assert_eq!((ids(&a), ids(&b)), ((0..8).collect(), vec![8, 9]));
    // 10 * (1 - 0.9) is 0.9999999999999998 in floating point.
    let (a, b) = set(&[10]).split_last(0.9).unwrap();
    assert_eq!((a.len(), b.len()), (1, 9));
    // Keras rounds the first part down.
    let (a, b) = set(&[7]).split_last(0.1).unwrap();
    assert_eq!((a.len(), b.len()), (6, 1));
}

#[test]
fn no_part_is_ever_empty() {
    for fraction in [0.0, 1.0, 0.01, 0.99, -0.5, 1.5, f64::NAN, f64::INFINITY] {
        let error = text(set(&[10]).split(fraction, 0));
        assert_eq!(
            error,
            format!(
                "the split's fraction is {fraction}, but must be between 1.000e-1 and 1 - \
                 1.000e-1, so that neither part of the 10 samples is empty"
            )
        );
    }
    for fraction in [0.0, 1.0, 0.95, -0.1, f64::NAN] {
        let error = text(set(&[10]).split_last(fraction));
        assert!(error.starts_with("the last fraction is "), "{error}");
    }
    assert_eq!(
        text(set(&[1]).split_last(0.5)),
        "the split: expected at least 2 samples, found 1"
    );
}

#[test]
fn a_stratified_split_keeps_the_proportions() {
    let (a, b) = set(&[80, 10, 1, 2]).split_stratified(0.75, 3).unwrap();
    assert_eq!(a.class_counts(), Some(vec![60, 8, 1, 1]));
    assert_eq!(b.class_counts(), Some(vec![20, 2, 0, 1]));
    let mut all = [ids(&a), ids(&b)].concat();
    all.sort_unstable();
    assert_eq!(all, (0..93).collect::<Vec<_>>());
    // The classes are mixed, not one after the other.
    assert!(!ids(&a).is_sorted());
}

#[test]
fn a_stratified_split_needs_classes_with_samples() {
    assert!(text(set(&[1, 1]).split_stratified(0.5, 0)).contains("one sample only"));
    assert!(text(set(&[5, 5]).split_stratified(0.0, 0)).contains("fraction is 0"));
    let values = Dataset::from_arrays(vec![1.0, 2.0], [1], Targets::values(vec![0.0, 1.0]));
    assert_eq!(
        text(values.unwrap().split_stratified(0.5, 0)),
        "targets: a stratified split needs class targets, but the targets of this set are values"
    );
}

#[test]
fn a_subset_is_what_was_named() {
    let set = set(&[5]);
    assert_eq!(ids(&set.subset(&[4, 0, 4]).unwrap()), [4, 0, 4]);
    assert_eq!(
        set.subset(&[5]).unwrap_err().to_string(),
        "a sample's number is 5, but must be below 5, the number of samples"
    );
    assert_eq!(
        set.subset(&[]).unwrap_err().to_string(),
        "the subset is empty, but must be at least one sample"
    );
}
