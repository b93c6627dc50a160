//! Profiles: they contain every step of the plan, times add up, and the trainer does not change.

use std::time::Duration;

use serde_json::Value;
use wgrad::exec::{Clock, HostPhase};
use wgrad::graph::Phase;
use wgrad::train::{Profile, Profiling};
use wgrad::{Device, Error, Fit};

use crate::{classes, classifier};

/// Profiles with both ways of timing, if there are two.
fn profiles(device: &Device) -> Vec<Profile> {
    let set = classes(50);
    let mut trainer = classifier().compile(device, &set).unwrap();
    let ways = [Profiling::runs(3), Profiling::runs(3).wall_clock()];
    let each = ways.map(|way| trainer.profile(&set, way.batch_size(16)).unwrap());
    each.into_iter().collect()
}

/// Returns the complete events of a track: name, start and end.
fn events(trace: &Value, track: u64) -> Vec<(String, f64, f64)> {
    let all = trace["traceEvents"].as_array().unwrap().iter();
    let of = all.filter(|e| e["ph"] == "X" && e["tid"] == track);
    of.map(|e| {
        let (start, length) = (e["ts"].as_f64().unwrap(), e["dur"].as_f64().unwrap());
        assert!(start >= 0.0 && length >= 0.0, "{e}");
        (
            e["name"].as_str().unwrap().to_string(),
            start,
            start + length,
        )
    })
    .collect()
}

/// Checks that each event is within the one in which it begins.
fn assert_nested(mut events: Vec<(String, f64, f64)>) {
    events.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.2.total_cmp(&a.2)));
    let mut open: Vec<(String, f64)> = Vec::new();
    for (name, start, end) in events {
        // Nanoseconds are written as fractions of microseconds.
        while open.last().is_some_and(|(_, until)| *until <= start + 1e-3) {
            open.pop();
        }
        if let Some((outer, until)) = open.last() {
            assert!(end <= until + 1e-3, "{name} ends after {outer}");
        }
        open.push((name, end));
    }
}

