//! Ctrl-C while training: the first one is a wish, the second one an order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of a program that was interrupted.
pub const EXIT_CODE: u8 = 130;

/// Whether the user wants to stop.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes over Ctrl-C (and a request to terminate, where the system has one).
    pub fn install() -> Interrupt {
        let interrupt = Interrupt::default();
        let asked = interrupt.0.clone();
        let handler = move || {
            if asked.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(EXIT_CODE));
            }
        };
        if let Err(e) = ctrlc::set_handler(handler) {
            log::warn!("Ctrl-C will end the program without saving: {e}");
        }
        interrupt
    }

    /// Whether Ctrl-C was pressed.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
