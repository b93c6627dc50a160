use super::*;
use crate::data::Targets;
use crate::data::input::tests::{file, gzip};
use crate::shape::Shape;

fn table(text: &str) -> CsvTable {
    CsvTable::from_bytes("t.csv", text.as_bytes(), ',').unwrap()
}

fn refused(text: &str) -> String {
    CsvTable::from_bytes("t.csv", text.as_bytes(), ',')
        .unwrap_err()
        .to_string()
}

fn text<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

fn classes(text: &str) -> (Vec<u32>, Vec<String>) {
    match table(text).target("y").unwrap().targets_all().into_owned() {
        Targets::Classes { labels, names } => (labels, names),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_table_becomes_features_and_classes() {
    let set = table("a, y ,b\n1,no,2.5\n-3e2,yes,4\n 5 , no ,6\n")
        .target("y")
        .unwrap();
    assert_eq!(set.sample_shape(), &Shape::from([2]));
    assert_eq!(
        set.features_all().as_ref(),
        [1.0, 2.5, -300.0, 4.0, 5.0, 6.0]
    );
    assert_eq!(
        set.targets_all().as_ref(),
        &Targets::Classes {
            labels: vec![0, 1, 0],
            names: vec!["no".into(), "yes".into()],
        }
    );
    assert_eq!(set.feature_names(), ["a", "b"]);
}

#[test]
fn classes_are_in_the_order_of_numbers_or_of_text() {
    let (labels, names) = classes("x,y\n1,10\n1,9\n1,-2\n1,9.0\n1,09\n");
    assert_eq!(
        (labels, names),
        (
            vec![2, 1, 0, 1, 1],
            ["-2", "9", "10"].map(String::from).to_vec()
        )
    );
    let (labels, names) = classes("x,y\n1,10\n1,9\n1,b\n1,1.5\n");
    assert_eq!(
        (labels, names),
        (
            vec![1, 2, 3, 0],
            ["1.5", "10", "9", "b"].map(String::from).to_vec()
        )
    );
}

#[test]
fn quantities_are_not_taken_for_classes() {
    assert_eq!(
        text(table("x,y\n1,2\n1,2.5\n").target("y")),
        "t.csv line 3, column \"y\": expected a class, an integer or a text, found \"2.5\"; \
         fractional numbers are for regression"
    );
    let mut many = "x,y\n".to_string();
    for i in 0..202 {
        many.push_str(&format!("0,{}\n", i / 2));
    }
    assert_eq!(
        text(table(&many).target("y")),
        "t.csv, column \"y\": 101 different whole numbers in 202 rows look like a quantity; \
         predict it as one (regression), or name the classes"
    );
    assert_eq!(
        table(&many).target_values("y").unwrap().values(201),
        Some(&[100.0f32][..])
    );
}

#[test]
fn given_classes_keep_their_order() {
    let names = ["b", "a", "c"].map(String::from);
    let set = table("x,y\n1,a\n1,b\n").target_in("y", &names).unwrap();
    assert_eq!(
        set.targets_all().as_ref(),
        &Targets::Classes {
            labels: vec![1, 0],
            names: names.to_vec(),
        }
    );
    let numbers = ["0", "1", "2"].map(String::from);
    let set = table("x,y\n1,2.0\n1,1\n").target_in("y", &numbers).unwrap();
    assert_eq!(
        (set.label(0), set.label(1), set.classes()),
        (Some(2), Some(1), Some(3))
    );
    let names = ["setosa", "virginica"].map(String::from);
    assert_eq!(
        text(table("x,y\n1,setosa\n1,virginca\n").target_in("y", &names)),
        "t.csv line 3, column \"y\": \"virginca\" is none of the 2 classes (\"setosa\", \"virginica\"); \
         did you mean \"virginica\"?"
    );
}

#[test]
fn values_may_have_several_columns() {
    let set = table("a,b,c\n1,2,3\n4,5,6\n")
        .target_columns(&["c", "a"])
        .unwrap();
    assert_eq!(set.features_all().as_ref(), [2.0, 5.0]);
    assert_eq!(set.values(1), Some(&[6.0f32, 4.0][..]));
    assert_eq!(
        text(table("a,b\n1,2\n").target_columns(&[])),
        "the width of the target values is 0, but must be at least 1"
    );
}

#[test]
fn columns_can_be_left_out() {
    let t = table("id,a,y\nfirst,1,0\nsecond,2,1\n")
        .without(&["id"])
        .unwrap();
    assert_eq!(t.columns().collect::<Vec<_>>(), ["a", "y"]);
    assert_eq!(t.target("y").unwrap().features_all().as_ref(), [1.0, 2.0]);
    assert_eq!(
        t.unlabelled().unwrap().features_all().as_ref(),
        [1.0, 0.0, 2.0, 1.0]
    );
    assert_eq!(
        text(t.clone().without(&["id"])),
        "t.csv: there is no column \"id\" (the columns are \"a\", \"y\")"
    );
    assert_eq!(
        text(t.without(&["a"]).unwrap().target("y")),
        "t.csv: expected at least one feature column, found none"
    );
}

#[test]
fn a_missing_target_lists_the_choices() {
    assert_eq!(
        text(table("p0,p1,label\n1,2,3\n").target("lable")),
        "t.csv: there is no column \"lable\"; did you mean \"label\"? (the columns are \"p0\", \"p1\", \
         \"label\")"
    );
    let header: Vec<String> = (0..20).map(|i| format!("p{i}")).collect();
    let wide = format!("{}\n{}\n", header.join(","), vec!["0"; 20].join(","));
    let error = text(table(&wide).target("species"));
    assert!(
        error.ends_with("\"p10\", \"p11\", ... (20 in all))"),
        "{error}"
    );
    assert_eq!(
        text(table("a;y\n1;2\n").target("y")),
        "t.csv: there is no column \"y\" (the columns are \"a;y\"); are the fields separated by ';'? \
         name that delimiter"
    );
}

#[test]
fn holes_and_text_are_reported_with_line_and_column() {
    let error = |rows: &str| text(table(&format!("a,b,y\n{rows}")).target("y"));
    assert_eq!(
        error("1,2,0\n1,,0\n"),
        "t.csv line 3, column \"b\": the value is missing; fill it in, or leave the line out"
    );
    assert_eq!(
        error("NaN,2,0\n"),
        "t.csv line 2, column \"a\": the value is missing (\"NaN\"); fill it in, or leave the line out"
    );
    assert_eq!(
        error("1,2,?\n"),
        "t.csv line 2, column \"y\": the value is missing (\"?\"); fill it in, or leave the line out"
    );
    assert_eq!(
        error("1,red,0\n"),
        "t.csv line 2, column \"b\": \"red\" is not a number, and only numbers can be learned from; a \
         column of text must be left out"
    );
    assert_eq!(
        error("1,\"2,5\",0\n"),
        "t.csv line 2, column \"b\": \"2,5\" is not a number; the decimal mark must be a point"
    );
    for number in ["inf", "-infinity", "1e39"] {
        assert_eq!(
            error(&format!("1,{number},0\n")),
            format!("t.csv line 2, column \"b\": \"{number}\" is not a finite 32-bit number")
        );
    }
}

#[test]
fn ragged_lines_and_bad_headers_are_refused() {
    assert_eq!(
        refused("a,b\n1,2\n1\n"),
        "t.csv line 3: the line has 1 fields, but the header has 2 columns"
    );
    assert_eq!(
        refused("a,b\n1,2,3\n"),
        "t.csv line 2: the line has 3 fields, but the header has 2 columns"
    );
    assert_eq!(
        refused("a,b,a\n1,2,3\n"),
        "t.csv line 1, column 3: the header names a second column \"a\""
    );
    assert!(refused("\na,a\n").starts_with("t.csv line 2, column 2: "));
    assert!(
        refused(",a\n0,1\n")
            .starts_with("t.csv line 1, column 1: the header gives the column no name")
    );
    assert_eq!(
        refused(""),
        "t.csv: the file is empty; a header line is needed"
    );
    assert_eq!(
        refused("\n\r\n"),
        "t.csv: the file is empty; a header line is needed"
    );
    assert_eq!(
        refused("a,b\n"),
        "t.csv: there is no line of data after the header"
    );
    let latin = CsvTable::from_bytes("t.csv", b"a,b\n1,2\n1,\xe9\n", ',');
    assert_eq!(
        text(latin),
        "t.csv line 3: the text is not UTF-8; save the file in that encoding"
    );
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for rows in [
        "a,y\r\n1,0\r\nx,0\r\n",
        "\na,y\nx,0\n",
        "a,y\n\nx,0\n",
        "a,y\r1,0\rx,0\r",
        "a,y\r\n\r\nx,0",
        "a,\"y\"\n\"1\n\",0\nx,0",
        "\u{feff}a,y\n1,0\nx,0\n",
    ] {
        let line = if rows.contains("\"1\n") { 4 } else { 3 };
        let error = text(table(rows).target("y"));
        assert!(
            error.starts_with(&format!("t.csv line {line}, column \"a\"")),
            "{rows:?} {error}"
        );
    }
}

#[test]
fn other_delimiters() {
    let set = CsvTable::from_bytes("t", b"a;y\n1;0\n2;1\n", ';')
        .unwrap()
        .target("y")
        .unwrap();
    assert_eq!(set.features_all().as_ref(), [1.0, 2.0]);
    for bad in ['é', '"', '\n', '→'] {
        assert_eq!(
            text(CsvTable::from_bytes("t", b"", bad)),
            format!(
                "the delimiter is {bad:?}, but must be an ASCII character other than a quote or a line's end"
            )
        );
    }
}

#[test]
fn files_are_read_plain_and_compressed() {
    for bytes in [b"a,y\n1,0\n2,1\n".to_vec(), gzip(b"a,y\n1,0\n2,1\n")] {
        let (_folder, path) = file("t.csv", &bytes);
        assert_eq!(csv(&path).unwrap().target("y").unwrap().len(), 2);
    }
    assert!(text(csv("no.csv")).starts_with("no.csv: cannot open: "));
}

#[test]
fn the_shipped_sets_are_whole() {
    let shipped = |name: &str| {
        csv(format!(
            "{}/examples/data/{name}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap()
    };
    let digits = shipped("digits.csv").target("label").unwrap();
    assert_eq!(digits.to_string(), "1797 samples of shape [64], 10 classes");
    assert_eq!(
        digits.class_counts().unwrap(),
        [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    );
    assert_eq!(digits.class_names().first().unwrap(), "0");
    let cancer = shipped("breast_cancer.csv").target("diagnosis").unwrap();
    assert_eq!(cancer.sample_shape(), &Shape::from([30]));
    assert_eq!(cancer.class_names(), ["benign", "malignant"]);
    assert_eq!(cancer.class_counts().unwrap(), [357, 212]);
    let iris = shipped("iris.csv").target("species").unwrap();
    assert_eq!(iris.to_string(), "150 samples of shape [4], 3 classes");
    let wine = shipped("wine.csv").target("cultivar").unwrap();
    assert_eq!(wine.class_counts().unwrap(), [59, 71, 48]);
    let diabetes = shipped("diabetes.csv");
    assert!(text(diabetes.target("progression")).contains("look like a quantity"));
    let diabetes = diabetes.target_values("progression").unwrap();
    assert_eq!(
        diabetes.to_string(),
        "442 samples of shape [10], 1 target value each"
    );
    assert_eq!(diabetes.values(0), Some(&[151.0f32][..]));
}

#[test]
fn columns_are_selected_in_the_order_of_their_names() {
    let t = table("a,b,c\n1,2,x\n4,5,y\n").select(&["b", "a"]).unwrap();
    let set = t.unlabelled().unwrap();
    assert_eq!(set.feature_names(), ["b", "a"]);
    assert_eq!(set.features_all().as_ref(), [2.0, 1.0, 5.0, 4.0]);
    let error = text(table("a,b\n1,2\n").select(&["b", "aa"]));
    assert_eq!(
        error,
        "t.csv: there is no column \"aa\"; did you mean \"a\"? (the columns are \"a\", \"b\")"
    );
}

#[test]
fn a_quantity_is_told_from_classes() {
    let t = table("name,whole,real\nx,1,0.5\ny,2,1.5\n");
    assert!(t.looks_like_classes("name").unwrap());
    assert!(t.looks_like_classes("whole").unwrap());
    assert!(!t.looks_like_classes("real").unwrap());
    let error = text(table("a,y\n1,0.5\n2,\n").looks_like_classes("y"));
    assert!(
        error.starts_with("t.csv line 3, column \"y\": the value is missing"),
        "{error}"
    );
}
