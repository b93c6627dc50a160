//! Output to stdout and stderr.
//!
//! Invariant: with `--json`, stdout has JSON lines only; all messages go to stderr. A closed pipe
//! (`wgrad devices | head -1`) is not an error; any other failed write to stdout is, as on a full
//! disk: [`Output::finish`] returns it.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// The output streams of the program.
pub struct Output {
    json: bool,
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
    /// The first failed write to stdout. Nothing is written after it.
    failed: Option<io::Error>,
}

/// An event, with its name as the first key: `{"event":"epoch", ...}`.
#[derive(Serialize)]
struct Event<'a, T> {
    event: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

impl Output {
    /// Creates the output to stdout and stderr. `json` is the `--json` flag.
    pub fn new(json: bool) -> Output {
        Output::to(json, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Creates the output to other streams, for tests.
    pub fn to(json: bool, stdout: Box<dyn Write + Send>, stderr: Box<dyn Write + Send>) -> Output {
        Output {
            json,
            stdout,
            stderr,
            failed: None,
        }
    }

    /// Writes bytes to stdout.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.stdout.write_all(bytes).err();
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.stdout.flush().err();
        }
    }

    /// Returns whether stdout takes no more output: its reader is gone, or a write failed.
    pub fn is_closed(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    ///
    /// Returns an error if a write to stdout failed, unless its reader closed the pipe.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.flush();
        match &self.failed {
            Some(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::Found(format!("cannot write to stdout: {e}")))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether `--json` was given.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Prints a result as text: to stdout, or to stderr with `--json`.
    pub fn say(&mut self, text: &str) {
        match self.json {
            true => self.note(text),
            false => self.print(text),
        }
    }

    /// Prints a text to stdout, also with `--json`.
    pub fn print(&mut self, text: &str) {
        self.bytes(format!("{text}\n").as_bytes());
    }

    /// Prints a part of a text to stdout at once, without a line break. Prints nothing with
    /// `--json`.
    pub fn stream(&mut self, text: &str) {
        if !self.json {
            self.bytes(text.as_bytes());
            self.flush();
        }
    }

    /// Prints a note to stderr.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(self.stderr, "{text}");
    }

    /// Prints an event as a JSON line with `--json`. `body` must serialize to an object.
    pub fn event(&mut self, event: &str, body: &impl Serialize) {
        if !self.json {
            return;
        }
        match serde_json::to_string(&Event { event, body }) {
            // Writes each line with one call, so that live readers never see a part of a line.
            Ok(line) => {
                self.bytes(format!("{line}\n").as_bytes());
                self.flush();
            }
            Err(e) => log::error!("cannot write the event \"{event}\" as JSON: {e}"),
        }
    }
}

#[cfg(test)]
pub mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use super::*;

    /// A stream whose text tests can read.
    #[derive(Clone, Default)]
    pub struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn json_and_words_never_meet() {
        for json in [true, false] {
            let (out, err) = (Shared::default(), Shared::default());
            let mut output = Output::to(json, Box::new(out.clone()), Box::new(err.clone()));
            output.note("remark");
            output.say("result");
            output.event("done", &serde_json::json!({"epochs": 3}));
            if json {
                assert_eq!(out.text(), "{\"event\":\"done\",\"epochs\":3}\n");
                assert_eq!(err.text(), "remark\nresult\n");
            } else {
                assert_eq!(out.text(), "result\n");
                assert_eq!(err.text(), "remark\n");
            }
        }
    }
}
