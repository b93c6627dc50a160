use super::*;
use crate::data::input::tests::file;

fn types(text: &str) -> Vec<(ColumnType, String)> {
    let (_folder, path) = file("t.csv", text.as_bytes());
    let profile = Profile::open(&path, &ReadOptions::default()).unwrap();
    let of = |c: &ColumnProfile| (c.inferred.column_type, c.inferred.reason.clone());
    profile.columns.iter().map(of).collect()
}

fn column(name: &str, cells: impl IntoIterator<Item = String>) -> (ColumnType, String) {
    // A second column, so that no line is blank.
    let rows: Vec<String> = cells
        .into_iter()
        .map(|c| format!("\"{c}\",\"x y\"\n"))
        .collect();
    types(&format!("{name},other\n{}", rows.concat())).remove(0)
}

fn texts(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|c| c.to_string()).collect()
}

#[test]
fn types_are_inferred_by_the_rule() {
    use ColumnType::*;
    let is = |cells: &[&str]| column("c", texts(cells)).0;
    assert_eq!(is(&["1", "2.5", "NA", "7"]), Number);
    assert_eq!(is(&["12%", "$1,200", "\u{2212}1"]), Number);
    assert_eq!(is(&["True", "no", "YES", ""]), Boolean);
    assert_eq!(is(&["red", "blue", "red"]), Category);
    assert_eq!(is(&["2020-01-01", "2020-01-02", "?"]), Date);
    assert_eq!(is(&["NA", "", "-"]), Ignore);
    assert_eq!(is(&["5", "5", "5"]), Ignore);
    assert_eq!(is(&["5", "5", ""]), Number);
    assert_eq!(
        is(&["a first text", "a second one here", "and the third"]),
        Text
    );
    assert_eq!(is(&["0", "1", "1", "0"]), Number);
    assert_eq!(is(&["007", "7", "8"]), Number);
    let rows = |f: &dyn Fn(usize) -> String| column("c", (0..30).map(f)).0;
    assert_eq!(rows(&|i| (i + 5).to_string()), Id);
    assert_eq!(rows(&|i| (2 * i).to_string()), Number);
    assert_eq!(rows(&|i| format!("user-{i}")), Id);
    assert_eq!(rows(&|i| format!("city {}", i % 9)), Category);
}

#[test]
fn what_was_removed_from_numbers_is_said() {
    let (_, reason) = column("c", texts(&["12%", "5%"]));
    assert_eq!(reason, "percentages are divided by 100");
    let (_, reason) = column("c", texts(&["03/04/2020", "05/06/2020"]));
    assert_eq!(reason, "read as %m/%d/%Y; %d/%m/%Y would fit too");
}

#[test]
fn wrong_cells_among_numbers_are_a_problem_with_a_line() {
    let mut text = "a,b\n".to_string();
    for i in 0..100 {
        let cell = if i == 41 {
            "oops".to_string()
        } else {
            (i * i).to_string()
        };
        text.push_str(&format!("{cell},x\n"));
    }
    let (_folder, path) = file("t.csv", text.as_bytes());
    let profile = Profile::open(&path, &ReadOptions::default()).unwrap();
    let a = profile.column("a").unwrap();
    assert_eq!(a.inferred.column_type, ColumnType::Number);
    assert_eq!(
        a.inferred.problem,
        Some(("1 cell is not a number, first \"oops\"".to_string(), 43))
    );
    assert_eq!(
        (a.range, a.missing, a.distinct),
        (Some((0.0, 9801.0)), 0, 100)
    );
    assert_eq!(profile.duplicates, 0);
}

#[test]
fn counts_are_of_all_rows() {
    let text = "x,c\n".to_string() + &"1,a\n2,b\n2,b\n".repeat(8000);
    let (_folder, path) = file("t.csv", text.as_bytes());
    let profile = Profile::open(&path, &ReadOptions::default()).unwrap();
    assert_eq!((profile.rows, profile.duplicates), (24_000, 23_998));
    let c = profile.column("c").unwrap();
    assert_eq!(
        c.values,
        [("b".to_string(), 16_000), ("a".to_string(), 8_000)]
    );
    assert_eq!(c.examples, ["a", "b"]);
    assert!((profile.column("x").unwrap().mean - 5.0 / 3.0).abs() < 1e-12);
}
