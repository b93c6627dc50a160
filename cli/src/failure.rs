//! Why a command failed, and with which exit code.

use std::fmt;
use std::process::ExitCode;

use crate::config::{ConfigError, LoadError};

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is wrong, or could not be read.
    Config(LoadError),
    /// The engine says so.
    Engine(wgrad::Error),
    /// The command ran, and what it found is bad: `doctor` with a failed check.
    Found(String),
    /// This build lacks the command.
    Missing(&'static str),
}

impl Failure {
    /// 2 for what the user gave (a file, an argument, a model), 1 for all else.
    pub fn exit_code(&self) -> ExitCode {
        use wgrad::Error as E;
        let users = match self {
            Failure::Config(_) => true,
            Failure::Engine(e) => matches!(
                e,
                E::Op { .. }
                    | E::Model { .. }
                    | E::Argument { .. }
                    | E::Data { .. }
                    | E::Checkpoint { .. }
                    | E::Io { .. }
            ),
            Failure::Found(_) | Failure::Missing(_) => false,
        };
        ExitCode::from(if users { 2 } else { 1 })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Config(e) => e.fmt(f),
            Failure::Engine(e) => e.fmt(f),
            Failure::Found(text) => f.write_str(text),
            Failure::Missing(command) => write!(f, "this build of wgrad has no `{command}` yet"),
        }
    }
}

impl From<LoadError> for Failure {
    fn from(e: LoadError) -> Self {
        Failure::Config(e)
    }
}

impl From<ConfigError> for Failure {
    fn from(e: ConfigError) -> Self {
        Failure::Config(e.into())
    }
}

impl From<wgrad::Error> for Failure {
    fn from(e: wgrad::Error) -> Self {
        Failure::Engine(e)
    }
}
