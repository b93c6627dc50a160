//! One error type for everything that can go wrong.
//!
//! Each variant carries what went wrong, where, and what would fit, as data. `Display` turns that
//! into one readable message; nothing in this crate panics on invalid input.

mod config;
mod setting;

pub use config::{ConfigError, Place};
pub(crate) use setting::Given;
pub use setting::{Path as SettingPath, SettingError};

use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};

use crate::dtype::DType;
use crate::shape::Shape;

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// The line of the user's program that made a node, a layer or an error.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(pub(crate) &'static Location<'static>);

impl Source {
    /// The line that called the function this is called from.
    #[track_caller]
    pub fn caller() -> Self {
        Source(Location::caller())
    }

    /// The file's path, as the compiler saw it.
    pub fn file(&self) -> &'static str {
        self.0.file()
    }

    /// The line, counted from 1.
    pub fn line(&self) -> u32 {
        self.0.line()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.file(), self.0.line())
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Everything that can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An op was given tensors it cannot take: the model's author must change the line `at`.
    #[error(
        "{op}: {reason}\n  inputs: {}\n  at {at}{}",
        list(inputs),
        scope_suffix(scope)
    )]
    Op {
        /// The op's name, as in the graph's dump.
        op: &'static str,
        /// Shape and element type of each input.
        inputs: Vec<(Shape, DType)>,
        /// What does not fit, and what would.
        reason: String,
        /// The line of the user's program that asked for the op.
        at: Source,
        /// The layer that was being traced, as in `state_dict` names (`"2.up"`); empty outside any.
        scope: String,
    },

    /// A model, optimizer or training set-up that is wrong as a whole.
    #[error("{what}: {reason}")]
    Model {
        /// The part that is wrong, e.g. `"Trainer"` or a parameter's name.
        what: String,
        /// What is wrong, and what would fit.
        reason: String,
    },

    /// A configuration file says something wrong, at a line.
    #[error("{0}")]
    Config(Box<ConfigError>),

    /// A setting is wrong, of a configuration that is not from a file.
    #[error("{0}")]
    Setting(SettingError),

    /// A value given by the user lies outside what is allowed.
    #[error("{what} is {given}, but must be {expected}")]
    Argument {
        /// The argument's name, as in the API or the configuration.
        what: String,
        /// The value that was given.
        given: String,
        /// What would be accepted.
        expected: String,
    },

    /// Data that cannot be used: a file, or arrays handed over by the program.
    #[error("{place}: {reason}")]
    Data {
        /// Where: a file with line and column, or the name of an array with its row and column.
        place: String,
        /// What is wrong there, and what would fit.
        reason: String,
    },

    /// A checkpoint or weights file that does not fit the model, or is damaged.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would fit.
        reason: String,
    },

    /// The operating system refused a file operation.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done, as a verb: `"read"`, `"write"`, `"replace"`.
        action: &'static str,
        /// The operating system's reason.
        source: std::io::Error,
    },

    /// The plan needs more of something than the device offers.
    #[error(
        "{what} needs {needed}, but {device} offers {available}{}",
        hint_suffix(hint)
    )]
    Limit {
        /// What was planned, e.g. `"the largest binding"`.
        what: String,
        /// How much it needs (bytes or a count; `what` says which).
        needed: u64,
        /// How much there is.
        available: u64,
        /// The device's name.
        device: String,
        /// What would fit, e.g. `"a batch of at most 512 would fit"`; may be empty.
        hint: String,
    },

    /// The device has no memory left.
    #[error("{device} has no memory left for {what} ({bytes} bytes)")]
    OutOfMemory {
        /// What was being allocated.
        what: String,
        /// How many bytes were asked for.
        bytes: u64,
        /// The device's name.
        device: String,
    },

    /// No GPU fits the request.
    #[error("no GPU {wanted}: {}", seen_list(seen))]
    NoAdapter {
        /// What was asked for, e.g. `"matching \"intel\""`.
        wanted: String,
        /// The adapters that exist, by name, each with why it was passed over.
        seen: Vec<String>,
    },

    /// The GPU went away (driver reset, watchdog, unplugged) and took its memory with it.
    #[error("the device {device} was lost: {reason}; resume from the last checkpoint")]
    DeviceLost {
        /// The device's name.
        device: String,
        /// What the driver said.
        reason: String,
    },

    /// The GPU's driver or the shader compiler refused something.
    #[error("{device}: {what}: {reason}")]
    Gpu {
        /// The device's name.
        device: String,
        /// What was being done: a kernel's label, or a buffer's.
        what: String,
        /// What the driver or the shader compiler said, with file and line where known.
        reason: String,
    },

    /// A loss, gradient or weight became NaN or infinite.
    #[error("step {step}: {what} is {value}{}", at.map(|s| format!("\n  at {s}")).unwrap_or_default())]
    NonFinite {
        /// The training step, counted from 1.
        step: u64,
        /// What it was that stopped being finite.
        what: String,
        /// The value.
        value: f64,
        /// The line of the user's program that made it, where known.
        at: Option<Source>,
    },

    /// Two executors disagree: a kernel, or a driver, computes wrongly.
    #[error(
        "step {step} of the plan ({kernel}, for {op}) differs from the reference: element {index} is \
         {got}, but should be {want} (off by {error:.3} tolerances)\n  at {at}"
    )]
    Diverged {
        /// The plan's step, counted from 0.
        step: usize,
        /// The kernel's label.
        kernel: String,
        /// The op whose output differs.
        op: &'static str,
        /// The element that is furthest off.
        index: usize,
        /// What the device computed.
        got: f64,
        /// What the reference computed.
        want: f64,
        /// The distance, in units of the op's tolerance.
        error: f64,
        /// The line of the user's program.
        at: Source,
    },

    /// The user's callback or the user asked to stop.
    #[error("stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },

    /// An invariant of this crate is broken: a bug in wgrad, with what is needed to report it.
    #[error("internal error in {what}, please report it: {detail}")]
    Internal {
        /// The pass or module that noticed.
        what: &'static str,
        /// What it saw, with a dump where there is one.
        detail: String,
    },
}

