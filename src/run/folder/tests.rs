//! Tests of a run's folder.

#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;

fn record(epoch: usize) -> EpochRecord {
    EpochRecord {
        epoch,
        step: 40 * epoch as u64,
        seconds: 0.25,
        lr: 1e-3,
        loss: 0.5,
        metrics: vec![("accuracy".to_string(), 0.9)],
        val_loss: Some(0.625),
        val_metrics: vec![("accuracy".to_string(), 0.875)],
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_taken_folder_is_left_alone() {
    let tmp = tempfile::tempdir().unwrap();
    let wanted = tmp.path().join("runs/digits");
    let first = RunFolder::create(&wanted).unwrap();
    first.write_config("a = 1\n").unwrap();
    let second = RunFolder::create(&wanted).unwrap();
    second.write_config("a = 2\n").unwrap();
    let third = RunFolder::create(&wanted).unwrap();
    assert_eq!(first.path(), wanted);
    assert_eq!(second.path(), tmp.path().join("runs/digits-2"));
    assert_eq!(third.path(), tmp.path().join("runs/digits-3"));
    assert_eq!(fs::read_to_string(first.config_path()).unwrap(), "a = 1\n");
    assert_eq!(RunFolder::newest(&wanted).unwrap().path(), second.path());
    third.write_config("").unwrap();
    assert_eq!(RunFolder::newest(&wanted).unwrap().path(), third.path());

    let empty = tmp.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(RunFolder::create(&empty).unwrap().path(), empty);
    let file = tmp.path().join("file");
    fs::write(&file, "x").unwrap();
    let beside = RunFolder::create(&file).unwrap();
    assert_eq!(beside.path(), tmp.path().join("file-2"));
}

#[test]
fn files_are_replaced_whole_and_leave_no_trace() {
    let tmp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&tmp.path().join("r")).unwrap();
    run.write_report("first").unwrap();
    run.write_report("second, longer").unwrap();
    run.write_report("3").unwrap();
    run.write_summary(&serde_json::json!({"epochs": 3}))
        .unwrap();
    assert_eq!(fs::read_to_string(run.report_path()).unwrap(), "3");
    assert_eq!(
        names(run.path()),
        ["checkpoints", "report.html", "summary.json"]
    );
}

#[test]
fn a_write_that_fails_keeps_the_old_file() {
    let tmp = tempfile::tempdir().unwrap();
    // A folder where the file should go: the rename fails after the writing.
    let path = tmp.path().join("report.html");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "old").unwrap();
    let e = write_atomically(&path, b"new").unwrap_err();
    assert!(e.to_string().contains("cannot replace"), "{e}");
    assert_eq!(fs::read_to_string(path.join("inside")).unwrap(), "old");
    assert_eq!(names(tmp.path()), ["report.html"]);

    let e = write_atomically(&tmp.path().join("no/folder"), b"new").unwrap_err();
    assert!(e.to_string().contains("cannot write"), "{e}");
}

#[test]
fn epochs_come_back_as_they_were() {
    let tmp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&tmp.path().join("r")).unwrap();
    assert_eq!(run.epochs().unwrap(), []);
    for epoch in 1..=3 {
        run.append_epoch(&record(epoch)).unwrap();
    }
    assert_eq!(run.epochs().unwrap(), [record(1), record(2), record(3)]);
    let text = fs::read_to_string(run.metrics_path()).unwrap();
    assert_eq!(
        text.lines().next().unwrap(),
        r#"{"epoch":1,"step":40,"seconds":0.25,"lr":0.001,"loss":0.5,"metrics":{"accuracy":0.9},"val_loss":0.625,"val_metrics":{"accuracy":0.875}}"#
    );
    run.keep_epochs_up_to(2).unwrap();
    assert_eq!(run.epochs().unwrap(), [record(1), record(2)]);
}

#[test]
fn a_torn_last_line_is_left_out_and_cut_off() {
    let tmp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&tmp.path().join("r")).unwrap();
    run.append_epoch(&record(1)).unwrap();
    let whole = fs::read(run.metrics_path()).unwrap();
    // Truncated anywhere, and longer than one block.
    for torn in ["{", "{\"epoch\":2,\"st", &"x".repeat(10_000)] {
        let mut bytes = whole.clone();
        bytes.extend(torn.as_bytes());
        fs::write(run.metrics_path(), &bytes).unwrap();
        assert_eq!(run.epochs().unwrap(), [record(1)]);
        run.append_epoch(&record(2)).unwrap();
        assert_eq!(run.epochs().unwrap(), [record(1), record(2)]);
    }
    fs::write(run.metrics_path(), "{\"epo").unwrap();
    run.append_epoch(&record(1)).unwrap();
    assert_eq!(run.epochs().unwrap(), [record(1)]);
}

#[test]
fn a_broken_line_in_the_middle_is_an_error_with_its_number() {
    let tmp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&tmp.path().join("r")).unwrap();
    run.append_epoch(&record(1)).unwrap();
    let mut text = fs::read_to_string(run.metrics_path()).unwrap();
    text.push_str("nonsense\n");
    fs::write(run.metrics_path(), text).unwrap();
    let e = run.epochs().unwrap_err().to_string();
    assert!(
        e.contains("metrics.jsonl:2: this is not an epoch's record"),
        "{e}"
    );
}

#[test]
fn what_is_not_a_number_survives() {
    let tmp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&tmp.path().join("r")).unwrap();
    let mut bad = record(1);
    bad.loss = f64::NAN;
    bad.metrics.push(("mae".to_string(), f64::INFINITY));
    run.append_epoch(&bad).unwrap();
    let back = run.epochs().unwrap();
    assert!(back[0].loss.is_nan() && back[0].metric("mae").unwrap().is_nan());
    assert_eq!(back[0].metric("accuracy"), Some(0.9));
}

#[test]
fn checkpoints_are_found_by_epoch_and_pruned() {
    let tmp = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&tmp.path().join("r")).unwrap();
    assert_eq!(run.latest_checkpoint().unwrap(), None);
    for epoch in [9, 100_000, 10] {
        fs::write(run.checkpoint_path(epoch), "").unwrap();
    }
    fs::write(run.best_path(), "").unwrap();
    fs::write(run.checkpoints().join("epoch-x.safetensors"), "").unwrap();
    let (epoch, _) = run.latest_checkpoint().unwrap().unwrap();
    assert_eq!(epoch, 100_000);
    run.prune_checkpoints(1).unwrap();
    assert_eq!(run.list_checkpoints().unwrap().len(), 1);
    assert!(run.best_path().exists());
}

#[test]
fn only_a_run_opens() {
    let tmp = tempfile::tempdir().unwrap();
    let e = RunFolder::open(tmp.path()).unwrap_err().to_string();
    assert!(e.contains("there is no config.toml in it"), "{e}");
    let e = RunFolder::open(&tmp.path().join("no"))
        .unwrap_err()
        .to_string();
    assert!(e.contains("there is no such folder"), "{e}");
    let run = RunFolder::create(&tmp.path().join("r")).unwrap();
    run.write_config("").unwrap();
    assert!(RunFolder::open(run.path()).is_ok());
}
