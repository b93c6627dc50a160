//! `wgrad predict`: kept columns, stdin, formats, blocks of large tables, and failed writes.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use common::{command, names, wgrad};
use serde_json::Value;

/// Trains a run `runs/t` on a table with a name, a category and a number.
fn trained(folder: &Path, target: &str) {
    std::fs::write(folder.join("t.csv"), table(0, 200)).unwrap();
    let line = format!("train t.csv --target {target} --epochs 2 --device cpu --json");
    wgrad(folder, &line).ok();
}

fn table(from: usize, rows: usize) -> String {
    let mut text = "name,size,colour,price,kind\n".to_string();
    for i in from..from + rows {
        let (size, colour) = ((i * 37) % 101, ["red", "green", "NA"][i % 3]);
        let price = size as f64 * 1.5 + (i % 3) as f64;
        let kind = if size > 50 { "big" } else { "small" };
        writeln!(text, "\"N, {i}\",{size},{colour},{price},{kind}").unwrap();
    }
    text
}

#[test]
fn kept_columns_stand_before_the_predictions() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    trained(here, "kind");
    std::fs::write(here.join("new.csv"), table(200, 3)).unwrap();
    let plain = wgrad(here, "predict runs/t new.csv").ok().stdout;
    let kept = wgrad(here, "predict runs/t new.csv --keep colour,name")
        .ok()
        .stdout;
    let expected = [
        "colour,name",
        "NA,\"N, 200\"",
        "red,\"N, 201\"",
        "green,\"N, 202\"",
    ];
    for ((kept, plain), expected) in kept.lines().zip(plain.lines()).zip(expected) {
        assert_eq!(kept, format!("{expected},{plain}"));
    }
    assert_eq!(kept.lines().count(), 4);
    let all = wgrad(here, "predict runs/t new.csv --keep all").ok().stdout;
    assert!(all.starts_with("name,size,colour,price,kind,predicted kind,p(big),p(small)\n"));
    wgrad(here, "predict runs/t new.csv --keep color")
        .refused("there is no column \"color\"; did you mean \"colour\"?");
    assert!(
        all.lines()
            .skip(1)
            .zip(plain.lines().skip(1))
            .all(|(a, p)| a.ends_with(p))
    );
}

#[test]
fn json_lines_name_everything() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    trained(here, "kind");
    let line = "predict runs/t t.csv --keep name,size --out p.jsonl";
    wgrad(here, line).ok();
    let text = std::fs::read_to_string(here.join("p.jsonl")).unwrap();
    let rows: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows.len(), 200);
    let keys: Vec<&String> = rows[7].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["name", "size", "predicted", "probabilities"]);
    assert_eq!(
        (&rows[7]["name"], &rows[7]["size"]),
        (&"N, 7".into(), &"57".into())
    );
    let share = |class: &str| rows[7]["probabilities"][class].as_f64().unwrap();
    assert!((share("big") + share("small") - 1.0).abs() < 1e-9);
    // Standard output has the same bytes, and nothing else is left in the folder.
    let stdout = wgrad(here, "predict runs/t t.csv --keep name,size --format jsonl")
        .ok()
        .stdout;
    assert_eq!(stdout, text);
    assert_eq!(names(here), ["p.jsonl", "runs", "t.csv"]);
    wgrad(here, "predict runs/t t.csv --json --format csv")
        .refused("the argument '--json' cannot be used with '--format");
    let events = wgrad(here, "predict runs/t t.csv --json --keep size")
        .ok()
        .events();
    assert_eq!(events[7]["kept"]["size"], "57");

    let taken = table(0, 5).replace("name,", "predicted,");
    std::fs::write(here.join("taken.csv"), taken).unwrap();
    let line = "predict runs/t taken.csv --keep all --format";
    wgrad(here, &format!("{line} jsonl")).refused("\"predicted\"");
    wgrad(here, &format!("{line} csv")).ok();
}

#[test]
fn numbers_in_json_lines_are_those_of_csv() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    trained(here, "price");
    let csv = wgrad(here, "predict runs/t t.csv").ok().stdout;
    let lines = wgrad(here, "predict runs/t t.csv --format jsonl")
        .ok()
        .stdout;
    assert_eq!(csv.lines().count(), 201);
    for (csv, line) in csv.lines().skip(1).zip(lines.lines()) {
        let row: Value = serde_json::from_str(line).unwrap();
        let number: f64 = csv.parse().unwrap();
        assert_eq!(row["predicted"]["price"].as_f64(), Some(number));
    }
}

