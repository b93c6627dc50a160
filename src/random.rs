//! Random numbers that are the same on the CPU and on the GPU.
//!
//! Every number is a pure function of a key and a counter (Threefry-2x32, 20 rounds), so each can
//! be computed independently, in any order and on any device.
//!
//! Invariant: a change of these functions changes every shuffle, initial weight and dropout mask of
//! every seed. The known answers in the tests fix them.
//!
//! The `rand` crate is not suitable: its generators carry state from one number to the next, which
//! thousands of GPU invocations cannot share, and its results may change between versions.

/// The constant that Skein and Threefry mix into the key, so that an all-zero key is not weak.
const PARITY: u32 = 0x1BD1_1BDA;

/// Threefry-2x32 with 20 rounds: 64 random bits, as a pure function of a key and a counter.
///
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
///
/// It has no loop and no table, so a loop over counters around it is vectorized.
#[inline(always)]
pub fn threefry2x32(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    let [k0, k1] = key;
    let k2 = PARITY ^ k0 ^ k1;
    let x = [counter[0].wrapping_add(k0), counter[1].wrapping_add(k1)];
    // After each group of four rounds, two of the three key words are mixed in.
    let x = four_rounds([13, 15, 26, 6], x, [k1, k2.wrapping_add(1)]);
    let x = four_rounds([17, 29, 16, 24], x, [k2, k0.wrapping_add(2)]);
    let x = four_rounds([13, 15, 26, 6], x, [k0, k1.wrapping_add(3)]);
    let x = four_rounds([17, 29, 16, 24], x, [k1, k2.wrapping_add(4)]);
    four_rounds([13, 15, 26, 6], x, [k2, k0.wrapping_add(5)])
}

/// Four rounds with these rotations, followed by the key words.
#[inline(always)]
fn four_rounds(rotations: [u32; 4], [x0, x1]: [u32; 2], key: [u32; 2]) -> [u32; 2] {
    let round = |[x0, x1]: [u32; 2], rotation| {
        let x0 = x0.wrapping_add(x1);
        [x0, x1.rotate_left(rotation) ^ x0]
    };
    let [a, b, c, d] = rotations;
    let [x0, x1] = round(round(round(round([x0, x1], a), b), c), d);
    [x0.wrapping_add(key[0]), x1.wrapping_add(key[1])]
}

/// Returns a number in `[0, 1)` from 32 random bits: a multiple of 2^-24, all equally likely.
///
/// An `f32` represents 24 bits exactly, so the result is never rounded up to 1.
pub fn uniform_f32(bits: u32) -> f32 {
    const STEP: f32 = 1.0 / (1u32 << 24) as f32;
    (bits >> 8) as f32 * STEP
}

/// A sequence of random numbers: Threefry with one key, and a counter that increases by one for
/// each word.
///
/// A clone continues with the same numbers as the original.
///
/// # Example
/// ```
/// use wgrad::random::Stream;
///
/// let mut random = Stream::new(7);
/// let x = random.uniform();
/// assert!((0.0..1.0).contains(&x));
/// assert_eq!(Stream::new(7).uniform(), x);
/// assert_ne!(Stream::new(7).child(1).uniform(), x);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    /// The number of 32-bit words taken.
    counter: u64,
}

impl Stream {
    /// Creates the stream of a seed, at its start.
    pub fn new(seed: u64) -> Self {
        Stream {
            key: words(seed),
            counter: 0,
        }
    }

    /// Returns the derived stream number `index`. It does not depend on the numbers taken from this
    /// stream.
    ///
    /// Give each use of a seed (a shuffle, a layer's weights) its own child, so that a new use does
    /// not change the numbers of the others.
    pub fn child(&self, index: u64) -> Self {
        Stream {
            key: threefry2x32(self.key, words(index)),
            counter: 0,
        }
    }

    /// Returns the key, for a shader that computes numbers of this stream: the words `2 i` and `2 i
    /// + 1` are `threefry2x32(key, [low 32 bits of i, high 32 bits of i])`.
    pub fn key(&self) -> [u32; 2] {
        self.key
    }

