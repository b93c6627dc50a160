//! The formats of tables: JSON, several files, folders of texts, Parquet.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::wgrad;
use serde_json::Value;

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn columns(events: &[Value]) -> Vec<(String, String)> {
    let of = |e: &Value, key: &str| e[key].as_str().unwrap().to_string();
    let columns = events.iter().filter(|e| e["event"] == "column");
    columns.map(|e| (of(e, "name"), of(e, "type"))).collect()
}

/// Rows whose class depends on `x`, as objects of JSON.
fn objects(rows: std::ops::Range<usize>) -> Vec<String> {
    let object = |i: usize| {
        let (x, y) = (i * 37 % 60, if i * 37 % 60 > 30 { "high" } else { "low" });
        let city = ["Bern", "Basel"][i % 2];
        let tags = if i.is_multiple_of(3) {
            "[\"p\", \"q\"]"
        } else {
            "[\"p\"]"
        };
        format!(
            "{{\"x\": {x}.5, \"place\": {{\"city\": \"{city}\"}}, \"tags\": {tags}, \"y\": \"{y}\"}}"
        )
    };
    rows.map(object).collect()
}

#[test]
fn json_is_described_trained_on_and_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "t.jsonl", &objects(0..300).join("\n"));
    write(
        here,
        "t.json",
        &format!("[{}]", objects(0..300).join(",\n")),
    );
    let expected = [
        ("x", "number"),
        ("place.city", "category"),
        ("tags", "category"),
        ("y", "category"),
    ];
    let expected = expected.map(|(name, of)| (name.to_string(), of.to_string()));
    for file in ["t.jsonl", "t.json"] {
        let events = wgrad(here, &format!("data {file} --json")).ok().events();
        assert_eq!(columns(&events), expected);
        assert_eq!(events.last().unwrap()["rows"], 300);
    }
    let done = wgrad(
        here,
        "train t.jsonl --target y --json --device cpu --epochs 60",
    )
    .ok()
    .done();
    assert!(done["test"]["accuracy"].as_f64().unwrap() > 0.9, "{done}");
    write(
        here,
        "new.json",
        "[{\"x\": 59, \"place\": {\"city\": \"Bern\"}, \"tags\": []}, {\"x\": 1}]",
    );
    let ran = wgrad(here, "predict runs/t new.json").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        lines[1].starts_with("high,") && lines[2].starts_with("low,"),
        "{lines:?}"
    );
    write(here, "bad.jsonl", "{\"x\": 1}\n{\"x\": 2\n");
    wgrad(here, "data bad.jsonl")
        .refused("bad.jsonl line 2: an object opens here and is not closed");
}

#[test]
fn several_files_are_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let part = |rows: std::ops::Range<usize>, header: &str| {
        let row = |i: usize| {
            let (x, y) = (i * 37 % 60, if i * 37 % 60 > 30 { "high" } else { "low" });
            match header {
                "x,y" => format!("{x},{y}\n"),
                _ => format!("{y},{x}\n"),
            }
        };
        format!("{header}\n") + &rows.map(row).collect::<String>()
    };
    write(here, "part-1.csv", &part(0..150, "x,y"));
    write(here, "part-2.csv", &part(150..300, "y,x"));
    let text = wgrad(here, "data part-1.csv part-2.csv").ok().stdout;
    assert!(
        text.starts_with("part-1.csv and 1 other file: 300 rows, 2 columns\n"),
        "{text}"
    );
    assert!(
        text.contains("note: the table has 2 files, part-1.csv to part-2.csv"),
        "{text}"
    );
    // The shell does not expand the pattern here.
    let text = wgrad(here, "new part-*.csv --target y").ok().stdout;
    assert!(text.contains("path = \"part-*.csv\"\n"), "{text}");
    assert!(text.contains("dir = \"runs/part\"\n"), "{text}");
    wgrad(here, "new part-1.csv part-2.csv --target y -o c.toml").ok();
    let text = std::fs::read_to_string(here.join("c.toml")).unwrap();
    assert!(
        text.contains("path = [\"part-1.csv\", \"part-2.csv\"]\n"),
        "{text}"
    );
    let done = wgrad(here, "train c.toml --json --device cpu --epochs 40")
        .ok()
        .done();
    assert!(done["test"]["accuracy"].as_f64().unwrap() > 0.9, "{done}");
    // The run's configuration has the files, and so the same test split.
    let again = wgrad(here, "evaluate runs/part-1 --json").ok().done();
    assert_eq!(again["test"]["accuracy"], done["test"]["accuracy"]);
    let ran = wgrad(here, "predict runs/part-1 part-2.csv part-1.csv").ok();
    assert_eq!(ran.stdout.lines().count(), 301);
    let ran = wgrad(here, "train part-*.csv --target y --device cpu --epochs 1").ok();
    assert!(
        ran.stdout
            .contains("data    part-*.csv: 1 features, 2 classes (y)"),
        "{}",
        ran.stdout
    );

    wgrad(here, "train part-1.csv part-2.csv").refused("--target");
    write(here, "part-3.csv", "x,z\n1,a\n");
    wgrad(here, "data part-*.csv").refused(
        "part-3.csv: expected the columns of part-1.csv, found no column \"y\", but \"z\"",
    );
    write(here, "part-3.csv", &(part(300..340, "x,y") + "oops,low\n"));
    wgrad(here, "train part-*.csv --target y").refused("part-3.csv line 42)");
}

/// Writes texts of two classes into folders.
fn mails(here: &Path, folder: &str, texts: std::ops::Range<usize>) {
    for i in texts {
        let (class, words) = match i % 2 {
            0 => (
                "ham",
                ["meeting at noon", "the report is done", "see you at lunch"],
            ),
            _ => (
                "spam",
                [
                    "win free money now",
                    "cheap pills offer",
                    "free offer win now",
                ],
            ),
        };
        let folder = here.join(folder).join(class);
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "Subject: {}\n\n{}, number {i}",
            words[i % 3],
            words[i * 7 % 3]
        );
        std::fs::write(folder.join(format!("{i}.txt")), text).unwrap();
    }
}

