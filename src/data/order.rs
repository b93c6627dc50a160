//! The order of the samples in an epoch, and their division into batches.

use crate::error::{Error, Result};
use crate::random::Stream;

/// The children of a seed's stream that this module uses; see [`Stream::child`].
pub(super) const SPLIT: u64 = u64::from_be_bytes(*b"split\0\0\0");
const SHUFFLE: u64 = u64::from_be_bytes(*b"shuffle\0");

/// Returns the numbers `0..n` in a random order that depends on seed and epoch. All orders are
/// equally likely, and the order is the same on every machine.
///
/// `n` is at most 2^32 - 1, the limit of a [`Dataset`](super::Dataset).
///
/// # Example
/// ```
/// use wgrad::data::shuffled_rows;
///
/// let mut rows = shuffled_rows(5, 7, 0);
/// assert_eq!(rows, shuffled_rows(5, 7, 0));
/// assert_ne!(rows, shuffled_rows(5, 7, 1));
/// rows.sort();
/// assert_eq!(rows, [0, 1, 2, 3, 4]);
/// ```
pub fn shuffled_rows(n: usize, seed: u64, epoch: u64) -> Vec<u32> {
    let mut rows = numbered(n);
    shuffle(&mut rows, Stream::new(seed).child(SHUFFLE).child(epoch));
    rows
}

/// Shuffles in place (Fisher and Yates).
pub(crate) fn shuffle(rows: &mut [u32], mut random: Stream) {
    for last in (1..rows.len()).rev() {
        let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
        rows.swap(last, random.below(bound) as usize);
    }
}

/// Returns the numbers `0..n`.
pub(super) fn numbered(n: usize) -> Vec<u32> {
    (0..u32::try_from(n).unwrap_or(u32::MAX)).collect()
}

/// The order of the samples in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The stored order, in every epoch.
    Stored,
    /// A new random order in every epoch.
    Shuffled {
        /// The seed, which determines all orders.
        seed: u64,
    },
}

/// The batches of an epoch, as row numbers.
///
/// # Example
/// ```
/// use wgrad::data::{Batches, Order};
///
/// # fn main() -> wgrad::Result<()> {
/// let mut batches = Batches::new(10, 4, Order::Shuffled { seed: 7 })?;
/// for epoch in 0..3 {
///     batches.start(epoch);
///     let sizes: Vec<usize> = batches.iter().map(|rows| rows.len()).collect();
///     assert_eq!(sizes, [4, 4, 2]);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    rows: Vec<u32>,
    size: usize,
    order: Order,
    whole_only: bool,
}

impl Batches {
    /// Creates batches of `size` of `n` samples, starting with epoch 0. The last batch is smaller
    /// if `size` does not divide `n`.
    ///
    /// # Errors
    ///
    /// Returns an error if `n` or `size` is 0.
    pub fn new(n: usize, size: usize, order: Order) -> Result<Self> {
        if n == 0 || u32::try_from(n).is_err() {
            let range = format!("between 1 and {}", u32::MAX);
            return Err(Error::argument("the number of samples", n, range));
        }
        if size == 0 {
            return Err(Error::argument("the batch size", size, "at least 1"));
        }
        let mut batches = Batches {
            rows: numbered(n),
            size,
            order,
            whole_only: false,
        };
        batches.start(0);
        Ok(batches)
    }

    /// Drops the smaller last batch, so all batches have the same size.
    ///
    /// # Errors
    ///
    /// Returns an error if no batch would be left.
    pub fn drop_last(mut self) -> Result<Self> {
        if self.size > self.rows.len() {
            return Err(Error::argument(
                "the batch size",
                self.size,
                format!(
                    "at most {}, the number of samples, with drop_last",
                    self.rows.len()
                ),
            ));
        }
        self.whole_only = true;
        Ok(self)
    }

