//! Maps the slots of a plan to the buffers of the memory.

use crate::plan::{BufferId, Slot};
use crate::{Error, Result};

use super::memory::Span;

/// The buffers of a plan in the memory, with the workspaces that all steps share.
pub(super) struct Buffers {
    pub arenas: usize,
    /// The index in the memory of each of the plan's own buffers.
    pub locals: Vec<usize>,
    /// The workspace for the result of a prologue, and the number of its words.
    pub prologue: (usize, usize),
    /// The workspace for the result of an op that its epilogue does not store, and the number of
    /// its words.
    pub acc: (usize, usize),
}

impl Buffers {
    /// Returns the first `words` words of a slot.
    pub fn span(&self, slot: Slot, words: usize) -> Result<Span> {
        let buffer = match slot.buffer {
            BufferId::Arena(i) => Some(i).filter(|i| *i < self.arenas),
            BufferId::Local(i) => self.locals.get(i).copied(),
        };
        let start = usize::try_from(slot.offset / 4).ok();
        match (buffer, start) {
            (Some(buffer), Some(start)) if words as u64 * 4 <= slot.bytes => Ok(Span {
                buffer,
                start,
                len: words,
            }),
            _ => {
                let detail = format!("{slot:?} does not hold {words} words");
                Err(Error::internal("the CPU executor", detail))
            }
        }
    }

    /// Returns a workspace, which is extended if it is too small.
    pub fn workspace((buffer, words): &mut (usize, usize), len: usize) -> Span {
        *words = len.max(*words);
        Span {
            buffer: *buffer,
            start: 0,
            len,
        }
    }
}
