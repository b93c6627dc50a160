//! The devices of the tests, in the mode that `tests/run.sh` sets:
//!
//! - `WGRAD_TEST_LIMITS`: `adapter` (all limits of the adapter, the default) or `webgpu` (exactly
//!   WebGPU's default limits);
//! - `WGRAD_TEST_CHECKS`: `on` (shaders check their indices, the default) or `off`;
//! - `WGRAD_TEST_CASES`: `all` cases of the ops on the GPU (the default), or those that the doctor
//!   has `chosen`: each op, each kernel and each variant, but not at each size;
//! - `WGRAD_SKIP_GPU=1`: a missing adapter is not a failure; the tests that need one do nothing.
//!
//! Any adapter is suitable, including software adapters; on Linux, `VK_DRIVER_FILES` selects the
//! driver.
//!
//! Every test that runs on a GPU has `gpu` in its name or in that of its module, so
//! `cargo test gpu` runs them all.

// Each test binary uses a part of this, and a helper of a test may panic like the test itself.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::OnceLock;

use wgrad::exec::gpu::{GpuDevice, Limits, Options, Selector, Tuning};
use wgrad::{Device, Error};

/// Returns whether a missing adapter is allowed.
pub fn skip() -> bool {
    std::env::var("WGRAD_SKIP_GPU").is_ok_and(|v| v == "1")
}

fn mode(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or(default.to_string())
}

/// Returns whether the GPU runs only the cases that the doctor selects by default.
pub fn only_chosen() -> bool {
    match mode("WGRAD_TEST_CASES", "all").as_str() {
        "all" => false,
        "chosen" => true,
        other => panic!("WGRAD_TEST_CASES is {other:?}, but must be all or chosen"),
    }
}

/// Returns the options for opening the tests' devices. An unknown mode is an error, because it
/// would test nothing.
pub fn options() -> Options {
    Options {
        limits: match mode("WGRAD_TEST_LIMITS", "adapter").as_str() {
            "adapter" => Limits::Adapter,
            "webgpu" => Limits::WebGpuDefaults,
            other => panic!("WGRAD_TEST_LIMITS is {other:?}, but must be adapter or webgpu"),
        },
        checks: match mode("WGRAD_TEST_CHECKS", "on").as_str() {
            "on" => true,
            "off" => false,
            other => panic!("WGRAD_TEST_CHECKS is {other:?}, but must be on or off"),
        },
        tuning: Tuning::Off,
        cache: None,
    }
}

/// Returns whether this is the mode of users' devices: all limits of the adapter, and checks.
pub fn is_usual() -> bool {
    let options = options();
    options.checks && matches!(options.limits, Limits::Adapter)
}

/// Opens a device for one test. Returns `None` if there is no adapter and that is allowed.
pub fn open(options: &Options) -> Option<GpuDevice> {
    match GpuDevice::open_with(&Selector::SoftwareAllowed, options) {
        Ok(device) => Some(device),
        Err(Error::NoAdapter { .. }) if skip() => None,
        Err(error) => panic!("{error}"),
    }
}

/// Returns the device that all tests of a binary share, in the mode of the run. So pipelines are
/// compiled once.
pub fn gpu() -> Option<Device> {
    static SHARED: OnceLock<Option<GpuDevice>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| open(&options()));
    shared.clone().map(Device::from_gpu)
}