    /// Orders the samples for this epoch (counted from 0). Allocates nothing.
    pub fn start(&mut self, epoch: u64) {
        // Starts from the stored order each time, so the order of an epoch does not depend on the
        // epochs before it, and a resumed training sees the same batches.
        for (row, number) in self.rows.iter_mut().zip(0u32..) {
            *row = number;
        }
        if let Order::Shuffled { seed } = self.order {
            shuffle(
                &mut self.rows,
                Stream::new(seed).child(SHUFFLE).child(epoch),
            );
        }
    }

    /// Returns the number of batches of an epoch.
    pub fn len(&self) -> usize {
        if self.whole_only {
            self.rows.len() / self.size
        } else {
            self.rows.len().div_ceil(self.size)
        }
    }

    /// Returns `false`: an epoch has at least one batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the row numbers of each batch.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.rows.chunks(self.size).take(self.len())
    }

    /// Returns the row numbers of the whole epoch, in order.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_a_permutation() {
        for n in [0, 1, 2, 3, 7, 63, 65, 257, 1009] {
            let mut rows = shuffled_rows(n, 5, 2);
            rows.sort_unstable();
            assert_eq!(rows, numbered(n));
        }
    }

    #[test]
    fn an_order_belongs_to_its_seed_and_epoch() {
        let order = shuffled_rows(100, 1, 0);
        assert_eq!(order, shuffled_rows(100, 1, 0));
        assert_ne!(order, shuffled_rows(100, 1, 1));
        assert_ne!(order, shuffled_rows(100, 2, 0));
        assert_ne!(order, numbered(100));
    }

    /// Fixed, because a change would silently change every training of every seed.
    #[test]
    fn the_order_of_a_seed_never_changes() {
        assert_eq!(shuffled_rows(8, 42, 0), [2, 0, 6, 3, 4, 5, 1, 7]);
    }

    #[test]
    fn every_order_is_equally_likely() {
        let mut counts = std::collections::HashMap::new();
        for epoch in 0..24_000 {
            *counts.entry(shuffled_rows(4, 9, epoch)).or_insert(0i32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // The standard deviation of a count is 31.
        assert!(
            counts.values().all(|c| (c - 1000).abs() < 155),
            "{counts:?}"
        );
    }

    #[test]
    fn batches_cover_the_epoch_and_can_be_restarted() {
        let mut batches = Batches::new(10, 4, Order::Shuffled { seed: 3 }).unwrap();
        assert_eq!(batches.rows(), shuffled_rows(10, 3, 0));
        batches.start(7);
        assert_eq!(
            batches.iter().collect::<Vec<_>>().concat(),
            shuffled_rows(10, 3, 7)
        );
        batches.start(0);
        assert_eq!(batches.rows(), shuffled_rows(10, 3, 0));
        assert_eq!((batches.len(), batches.iter().count()), (3, 3));
        assert!(!batches.is_empty());
    }

    #[test]
    fn the_smaller_last_batch_can_be_dropped() {
        let sizes = |n, size| {
            let batches = Batches::new(n, size, Order::Stored)?.drop_last()?;
            Ok::<_, Error>(batches.iter().map(<[u32]>::len).collect::<Vec<_>>())
        };
        assert_eq!(sizes(10, 4).unwrap(), [4, 4]);
        assert_eq!(sizes(8, 4).unwrap(), [4, 4]);
        assert_eq!(
            sizes(3, 4).unwrap_err().to_string(),
            "the batch size is 4, but must be at most 3, the number of samples, with drop_last"
        );
    }

    #[test]
    fn nothing_cannot_be_batched() {
        let text = |n, size| {
            Batches::new(n, size, Order::Stored)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(text(3, 0), "the batch size is 0, but must be at least 1");
        assert_eq!(
            text(0, 3),
            "the number of samples is 0, but must be between 1 and 4294967295"
        );
        let mut stored = Batches::new(3, 9, Order::Stored).unwrap();
        stored.start(4);
        assert_eq!(stored.iter().collect::<Vec<_>>(), [[0, 1, 2]]);
    }
}
