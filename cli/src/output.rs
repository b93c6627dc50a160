//! What is printed, and where.
//!
//! Invariant: with `--json`, stdout carries JSON lines and nothing else; all words go to stderr.
//! A reader that goes away (`wgrad devices | head -1`) is no error.

use std::io::{self, Write};

use serde::Serialize;

/// The program's two streams.
pub struct Output {
    json: bool,
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
}

/// An object with its kind in front: `{"event":"epoch", ...}`.
#[derive(Serialize)]
struct Event<'a, T> {
    event: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

impl Output {
    /// The process's own streams; `json` as on the command line.
    pub fn new(json: bool) -> Output {
        Output::to(json, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Other streams, for tests.
    pub fn to(json: bool, stdout: Box<dyn Write + Send>, stderr: Box<dyn Write + Send>) -> Output {
        Output {
            json,
            stdout,
            stderr,
        }
    }

    /// Whether JSON lines were asked for.
    pub fn json(&self) -> bool {
        self.json
    }

    /// A result in words: on stdout, or on stderr where stdout is for JSON.
    pub fn say(&mut self, text: &str) {
        let stream = if self.json {
            &mut self.stderr
        } else {
            &mut self.stdout
        };
        let _ = writeln!(stream, "{text}");
    }

    /// A part of a result in words, at once and without a line's end; nothing where stdout is for JSON.
    pub fn print(&mut self, text: &str) {
        // A closed pipe is the reader's choice.
        let _ = writeln!(self.stdout, "{text}");
    }

    pub fn stream(&mut self, text: &str) {
        if !self.json {
            let _ = self.stdout.write_all(text.as_bytes());
            let _ = self.stdout.flush();
        }
    }

    /// A remark beside the result, on stderr.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(self.stderr, "{text}");
    }

    /// A result as a JSON line (an object), where that was asked for.
    pub fn event(&mut self, event: &str, body: &impl Serialize) {
        if !self.json {
            return;
        }
        match serde_json::to_string(&Event { event, body }) {
            // One write a line, so that lines stay whole for whoever reads them live.
            Ok(line) => {
                let _ = self.stdout.write_all(format!("{line}\n").as_bytes());
                let _ = self.stdout.flush();
            }
            Err(e) => log::error!("event \"{event}\" is not JSON: {e}"),
        }
    }
}

#[cfg(test)]
pub mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use super::*;

    /// A stream whose text can be looked at.
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
