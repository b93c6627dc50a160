//! `wgrad profile`: shows how the time of a training step is spent.

use std::collections::HashMap;

use serde::Serialize;
use wgrad::graph::Phase;
use wgrad::train::{Profile, Profiling, Row, StepProfile};

use crate::args::ProfileArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::path;
use wgrad::run::Datasets;
use wgrad::spec::{Config, LayerSpec, Overrides, Path};

/// The number of rows of a table without `--all`.
const DEFAULT_ROWS: usize = 12;

/// A step of the plan, as a JSON event.
#[derive(Serialize)]
struct Step<'a> {
    step: usize,
    label: &'a str,
    op: Option<&'a str>,
    kernels: &'a [&'static str],
    phase: &'static str,
    layer: &'a str,
    line: Option<String>,
    ms: f64,
    share: f64,
    flops: f64,
    bytes: u64,
}

/// A group of steps, as part of the last event.
#[derive(Serialize)]
struct Sum {
    label: String,
    count: usize,
    ms: f64,
    share: f64,
    gflop_per_s: f64,
    of_flops: f64,
    gb_per_s: f64,
    of_bandwidth: f64,
}

/// The last JSON event.
#[derive(Serialize)]
struct Done {
    device: String,
    clock: String,
    timestamps: bool,
    batch: usize,
    runs: usize,
    ms: f64,
    ordinary_ms: f64,
    ceiling_gflop_per_s: f64,
    ceiling_gb_per_s: f64,
    steps: usize,
    in_steps_ms: f64,
    outside_ms: HashMap<&'static str, f64>,
    by_op: Vec<Sum>,
    by_layer: Vec<Sum>,
    by_line: Vec<Sum>,
    trace: Option<String>,
}

/// Runs some training steps of a configuration and times their parts. Writes nothing but the trace.
pub fn run(args: &ProfileArgs, output: &mut Output) -> Result<(), Failure> {
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let mut config = Config::load(&args.config, &overrides)?;
    let data = Datasets::load(&mut config)?;
    let device = config.training.device.open()?;
    let mut trainer = config.trainer(&data.preprocessing, &device)?;
    let layers = Layers {
        config: &config,
        all: config.layers(&data.preprocessing)?,
    };
    let mut profiling = Profiling::runs(args.steps as usize).batch_size(config.training.batch_size);
    if args.wall_clock {
        profiling = profiling.wall_clock();
    }
    let profile = trainer.profile(&data.train, profiling)?;
    let by_line = match layers.all.is_empty() {
        true => Vec::new(),
        false => profile.group(|step| {
            let other = || match step.phase {
                Phase::Update => "update of the parameters".to_string(),
                _ => "outside any layer".to_string(),
            };
            layers.line(step).unwrap_or_else(other)
        }),
    };
    let tables = [
        ("by op", profile.by_op()),
        ("by layer", profile.by_layer()),
        ("by line of the file", by_line),
        ("by step of the plan", profile.by_step()),
    ];
    let most = (!args.all).then_some(DEFAULT_ROWS);
    output.say(&format!("{}\n", profile.heading()));
    for (title, rows) in tables.iter().filter(|(_, rows)| !rows.is_empty()) {
        output.say(&profile.table(title, rows, most));
    }
    output.say(profile.table_outside().trim_end());
    let trace = match &args.trace {
        Some(file) => {
            profile.write_trace(file)?;
            output.say(&format!(
                "\ntrace   {}, for https://ui.perfetto.dev or chrome://tracing",
                path(file)
            ));
            Some(file.display().to_string())
        }
        None => None,
    };
    events(&profile, &layers, &tables, trace, output);
    Ok(())
}

/// The layers of a model, with their lines in the file.
struct Layers<'c> {
    config: &'c Config,
    all: Vec<LayerSpec>,
}

impl Layers<'_> {
    /// Returns the file's line and the layer's kind for a step. Returns `None` for parameter
    /// updates and for steps outside any layer.
    fn line(&self, step: &StepProfile) -> Option<String> {
        if step.phase == Phase::Update {
            return None;
        }
        let at = Path::root().key("model").key("layers");
        let (layer, path) = find(&self.all, &step.scope, &at)?;
        let kind = layer.kind();
        let place = self.config.place(&path).filter(|_| {
            // A model in the short form has no line for each layer.
            self.config.place(&path) != self.config.place(&at)
        });
        Some(match place {
            Some(place) => {
                let file = place.file.file_name().unwrap_or(place.file.as_os_str());
                format!("{}:{} {kind}", file.to_string_lossy(), place.line)
            }
            None => format!("[model] {kind}"),
        })
    }
}

/// Finds the layer with the engine's name `scope`, such as `3`, or `3.shortcut.0` inside a residual
/// layer. Returns it with its path, where `at` is the path of `layers`.
fn find<'l>(layers: &'l [LayerSpec], scope: &str, at: &Path) -> Option<(&'l LayerSpec, Path)> {
    let (first, rest) = scope.split_once('.').unwrap_or((scope, ""));
    let index = first.parse::<usize>().ok()?;
    let layer = layers.get(index)?;
    let at = at.item(index);
    let (key, rest) = match rest.strip_prefix("shortcut.") {
        Some(rest) => ("shortcut", rest),
        None if matches!(layer, LayerSpec::Parallel(_)) => ("branches", rest),
        None => ("layers", rest),
    };
    Some(find(layer.inside(key), rest, &at.key(key)).unwrap_or((layer, at)))
}

fn events(
    profile: &Profile,
    layers: &Layers,
    tables: &[(&str, Vec<Row>); 4],
    trace: Option<String>,
    output: &mut Output,
) {
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let total = ms(profile.total()).max(f64::MIN_POSITIVE);
    for (number, step) in profile.steps.iter().enumerate() {
        let event = Step {
            step: number,
            label: &step.label,
            op: step.op,
            kernels: &step.kernels,
            phase: step.phase_name(),
            layer: &step.scope,
            line: layers.line(step),
            ms: ms(step.time),
            share: ms(step.time) / total,
            flops: step.flops,
            bytes: step.bytes,
        };
        output.event("step", &event);
    }
    let sum = |row: &Row| {
        let (of_flops, of_bandwidth) = row.of(&profile.roofline);
        Sum {
            label: row.label.clone(),
            count: row.count,
            ms: ms(row.time),
            share: row.share,
            gflop_per_s: row.flops_per_second() / 1e9,
            of_flops,
            gb_per_s: row.bytes_per_second() / 1e9,
            of_bandwidth,
        }
    };
    let sums = |rows: &[Row]| rows.iter().map(sum).collect();
    let [(_, by_op), (_, by_layer), (_, by_line), _] = tables;
    let outside = profile.outside.iter();
    let done = Done {
        device: profile.device.clone(),
        clock: profile.clock.to_string(),
        timestamps: profile.clock == wgrad::exec::Clock::Timestamps,
        batch: profile.batch,
        runs: profile.runs.len(),
        ms: ms(profile.total()),
        ordinary_ms: ms(profile.plain),
        ceiling_gflop_per_s: profile.roofline.flops / 1e9,
        ceiling_gb_per_s: profile.roofline.bandwidth / 1e9,
        steps: profile.steps.len(),
        in_steps_ms: ms(profile.in_steps()),
        outside_ms: outside
            .map(|(phase, time)| (phase.name(), ms(*time)))
            .collect(),
        by_op: sums(by_op),
        by_layer: sums(by_layer),
        by_line: sums(by_line),
        trace,
    };
    output.event("done", &done);
}
