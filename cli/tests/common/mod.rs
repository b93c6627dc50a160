//! Runs the program in a temporary folder.
#![allow(clippy::unwrap_used, dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The result of a command.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    fn new(output: &Output) -> Ran {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let ran = Ran {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        };
        for stream in [&ran.stdout, &ran.stderr] {
            assert!(!stream.contains("panicked at"), "{stream}");
            assert!(!stream.contains("RUST_BACKTRACE"), "{stream}");
        }
        ran
    }

    /// Asserts that the command succeeded.
    #[track_caller]
    pub fn ok(self) -> Ran {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// Asserts exit code 2, an empty stdout, and `message` on stderr.
    #[track_caller]
    pub fn refused(self, message: &str) {
        assert_eq!(self.code, Some(2), "{}", self.stderr);
        assert_eq!(self.stdout, "", "{}", self.stderr);
        assert!(
            self.stderr.contains(message),
            "{message:?} is not in\n{}",
            self.stderr
        );
    }

    /// Returns all lines of stdout, parsed as JSON.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap();
        self.stdout.lines().map(parse).collect()
    }

    /// Returns the last event and asserts that it is `done`.
    #[track_caller]
    pub fn done(&self) -> Value {
        let last = self.events().pop().unwrap();
        assert_eq!(last["event"], "done");
        last
    }
}

/// Runs the program in `folder`.
pub fn wgrad(folder: &Path, line: &str) -> Ran {
    Ran::new(&command(folder, line).output().unwrap())
}

/// Returns the program as a command that has not started.
pub fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
    command
        .args(line.split_whitespace())
        .current_dir(folder)
        .env("WGRAD_CACHE_DIR", "")
        .env_remove("RUST_LOG");
    command
}

/// Returns the path of a data set of the project.
pub fn data(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("examples/data").join(name)
}

/// Creates a folder with `iris.csv` and a configuration `c.toml` for it.
pub fn iris(training: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(data("iris.csv"), folder.path().join("iris.csv")).unwrap();
    let config = format!(
        "[model]\nhidden = [16]\ndropout = 0.1\n[data]\npath = \"iris.csv\"\ntarget = \"species\"\n\
         [training]\nbatch_size = 7\nseed = 3\ndevice = \"cpu\"\n{training}\n[output]\ndir = \"run\"\n"
    );
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    folder
}

/// Returns the sorted names in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
