//! A hash function of texts that is the same on every platform and in every version.

/// Returns the FNV-1a hash of a text's UTF-8 bytes, of 64 bits
/// ([Fowler, Noll and Vo](http://www.isthe.com/chongo/tech/comp/fnv/)).
///
/// It is defined here, because the standard library's hash functions may change, while stored
/// models depend on the numbers.
pub(crate) fn fnv1a(text: &str) -> u64 {
    fnv1a_parts([text].into_iter())
}

/// Returns [`fnv1a`] of the concatenated texts.
pub(crate) fn fnv1a_parts<'a>(parts: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = parts.flat_map(str::bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
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
}
