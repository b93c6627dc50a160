//! The hash function of categories and n-grams.

/// Returns the FNV-1a hash of a text's UTF-8 bytes, of 64 bits
/// ([Fowler, Noll and Vo](http://www.isthe.com/chongo/tech/comp/fnv/)).
///
/// It is defined here, because the standard library's hash functions may change, while stored
/// models depend on the numbers.
pub(super) fn fnv1a(text: &str) -> u64 {
    fnv1a_parts([text].into_iter())
}

/// Returns [`fnv1a`] of the concatenated texts.
pub(super) fn fnv1a_parts<'a>(parts: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = parts.flat_map(str::bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

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

    /// Test vectors of the authors' page.
    #[test]
    fn fnv1a_gives_the_published_hashes() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(fnv1a_parts(["foo", "", "bar"].into_iter()), fnv1a("foobar"));
    }

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