    /// Returns the next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        let [even, odd] = threefry2x32(self.key, words(self.counter / 2));
        let word = if self.counter.is_multiple_of(2) {
            even
        } else {
            odd
        };
        self.counter = self.counter.wrapping_add(1);
        word
    }

    /// Returns an integer in `0..n`, all equally likely; 0 if `n` is 0.
    ///
    /// Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019): the high half
    /// of a product. The few words that would make some results more likely are drawn again.
    pub fn below(&mut self, n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        let unfair = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(n);
            if product as u32 >= unfair {
                return (product >> 32) as u32;
            }
        }
    }

    /// Returns a number in `[0, 1)`; see [`uniform_f32`].
    pub fn uniform(&mut self) -> f32 {
        uniform_f32(self.next_u32())
    }

    /// Returns a number of the standard normal distribution (mean 0, standard deviation 1).
    ///
    /// It uses the Box-Muller transform in `f64`, and always takes two words. With 32 bits of input
    /// the largest magnitude is 6.7.
    pub fn normal(&mut self) -> f32 {
        const STEP: f64 = 1.0 / (1u64 << 32) as f64;
        // In (0, 1], because the logarithm of 0 is infinite.
        let u = (f64::from(self.next_u32()) + 1.0) * STEP;
        let v = f64::from(self.next_u32()) * STEP;
        ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
    }
}

/// The low and the high half.
fn words(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers published with the authors' own code (Random123, `kat_vectors`).
    #[test]
    fn threefry_gives_the_published_answers() {
        let ones = [u32::MAX; 2];
        let pi = [0x243f_6a88, 0x85a3_08d3];
        let more_pi = [0x1319_8a2e, 0x0370_7344];
        assert_eq!(threefry2x32([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
        assert_eq!(threefry2x32(ones, ones), [0x1cb9_96fc, 0xbb00_2be7]);
        assert_eq!(threefry2x32(more_pi, pi), [0xc492_3a9c, 0x483d_f7a0]);
    }

    #[test]
    fn uniform_stays_below_one() {
        assert_eq!(uniform_f32(0), 0.0);
        assert_eq!(uniform_f32(255), 0.0);
        assert_eq!(uniform_f32(1 << 31), 0.5);
        assert_eq!(uniform_f32(u32::MAX), 1.0 - 1.0 / 16_777_216.0);
    }

    #[test]
    fn a_stream_takes_both_words_of_each_block() {
        let mut stream = Stream::new(0x0000_0007_0000_0009);
        let key = [9, 7];
        assert_eq!(stream.key(), key);
        let taken: Vec<u32> = (0..4).map(|_| stream.next_u32()).collect();
        let blocks = [threefry2x32(key, [0, 0]), threefry2x32(key, [1, 0])];
        assert_eq!(taken, blocks.concat());
    }

    #[test]
    fn a_child_depends_on_the_seed_and_its_index_only() {
        let mut stream = Stream::new(1);
        let before = stream.child(3);
        stream.next_u32();
        assert_eq!(stream.child(3), before);
        assert_ne!(stream.child(4), before);
        assert_ne!(Stream::new(2).child(3), before);
    }

    #[test]
    fn below_is_fair_and_in_range() {
        let mut stream = Stream::new(42);
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
        assert!((0..100).all(|_| stream.below(0x8000_0001) <= 0x8000_0000));
        let mut counts = [0i32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        // 92.6 is the standard deviation of one count; five of them allow for seven counts.
        assert!(
            counts.iter().all(|c| (c - 10_000).abs() < 463),
            "{counts:?}"
        );
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let n = 100_000;
        let moments = |f: &mut dyn FnMut() -> f32| {
            let x: Vec<f64> = (0..n).map(|_| f64::from(f())).collect();
            let mean = x.iter().sum::<f64>() / n as f64;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
            let fourth = x.iter().map(|x| (x - mean).powi(4)).sum::<f64>() / n as f64;
            (mean, variance, fourth)
        };
        let mut stream = Stream::new(7);
        let (mean, variance, _) = moments(&mut || stream.uniform());
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!((variance - 1.0 / 12.0).abs() < 0.002, "{variance}");
        let (mean, variance, fourth) = moments(&mut || stream.normal());
        assert!(mean.abs() < 0.016, "{mean}");
        assert!((variance - 1.0).abs() < 0.025, "{variance}");
        assert!((fourth - 3.0).abs() < 0.2, "{fourth}");
    }
}
