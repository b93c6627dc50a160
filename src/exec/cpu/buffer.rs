//! A buffer of 32-bit words that is aligned to a cache line.

/// The words of a cache line, which is also the width of the widest vector of any CPU.
const LINE: usize = 16;

/// A buffer of words, initially zero.
///
/// The system provides zeroed pages and allocates memory when a word is first written. An
/// allocation with the alignment of cache lines would write all of it at once. So the buffer is
/// allocated with the alignment of words, and begins at the first cache line in it.
pub(super) struct Buffer {
    words: Vec<u32>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// Allocates at least `words` words, in whole cache lines. Returns `None` if there is not
    /// enough memory.
    pub fn zeroed(words: usize) -> Option<Self> {
        let len = words.checked_next_multiple_of(LINE)?;
        let words: Vec<u32> = bytemuck::allocation::try_zeroed_vec(len.checked_add(LINE)?).ok()?;
        let first = words.as_ptr().addr() / size_of::<u32>();
        Some(Buffer {
            start: first.next_multiple_of(LINE) - first,
            words,
            len,
        })
    }

    /// Returns the number of words.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns the words.
    pub fn words(&self) -> &[u32] {
        let end = self.start + self.len;
        self.words.get(self.start..end).unwrap_or_default()
    }

    /// Returns the words for writing.
    pub fn words_mut(&mut self) -> &mut [u32] {
        let end = self.start + self.len;
        self.words.get_mut(self.start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_buffer_is_whole_lines_of_zeros() {
        for n in [0, 1, 15, 16, 17, 1000, 100_003] {
            let mut buffer = Buffer::zeroed(n).unwrap();
            assert_eq!(buffer.words().as_ptr().addr() % 64, 0);
            assert_eq!(buffer.len(), n.next_multiple_of(16));
            assert_eq!(buffer.words(), vec![0; buffer.len()]);
            buffer.words_mut().fill(7);
            assert!(buffer.words().iter().all(|w| *w == 7));
        }
        assert!(Buffer::zeroed(usize::MAX).is_none());
        assert!(Buffer::zeroed(usize::MAX / 16).is_none());
    }
}
