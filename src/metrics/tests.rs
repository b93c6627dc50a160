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
