//! Tables as people have them: `data`, `new`, `train --target`, `predict` and `evaluate`.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::wgrad;
use serde_json::Value;

/// A table with an id, missing cells, a boolean, a category, dates and decimal commas. `bought`
/// depends on the age and on the membership.
fn people(rows: usize) -> String {
    let mut text = "name;age;city;member;joined;spent;bought\n".to_string();
    for i in 0..rows {
        let age = 18 + (i * 37) % 60;
        let city = ["Bern", "Basel", "", "Genf"][i % 4];
        let member = ["yes", "No", "YES"][i % 3];
        let bought = if age + 20 * usize::from(i % 3 != 1) > 60 {
            "ja"
        } else {
            "nein"
        };
        let age = if i % 17 == 3 {
            "NA".to_string()
        } else {
            age.to_string()
        };
        let (day, month, spent) = (1 + i % 28, 1 + i % 12, 900 + (i * 7) % 300);
        text.push_str(&format!(
            "P{i};{age};{city};{member};{day:02}.{month:02}.2015;1.{:03},5;{bought}\n",
            spent % 1000
        ));
    }
    text
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn columns(events: &[Value]) -> Vec<(String, String)> {
    let of = |e: &Value, key: &str| e[key].as_str().unwrap().to_string();
    let columns = events.iter().filter(|e| e["event"] == "column");
    columns.map(|e| (of(e, "name"), of(e, "type"))).collect()
}

#[test]
fn a_table_is_described() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "people.csv", &people(100));
    let events = wgrad(folder.path(), "data people.csv --json").ok().events();
    let expected = [
        ("name", "id"),
        ("age", "number"),
        ("city", "category"),
        ("member", "boolean"),
        ("joined", "date"),
        ("spent", "number"),
        ("bought", "category"),
    ];
    let expected = expected.map(|(name, of)| (name.to_string(), of.to_string()));
    assert_eq!(columns(&events), expected);
    assert_eq!(events[2]["missing"], 25);
    let done = events.last().unwrap();
    assert_eq!(
        (&done["rows"], &done["delimiter"]),
        (&100.into(), &";".into())
    );
    let text = wgrad(folder.path(), "data people.csv").ok().stdout;
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(text.contains("note: the decimal mark is a comma"), "{text}");
    assert!(text.contains("joined: read as %d.%m.%Y"), "{text}");
}

#[test]
fn a_table_is_trained_on_and_predicted_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "people.csv", &people(600));
    let done = wgrad(here, "train people.csv --target bought --json --device cpu")
        .ok()
        .done();
    let accuracy = done["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");

    // Other columns in another order, with a new city, a missing date and a decimal point.
    let new =
        "age,member,spent,city,joined,note\n75,yes,1200.5,Chur,2015-03-04,x\n18,no,,Bern,,y\n";
    write(here, "new.csv", new);
    wgrad(here, "predict runs/people new.csv").refused(
        "column \"joined\": 1 cell is not a date, first \"2015-03-04\" in new.csv line 2; expected the format %d.%m.%Y",
    );
    write(here, "new.csv", &new.replace("2015-03-04", "04.03.2015"));
    let ran = wgrad(here, "predict runs/people new.csv").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stdout);
    assert_eq!(lines[0], "predicted bought,p(ja),p(nein)");
    assert!(
        lines[1].starts_with("ja,") && lines[2].starts_with("nein,"),
        "{lines:?}"
    );
    assert!(
        ran.stderr.contains("columns not used by this model: note"),
        "{}",
        ran.stderr
    );

    write(here, "few.csv", "age;city\n1;Bern\n");
    wgrad(here, "predict runs/people few.csv")
        .refused("few.csv: there are no columns \"member\", \"joined\", \"spent\"");

    // The same rows give the same scores as during training.
    let again = wgrad(here, "evaluate runs/people --json").ok().done();
    assert_eq!(again["test"]["accuracy"], done["test"]["accuracy"]);
    let all = wgrad(here, "evaluate runs/people --data people.csv --json")
        .ok()
        .done();
    assert!(all["test"]["accuracy"].as_f64().unwrap() > 0.9, "{all}");
}

