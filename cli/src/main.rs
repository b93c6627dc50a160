//! The command line of wgrad: reads the arguments, runs the command, says why it failed.
//!
//! [`args`] has the words; [`commands`] one file a subcommand; the other modules are what they share, from the
//! [`output`] to the [`report`]. Configurations and runs are the library's: `wgrad::spec` and `wgrad::run`.

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
        Command::Devices => commands::devices::run(&mut output),
        Command::Train(args) => commands::train::run(args, &mut output, started),
        Command::Evaluate(args) => commands::evaluate::run(args, &mut output),
        Command::Predict(args) => commands::predict::run(args, &mut output),
        Command::Generate(args) => commands::generate::run(args, &mut output),
        Command::Profile(args) => commands::profile::run(args, &mut output),
        Command::Doctor(args) => commands::doctor::run(args, &mut output),
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

/// Warnings always; with `-v` what wgrad does, with `-vv` everything. `RUST_LOG` wins.
fn start_log(verbose: u8) {
    let filter = match verbose {
        0 => "warn,wgpu=error,naga=error",
        1 => "info,wgpu=warn,naga=warn",
        _ => "debug",
    };
    let environment = env_logger::Env::default().default_filter_or(filter);
    // A logger that is there already stays.
    let _ = env_logger::Builder::from_env(environment)
        .format_timestamp(None)
        .try_init();
}
