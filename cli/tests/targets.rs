//! Targets of several kinds: several columns, labels, a positive class, and class weights; and
//! splits by a column.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::wgrad;

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// A configuration for `table.csv`.
fn config(data: &str, training: &str) -> String {
    format!(
        "[model]\nhidden = [16]\n[data]\nformat = \"table\"\npath = \"table.csv\"\n{data}\n[training]\n\
         epochs = 60\ndevice = \"cpu\"\noptimizer = {{ type = \"adam\", lr = 0.01 }}\n{training}\n"
    )
}

#[test]
fn several_columns_of_numbers_are_predicted_together() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut text = "a,b,sum,difference\n".to_string();
    for i in 0..200 {
        let (a, b) = (i * 37 % 100, i * 61 % 90);
        text.push_str(&format!("{a}.5,{b}.25,{}.75,{}.25\n", a + b, a - b));
    }
    write(here, "table.csv", &text);
    let toml = config("target = [\"sum\", \"difference\"]", "metrics = [\"r2\"]");
    write(here, "c.toml", &toml);
    let ran = wgrad(here, "train c.toml --json").ok();
    let r2 = ran.done()["test"]["r2"].as_f64().unwrap();
    assert!(r2 > 0.98, "{r2}");
    let ran = wgrad(here, "predict runs/c table.csv").ok();
    let first = ran.stdout.lines().next().unwrap();
    assert_eq!(first, "predicted sum,predicted difference");
    wgrad(here, "evaluate runs/c --data table.csv").ok();

    let toml = toml.replace("\"difference\"]", "\"a\", \"city\"]");
    write(here, "c.toml", &toml);
    wgrad(here, "train c.toml").refused("there is no column \"city\"");
    write(here, "table.csv", "x,y,z\n1,2,red\n2,3,blue\n3,4.5,red\n");
    write(here, "c.toml", &config("target = [\"y\", \"z\"]", ""));
    wgrad(here, "train c.toml").refused(
        "expected only numbers or only booleans in the 2 targets, found \"red\" in column \"z\" (line 2)",
    );
}

/// Rows whose labels follow from the numbers.
fn movies(rows: usize) -> String {
    let mut text = "fights,songs,genres\n".to_string();
    for i in 0..rows {
        let (fights, songs) = (i * 7 % 10, i * 3 % 8);
        let mut genres = Vec::new();
        if fights > 4 {
            genres.push("action");
        }
        if songs > 3 {
            genres.push("musical");
        }
        text.push_str(&format!("{fights}.5,{songs},{}\n", genres.join(" | ")));
    }
    text
}

#[test]
fn a_cell_has_several_labels() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "table.csv", &movies(300));
    write(
        here,
        "c.toml",
        &config("target = \"genres\"\nseparator = \"|\"", ""),
    );
    let ran = wgrad(here, "train c.toml --json").ok();
    let accuracy = ran.done()["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.95, "{accuracy}");
    assert!(ran.stderr.contains("rows have no label"), "{}", ran.stderr);
    write(here, "new.csv", "songs,fights\n7,9.5\n0,0.5\n");
    let ran = wgrad(here, "predict runs/c new.csv").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "predicted genres,p(action),p(musical)");
    assert!(lines[1].starts_with("action|musical,"), "{lines:?}");
    assert!(lines[2].starts_with(",0.0"), "{lines:?}");
    let done = wgrad(here, "evaluate runs/c --data table.csv --json")
        .ok()
        .done();
    assert!(done["test"]["accuracy"].as_f64().unwrap() > 0.95, "{done}");
    write(here, "new.csv", "songs,fights,genres\n7,9.5,horror\n");
    wgrad(here, "evaluate runs/c --data new.csv").refused(
        "expected labels of the training data, among them \"action\", \"musical\", found \"horror\"",
    );
}

