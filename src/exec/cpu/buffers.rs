//! Which of the memory's buffers each slot of a plan lies in.

use crate::plan::{BufferId, Slot};
use crate::{Error, Result};

use super::memory::Span;

/// Where a plan's buffers lie in the memory, with the workspaces that all steps share.
pub(super) struct Buffers {
    pub arenas: usize,
    /// For each of the plan's own buffers, its index in the memory.
    pub locals: Vec<usize>,
    /// The workspace for what a prologue makes, and the words it needs.
    pub prologue: (usize, usize),
    /// The workspace for what an op computed and its epilogue does not store.
    pub acc: (usize, usize),
}

impl Buffers {
    /// The first `words` words of a slot.
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

    /// A workspace, made larger where it is too small.
    pub fn workspace((buffer, words): &mut (usize, usize), len: usize) -> Span {
        *words = len.max(*words);
        Span {
            buffer: *buffer,
            start: 0,
            len,
        }
    }
}
