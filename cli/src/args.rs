//! The command-line arguments.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

use wgrad::generate::Sampling;

use wgrad::spec::{DeviceSpec, Overrides};

/// Train neural networks on any GPU, and check that the GPU computes correctly.
#[derive(Debug, Parser)]
#[command(name = "wgrad", version, arg_required_else_help = true)]
pub struct Args {
    /// Print JSON lines on stdout, messages on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Log more; -vv logs everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// The subcommand to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Describe the columns of a table: types, missing cells, values
    Data(DataArgs),
    /// List the GPUs with their limits and features
    Devices,
    /// Write a configuration that trains on a table or images
    New(NewArgs),
    /// Train the model of a configuration file, or on your data
    Train(TrainArgs),
    /// Evaluate a trained model on its test data
    Evaluate(EvaluateArgs),
    /// Show which columns of a table matter, or what they contribute to a prediction
    Explain(ExplainArgs),
    /// Compute predictions for new data with a trained model
    Predict(PredictArgs),
    /// Generate text from a prompt with a trained language model
    Generate(GenerateArgs),
    /// Profile a training step by op, layer and line of the file
    Profile(ProfileArgs),
    /// Check every kernel on this GPU against the f64 reference
    Doctor(DoctorArgs),
    /// List runs with their scores, or compare two of them
    Runs(RunsArgs),
    /// Print the JSON Schema of configuration files, for editors
    Schema,
}

/// `wgrad data`.
#[derive(Debug, clap::Args)]
pub struct DataArgs {
    /// The table: CSV, TSV, JSON, Parquet or a folder of texts
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Delimiter of the cells [default: by content]
    #[arg(long, value_name = "CHARACTER")]
    pub delimiter: Option<char>,
    /// Decimal mark, . or , [default: by content]
    #[arg(long, value_name = "MARK")]
    pub decimal: Option<char>,
    /// Encoding, such as latin1 [default: by content]
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Another word for a missing cell; repeat for more
    #[arg(long, value_name = "WORD")]
    pub missing: Vec<String>,
    /// The first line is a row instead of a header
    #[arg(long)]
    pub no_header: bool,
}

/// `wgrad new`.
#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// The table: CSV, TSV, JSON, Parquet; or a folder of texts or images
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The column to predict; not for images
    #[arg(long, value_name = "COLUMN")]
    pub target: Option<String>,
    /// File for the configuration [default: stdout]
    #[arg(short, long, value_name = "CONFIG.toml")]
    pub out: Option<PathBuf>,
}

/// `wgrad explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The run folder that `wgrad train` wrote
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Data in the format of the training data, with --row
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The row of FILE to explain, counted from 1
    #[arg(long, value_name = "N", requires = "file")]
    pub row: Option<usize>,
    /// auto, cpu, gpu, software or part of a GPU name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
}

/// `wgrad runs`.
#[derive(Debug, clap::Args)]
pub struct RunsArgs {
    /// The folder of runs [default: runs], or the runs to compare
    #[arg(value_name = "FOLDER|RUN")]
    pub paths: Vec<PathBuf>,
    /// Also draw the curves of the runs on a page
    #[arg(long, value_name = "FILE.html")]
    pub page: Option<PathBuf>,
}

/// `wgrad train`.
#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// The configuration, a folder of images, or with --target tables
    #[arg(
        value_name = "CONFIG.toml|FOLDER|TABLE",
        required_unless_present = "resume"
    )]
    pub files: Vec<PathBuf>,
    /// Train on a table, to predict this column
    #[arg(long, value_name = "COLUMN", conflicts_with = "resume")]
    pub target: Option<String>,
    /// auto, cpu, gpu, software or part of a GPU name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
    /// Number of passes over the training data
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// Seed of initialization, splits and shuffling
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// Resume the newest run, or RUN, from its checkpoint
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    pub resume: Option<Option<PathBuf>>,
    /// Run folder, instead of `[output] dir` in the file
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

impl TrainArgs {
    /// Returns the arguments with the configuration in its place: in `--resume c.toml`, the parser
    /// takes the file for the run.
    pub fn with_configuration(mut self) -> Self {
        if self.files.is_empty()
            && let Some(Some(file)) = &self.resume
        {
            self.files = vec![file.clone()];
            self.resume = Some(None);
        }
        self
    }

    /// Returns the settings that the command line overrides in the file.
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
    /// Evaluate this file or folder instead of the run's test data
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Targets of --data, for formats with separate files
    #[arg(long, value_name = "FILE", requires = "data")]
    pub targets: Option<PathBuf>,
    /// auto, cpu, gpu, software or part of a GPU name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
}