#[test]
fn columns_of_booleans_are_labels() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut text = "x,high,odd\n".to_string();
    for i in 0..200 {
        text.push_str(&format!(
            "{i},{},{}\n",
            u8::from(i > 120),
            if i < 60 { "no" } else { "yes" }
        ));
    }
    write(here, "table.csv", &text);
    write(
        here,
        "c.toml",
        &config(
            "target = [\"high\", \"odd\"]\ncolumns = { x = \"number\" }",
            "",
        ),
    );
    let ran = wgrad(here, "train c.toml --json").ok();
    assert!(ran.done()["test"]["accuracy"].as_f64().unwrap() > 0.9);
    let ran = wgrad(here, "predict runs/c table.csv").ok();
    assert!(
        ran.stdout
            .starts_with("predicted high, odd,p(high),p(odd)\n")
            || ran
                .stdout
                .starts_with("\"predicted high, odd\",p(high),p(odd)\n"),
        "{}",
        ran.stdout
    );
}

/// Loans of which one in ten is bad, and 500 is the limit.
fn loans() -> String {
    let mut text = "amount,state\n".to_string();
    for i in 0..400 {
        let bad = i % 10 == 0;
        let amount = if bad {
            450 + i % 97
        } else {
            100 + i * 13 % 420
        };
        text.push_str(&format!(
            "{amount}.5,{}\n",
            if bad { "bad" } else { "good" }
        ));
    }
    text
}

#[test]
fn balanced_weights_find_the_rare_class() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "table.csv", &loans());
    let metrics = "metrics = [{ type = \"recall\", class = 1 }]";
    let recall = |training: &str, data: &str| {
        let toml = config(
            &format!("target = \"state\"\n{data}"),
            &format!("{metrics}\n{training}"),
        );
        write(here, "c.toml", &toml);
        let ran = wgrad(here, "train c.toml --json").ok();
        ran.done()["test"]["recall_class_1"].as_f64().unwrap()
    };
    // `positive` makes "bad" the second class.
    let plain = recall("", "positive = \"bad\"");
    let balanced = recall("class_weights = \"balanced\"", "positive = \"bad\"");
    assert!(balanced > 0.9 && balanced >= plain, "{plain} {balanced}");
    let named = recall("class_weights = { bad = 9.0 }", "positive = \"bad\"");
    assert!(named > 0.9, "{named}");

    let toml = config("target = \"state\"", "class_weights = { worse = 2.0 }");
    write(here, "c.toml", &toml);
    wgrad(here, "train c.toml").refused("a class of class_weights");
    let toml = config("target = \"state\"", "class_weights = \"equal\"");
    write(here, "c.toml", &toml);
    wgrad(here, "train c.toml").refused("class_weights");
    let toml = config("target = \"state\"\npositive = \"worse\"", "");
    write(here, "c.toml", &toml);
    wgrad(here, "train c.toml")
        .refused("expected `positive` to be one of \"bad\", \"good\", found \"worse\"");
}

#[test]
fn splits_follow_a_column() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut text = "when,who,part,x,y\n".to_string();
    for i in 0..200 {
        let part = ["train", "train", "train", "validation", "test"][i % 5];
        let day = format!("2020-{:02}-{:02}", 1 + i / 28 % 12, 1 + i % 28);
        text.push_str(&format!(
            "{day},p{},{part},{}.5,{}\n",
            i % 23,
            i * 7 % 50,
            i * 14 % 100
        ));
    }
    write(here, "table.csv", &text);
    let start = |data: &str| {
        let data = format!("target = \"y\"\ntask = \"regression\"\n{data}");
        write(here, "c.toml", &config(&data, ""));
        let events = wgrad(here, "train c.toml --epochs 1 --json").ok().events();
        let start = events.iter().find(|e| e["event"] == "start").unwrap();
        let size = |part: &str| start[part].as_u64().unwrap();
        (size("train"), size("validation"), size("test"))
    };
    assert_eq!(start("split = \"part\""), (120, 40, 40));
    assert_eq!(start("time = \"when\""), (144, 16, 40));
    let (train, validation, test) = start("group = \"who\"");
    assert_eq!(train + validation + test, 200);
    assert!(
        (35..=45).contains(&test) && (10..=20).contains(&validation),
        "{test} {validation}"
    );

    let refused = |data: &str, message: &str| {
        write(
            here,
            "c.toml",
            &config(&format!("target = \"y\"\n{data}"), ""),
        );
        wgrad(here, "train c.toml").refused(message);
    };
    refused(
        "split = \"prt\"",
        "there is no column \"prt\"; did you mean \"part\"?",
    );
    refused(
        "split = \"part\"\ngroup = \"who\"",
        "`split` and `group` both determine the splits",
    );
    refused(
        "split = \"part\"\ntest_split = 0.1",
        "`test_split` must be 0 where `split` names the test rows",
    );
    refused(
        "time = \"who\"",
        "column \"who\": expected dates or numbers as the time, found type category",
    );
}

