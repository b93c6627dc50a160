//! The CPU device's memory: buffers of 32-bit words that are aligned to cache lines.
//!
//! A step names its slices once, when it is prepared. [`Accesses::new`] checks that its written
//! slices overlap nothing else. [`Memory::open`] then splits the buffers into these slices by
//! splitting borrows, so that in-place updates and many values in one buffer need no `unsafe`.

use crate::{Error, Result};

use super::buffer::Buffer;

/// The largest number of slices that a step may read, and that it may write.
pub(super) const MAX_ACCESSES: usize = 32;

/// A range of a buffer, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub buffer: usize,
    pub start: usize,
    pub len: usize,
}

impl Span {
    fn end(self) -> usize {
        self.start + self.len
    }

    /// Returns whether the two ranges share a word.
    pub fn overlaps(self, other: Span) -> bool {
        let apart = self.buffer != other.buffer
            || self.end() <= other.start
            || other.end() <= self.start
            || self.len == 0
            || other.len == 0;
        !apart
    }
}

/// All buffers.
pub(super) struct Memory {
    buffers: Vec<Buffer>,
}

impl Memory {
    /// Allocates buffers of these sizes, in words, filled with zeros.
    pub fn new(words: &[usize]) -> Result<Self> {
        let mut buffers = Vec::with_capacity(words.len());
        for &words in words {
            let full = || Error::OutOfMemory {
                what: "a buffer".to_string(),
                bytes: words as u64 * 4,
                device: "cpu".to_string(),
            };
            buffers.push(Buffer::zeroed(words).ok_or_else(full)?);
        }
        Ok(Memory { buffers })
    }

    /// Returns the number of buffers.
    pub fn count(&self) -> usize {
        self.buffers.len()
    }

    /// Returns the bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.buffers.iter().map(|b| b.len() as u64 * 4).sum()
    }

    /// Frees all but the first `count` buffers.
    pub fn keep(&mut self, count: usize) {
        self.buffers.truncate(count);
    }

    /// Returns the words of `span`.
    pub fn get(&self, span: Span) -> Result<&[u32]> {
        let words = self.buffers.get(span.buffer).map(Buffer::words);
        words
            .and_then(|w| w.get(span.start..span.end()))
            .ok_or_else(|| outside(span))
    }

    /// Returns the words of `span` for writing.
    pub fn get_mut(&mut self, span: Span) -> Result<&mut [u32]> {
        let words = self.buffers.get_mut(span.buffer).map(Buffer::words_mut);
        words
            .and_then(|w| w.get_mut(span.start..span.end()))
            .ok_or_else(|| outside(span))
    }

    /// Returns the slices of a step.
    pub fn open(&mut self, accesses: &Accesses) -> Open<'_> {
        let mut open = Open {
            reads: [&[]; MAX_ACCESSES],
            writes: std::array::from_fn(|_| Default::default()),
        };
        let mut buffers = self.buffers.iter_mut();
        let mut next_buffer = 0;
        let mut rest: &mut [u32] = &mut [];
        let mut at = 0;
        for region in &accesses.regions {
            let span = region.span;
            if span.buffer >= next_buffer {
                let buffer = buffers.nth(span.buffer - next_buffer);
                rest = buffer.map(Buffer::words_mut).unwrap_or_default();
                next_buffer = span.buffer + 1;
                at = 0;
            }
            // The regions of a buffer are sorted, disjoint, and checked against its size.
            let tail = rest.get_mut(span.start - at..).unwrap_or_default();
            let Some((slice, tail)) = tail.split_at_mut_checked(span.len) else {
                break;
            };
            (rest, at) = (tail, span.end());
            match region.write {
                Some(write) => open.writes[write] = slice,
                None => {
                    let slice: &[u32] = slice;
                    for &read in &region.reads {
                        let from = accesses.reads[read].start - span.start;
                        open.reads[read] = &slice[from..from + accesses.reads[read].len];
                    }
                }
            }
        }
        open
    }
}

/// The slices of a step, in the order of its [`Accesses`].
pub(super) struct Open<'a> {
    pub reads: [&'a [u32]; MAX_ACCESSES],
    pub writes: [&'a mut [u32]; MAX_ACCESSES],
}

/// The slices that a step reads and writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Accesses {
    reads: Vec<Span>,
    regions: Vec<Region>,
}

/// A slice that is written, or a slice that covers overlapping reads.
#[derive(Clone, Debug)]
struct Region {
    span: Span,
    write: Option<usize>,
    reads: Vec<usize>,
}

impl Accesses {
    /// Checks and prepares the slices. A slice that is read and written in place counts only as
    /// written.
    pub fn new(reads: Vec<Span>, writes: &[Span]) -> Result<Self> {
        if reads.len() > MAX_ACCESSES || writes.len() > MAX_ACCESSES {
            let detail = format!(
                "a step has {} reads and {} writes",
                reads.len(),
                writes.len()
            );
            return Err(Error::internal("the CPU executor", detail));
        }
        let read = |(i, &span)| Region {
            span,
            write: None,
            reads: vec![i],
        };
        let write = |(i, &span)| Region {
            span,
            write: Some(i),
            reads: Vec::new(),
        };
        let mut all: Vec<Region> = reads.iter().enumerate().map(read).collect();
        all.extend(writes.iter().enumerate().map(write));
        all.retain(|r| r.span.len > 0);
        all.sort_by_key(|r| r.span);
        let mut regions: Vec<Region> = Vec::new();
        for region in all {
            match regions
                .last_mut()
                .filter(|last| last.span.overlaps(region.span))
            {
                Some(last) if last.write.is_none() && region.write.is_none() => {
                    let end = last.span.end().max(region.span.end());
                    last.span.len = end - last.span.start;
                    last.reads.extend(region.reads);
                }
                Some(last) => {
                    let detail = format!("a step writes {:?} over {:?}", region.span, last.span);
                    return Err(Error::internal("the CPU executor", detail));
                }
                None => regions.push(region),
            }
        }
        Ok(Accesses { reads, regions })
    }

    /// Checks that all slices are inside the memory.
    pub fn check(&self, memory: &Memory) -> Result<()> {
        self.regions
            .iter()
            .try_for_each(|region| memory.get(region.span).map(drop))
    }
}

fn outside(span: Span) -> Error {
    Error::internal(
        "the CPU executor",
        format!("{span:?} is outside the memory"),
    )
}