/// `wgrad predict`.
#[derive(Debug, clap::Args)]
pub struct PredictArgs {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Input data in the training format, images, or - for stdin; targets are optional
    #[arg(value_name = "INPUT", required = true)]
    pub input: Vec<PathBuf>,
    /// File for the predictions [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Copy columns of a table to the predictions; all for all of them
    #[arg(long, value_name = "COLUMN[,COLUMN]")]
    pub keep: Vec<String>,
    /// Format of the predictions [default: by the name of --out, or csv]
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    pub format: Option<PredictionFormat>,
    /// auto, cpu, gpu, software or part of a GPU name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
}

/// A format of predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PredictionFormat {
    /// Comma-separated values with a header
    Csv,
    /// A JSON object for each row
    Jsonl,
}

/// `wgrad generate`.
#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The text to continue
    #[arg(long, value_name = "TEXT")]
    pub prompt: String,
    /// Number of tokens to generate
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub tokens: usize,
    /// Sampling temperature; 0 is greedy
    #[arg(long, value_name = "T", default_value_t = 0.8)]
    pub temperature: f64,
    /// Sample only from the K most likely tokens
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,
    /// Nucleus sampling with cumulative probability P
    #[arg(long, value_name = "P")]
    pub top_p: Option<f64>,
    /// Values above 1 reduce repetition
    #[arg(long, value_name = "R", default_value_t = 1.0)]
    pub repetition_penalty: f64,
    /// Seed of the sampling
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// auto, cpu, gpu, software or part of a GPU name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
}

impl GenerateArgs {
    /// Returns the sampling settings.
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
    /// The configuration file; profiling writes no run folder
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// auto, cpu, gpu, software or part of a GPU name
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
    /// Training steps; tables show medians
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub steps: u32,
    /// Write a trace for Perfetto or chrome://tracing
    #[arg(long, value_name = "FILE.json")]
    pub trace: Option<PathBuf>,
    /// Show all rows of each table, not only twelve
    #[arg(long)]
    pub all: bool,
    /// Time steps with the host's clock, not GPU timestamps
    #[arg(long)]
    pub wall_clock: bool,
}

/// The help text below the options of `wgrad doctor`.
const DOCTOR_DEFAULT: &str = "\
Without --thorough, the doctor runs a set of cases that covers:
  - each op and each function, forward and backward
  - each chain of functions
  - each kernel with each set of shader files
  - each further variant with each shader file
Each of these runs once, at the first size above 1,000 elements if there is one.";

/// `wgrad doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = DOCTOR_DEFAULT)]
pub struct DoctorArgs {
    /// gpu, cpu or part of a GPU name [default: best GPU]
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<DeviceSpec>,
    /// Check only ops whose name contains OP
    #[arg(long, value_name = "OP")]
    pub op: Option<String>,
    /// Run every case at every size with every variant
    #[arg(long)]
    pub thorough: bool,
}

fn device(text: &str) -> Result<DeviceSpec, String> {
    if text.trim().is_empty() {
        return Err("expected auto, cpu, gpu, software or part of a GPU name".to_string());
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
            Command::Train(train) => (args, train.with_configuration()),
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
            assert_eq!(train.files, [PathBuf::from("a.toml")]);
        }
    }

    #[test]
    fn resume_takes_a_run_or_the_newest() {
        assert_eq!(train("wgrad train a.toml").1.resume, None);
        assert_eq!(train("wgrad train --resume a.toml").1.resume, Some(None));
        let (_, given) = train("wgrad train a.toml --resume=runs/a-2");
        assert_eq!(given.resume, Some(Some("runs/a-2".into())));
        for line in [
            "wgrad train a.toml --resume runs/a-2",
            "wgrad train --resume runs/a-2 a.toml",
        ] {
            let (_, given) = train(line);
            assert_eq!(given.files, [PathBuf::from("a.toml")], "{line}");
            assert_eq!(given.resume, Some(Some("runs/a-2".into())), "{line}");
        }
        for line in [
            "wgrad train a.toml --resume",
            "wgrad train --resume a.toml",
            "wgrad train --resume --epochs 3 a.toml",
        ] {
            let (_, newest) = train(line);
            assert_eq!(newest.files, [PathBuf::from("a.toml")], "{line}");
            assert_eq!(newest.resume, Some(None), "{line}");
        }
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
