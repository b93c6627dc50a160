//! Why a command failed, and with which exit code.

use std::fmt;
use std::process::ExitCode;

use crate::interrupt;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The engine says so.
    Engine(wgrad::Error),
    /// What the user asked for does not fit together.
    Usage(String),
    /// The command ran, and what it found is bad: `doctor` with a failed check.
    Found(String),
    /// The user stopped it; the text says how to go on.
    Interrupted(String),
}

impl Failure {
    /// 2 for what the user gave (a file, an argument, a model), 130 for Ctrl-C, 1 for all else.
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

    /// The message as a whole: what went wrong, or that the user stopped it.
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
            // The line of the program that made the op is ours, not the user's.
            Failure::Engine(wgrad::Error::Op {
                op, reason, scope, ..
            }) => write!(f, "[model] layer {scope} ({op}): {reason}"),
            Failure::Engine(e @ wgrad::Error::NoAdapter { .. }) => {
                write!(
                    f,
                    "{e}\n  `wgrad devices` lists them; --device cpu needs none"
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