#[test]
fn a_folder_of_texts_is_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    mails(here, "mails", 0..80);
    let events = wgrad(here, "data mails/ --json").ok().events();
    let expected = [("file", "id"), ("text", "text"), ("class", "category")];
    let expected = expected.map(|(name, of)| (name.to_string(), of.to_string()));
    assert_eq!(columns(&events), expected);
    let done = wgrad(
        here,
        "train mails/ --target class --json --device cpu --epochs 30",
    )
    .ok()
    .done();
    assert!(done["test"]["accuracy"].as_f64().unwrap() > 0.9, "{done}");
    // New texts have no classes.
    std::fs::create_dir(here.join("new")).unwrap();
    write(
        here,
        "new/a.txt",
        "Subject: free money\n\nwin cheap pills now",
    );
    write(
        here,
        "new/b.txt",
        "Subject: lunch\n\nthe meeting is at noon",
    );
    let ran = wgrad(here, "predict runs/mails new").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        lines[1].starts_with("spam,") && lines[2].starts_with("ham,"),
        "{lines:?}"
    );
    wgrad(here, "train new --target class").refused("new: there is no column \"class\"");
}

#[test]
fn folders_for_training_and_test_are_both_used() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    mails(here, "mails/train", 0..60);
    mails(here, "mails/test", 60..80);
    let text = wgrad(here, "new mails --target class").ok().stdout;
    let expected = "path = \"mails/train\"\ntarget = \"class\"\ntest_path = \"mails/test\"\n";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("dir = \"runs/mails\"\n"), "{text}");
    let ran = wgrad(here, "train mails --target class --device cpu --epochs 5").ok();
    assert!(ran.stdout.contains(" 20 test samples"), "{}", ran.stdout);
    let text = wgrad(here, "data mails").ok().stdout;
    assert!(
        text.contains("60 rows, 3 columns\nnote: the test data in mails/test is not"),
        "{text}"
    );
}

#[test]
fn folders_of_other_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for class in ["a", "b"] {
        std::fs::create_dir_all(here.join("pictures").join(class)).unwrap();
        std::fs::write(here.join("pictures").join(class).join("1.png"), b"\x89PNG").unwrap();
    }
    wgrad(here, "train pictures --target class").refused(
        "pictures: expected texts, found a folder of images by class (2 images in 2 classes)",
    );
    std::fs::create_dir(here.join("tables")).unwrap();
    write(here, "tables/t.csv", "x,y\n1,2\n");
    wgrad(here, "data tables").refused("tables/*.csv");
}

#[test]
fn problems_come_with_lines_for_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let row = |i: usize| match i {
        10 | 30 => format!("{},unknown,a\n", i % 7),
        20 => "none yet,3,b\n".to_string(),
        _ => format!("{},{},{}\n", i * i % 50, i * 3 % 41, ["a", "b"][i % 2]),
    };
    let text: String = (0..100).map(row).collect();
    write(here, "t.csv", &("x,the age,y\n".to_string() + &text));
    let advice = "\
t.csv: column \"x\": 1 cell is not a number, first \"none yet\" (line 22)
column \"the age\": 2 cells are not a number, first \"unknown\" (line 12)
mend the file, or add to [data] of the configuration, which `wgrad new` writes:
missing = [\"none yet\", \"unknown\"]  # these words mean that a cell is missing
columns.x = \"category\"  # or: the column has names
columns.\"the age\" = \"category\"  # or: the column has names";
    wgrad(here, "train t.csv --target y --device cpu").refused(advice);
    let text = wgrad(here, "data t.csv").ok().stdout;
    assert!(text.contains(&format!("\nproblem: {advice}")), "{text}");
    let configuration = wgrad(here, "new t.csv --target y").ok().stdout;
    for line in [
        "missing = [\"none yet\", \"Unknown\"]",
        "columns.x = \"category\"\ncolumns.\"the age\" = \"category\"",
    ] {
        let text = configuration.replace("[training]", &format!("{line}\n\n[training]"));
        write(here, "c.toml", &text);
        wgrad(here, "train c.toml --device cpu --epochs 1").ok();
    }
    let text = wgrad(here, "data t.csv --missing unknown --missing none")
        .ok()
        .stdout;
    assert!(
        text.contains("column \"x\"") && !text.contains("column \"the age\""),
        "{text}"
    );
}

#[test]
fn the_command_line_reads_parquet_and_zstd() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/parquet");
    std::fs::copy(format!("{fixtures}/snappy.parquet"), here.join("t.parquet")).unwrap();
    let events = wgrad(here, "data t.parquet --json").ok().events();
    assert_eq!(columns(&events).len(), 17);
    assert_eq!(events.last().unwrap()["rows"], 5);
    std::fs::copy(format!("{fixtures}/nested.parquet"), here.join("n.parquet")).unwrap();
    wgrad(here, "data n.parquet").refused("found the nested columns \"list\", \"pair\"");
    // x,y 1,a 2,b
    let table = [
        0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x0c, 0x61, 0x00, 0x00, 0x78, 0x2c, 0x79, 0x0a, 0x31, 0x2c,
        0x61, 0x0a, 0x32, 0x2c, 0x62, 0x0a,
    ];
    std::fs::write(here.join("t.csv.zst"), table).unwrap();
    let text = wgrad(here, "data t.csv.zst").ok().stdout;
    assert!(text.starts_with("t.csv.zst: 2 rows, 2 columns\n"), "{text}");
}
