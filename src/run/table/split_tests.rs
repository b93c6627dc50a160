//! Tests of the splits of a table.

use super::*;
use crate::spec::Overrides;

fn config(split: &str) -> Config {
    let text = format!(
        "[model]\nhidden = [4]\n[data]\nformat = \"table\"\npath = \"t.csv\"\ntarget = \"y\"\n{split}\n"
    );
    Config::parse("t.toml", &text, &Overrides::default()).unwrap()
}

fn names(cells: &[&str]) -> Values {
    let mut names: Vec<String> = cells.iter().map(|c| c.to_string()).collect();
    names.sort();
    names.dedup();
    let code = |cell: &&str| names.iter().position(|n| n == cell).unwrap() as u32;
    Values::Category {
        codes: cells.iter().map(code).collect(),
        names,
    }
}

fn numbers(n: usize) -> Targets {
    Targets::values(vec![0.0; n])
}

fn all_of(parts: &Parts) -> Vec<u32> {
    let others = [&parts.validation, &parts.test];
    let others = others.into_iter().flatten().flatten();
    let mut all: Vec<u32> = parts.train.iter().chain(others).copied().collect();
    all.sort_unstable();
    all
}

#[test]
fn a_column_names_the_split_of_each_row() {
    let cells = names(&["train", "Test", "val", "TRAIN", "train", "test"]);
    let by = By::Split("part");
    let parts = split(
        &numbers(6),
        6,
        Some((by, &cells)),
        &config("split = \"part\""),
    )
    .unwrap();
    assert_eq!(parts.train, [0, 3, 4]);
    assert_eq!(parts.validation, Some(vec![2]));
    assert_eq!(parts.test, Some(vec![1, 5]));
}

#[test]
fn the_last_folds_are_for_validation_and_test() {
    let cells = names(&["1", "2", "10", "1", "2", "10", "9"]);
    let by = By::Split("fold");
    let parts = split(
        &numbers(7),
        7,
        Some((by, &cells)),
        &config("split = \"fold\""),
    )
    .unwrap();
    assert_eq!(parts.train, [0, 1, 3, 4]);
    assert_eq!(parts.validation, Some(vec![6]));
    assert_eq!(parts.test, Some(vec![2, 5]));
}

#[test]
fn validation_rows_are_drawn_from_the_training_rows_where_the_column_names_none() {
    let cells: Vec<&str> = (0..40)
        .map(|i| if i % 4 == 3 { "test" } else { "train" })
        .collect();
    let by = By::Split("part");
    let config = config("split = \"part\"\nvalidation_split = 0.2");
    let parts = split(&numbers(40), 40, Some((by, &names(&cells))), &config).unwrap();
    assert_eq!(
        (parts.train.len(), parts.validation.as_ref().unwrap().len()),
        (24, 6)
    );
    assert_eq!(parts.test.as_ref().unwrap().len(), 10);
    assert_eq!(all_of(&parts), (0..40).collect::<Vec<u32>>());
}

#[test]
fn names_of_splits_that_mean_nothing_are_an_error() {
    let error = |cells: &[&str]| {
        let by = Some((By::Split("part"), names(cells)));
        let by = by.as_ref().map(|(by, cells)| (*by, cells));
        let found = split(
            &numbers(cells.len()),
            cells.len(),
            by,
            &config("split = \"part\""),
        );
        found.unwrap_err().to_string()
    };
    assert_eq!(
        error(&["train", "other"]),
        "column \"part\", which names the splits: expected \"train\", \"validation\", \"test\" or \
         numbers, found \"other\""
    );
    assert!(error(&["test", "test"]).contains("expected rows of the training split, found none"));
}

#[test]
fn all_rows_of_a_group_are_in_one_split() {
    // 30 groups of 1 to 9 rows.
    let cells: Vec<String> = (0..30)
        .flat_map(|g| (0..1 + g * 7 % 9).map(move |_| format!("g{g}")))
        .collect();
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    let groups = names(&cells);
    let n = cells.len();
    for seed in 0..20 {
        let mut config = config("group = \"who\"\nvalidation_split = 0.2");
        config.training.seed = seed;
        let parts = split(&numbers(n), n, Some((By::Group("who"), &groups)), &config).unwrap();
        assert_eq!(all_of(&parts), (0..n as u32).collect::<Vec<u32>>());
        let of = |rows: &[u32]| {
            let groups = rows.iter().map(|row| cells[*row as usize]);
            groups.collect::<std::collections::BTreeSet<&str>>()
        };
        let (train, test) = (of(&parts.train), of(parts.test.as_ref().unwrap()));
        let validation = of(parts.validation.as_ref().unwrap());
        assert!(train.is_disjoint(&test) && train.is_disjoint(&validation));
        assert!(test.is_disjoint(&validation));
        // As close to a fifth as whole groups of at most 9 rows allow.
        let test = parts.test.unwrap().len() as f64;
        assert!((test - 0.2 * n as f64).abs() <= 4.5, "{test} of {n}");
    }
}

#[test]
fn one_group_cannot_be_split() {
    let cells = names(&["a", "a", "a"]);
    let found = split(
        &numbers(3),
        3,
        Some((By::Group("who"), &cells)),
        &config("group = \"who\""),
    );
    let error = found.unwrap_err().to_string();
    assert_eq!(
        error,
        "column \"who\": too few groups: the test split has none left"
    );
}

#[test]
fn the_last_rows_in_time_are_the_test_and_equal_times_stay_together() {
    let times = Values::Date(vec![5.0, 1.0, 2.0, 4.0, 3.0, 6.0, 7.0, 7.0, 8.0, 9.0]);
    let by = By::Time("when");
    let config = config("time = \"when\"\ntest_split = 0.3\nvalidation_split = 0.2");
    let parts = split(&numbers(10), 10, Some((by, &times)), &config).unwrap();
    // The cut would be between the two rows of time 7.
    assert_eq!(parts.test, Some(vec![6, 7, 8, 9]));
    assert_eq!(parts.validation, Some(vec![5]));
    assert_eq!(parts.train, [1, 2, 4, 3, 0]);
}

#[test]
fn a_missing_time_is_an_error() {
    let times = Values::Date(vec![5.0, f64::NAN]);
    let found = split(
        &numbers(2),
        2,
        Some((By::Time("t"), &times)),
        &config("time = \"t\""),
    );
    assert_eq!(
        found.unwrap_err().to_string(),
        "column \"t\", which has the times: expected a time in each row, found 1 missing cell"
    );
    let same = Values::Date(vec![5.0; 4]);
    let found = split(
        &numbers(4),
        4,
        Some((By::Time("t"), &same)),
        &config("time = \"t\""),
    );
    assert!(found.unwrap_err().to_string().contains("too few times"));
}

#[test]
fn drawn_rows_keep_the_proportions_of_classes_in_both_splits() {
    let targets = Targets::classes((0..100).map(|i| u32::from(i % 10 == 0)).collect(), 2);
    for seed in 0..20 {
        let mut config = config("");
        config.training.seed = seed;
        let parts = split(&targets, 100, None, &config).unwrap();
        let rare = |rows: &[u32]| rows.iter().filter(|row| **row % 10 == 0).count();
        assert_eq!(
            (
                rare(parts.test.as_ref().unwrap()),
                parts.test.as_ref().unwrap().len()
            ),
            (2, 20)
        );
        assert_eq!(rare(parts.validation.as_ref().unwrap()), 1);
        assert_eq!(all_of(&parts), (0..100).collect::<Vec<u32>>());
    }
}
