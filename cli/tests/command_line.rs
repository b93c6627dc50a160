//! The program's exit codes, and the stream of each output.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

fn wgrad(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wgrad"))
        .args(args)
        .current_dir(folder)
        .env("WGRAD_CACHE_DIR", "")
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_typo_ends_with_2_and_its_place_and_leaves_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let config =
        "[model]\nhidden = [8]\nactivation = \"rleu\"\n[data]\npath = \"d.csv\"\ntarget = \"y\"\n";
    std::fs::write(tmp.path().join("c.toml"), config).unwrap();
    let out = wgrad(tmp.path(), &["train", "c.toml", "--json"]);
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(text(&out.stdout), "");
    let expected = "error: c.toml:3:14: there is no activation \"rleu\"; did you mean `relu`?\n";
    assert!(
        text(&out.stderr).starts_with(expected),
        "{}",
        text(&out.stderr)
    );
    assert_eq!(std::fs::read_dir(tmp.path()).unwrap().count(), 1);
}

#[test]
fn what_is_not_there_ends_with_2() {
    let tmp = tempfile::tempdir().unwrap();
    for args in [
        &["train", "no.toml"][..],
        &["evaluate", "no"],
        &["predict", "no", "x.csv"],
        &["trian"],
        &["train", "c.toml", "--epochs", "0"],
    ] {
        let out = wgrad(tmp.path(), args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert_eq!(text(&out.stdout), "", "{args:?}");
        assert!(text(&out.stderr).starts_with("error: "), "{args:?}");
    }
}

#[test]
fn help_and_version_are_results() {
    let tmp = tempfile::tempdir().unwrap();
    let out = wgrad(tmp.path(), &["--help"]);
    assert!(out.status.success());
    for command in [
        "devices", "train", "evaluate", "predict", "profile", "doctor",
    ] {
        assert!(text(&out.stdout).contains(command), "{command}");
    }
    let out = wgrad(tmp.path(), &["--version"]);
    assert!(text(&out.stdout).starts_with("wgrad "));
}

#[test]
fn the_doctor_ends_with_what_it_checked() {
    let tmp = tempfile::tempdir().unwrap();
    let args = ["doctor", "--device", "cpu", "--op", "relu", "--json"];
    let out = wgrad(tmp.path(), &args);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let stdout = text(&out.stdout);
    let last: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "done");
    assert_eq!(last["failed"], 0);
    assert_eq!(last["checked"], stdout.lines().count() - 1);
    assert!(last["adapter"].is_string() && last["driver"].is_string());
    let out = wgrad(tmp.path(), &["doctor", "--device", "cpu", "--op", "sin"]);
    assert!(text(&out.stdout).contains("sine "), "{}", text(&out.stdout));
    let out = wgrad(
        tmp.path(),
        &["doctor", "--device", "cpu", "--op", "no such"],
    );
    assert_eq!(out.status.code(), Some(2));
    let out = wgrad(tmp.path(), &["doctor", "--device", "no such"]);
    assert_eq!(out.status.code(), Some(2));
}