impl From<Box<ConfigError>> for Error {
    fn from(error: Box<ConfigError>) -> Self {
        Error::Config(error)
    }
}

impl From<SettingError> for Error {
    fn from(error: SettingError) -> Self {
        Error::Setting(error)
    }
}

impl Error {
    /// For [`std::io::Error`]: adds the path and what was being done with it.
    pub(crate) fn io(
        path: impl AsRef<Path>,
        action: &'static str,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io {
            path,
            action,
            source,
        }
    }

    pub(crate) fn model(what: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Model {
            what: what.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn data(place: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Data {
            place: place.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn argument(
        what: impl Into<String>,
        given: impl fmt::Display,
        expected: impl Into<String>,
    ) -> Error {
        Error::Argument {
            what: what.into(),
            given: given.to_string(),
            expected: expected.into(),
        }
    }

    pub(crate) fn internal(what: &'static str, detail: impl Into<String>) -> Error {
        Error::Internal {
            what,
            detail: detail.into(),
        }
    }
}

fn list(inputs: &[(Shape, DType)]) -> String {
    if inputs.is_empty() {
        return "none".to_string();
    }
    let each: Vec<String> = inputs.iter().map(|(s, d)| format!("{d}{s}")).collect();
    each.join(", ")
}

fn scope_suffix(scope: &str) -> String {
    if scope.is_empty() {
        String::new()
    } else {
        format!(" (layer {scope})")
    }
}

fn hint_suffix(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!("; {hint}")
    }
}

fn seen_list(seen: &[String]) -> String {
    if seen.is_empty() {
        "there is none on this machine (on Linux, is a Vulkan driver installed?)".to_string()
    } else {
        seen.join("; ")
    }
}
