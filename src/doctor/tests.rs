//! Tests that the doctor detects errors and continues after them, and that it passes correct
//! devices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::borrow::Cow;

use crate::exec::gpu::{GpuDevice, Limits, Options as Opening, Selector, Tuning};
use crate::graph::Phase;
use crate::plan::Plan;
use crate::{Device, Error};

use super::choice::choose;
use super::examine::{Found, examine};
use super::{Options, Trial, doctor, trials};

/// Returns the GPU with each kind of limits, with and without wgpu's checks. Returns none with
/// `WGRAD_SKIP_GPU=1`, for machines without a GPU.
fn gpus() -> Vec<Device> {
    let skip = std::env::var("WGRAD_SKIP_GPU").is_ok_and(|v| v == "1");
    let mut all = Vec::new();
    for limits in [Limits::Adapter, Limits::WebGpuDefaults] {
        for checks in [true, false] {
            let options = Opening {
                limits,
                checks,
                tuning: Tuning::Off,
                cache: None,
            };
            match GpuDevice::open_with(&Selector::SoftwareAllowed, &options) {
                Ok(gpu) => all.push(Device::from_gpu(gpu)),
                Err(Error::NoAdapter { .. }) if skip => return all,
                Err(error) => panic!("{error}"),
            }
        }
    }
    all
}

fn trial(op: &str, name: &str) -> Trial {
    let mut all = trials().into_iter();
    all.find(|t| t.op == op && t.name == name).unwrap()
}

fn spoil(plan: &mut Plan, from: &str, to: &str) {
    let dispatches = plan.steps.iter_mut().flat_map(|s| &mut s.variants);
    for part in dispatches.flatten().flat_map(|d| &mut d.kernel.parts) {
        part.text = Cow::Owned(part.text.replace(from, to));
    }
}

const RELU: &str = "select(F(0.0), x, x > F(0.0))";

#[test]
fn on_a_gpu_a_wrong_kernel_is_a_row_and_the_rest_goes_on() {
    let relu = trial("relu", "n_65");
    for gpu in gpus() {
        let wrong = |plan: &mut Plan| spoil(plan, RELU, "select(x * 1e-4, x, x > F(0.0))");
        let Found { rows, .. } = examine(&gpu, &relu, &wrong).unwrap();
        let (bad, good): (Vec<_>, Vec<_>) = rows.iter().partition(|r| !r.passed());
        assert!(bad.iter().any(|r| r.phase == Phase::Forward), "{rows:?}");
        assert!(bad.iter().all(|r| r.error > 1.0 && r.op == "relu"));
        assert!(good.iter().any(|r| r.phase == Phase::Backward), "{rows:?}");
        let text = bad[0].problem.clone().unwrap();
        assert!(text.starts_with("relu, element "), "{text}");
    }
}

#[test]
fn on_a_gpu_a_variant_with_other_bits_is_noticed() {
    let relu = trial("relu", "n_65");
    for gpu in gpus() {
        let variant = |factor: &'static str| {
            move |plan: &mut Plan| {
                let step = &mut plan.steps[0];
                step.variants.push(step.variants[0].clone());
                let other = format!("select(F(0.0), x * {factor}, x > F(0.0))");
                for part in step.variants[1]
                    .iter_mut()
                    .flat_map(|d| &mut d.kernel.parts)
                {
                    part.text = Cow::Owned(part.text.replace(RELU, &other));
                }
            }
        };
        // The same value computed differently, a value off by one unit in the last place, and
        // invalid WGSL.
        let problem = |factor| {
            let Found { rows, .. } = examine(&gpu, &relu, &variant(factor)).unwrap();
            assert!(
                rows.iter().all(|r| r.passed() || r.variant == 1),
                "{rows:?}"
            );
            let row = rows.iter().find(|r| r.variant == 1).unwrap();
            row.problem.clone()
        };
        assert_eq!(problem("1.0"), None);
        let text = problem("0.9999999404").unwrap();
        assert!(!text.is_empty());
        let text = problem("nothing").unwrap();
        assert!(text.contains("activation.wgsl:4"), "{text}");
    }
}

#[test]
fn on_gpu_and_cpu_updates_of_many_parameters_are_one_step_and_right() {
    let devices = gpus().into_iter().chain([Device::cpu()]);
    for device in devices {
        for update in trials().iter().filter(|t| t.op == "update") {
            let merged = std::cell::Cell::new(0);
            let look = |plan: &mut Plan| {
                let most = plan.steps.iter().map(|s| s.outputs.len()).max();
                merged.set(most.unwrap_or(0));
            };
            let Found { rows, .. } = examine(&device, update, &look).unwrap();
            for row in &rows {
                assert!(row.passed(), "{}: {row:?}", device.name());
            }
            // All five parameters are merged. A clipped update binds one buffer more than WebGPU
            // guarantees.
            let clipped = update.name.ends_with("clipped");
            assert!(
                clipped || merged.get() >= 5,
                "{}: {}",
                update.name,
                merged.get()
            );
        }
    }
}

#[test]
fn on_gpu_and_cpu_rows_are_those_of_one_thread_in_the_order_of_the_trials() {
    let only = "softmax".to_string();
    for device in gpus().into_iter().chain([Device::cpu()]) {
        let mut alone = trials();
        alone.retain(|t| t.op.contains(&only));
        let alone = choose(alone, &device.kernel_limits());
        let rows = alone.iter().flat_map(|trial| {
            let Found { rows, .. } = examine(&device, trial, &|_| ()).unwrap();
            rows
        });
        let rows: Vec<_> = rows.collect();
        let options = Options {
            only: only.clone(),
            thorough: false,
        };
        let mut heard = Vec::new();
        let report = doctor(&device, &options, &mut |done, _| heard.push(done)).unwrap();
        assert_eq!(report.rows, rows);
        assert_eq!(heard, (0..=alone.len()).collect::<Vec<_>>());
    }
}

#[test]
fn the_cpu_passes_everything() {
    let thorough = Options {
        thorough: true,
        ..Options::default()
    };
    let report = doctor(&Device::cpu(), &thorough, &mut |_, _| ()).unwrap();
    assert_eq!(
        report.failures().collect::<Vec<_>>(),
        Vec::<&super::Row>::new()
    );
    let tried: Vec<String> = report.lines().into_iter().map(|l| l.op).collect();
    for op in trials().iter().map(|t| &t.op) {
        assert!(tried.contains(op), "{op}");
    }
}

#[test]
fn an_op_that_is_not_there_is_a_mistake() {
    let options = Options {
        only: "relux".to_string(),
        ..Options::default()
    };
    let error = doctor(&Device::cpu(), &options, &mut |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("leaky_relu"), "{error}");
}
