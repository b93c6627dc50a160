//! Tests of what scikit-learn does not have, and of edge cases.

use super::*;

#[test]
fn bits_and_perplexity_are_of_the_mean_loss() {
    // A uniform prediction of eight tokens: 3 bits each.
    let mut total = Vec::new();
    Perplexity.add(&mut total, &[vec![8f64.ln()]], 3);
    Perplexity.add(&mut total, &[vec![8f64.ln()]], 1);
    assert!((Perplexity.finish(&total) - 8.0).abs() < 1e-12);
    assert!((BitsPerCharacter::new().finish(&total) - 3.0).abs() < 1e-12);
    let pieces = BitsPerCharacter::with_tokens_per_character(0.25);
    assert!((pieces.finish(&total) - 0.75).abs() < 1e-12);
}

#[test]
fn a_confusion_grows_and_keeps_its_counts() {
    let mut confusion = Confusion::of([(0, 0), (0, 0), (1, 0)]);
    confusion.count(3, 1);
    assert_eq!(confusion.classes(), 4);
    assert_eq!((confusion.at(0, 0), confusion.at(1, 0)), (2.0, 1.0));
    assert_eq!((confusion.at(3, 1), confusion.at(9, 9)), (1.0, 0.0));
    let scores = confusion.scores(0);
    assert_eq!(scores.precision, Some(2.0 / 3.0));
    assert_eq!((scores.recall, scores.f_beta(1.0)), (Some(1.0), Some(0.8)));
    assert_eq!(confusion.scores(2).precision, None);
    assert_eq!(confusion.scores(2).f_beta(1.0), None);
    let rows = [vec![2, 0], vec![1, 0]];
    assert_eq!(
        Confusion::from_rows(&rows),
        Confusion::of([(0, 0), (0, 0), (1, 0)])
    );
}

#[test]
fn names_say_which_way_is_better() {
    for name in ["val_loss", "rmse", "val_log_loss", "perplexity"] {
        assert!(!higher_is_better(name), "{name}");
    }
    for name in ["accuracy", "val_f1_micro", "r2", "roc_auc", "top_5"] {
        assert!(higher_is_better(name), "{name}");
    }
    assert_eq!(FBeta::new(0.5, Average::Weighted).name(), "f0.5_weighted");
    assert_eq!(
        Precision::new(Average::Class(1)).name(),
        "precision_class_1"
    );
}

#[test]
fn a_class_is_ranked_against_the_rest() {
    // Labels 0, 1, 1 with the probabilities 0.7, 0.1, 0.9 of class 0.
    let scores = vec![0.7, 0.3, 0.1, 0.9, 0.9, 0.1];
    let mut total = Vec::new();
    RocAuc.add(&mut total, &[vec![0.0, 1.0, 1.0], scores, vec![0.0]], 3);
    let pr = |class| PrAuc.of_class(class).finish(&total);
    // Of class 0, the second is right; of class 1, the first and the third.
    assert!((pr(0) - 0.5).abs() < 1e-12);
    assert!((pr(1) - 5.0 / 6.0).abs() < 1e-12);
    assert_eq!(PrAuc.finish(&total), pr(1));
    for class in [0, 1] {
        assert!((RocAuc.of_class(class).finish(&total) - 0.5).abs() < 1e-12);
    }
    assert!(RocAuc.of_class(2).finish(&total).is_nan());
    // The same as one probability of class 1.
    let mut single = Vec::new();
    let scores = vec![0.3, 0.9, 0.1];
    PrAuc.add(&mut single, &[vec![0.0, 1.0, 1.0], scores, vec![0.0]], 3);
    assert_eq!(PrAuc.of_class(0).finish(&single), pr(0));
    assert_eq!(PrAuc.of_class(1).finish(&single), pr(1));
    assert_eq!(RocAuc.of_class(1).name(), "roc_auc_class_1");
}

#[test]
fn the_class_of_a_metric_is_found_by_its_name() {
    let spec = |text: &str| serde_json::from_str::<MetricSpec>(text).unwrap();
    let classes = ["good".to_string(), "bad".to_string()];
    for (text, name, class) in [
        (
            r#"{ "type": "recall", "class": "bad" }"#,
            "recall_bad",
            Some(1),
        ),
        (
            r#"{ "type": "recall", "class": 0 }"#,
            "recall_class_0",
            Some(0),
        ),
        (
            r#"{ "type": "f_beta", "beta": 2, "class": "bad" }"#,
            "f2_bad",
            Some(1),
        ),
        (
            r#"{ "type": "roc_auc", "class": "good" }"#,
            "roc_auc_good",
            Some(0),
        ),
        (r#""pr_auc""#, "pr_auc", None),
    ] {
        let spec = spec(text);
        assert_eq!(
            (spec.in_history().as_str(), spec.class(&classes)),
            (name, class)
        );
        assert_eq!(spec.build(1.0, &classes).unwrap().name(), name);
    }
    let unknown = spec(r#"{ "type": "pr_auc", "class": "Bad" }"#);
    let error = unknown.build(1.0, &classes).err().unwrap().to_string();
    assert!(
        error.contains("did you mean `bad`?; the classes are \"good\", \"bad\""),
        "{error}"
    );
}
