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
mod predictions;
mod progress;
mod report;
mod text;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;

use args::{Args, Command};
use output::Output;

fn main() -> ExitCode {
    silence_wayland();
    let started = Instant::now();
    let args = Args::parse();
    start_log(args.verbose);
    let mut output = Output::new(args.json);
    let done = match args.command {
        Command::Data(args) => commands::data::run(&args, &mut output),
        Command::Devices => commands::devices::run(&mut output),
        Command::New(args) => commands::new::run(&args, &mut output),
        Command::Train(args) => {
            commands::train::run(&args.with_configuration(), &mut output, started)
        }
        Command::Evaluate(args) => commands::evaluate::run(&args, &mut output),
        Command::Explain(args) => commands::explain::run(&args, &mut output),
        Command::Predict(args) => commands::predict::run(&args, &mut output),
        Command::Generate(args) => commands::generate::run(&args, &mut output),
        Command::Profile(args) => commands::profile::run(&args, &mut output),
        Command::Doctor(args) => commands::doctor::run(&args, &mut output),
        Command::Runs(args) => commands::runs::run(&args, &mut output),
        Command::Schema => commands::schema::run(&mut output),
    };
    match done.and_then(|()| output.finish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.note(&failure.message());
            failure.exit_code()
        }
    }
}

/// Keeps libwayland from printing errors between the program's lines.
///
/// Mesa's Vulkan layer that sorts the GPUs asks for a Wayland display. Without `XDG_RUNTIME_DIR`, as
/// in containers, libwayland finds none, and prints an error for each attempt. A display at an
/// absolute path needs no such folder, so the attempts fail without a message.
#[cfg(target_os = "linux")]
fn silence_wayland() {
    let display = std::env::var_os("WAYLAND_DISPLAY");
    let absolute = display.is_some_and(|d| std::path::Path::new(&d).is_absolute());
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() && !absolute {
        // SAFETY: this is the first statement of the program, so no other thread reads the
        // environment.
        unsafe { std::env::set_var("WAYLAND_DISPLAY", "/dev/null") };
    }
}

#[cfg(not(target_os = "linux"))]
fn silence_wayland() {}

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
