//! The command line's words, and nothing else.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

use wgrad::generate::Sampling;

use wgrad::spec::{DeviceSpec, Overrides};

/// Train neural networks on any GPU, and check that the GPU computes correctly.
#[derive(Debug, Parser)]
#[command(name = "wgrad", version, arg_required_else_help = true)]
pub struct Args {
    /// Print JSON lines on stdout; everything else goes to stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Print more messages (-vv: all)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the GPUs with their limits and features
    Devices,
    /// Train the model of a configuration file
    Train(TrainArgs),
    /// Evaluate a trained model on its test data
    Evaluate(EvaluateArgs),
    /// Predict new data with a trained model
    Predict(PredictArgs),
    /// Generate text from a prompt with a trained language model
    Generate(GenerateArgs),
    /// Profile a training step by op, layer and line of the file
    Profile(ProfileArgs),
    /// Check every kernel on this GPU against the f64 reference
    Doctor(DoctorArgs),
    /// Print the JSON Schema of a configuration, for editors
    Schema,
}

/// `wgrad train`.
#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// The configuration file
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// auto, cpu, gpu, software, or a part of a GPU's name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
    /// Number of passes over the data
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// The seed of the weights, the splits and the order
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// Continue from the newest checkpoint of the newest run, or of the given one
    #[arg(long, value_name = "RUN", num_args = 0..=1, require_equals = true)]
    pub resume: Option<Option<PathBuf>>,
    /// The run's folder, instead of the file's `[output] dir`
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

impl TrainArgs {
    /// What the command line says instead of the file.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            device: self.device.clone(),
            epochs: self.epochs.map(|n| n as usize),
            seed: self.seed,
            out: self.out.clone(),
        }
    }
}

/// `wgrad evaluate`.
#[derive(Debug, clap::Args)]
pub struct EvaluateArgs {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Other data, in the format that the run was trained on, instead of its own test data
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The labels or values that belong to --data, for formats that keep them in a file of their own
    #[arg(long, value_name = "FILE", requires = "data")]
    pub targets: Option<PathBuf>,
    /// auto, cpu, gpu, software, or a part of a GPU's name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
}

/// `wgrad predict`.
#[derive(Debug, clap::Args)]
pub struct PredictArgs {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The data, in the format that the run was trained on; a target column is not needed
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// Where to write the predictions as CSV, instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// auto, cpu, gpu, software, or a part of a GPU's name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
}

/// `wgrad generate`.
#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The beginning of the text
    #[arg(long, value_name = "TEXT")]
    pub prompt: String,
    /// Number of tokens to generate
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub tokens: usize,
    /// Sampling temperature; 0 always takes the most likely token
    #[arg(long, value_name = "T", default_value_t = 0.8)]
    pub temperature: f64,
    /// Sample from the K most likely tokens only
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,
    /// Sample from the most likely tokens whose probabilities add up to P
    #[arg(long, value_name = "P")]
    pub top_p: Option<f64>,
    /// Above 1, tokens that the text already has become less likely
    #[arg(long, value_name = "R", default_value_t = 1.0)]
    pub repetition_penalty: f64,
    /// The seed; the same seed gives the same text
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// auto, cpu, gpu, software, or a part of a GPU's name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
}

impl GenerateArgs {
    /// How tokens are drawn.
    pub fn sampling(&self) -> Sampling {
        Sampling {
            repetition_penalty: self.repetition_penalty,
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            seed: self.seed,
        }
    }
}

/// `wgrad profile`.
#[derive(Debug, clap::Args)]
pub struct ProfileArgs {
    /// The configuration file; nothing is written to its run's folder
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// auto, cpu, gpu, software, or a part of a GPU's name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
    /// Number of training steps to time; the tables show medians
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub steps: u32,
    /// Also write the steps as a trace, for ui.perfetto.dev or chrome://tracing
    #[arg(long, value_name = "FILE.json")]
    pub trace: Option<PathBuf>,
    /// Show all rows of the tables, not the first twelve
    #[arg(long)]
    pub all: bool,
    /// Time each step with the host's clock, also where the GPU has timestamps
    #[arg(long)]
    pub wall_clock: bool,
}

/// `wgrad doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// gpu, cpu, or a part of a GPU's name, which may be one in software; else the best GPU there is
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
    /// Check only ops with this in their name
    #[arg(long, value_name = "OP")]
    pub op: Option<String>,
    /// Run every case. Without: each op and each function, forward and backward; each chain of functions and
    /// each op's kernel with each set of shader files; each further variant with each of these files; all
    /// of these once, at the first size above 1,000 elements where there is one
    #[arg(long)]
    pub thorough: bool,
}

fn device(text: &str) -> Result<DeviceSpec, String> {
    if text.trim().is_empty() {
        return Err("say auto, cpu, gpu, software, or a part of a GPU's name".to_string());
    }
    text.parse().map_err(|e| format!("{e}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use clap::CommandFactory as _;

    use super::*;

    fn train(line: &str) -> (Args, TrainArgs) {
        let mut args = Args::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{e}"));
        match std::mem::replace(&mut args.command, Command::Devices) {
            Command::Train(train) => (args, train),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_tree_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn global_words_stand_anywhere() {
        for line in [
            "wgrad --json train a.toml -vv",
            "wgrad -v train -v --json a.toml",
        ] {
            let (args, train) = train(line);
            assert!(args.json);
            assert_eq!(
                args.verbose,
                if line.ends_with("-vv") {
                    2
                } else {
                    args.verbose
                }
            );
            assert_eq!(train.config, PathBuf::from("a.toml"));
        }
    }

    #[test]
    fn resume_takes_a_run_or_the_newest() {
        assert_eq!(train("wgrad train a.toml").1.resume, None);
        assert_eq!(train("wgrad train --resume a.toml").1.resume, Some(None));
        let (_, given) = train("wgrad train a.toml --resume=runs/a-2");
        assert_eq!(given.resume, Some(Some("runs/a-2".into())));
    }

    #[test]
    fn overrides_are_checked() {
        let (_, t) = train("wgrad train a.toml --device Intel --epochs 3 --seed 7 --out b");
        let o = t.overrides();
        assert_eq!(o.device, Some(DeviceSpec::Named("Intel".to_string())));
        assert_eq!(
            (o.epochs, o.seed, o.out),
            (Some(3), Some(7), Some("b".into()))
        );
        for bad in [
            "--epochs=0",
            "--epochs=-1",
            "--seed=-1",
            "--seed=9223372036854775808",
            "--device= ",
        ] {
            assert!(
                Args::try_parse_from(["wgrad", "train", "a.toml", bad]).is_err(),
                "{bad}"
            );
        }
    }
}