#[test]
fn a_configuration_is_written_for_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "people.csv", &people(60));
    let text = wgrad(here, "new people.csv --target bought").ok().stdout;
    assert!(
        text.contains("path = \"people.csv\"\ntarget = \"bought\"\n"),
        "{text}"
    );
    wgrad(here, "new people.csv --target bought -o people.toml").ok();
    assert_eq!(
        std::fs::read_to_string(here.join("people.toml")).unwrap(),
        text
    );
    wgrad(here, "new people.csv --target bought -o people.toml")
        .refused("must be a file that does not exist yet");
    wgrad(here, "new people.csv --target bougt")
        .refused("people.csv: there is no column \"bougt\"; did you mean \"bought\"?");
    wgrad(here, "train people.toml --epochs 2 --device cpu").ok();
}

#[test]
fn settings_of_columns_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let rows = |i: usize| format!("{},{},{}\n", i % 7, i, if i % 7 > 3 { "Yes" } else { "no" });
    let text: String = (0..80).map(rows).collect();
    write(
        here,
        "t.csv",
        &("grade,id,y\n".to_string() + &text.replacen("Yes", "yes", 3)),
    );
    let configuration = |data: &str| {
        format!(
            "[model]\nhidden = [8]\n[data]\nformat = \"table\"\npath = \"t.csv\"\ntarget = \"y\"\n{data}\n\
             [training]\nepochs = 20\noptimizer = {{ type = \"adam\", lr = 0.05 }}\n[output]\ndir = \"run\"\n"
        )
    };
    write(
        here,
        "c.toml",
        &configuration("columns.grade = \"category\"\nignore = [\"id\"]"),
    );
    let ran = wgrad(here, "train c.toml --device cpu").ok();
    assert!(
        ran.stdout.contains("t.csv: 7 features, 2 classes (y)"),
        "{}",
        ran.stdout
    );
    let note = "the targets \"Yes\" and \"yes\" are one class";
    assert!(ran.stderr.contains(note), "{}", ran.stderr);
    // `y` as 1 and 0 would be a regression only if it is set so.
    write(
        here,
        "c.toml",
        &configuration("columns.grad = \"category\""),
    );
    wgrad(here, "train c.toml --device cpu")
        .refused("there is no column \"grad\"; did you mean \"grade\"?");
    write(
        here,
        "c.toml",
        &configuration("columns.grade = \"categry\""),
    );
    wgrad(here, "train c.toml --device cpu").refused("did you mean `category`?");
    write(
        here,
        "c.toml",
        &configuration("preprocessing.numbers.scale = \"robust\""),
    );
    wgrad(here, "train c.toml --device cpu").ok();
}

#[test]
fn all_problems_of_a_table_are_in_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let rows = |i: usize| match i {
        40 => "oops,1,a\n".to_string(),
        41 => "3,?!,b\n".to_string(),
        _ => format!("{},{},{}\n", i * i % 50, i * 3 % 41, ["a", "b"][i % 2]),
    };
    let text: String = (0..100).map(rows).collect();
    write(here, "t.csv", &("x,z,y\n".to_string() + &text));
    let ran = wgrad(here, "train t.csv --target y --device cpu");
    let message = "t.csv: column \"x\": 1 cell is not a number, first \"oops\" (line 42)\n\
                   column \"z\": 1 cell is not a number, first \"?!\" (line 43)\nmend the file, or";
    ran.refused(message);
    wgrad(here, "train t.csv --target q").refused("there is no column \"q\"");
    write(here, "u.csv", "x,y\n1,a\n\"2,b\n3,a\n");
    wgrad(here, "train u.csv --target y")
        .refused("u.csv line 3: a quote opens here and is not closed");
}

#[test]
fn no_class_is_missing_from_the_validation_split() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let wine = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/wine.csv");
    let text = std::fs::read_to_string(wine).unwrap();
    let target = "cultivar";
    assert!(text.lines().next().unwrap().contains(target));
    write(here, "wine.csv", &text);
    for seed in 1..=20 {
        let command =
            format!("train wine.csv --target {target} --epochs 1 --seed {seed} --device cpu");
        let ran = wgrad(here, &command).ok();
        assert!(
            !ran.stderr.contains("the validation split has no sample"),
            "{}",
            ran.stderr
        );
    }
}
