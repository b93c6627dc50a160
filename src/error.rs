//! The error type of this crate.
//!
//! Each variant stores what went wrong, where, and what would be accepted, as data. `Display`
//! formats it as one message. Invalid input does not panic.

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

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The line of the user's program that created a node, a layer or an error.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(pub(crate) &'static Location<'static>);

impl Source {
    /// Returns the line that called the function that calls this one.
    #[track_caller]
    pub fn caller() -> Self {
        Source(Location::caller())
    }

    /// Returns the file's path, as the compiler saw it.
    pub fn file(&self) -> &'static str {
        self.0.file()
    }

    /// Returns the line, counted from 1.
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

/// The errors of this crate.
///
/// # Example
/// ```
/// use wgrad::{Device, Error};
///
/// let result = wgrad::eval(&Device::cpu(), |g| g.tensor([2], [0.0; 2]) + g.tensor([3], [0.0; 3]));
/// let Err(Error::Op { op, at, .. }) = result else { panic!("shapes do not match") };
/// assert_eq!(op, "add");
/// assert!(at.line() > 0);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An op was given tensors that it does not accept. The line `at` must be changed.
    #[error(
        "{op}: {reason}\n  inputs: {}\n  at {at}{}",
        list(inputs),
        scope_suffix(scope)
    )]
    Op {
        /// The op's name, as in the graph's dump.
        op: &'static str,
        /// The shape and element type of each input.
        inputs: Vec<(Shape, DType)>,
        /// What does not fit, and what would.
        reason: String,
        /// The line of the user's program that called the op.
        at: Source,
        /// The layer that was being traced, as in `state_dict` names (`"2.up"`); empty outside of
        /// layers.
        scope: String,
    },

    /// A model, optimizer or trainer that is inconsistent.
    #[error("{what}: {reason}")]
    Model {
        /// The part that is wrong, e.g. `"Trainer"` or a parameter's name.
        what: String,
        /// What is wrong, and what would be accepted.
        reason: String,
    },

    /// A configuration file has an error, at a line.
    #[error("{0}")]
    Config(Box<ConfigError>),

    /// A setting is wrong, in a configuration that is not from a file.
    #[error("{0}")]
    Setting(SettingError),

    /// An argument is outside of its range.
    #[error("{what} is {given}, but must be {expected}")]
    Argument {
        /// The argument's name, as in the API or the configuration.
        what: String,
        /// The value.
        given: String,
        /// What would be accepted.
        expected: String,
    },

    /// Data that cannot be used: a file, or arrays of the program.
    #[error("{place}: {reason}")]
    Data {
        /// The place: a file with line and column, or the name of an array with row and column.
        place: String,
        /// What is wrong there, and what would be accepted.
        reason: String,
    },

    /// A checkpoint or weights file that does not fit the model, or is damaged.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be accepted.
        reason: String,
    },

    /// A file operation failed.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operation, as a verb: `"read"`, `"write"`, `"replace"`.
        action: &'static str,
        /// The operating system's error.
        source: std::io::Error,
    },

    /// The plan needs more of a resource than the device has.
    #[error(
        "{what} needs {needed}, but {device} offers {available}{}",
        hint_suffix(hint)
    )]
    Limit {
        /// The resource, e.g. `"the largest binding"`.
        what: String,
        /// The amount needed (bytes or a count, depending on `what`).
        needed: u64,
        /// The amount available.
        available: u64,
        /// The device's name.
        device: String,
        /// What would fit, e.g. `"a batch of at most 512 would fit"`; may be empty.
        hint: String,
    },

    /// The device is out of memory.
    #[error("{device} has no memory left for {what} ({bytes} bytes)")]
    OutOfMemory {
        /// What was being allocated.
        what: String,
        /// The number of bytes requested.
        bytes: u64,
        /// The device's name.
        device: String,
    },

    /// No GPU matches the request.
    #[error("no GPU {wanted}: {}", seen_list(seen))]
    NoAdapter {
        /// The request, e.g. `"matching \"intel\""`.
        wanted: String,
        /// The existing adapters, by name, each with the reason why it was rejected.
        seen: Vec<String>,
    },

    /// The GPU was lost (driver reset, watchdog, unplugged), with its memory.
    #[error("the device {device} was lost: {reason}; resume from the last checkpoint")]
    DeviceLost {
        /// The device's name.
        device: String,
        /// The driver's message.
        reason: String,
    },

    /// The GPU's driver or the shader compiler reported an error.
    #[error("{device}: {what}: {reason}")]
    Gpu {
        /// The device's name.
        device: String,
        /// What was being done: a kernel's or a buffer's label.
        what: String,
        /// The message of the driver or the shader compiler, with file and line if known.
        reason: String,
    },

    /// A loss, gradient or weight became NaN or infinite.
    #[error("step {step}: {what} is {value}{}", at.map(|s| format!("\n  at {s}")).unwrap_or_default())]
    NonFinite {
        /// The training step, counted from 1.
        step: u64,
        /// What is not finite.
        what: String,
        /// The value.
        value: f64,
        /// The line of the user's program that computed it, if known.
        at: Option<Source>,
    },

    /// Two executors disagree: a kernel or a driver computes wrong results.
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
        /// The element with the largest error.
        index: usize,
        /// The device's value.
        got: f64,
        /// The reference's value.
        want: f64,
        /// The error, in units of the op's tolerance.
        error: f64,
        /// The line of the user's program.
        at: Source,
    },

    /// A callback or the user stopped the training.
    #[error("stopped: {reason}")]
    Stopped {
        /// The reason.
        reason: String,
    },

    /// An invariant of this crate is violated: a bug in wgrad, with details for a report.
    #[error("internal error in {what}, please report it: {detail}")]
    Internal {
        /// The pass or module that detected it.
        what: &'static str,
        /// What it found, with a dump if there is one.
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
    /// Converts a [`std::io::Error`]: adds the path and the operation.
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
