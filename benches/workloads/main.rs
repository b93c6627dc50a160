//! The standard workloads: real training, timed.
//!
//! `cargo bench --bench workloads -- <w1|w2|w2_b256|w3|w4|w5|w5_mini|w6|all> [--device cpu|gpu|software|NAME] [--precision f32|bf16|f16]
//! [--memory-limit MIB] [--tuning off|idle|eager] [--json] [--profile]`
//!
//! w1 is the f32 matrix product, w2 a small network on 80 samples (w2_b256: 2,048), w3 Fashion-MNIST, w4 the
//! same with convolutions, w5 a GPT on a Markov stream (w5_mini: a larger one), w6 an LSTM.
//! Each prints one line a figure; with `--json` a JSON object: the figure's median, least and largest
//! over the runs. Medians are the ones to quote. `--profile` says what a step is made of instead. Fashion-MNIST is read from the folder in
//! `FASHION_MNIST`, or where Debian's package `dataset-fashion-mnist` puts it.

mod cnn;
mod gpt;
mod lstm;
mod matmul;
mod mlp;
mod report;

use std::process::ExitCode;
use std::time::Instant;

use wgrad::device::Selector;
use wgrad::exec::gpu::{GpuDevice, Options, Tuning};
use wgrad::{DType, Device, Result};

use report::Report;

fn main() -> ExitCode {
    let start = Instant::now();
    let mut report = Report {
        json: false,
        device: String::new(),
        precision: DType::F32,
        memory_limit: None,
        profile: false,
    };
    env_logger::builder().format_timestamp_millis().init();
    let mut options = Options {
        // Each program starts from nothing.
        cache: None,
        ..Options::default()
    };
    let (mut device, mut work) = ("cpu".to_string(), Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => report.json = true,
            "--profile" => report.profile = true,
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
    let names = ["w1", "w2", "w2_b256", "w3", "w4", "w5", "w5_mini", "w6"];
    if work.is_empty() || work.iter().any(|w| w == "all") {
        work = names.map(String::from).to_vec();
    }
    for name in &work {
        // Each workload counts its first step from its own start, the first from the program's.
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
        "w1" => matmul::w1(&device, report),
        "w2" => mlp::w2(&device, "w2", (10, 80), start, report),
        "w2_b256" => mlp::w2(&device, "w2_b256", (256, 2048), start, report),
        "w3" => mlp::w3(&device, start, report),
        "w4" => cnn::w4(&device, start, report),
        "w5" => gpt::train(&device, &gpt::W5, start, report),
        "w5_mini" => gpt::train(&device, &gpt::W5_MINI, start, report),
        "w6" => lstm::w6(&device, start, report),
        other => {
            eprintln!("there is no workload {other}; see the top of benches/workloads/main.rs");
            Ok(())
        }
    }
}
