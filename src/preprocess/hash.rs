//! The buckets of hashed categories and n-grams.

pub(super) use crate::data::hash::{fnv1a, fnv1a_parts};

/// Returns the bucket of a hash, below `buckets`, which must not be 0.
///
/// The upper 32 bits are folded onto the lower ones by XOR first: the lowest bits of FNV-1a alone
/// depend on few bits of the text.
pub(super) fn bucket(hash: u64, buckets: usize) -> usize {
    let folded = (hash >> 32) ^ (hash & 0xffff_ffff);
    (folded % buckets.max(1) as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_of_similar_size() {
        let mut counts = [0usize; 64];
        for i in 0..64_000 {
            counts[bucket(fnv1a(&format!("name {i}")), 64)] += 1;
        }
        // Poisson with mean 1000: six standard deviations.
        assert!(counts.iter().all(|n| (810..1190).contains(n)), "{counts:?}");
    }
}
