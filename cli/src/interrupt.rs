//! Ctrl-C during a training: the first one saves and stops, the second one exits at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of an interrupted program.
pub const EXIT_CODE: u8 = 130;

/// A flag that is set when the user presses Ctrl-C.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Installs the handler for Ctrl-C, and for SIGTERM on Unix.
    pub fn install() -> Interrupt {
        let interrupt = Interrupt::default();
        let asked = interrupt.0.clone();
        let handler = move || {
            if asked.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(EXIT_CODE));
            }
        };
        if let Err(e) = ctrlc::set_handler(handler) {
            log::warn!("cannot install a Ctrl-C handler, so Ctrl-C exits without saving: {e}");
        }
        interrupt
    }

    /// Returns whether Ctrl-C was pressed.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
