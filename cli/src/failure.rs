//! The reasons why a command fails, and their exit codes.

use std::fmt;
use std::process::ExitCode;

use crate::interrupt;

/// The reason why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// An error of the engine.
    Engine(wgrad::Error),
    /// The user's arguments contradict each other or the files.
    Usage(String),
    /// The command ran and found an error, such as a failed check of `doctor`.
    Found(String),
    /// The user interrupted the command; the text says how to resume.
    Interrupted(String),
}

impl Failure {
    /// Returns the exit code: 2 for errors in the user's input (a file, an argument, a model), 130
    /// for Ctrl-C, 1 for all others.
    pub fn exit_code(&self) -> ExitCode {
        use wgrad::Error as E;
        let users = match self {
            Failure::Usage(_) => true,
            Failure::Engine(e) => matches!(
                e,
                E::Config(_)
                    | E::Setting(_)
                    | E::Op { .. }
                    | E::Model { .. }
                    | E::Argument { .. }
                    | E::Data { .. }
                    | E::Checkpoint { .. }
                    | E::Io { .. }
                    | E::NoAdapter { .. }
            ),
            Failure::Interrupted(_) => return ExitCode::from(interrupt::EXIT_CODE),
            Failure::Found(_) => false,
        };
        ExitCode::from(if users { 2 } else { 1 })
    }

    /// Returns the full message, with the prefix `error:` unless the user interrupted the command.
    pub fn message(&self) -> String {
        match self {
            Failure::Interrupted(text) => text.clone(),
            other => format!("error: {other}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The source line of the op is in this program, so it does not help the user.
            Failure::Engine(wgrad::Error::Op {
                op, reason, scope, ..
            }) => write!(f, "[model] layer {scope} ({op}): {reason}"),
            Failure::Engine(e @ wgrad::Error::NoAdapter { .. }) => {
                write!(
                    f,
                    "{e}\n  `wgrad devices` lists the adapters; --device cpu needs none"
                )
            }
            Failure::Engine(e) => e.fmt(f),
            Failure::Usage(text) | Failure::Found(text) | Failure::Interrupted(text) => {
                f.write_str(text)
            }
        }
    }
}

impl From<wgrad::Error> for Failure {
    fn from(e: wgrad::Error) -> Self {
        Failure::Engine(e)
    }
}
