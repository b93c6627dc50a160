//! A buffer of 32-bit words that starts at a cache line.

/// Words of a cache line, which is also the widest vector of any CPU.
const LINE: usize = 16;

/// Words, all of them zero at first.
///
/// The system has zeros at hand and takes the memory when a word is first written. Asked for cache lines it
/// would write them all at once, so it is asked for words, and the first line among them is the start.
pub(super) struct Buffer {
    words: Vec<u32>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// At least so many words, in whole lines; `None` where there is no memory left.
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

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The words.
    pub fn words(&self) -> &[u32] {
        let end = self.start + self.len;
        self.words.get(self.start..end).unwrap_or_default()
    }

    /// The words, to be written.
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