on_every_device! {
    fn every_step_is_there_and_the_shares_add_up(device) {
        let set = classes(50);
        let mut trainer = classifier().compile(device, &set).unwrap();
        trainer.begin(&set, Fit::epochs(1).batch_size(16)).unwrap();
        let labels: Vec<String> =
            trainer.plan().unwrap().steps.iter().map(|s| s.label.clone()).collect();
        for profile in profiles(device) {
            let of: Vec<String> = profile.steps.iter().map(|s| s.label.clone()).collect();
            assert_eq!(of, labels);
            assert_eq!(profile.runs.len(), 3);
            assert_eq!(profile.batch, 16);
            assert!(profile.plain > Duration::ZERO);
            assert!(profile.roofline.flops > 1e6 && profile.roofline.bandwidth > 1e6);
            assert!(profile.in_steps() > Duration::ZERO, "{profile}");
            assert!(profile.steps.iter().any(|s| s.phase == Phase::Forward && !s.scope.is_empty()));
            assert!(profile.steps.iter().any(|s| s.phase == Phase::Update));
            assert_eq!(
                profile.steps.iter().any(|s| !s.kernels.is_empty()),
                device.is_gpu()
            );
            let phases: Vec<HostPhase> = profile.outside.iter().map(|(phase, _)| *phase).collect();
            assert_eq!(phases, HostPhase::ALL);
            let outside: Duration = profile.outside.iter().map(|(_, time)| *time).sum();
            let outside = outside.as_secs_f64() / profile.total().as_secs_f64();
            for rows in [
                profile.by_op(),
                profile.by_layer(),
                profile.by_source(),
                profile.by_step(),
            ] {
                let share: f64 = rows.iter().map(|row| row.share).sum();
                assert!((share + outside - 1.0).abs() < 1e-9, "{share} and {outside}");
                let count: usize = rows.iter().map(|row| row.count).sum();
                assert_eq!(count, labels.len());
                assert!(rows.is_sorted_by(|a, b| a.time >= b.time));
            }
        }
    }

    fn tables_fit_a_terminal(device) {
        for profile in profiles(device) {
            let text = profile.to_string();
            // Lines with a device's name or a clock's error may be longer.
            for line in text.lines().skip(2) {
                assert!(line.chars().count() <= 100, "{line}");
            }
            for title in ["by op", "by layer", "by line", "by step", "outside the steps"] {
                assert!(text.contains(title), "{title} is not in\n{text}");
            }
            assert!(text.contains("tests/training/main.rs:"), "{text}");
            let rows = profile.by_step();
            let short = profile.table("steps", &rows, Some(2));
            // The title, two rows, and a row for the rest.
            assert_eq!(short.lines().count(), 4, "{short}");
            assert!(short.contains(&format!("{} more", rows.len() - 2)), "{short}");
        }
    }

    fn the_clock_is_told(device) {
        let timestamps = device.as_gpu().is_some_and(|gpu| gpu.info().timestamps);
        let [best, wall] = <[Profile; 2]>::try_from(profiles(device)).unwrap();
        let Clock::Wall { why } = &wall.clock else { panic!("{:?}", wall.clock) };
        match device.is_gpu() {
            true => assert_eq!(why, "as requested"),
            false => assert_eq!(why, "the device is the host"),
        }
        match &best.clock {
            Clock::Timestamps => assert!(timestamps),
            Clock::Wall { why } => assert!(!why.is_empty()),
        }
    }

    fn a_trace_is_json_and_nests(device) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        for profile in profiles(device) {
            profile.write_trace(&path).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text, profile.trace());
            let trace: Value = serde_json::from_str(&text).unwrap();
            let (host, steps) = (events(&trace, 1), events(&trace, 2));
            assert_eq!(steps.len(), 3 * (profile.steps.len() + 1));
            for i in 0..3 {
                let name = format!("training step {i}");
                for track in [&host, &steps] {
                    assert_eq!(track.iter().filter(|e| e.0 == name).count(), 1);
                }
            }
            for phase in ["batch", "upload", "run", "results"] {
                assert!(host.iter().any(|e| e.0 == phase), "{phase}");
            }
            assert_nested(host);
            assert_nested(steps);
        }
        let missing = folder.path().join("no/trace.json");
        let failed = profiles(device)[0].write_trace(&missing).unwrap_err();
        assert!(matches!(failed, Error::Io { .. }), "{failed}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    fn a_training_goes_on_as_if_it_had_not_been_profiled(device) {
        let set = classes(20);
        let fit = || Fit::epochs(2).batch_size(8);
        let mut plain = classifier().compile(device, &set).unwrap();
        plain.fit(&set, fit()).unwrap();
        let mut profiled = classifier().compile(device, &set).unwrap();
        profiled.begin(&set, fit()).unwrap();
        profiled.step().unwrap();
        profiled.profile(&set, Profiling::runs(2).batch_size(8)).unwrap();
        while !matches!(profiled.step().unwrap(), wgrad::train::Tick::Done(_)) {}
        assert_eq!(
            profiled.weights_sha256().unwrap(),
            plain.weights_sha256().unwrap()
        );
        assert_eq!(profiled.steps(), plain.steps());
    }

    fn what_cannot_be_profiled_is_refused(device) {
        let set = classes(20);
        let mut trainer = classifier().compile(device, &set).unwrap();
        for wrong in [Profiling::runs(0), Profiling::runs(1).batch_size(0)] {
            let error = trainer.profile(&set, wrong).unwrap_err();
            assert!(error.to_string().contains("must be at least 1"), "{error}");
        }
        for device in [device.clone().checked(), Device::reference()] {
            let mut trainer = classifier().compile(&device, &set).unwrap();
            let error = trainer.profile(&set, Profiling::runs(1)).unwrap_err();
            assert!(error.to_string().contains("the device to profile"), "{error}");
        }
    }
}
