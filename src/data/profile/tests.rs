use super::*;
use crate::data::RowPlace;
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
        Some(Problem {
            message: "1 cell is not a number, first \"oops\"".to_string(),
            at: RowPlace { file: 0, line: 43 },
            words: vec!["oops".to_string()],
        })
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

/// The profile of a text, and the folder of its file, which is read again later.
fn profile(text: &str) -> (tempfile::TempDir, Profile) {
    let (folder, path) = file("t.csv", text.as_bytes());
    let profile = Profile::open(&path, &ReadOptions::default()).unwrap();
    (folder, profile)
}

#[test]
fn columns_are_read_as_values_of_their_types() {
    use crate::data::{MISSING, Values};
    let (_folder, profile) = profile(
        "n;b;d;c;t\n1.234,5;yes;2020-01-01;10;a b c\n-1;No;1970-01-02;9;\n;NA;?;x;d\n0,5;1;2020-01-01;10;e\n",
    );
    use ColumnType::*;
    let wanted = [
        ("c", Category),
        ("n", Number),
        ("b", Boolean),
        ("d", Date),
        ("t", Text),
    ];
    let frame = profile.read(&wanted).unwrap();
    let numbers = |name: &str| match &frame.column(name).unwrap().values {
        Values::Number(v) | Values::Date(v) => v.iter().map(|v| v.to_string()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(numbers("n"), ["1234.5", "-1", "NaN", "0.5"]);
    assert_eq!(numbers("b"), ["1", "0", "NaN", "1"]);
    assert_eq!(numbers("d"), ["1577836800", "86400", "NaN", "1577836800"]);
    let names = ["9", "10", "x"].map(String::from).to_vec();
    let codes = vec![1, 0, 2, 1];
    assert_eq!(frame.columns()[0].values, Values::Category { codes, names });
    assert_eq!(frame.column("t").unwrap().values.missing(), 1);
    let frame = profile.read(&[("n", Category)]).unwrap();
    let Values::Category { codes, .. } = &frame.columns()[0].values else {
        panic!()
    };
    assert_eq!(codes[2], MISSING);
}

#[test]
fn labels_keep_their_text() {
    let (_folder, profile) = profile("x,y\n1,007\n2,7\n3,8\n4,1e2\n5,100\n");
    let frame = profile.read(&[("y", ColumnType::Category)]).unwrap();
    let crate::data::Values::Category { names, .. } = &frame.columns()[0].values else {
        panic!()
    };
    assert_eq!(names, &["007", "7", "8", "100", "1e2"]);
}

#[test]
fn all_problems_are_in_one_message() {
    let (_folder, profile) = profile("a,b,c\n1,x,2020-01-01\nu,no,2020-01-02\nv,yes,2020-01-03\n");
    let error = profile
        .read(&[("a", ColumnType::Number), ("b", ColumnType::Boolean)])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("column \"a\": 2 cells are not a number, first \"u\" in "),
        "{error}"
    );
    assert!(error.contains("line 3; expected a number or a missing cell\ncolumn \"b\": 1 cell is not a boolean, first \"x\""), "{error}");
    let error = profile
        .read(&[("A", ColumnType::Number)])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("there is no column \"A\"; did you mean \"a\"?"),
        "{error}"
    );
    let error = profile
        .read(&[("b", ColumnType::Date)])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("column \"b\": expected dates of one format"),
        "{error}"
    );
}
