//! The devices that tests run on, in the mode that `tests/run.sh` sets:
//!
//! - `WGRAD_TEST_LIMITS`: `adapter` (all that the adapter offers, the default) or `webgpu` (exactly
//!   WebGPU's default limits);
//! - `WGRAD_TEST_CHECKS`: `on` (shaders check their indices, the default) or `off`;
//! - `WGRAD_TEST_CASES`: `all` cases of the ops on the GPU (the default), or those that the doctor has `chosen`:
//!   each op, each kernel and each variant, but not at each size;
//! - `WGRAD_SKIP_GPU=1`: no adapter is no failure; the tests that need one do nothing.
//!
//! Any adapter will do, a software one too; on Linux, `VK_DRIVER_FILES` picks the driver.
//!
//! Every test that runs on a GPU has `gpu` in its name or its module's, so that `cargo test gpu` runs
//! them all.

// Each test binary uses a part of this; and a helper of a test may panic like the test itself.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::OnceLock;

use wgrad::exec::gpu::{GpuDevice, Limits, Options, Selector, Tuning};
use wgrad::{Device, Error};

/// Whether no adapter is no failure.
pub fn skip() -> bool {
    std::env::var("WGRAD_SKIP_GPU").is_ok_and(|v| v == "1")
}

fn mode(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or(default.to_string())
}

/// Whether the GPU gets only the cases of ops that the doctor chooses.
pub fn only_chosen() -> bool {
    match mode("WGRAD_TEST_CASES", "all").as_str() {
        "all" => false,
        "chosen" => true,
        other => panic!("WGRAD_TEST_CASES is {other:?}, but must be all or chosen"),
    }
}

/// How the tests' devices are opened. A mode that does not exist fails: it would test nothing.
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

/// Whether this is the mode of devices as users have them: all that the adapter offers, and checks.
pub fn is_usual() -> bool {
    let options = options();
    options.checks && matches!(options.limits, Limits::Adapter)
}

/// A device of the test's own. `None` where there is no adapter and that is meant.
pub fn open(options: &Options) -> Option<GpuDevice> {
    match GpuDevice::open_with(&Selector::SoftwareAllowed, options) {
        Ok(device) => Some(device),
        Err(Error::NoAdapter { .. }) if skip() => None,
        Err(error) => panic!("{error}"),
    }
}

/// The device that all tests of a binary share, in the mode of the run: pipelines are made once.
pub fn gpu() -> Option<Device> {
    static SHARED: OnceLock<Option<GpuDevice>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| open(&options()));
    shared.clone().map(Device::from_gpu)
}