#[test]
fn many_names_are_embedded() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    // The price follows from the shop, one of 60.
    let price = |shop: usize| (shop * 37 % 101) as f64;
    let mut text = "shop,weight,price\n".to_string();
    for i in 0..1200 {
        let (shop, weight) = (i * 7 % 60, i % 11);
        text.push_str(&format!(
            "shop{shop},{weight}.5,{:.1}\n",
            price(shop) + weight as f64
        ));
    }
    write(here, "table.csv", &text);
    write(
        here,
        "c.toml",
        &config(
            "target = \"price\"\npreprocessing = { categories = { above = \"ordinal\" } }",
            "metrics = [\"r2\"]",
        ),
    );
    let ran = wgrad(here, "train c.toml --json").ok();
    let r2 = ran.done()["test"]["r2"].as_f64().unwrap();
    assert!(r2 > 0.99, "{r2}");
    // 60 names, missing and new ones, in vectors of 16 features.
    let run = wgrad::Run::open(here.join("runs/c")).unwrap();
    let mut trainer = run.trainer(&wgrad::Device::cpu()).unwrap();
    assert_eq!(trainer.weights("columns.0.weight").unwrap().len(), 62 * 16);
    write(
        here,
        "new.csv",
        "shop,weight\nshop3,0.5\nelsewhere,0.5\n,0.5\n",
    );
    let ran = wgrad(here, "predict runs/c new.csv").ok();
    let values: Vec<f64> = ran
        .stdout
        .lines()
        .skip(1)
        .map(|l| l.parse().unwrap())
        .collect();
    assert!((values[0] - price(3)).abs() < 8.0, "{values:?}");
    // Nothing is known of a new shop, as of a missing one.
    assert_eq!(values[1], values[2]);
}

#[test]
fn a_table_larger_than_the_memory_limit_gives_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut text = "a,city,when,note,y\n".to_string();
    for i in 0..1200 {
        let (a, city) = (i * 37 % 100, ["Bern", "Basel", "", "Genf"][i % 4]);
        let y = match i % 50 {
            7 => String::new(),
            _ => format!("{}.5", a * 2 + i % 4),
        };
        let day = format!("2020-{:02}-{:02}", 1 + i / 28 % 12, 1 + i % 28);
        text.push_str(&format!("{a}.25,{city},{day},a{} b{},{y}\n", i % 5, i % 3));
    }
    write(here, "table.csv", &text);
    let train = |data: &str| {
        let data = format!("target = \"y\"\ncolumns = {{ note = \"text\" }}\n{data}");
        write(here, "c.toml", &config(&data, ""));
        let ran = wgrad(here, "train c.toml --epochs 3 --json").ok();
        let hash = ran.done()["weights_sha256"].as_str().unwrap().to_string();
        (hash, ran.done()["test"].clone(), ran.stderr)
    };
    let (hash, scores, stderr) = train("");
    assert!(!stderr.contains("memory_limit"), "{stderr}");
    // The sample has at least 1,000 rows, which are all training rows here.
    let (other, others, stderr) = train("memory_limit = \"20 KiB\"");
    assert!(stderr.contains("its features are in a file"), "{stderr}");
    assert_eq!((hash, scores), (other, others));

    let (header, rows) = text.split_at(text.find('\n').unwrap() + 1);
    write(here, "table.csv", &format!("{header}{}", rows.repeat(3)));
    let (first, _, stderr) = train("memory_limit = \"20 KiB\"");
    assert!(
        stderr.contains("fitted to 1000 of the 2540 training rows"),
        "{stderr}"
    );
    assert_eq!(first, train("memory_limit = \"20 KiB\"").0);

    write(
        here,
        "c.toml",
        &config("target = \"y\"\nwindow = 5\nmemory_limit = \"20 KiB\"", ""),
    );
    wgrad(here, "train c.toml").refused("a forecast needs all rows in memory");
}
