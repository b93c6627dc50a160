//! The command line of wgrad: parses the arguments, runs the command and reports errors.
//!
//! [`args`] defines the arguments, and [`commands`] has one file for each subcommand. The other
//! modules are shared, such as [`output`] and [`report`]. Configurations and runs belong to the
//! library: `wgrad::spec` and `wgrad::run`.

mod args;
mod commands;
mod failure;
mod interrupt;
mod output;
mod progress;
mod report;
mod text;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;

use args::{Args, Command};
use output::Output;

fn main() -> ExitCode {
    let started = Instant::now();
    let args = Args::parse();
    start_log(args.verbose);
    let mut output = Output::new(args.json);
    let done = match &args.command {
        Command::Data(args) => commands::data::run(args, &mut output),
        Command::Devices => commands::devices::run(&mut output),
        Command::New(args) => commands::new::run(args, &mut output),
        Command::Train(args) => commands::train::run(args, &mut output, started),
        Command::Evaluate(args) => commands::evaluate::run(args, &mut output),
        Command::Explain(args) => commands::explain::run(args, &mut output),
        Command::Predict(args) => commands::predict::run(args, &mut output),
        Command::Generate(args) => commands::generate::run(args, &mut output),
        Command::Profile(args) => commands::profile::run(args, &mut output),
        Command::Doctor(args) => commands::doctor::run(args, &mut output),
        Command::Runs(args) => commands::runs::run(args, &mut output),
        Command::Schema => commands::schema::run(&mut output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.note(&failure.message());
            failure.exit_code()
        }
    }
}

/// Starts the logger. Logs warnings by default, the messages of wgrad with `-v`, and everything
/// with `-vv`. `RUST_LOG` takes precedence.
fn start_log(verbose: u8) {
    let filter = match verbose {
        0 => "warn,wgpu=error,naga=error",
        1 => "info,wgpu=warn,naga=warn",
        _ => "debug",
    };
    let environment = env_logger::Env::default().default_filter_or(filter);
    // Keeps a logger that is already installed.
    let _ = env_logger::Builder::from_env(environment)
        .format_timestamp(None)
        .try_init();
}
