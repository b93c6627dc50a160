//! The rows that compute random numbers from a key, the number of a stream and the element's index.
//!
//! Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
//! as 1, 2, 3", SC 2011) consists of additions, rotations and exclusive ors of 32-bit words. So
//! every device computes the same bits, and any element can be computed again at any time.

use crate::graph::Function;
use crate::random::{threefry2x32, uniform_f32 as unit};

use super::arithmetic::none;

pub(super) static TABLE: &[&Function] = &[&UNIFORM, &NORMAL, &BITS];

indexed_row!(i, UNIFORM "random_uniform" "24 random bits / 2^24, in [0, 1)" "random",
    (key0: u32, key1: u32)[stream: u32] -> f32 = unit(threefry2x32([key0, key1], [i, stream])[0]) as _;
    grad = none; ulp: 0.0, domain: (0.0, 1e6), examples: &[3.0]);
// Box and Muller, 1958. The first uniform number is in (0, 1], so that its logarithm is finite.
indexed_row!(i, NORMAL "random_normal" "sqrt(-2 ln(u)) cos(2 pi v), u and v uniform" "random",
    (key0: u32, key1: u32)[stream: u32] -> f32 = {
        let bits = threefry2x32([key0, key1], [i, stream]);
        let u = 1.0 - f64::from(unit(bits[0]));
        let v = f64::from(unit(bits[1]));
        ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as _
    };
    // WGSL allows cos an error of 2^-11, and sqrt(-2 ln(u)) reaches 5.8.
    grad = none; ulp: 8.0, abs: 3e-3, domain: (0.0, 1e6), examples: &[3.0]);

indexed_row!(i, BITS "random_bits" "32 random bits" "random",
    (key0: u32, key1: u32)[stream: u32] -> u32 = threefry2x32([key0, key1], [i, stream])[0];
    grad = none; ulp: 0.0, domain: (0.0, 1e6), examples: &[3.0]);

/// Returns the function that draws random numbers of this distribution.
pub(crate) fn random_function(name: &str) -> Option<&'static Function> {
    TABLE.iter().copied().find(|f| f.name == name)
}