#[test]
fn blocks_change_no_prediction() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    trained(here, "kind");
    // More rows than a block, of which the last differ from the first.
    let rows = (1 << 16) + 300;
    std::fs::write(here.join("large.csv"), table(0, rows)).unwrap();
    wgrad(here, "predict runs/t large.csv --keep name --out large.out").ok();
    let all = std::fs::read_to_string(here.join("large.out")).unwrap();
    assert_eq!(all.lines().count(), rows + 1);
    assert_eq!(all.matches("predicted kind").count(), 1);
    let from = (1 << 16) - 256;
    std::fs::write(here.join("end.csv"), table(from, rows - from)).unwrap();
    let end = wgrad(here, "predict runs/t end.csv --keep name")
        .ok()
        .stdout;
    let last: Vec<&str> = all.lines().skip(1 + from).collect();
    assert_eq!(last, end.lines().skip(1).collect::<Vec<_>>());

    // A wrong cell in the last block is found before the first prediction is written.
    let wrong = table(0, rows).replace(&format!("\"N, {}\",", rows - 1), "x,1o");
    std::fs::write(here.join("large.csv"), wrong).unwrap();
    wgrad(here, "predict runs/t large.csv").refused("column \"size\": 1 cell is not a number");
    wgrad(here, "predict runs/t large.csv --out large.out").refused("not a number");
    assert_eq!(
        std::fs::read_to_string(here.join("large.out")).unwrap(),
        all
    );
    assert_eq!(
        names(here),
        ["end.csv", "large.csv", "large.out", "runs", "t.csv"]
    );
}

#[test]
fn stdin_is_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    trained(here, "kind");
    let file = wgrad(here, "predict runs/t t.csv").ok().stdout;
    let mut piped = command(here, "predict runs/t -");
    piped.stdin(File::open(here.join("t.csv")).unwrap());
    let out = piped.output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), file);

    std::fs::write(here.join("bad.csv"), "name,size,colour,price\nx,1o,red,2\n").unwrap();
    let mut piped = command(here, "predict runs/t -");
    piped.stdin(File::open(here.join("bad.csv")).unwrap());
    let out = piped.output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    let stderr = String::from_utf8(out.stderr).unwrap();
    assert!(stderr.contains("first \"1o\" in stdin line 2"), "{stderr}");
}

#[test]
fn a_csv_of_numbers_keeps_columns_too() {
    let folder = common::iris("epochs = 1");
    let here = folder.path();
    wgrad(here, "train c.toml --json").ok();
    let out = wgrad(here, "predict run iris.csv --keep species")
        .ok()
        .stdout;
    assert!(
        out.starts_with("species,predicted species,p(setosa)"),
        "{out}"
    );
    assert!(out.lines().nth(1).unwrap().starts_with("setosa,"), "{out}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_failed_write_is_an_error_and_a_closed_pipe_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    trained(here, "kind");
    for line in [
        "predict runs/t t.csv",
        "predict runs/t t.csv --json",
        "data t.csv",
        "runs",
        "explain runs/t t.csv --row 1 --device cpu",
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let out = command(here, line).stdout(full).output().unwrap();
        let stderr = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(1), "{line}: {stderr}");
        assert!(
            stderr.contains("error: cannot write to stdout: No space left on device"),
            "{line}: {stderr}"
        );
        let mut child = command(here, line);
        let child = child.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(0), "{line}: {stderr}");
        assert!(!stderr.contains("error"), "{line}: {stderr}");
    }
}

#[test]
fn the_run_to_resume_may_be_a_word_of_its_own() {
    let folder = common::iris("epochs = 1");
    let here = folder.path();
    wgrad(here, "train c.toml --json").ok();
    for line in [
        "train c.toml --epochs 2 --resume run --json",
        "train --resume run c.toml --epochs 3 --json",
        "train c.toml --epochs 4 --resume --json",
        "train --epochs 5 --resume c.toml --json",
    ] {
        let events = wgrad(here, line).ok().events();
        assert!(
            events[0]["resumed_epoch"].is_number(),
            "{line}: {:?}",
            events[0]
        );
    }
    wgrad(here, "train --resume run").refused("wgrad train CONFIG.toml --resume run");
    wgrad(here, "train --resume").refused("expected one configuration file");
}

#[test]
fn verdicts_fit_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let doctor = wgrad(here, "doctor --device cpu --op relu").ok().stdout;
    // The sentence may need two lines.
    let mut end = doctor.lines().rev().take(2);
    assert!(
        end.any(|line| line.starts_with("this CPU computes correctly: ")),
        "{doctor}"
    );
    let devices = wgrad(here, "devices").ok().stdout;
    let last = devices.lines().last().unwrap();
    assert!(last.starts_with("wgrad trains on "), "{devices}");
    for text in [doctor, devices] {
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}
