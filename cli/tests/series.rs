//! Forecasts of a series: windows of rows, and the values after them.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::wgrad;

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// The value of a day: a trend, and a season of 7 days.
fn value(day: usize) -> f64 {
    let season = [0.0, 3.0, 5.0, 4.0, 1.0, -6.0, -7.0];
    100.0 + 0.25 * day as f64 + season[day % 7]
}

/// Days in an order that is not that of time.
fn days(days: usize) -> String {
    let mut text = "day,sales,weather\n".to_string();
    for i in 0..days {
        let day = i * 101 % days;
        text.push_str(&format!("{day},{:.2},{}\n", value(day), day % 3));
    }
    text
}

fn config(series: &str) -> String {
    format!(
        "[model]\nhidden = [16]\n[data]\nformat = \"table\"\npath = \"days.csv\"\ntarget = \"sales\"\n\
         time = \"day\"\n{series}\n[training]\nepochs = 40\ndevice = \"cpu\"\n\
         optimizer = {{ type = \"adam\", lr = 0.003 }}\n"
    )
}

#[test]
fn a_forecast_continues_a_series() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "days.csv", &days(300));
    write(
        here,
        "c.toml",
        &config("window = 14\nhorizon = 3\nseason = 7"),
    );
    let ran = wgrad(here, "train c.toml --json").ok();
    let start = ran
        .events()
        .into_iter()
        .find(|e| e["event"] == "start")
        .unwrap();
    // Of 216 training rows, the first 14 have no window, and the last 2 too few rows after them.
    let sizes = ["train", "validation", "test"].map(|part| start[part].as_u64().unwrap());
    assert_eq!(sizes, [200, 22, 58]);
    // The seasonal naive forecast is wrong by the trend of a week.
    assert!(
        ran.stderr
            .contains("the values 7 rows before, has MAE 1.7500"),
        "{}",
        ran.stderr
    );
    let mae = ran.done()["test"]["mae"].as_f64().unwrap();
    assert!(mae < 0.4, "{mae}");

    let ran = wgrad(here, "predict runs/c days.csv").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "predicted sales+1,predicted sales+2,predicted sales+3"
    );
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (step, cell) in lines[1].split(',').enumerate() {
        let (found, expected) = (cell.parse::<f64>().unwrap(), value(300 + step));
        assert!((found - expected).abs() < 1.0, "{found} {expected}");
    }
    wgrad(here, "evaluate runs/c --data days.csv").ok();

    write(here, "short.csv", &days(10));
    wgrad(here, "predict runs/c short.csv")
        .refused("expected at least 14 rows for a window, found 10");
}

#[test]
fn a_network_that_learns_nothing_gives_the_naive_forecast() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "days.csv", &days(200));
    // All weights are 0, and stay so.
    let toml = config("window = 7").replace(
        "hidden = [16]",
        "layers = [{ type = \"flatten\" }, { type = \"linear\", out = 1, init = \"zeros\" }]",
    );
    write(here, "c.toml", &toml.replace("lr = 0.003", "lr = 1e-30"));
    let ran = wgrad(here, "train c.toml --epochs 1 --json").ok();
    let mae = ran.done()["test"]["mae"].as_f64().unwrap();
    let note = format!("the last value, has MAE {mae:.4} on the test split");
    assert!(ran.stderr.contains(&note), "{note}\n{}", ran.stderr);
}

#[test]
fn a_series_may_have_no_other_column_and_missing_values() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut text = "year,level\n".to_string();
    for year in 0..120 {
        match year {
            40 | 41 => text.push_str(&format!("{},\n", 1900 + year)),
            _ => text.push_str(&format!("{},{}\n", 1900 + year, (year * year) % 17)),
        }
    }
    write(here, "days.csv", &text);
    let toml = config("window = 4")
        .replace("sales", "level")
        .replace("\"day\"", "\"year\"");
    write(here, "c.toml", &toml);
    let ran = wgrad(here, "train c.toml --json").ok();
    assert!(
        ran.stderr.contains("2 rows have no target"),
        "{}",
        ran.stderr
    );
    let start = ran
        .events()
        .into_iter()
        .find(|e| e["event"] == "start")
        .unwrap();
    // 86 training rows, without 4 before the first window and 2 missing targets.
    assert_eq!(start["train"], 80);
}

#[test]
fn settings_of_a_forecast_must_fit() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write(here, "days.csv", &days(60));
    let refused = |series: &str, message: &str| {
        write(here, "c.toml", &config(series));
        wgrad(here, "train c.toml").refused(message);
    };
    refused(
        "horizon = 3",
        "`horizon` is for a forecast, which has a `window`",
    );
    refused(
        "window = 5\nseason = 7",
        "`season` is 7, but `window` has 5 rows only",
    );
    refused(
        "window = 5\ngroup = \"weather\"",
        "`group` and `time` both determine the splits",
    );
    refused(
        "window = 5\nseparator = \"|\"",
        "`separator` does not apply to a forecast",
    );
    refused(
        "window = 60",
        "expected a window of 60 rows and 1 rows after it",
    );
    refused(
        "window = 5\ntask = \"classification\"",
        "are for a regression",
    );
}
