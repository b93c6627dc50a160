//! The standard workloads: real training, timed.
//!
//! `cargo bench --bench workloads -- [WORKLOAD..|all] [--device cpu|gpu|software|NAME] [--precision f32|bf16|f16]
//! [--memory-limit MIB] [--tuning off|idle|eager] [--json] [--profile] [--weights]`
//!
//! | workload | what it is |
//! |---|---|
//! | `matmul` | the f32 matrix product |
//! | `mlp`, `mlp_256` | a small network, batch 10 of 80 samples, batch 256 of 2,048 |
//! | `fashion_mlp` | a multi-layer perceptron on Fashion-MNIST |
//! | `fashion_cnn` | a convolutional network on Fashion-MNIST |
//! | `gpt_small`, `gpt_medium` | GPTs on a Markov stream |
//! | `lstm` | an LSTM on sequences |
//!
//! Each prints one line per metric, with `--json` one JSON object per metric: the median, the
//! minimum and the maximum of the runs. Quote medians. `--profile` prints the profile of a training
//! step instead, `--weights` the hash of the weights after 20 steps. Fashion-MNIST is read from the
//! folder in `FASHION_MNIST`; the default is the folder of Debian's package
//! `dataset-fashion-mnist`.

mod fashion_cnn;
mod fashion_mlp;
mod gpt;
mod lstm;
mod matmul;
mod mlp;
mod report;
mod training;

use std::process::ExitCode;
use std::time::Instant;

use wgrad::device::Selector;
use wgrad::exec::gpu::{GpuDevice, Options, Tuning};
use wgrad::{DType, Device, Result};

use report::Report;

/// The workloads with their former ids; both are accepted.
const NAMES: [(&str, &str); 8] = [
    ("matmul", "w1"),
    ("mlp", "w2"),
    ("mlp_256", "w2_b256"),
    ("fashion_mlp", "w3"),
    ("fashion_cnn", "w4"),
    ("gpt_small", "w5"),
    ("gpt_medium", "w5_mini"),
    ("lstm", "w6"),
];

fn main() -> ExitCode {
    let start = Instant::now();
    let mut report = Report {
        json: false,
        device: String::new(),
        precision: DType::F32,
        memory_limit: None,
        profile: false,
        weights: false,
    };
    env_logger::builder().format_timestamp_millis().init();
    let mut options = Options {
        // No cache, so that no process uses the tuning results of another one.
        cache: None,
        ..Options::default()
    };
    let (mut device, mut work) = ("cpu".to_string(), Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => report.json = true,
            "--profile" => report.profile = true,
            "--weights" => report.weights = true,
            "--device" => device = args.next().unwrap_or_default(),
            "--precision" => {
                report.precision = match args.next().as_deref() {
                    Some("bf16") => DType::Bf16,
                    Some("f16") => DType::F16,
                    _ => DType::F32,
                }
            }
            "--memory-limit" => report.memory_limit = args.next().and_then(|mib| mib.parse().ok()),
            "--tuning" => {
                options.tuning = match args.next().as_deref() {
                    Some("off") => Tuning::Off,
                    Some("eager") => Tuning::Eager,
                    _ => Tuning::Idle,
                }
            }
            // Cargo passes this to every bench.
            "--bench" => {}
            _ => work.push(arg),
        }
    }
    if work.is_empty() || work.iter().any(|w| w == "all") {
        work = NAMES.map(|(name, _)| name.to_string()).to_vec();
    }
    for name in &work {
        let Some((name, _)) = NAMES.iter().find(|(new, old)| name == new || name == old) else {
            let names = NAMES.map(|(name, _)| name).join(", ");
            eprintln!("expected a workload, one of {names} or all; found {name}");
            return ExitCode::FAILURE;
        };
        // The time to the first step counts from the program's start, or from the workload's start
        // if there are several.
        let start = if work.len() == 1 {
            start
        } else {
            Instant::now()
        };
        if let Err(error) = run(name, (&device, &options), start, &mut report) {
            eprintln!("{name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run(
    name: &str,
    (device, options): (&str, &Options),
    start: Instant,
    report: &mut Report,
) -> Result<()> {
    let device = match device {
        "cpu" => Device::cpu(),
        other => Device::from_gpu(GpuDevice::open_with(&Selector::parse(other), options)?),
    };
    report.device = device.name();
    match name {
        "matmul" => matmul::matmul(&device, report),
        "mlp" => mlp::mlp(&device, "mlp", (10, 80), start, report),
        "mlp_256" => mlp::mlp(&device, "mlp_256", (256, 2048), start, report),
        "fashion_mlp" => fashion_mlp::fashion_mlp(&device, start, report),
        "fashion_cnn" => fashion_cnn::fashion_cnn(&device, start, report),
        "gpt_small" => gpt::train(&device, &gpt::SMALL, start, report),
        "gpt_medium" => gpt::train(&device, &gpt::MEDIUM, start, report),
        "lstm" => lstm::lstm(&device, start, report),
        // `main` accepts only known names.
        _ => Ok(()),
    }
}
