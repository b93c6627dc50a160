//! The roofline of the CPU, measured on all threads.

use std::time::Instant;

use rayon::prelude::*;

use crate::exec::Roofline;
use crate::exec::roofline::{COPY_BYTES, MIN_SECONDS, REPEATS};
use crate::{Error, Result};

/// The number of independent chains of multiply-adds: with two constants they fill 16 registers.
const INDEPENDENT_CHAINS: usize = 12;

/// The rounds of the first measurement.
const MIN_ROUNDS: usize = 1 << 14;

/// The number of elements that a thread copies at a time.
const COPY_CHUNK: usize = 1 << 16;

/// Measures the CPU.
pub(crate) fn measure() -> Result<Roofline> {
    Ok(Roofline {
        flops: flops(),
        bandwidth: bandwidth()?,
    })
}

fn flops() -> f64 {
    let mut rounds = MIN_ROUNDS;
    loop {
        let (seconds, flops) = fastest(|| {
            let each = rayon::broadcast(|_| pulp::Arch::new().dispatch(Fused { rounds }));
            each.into_iter().sum::<f64>()
        });
        if seconds >= MIN_SECONDS {
            return flops / seconds;
        }
        rounds *= 4;
    }
}

fn bandwidth() -> Result<f64> {
    let len = (COPY_BYTES / 4) as usize;
    let buffer = || {
        let mut buffer: Vec<f32> = Vec::new();
        let full = |_| Error::OutOfMemory {
            what: "a buffer to copy".to_string(),
            bytes: COPY_BYTES,
            device: "cpu".to_string(),
        };
        buffer.try_reserve_exact(len).map_err(full)?;
        // Not 0, because pages that were never written may share memory.
        buffer.resize(len, 1.0);
        Ok::<_, Error>(buffer)
    };
    let (x, mut y) = (buffer()?, buffer()?);
    let (seconds, bytes) = fastest(|| {
        let blocks = y.par_chunks_mut(COPY_CHUNK).zip(x.par_chunks(COPY_CHUNK));
        blocks.for_each(|(y, x)| y.copy_from_slice(x));
        std::hint::black_box(&mut y);
        2.0 * COPY_BYTES as f64
    });
    Ok(bytes / seconds)
}

/// Returns the seconds of the fastest of a few calls, and its result.
fn fastest(mut work: impl FnMut() -> f64) -> (f64, f64) {
    let mut least = (f64::INFINITY, 0.0);
    for _ in 0..REPEATS {
        let start = Instant::now();
        let done = work();
        let seconds = start.elapsed().as_secs_f64().max(1e-9);
        if seconds < least.0 {
            least = (seconds, done);
        }
    }
    least
}

/// Multiply-adds in the widest vector registers.
struct Fused {
    rounds: usize,
}

impl pulp::WithSimd for Fused {
    /// The number of floating-point operations.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> f64 {
        let (k, c) = (simd.splat_f32s(0.999), simd.splat_f32s(0.001));
        let mut sums = [c; INDEPENDENT_CHAINS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, k, c);
            }
        }
        std::hint::black_box(sums.map(|sum| simd.reduce_sum_f32s(sum)));
        (2 * S::F32_LANES * INDEPENDENT_CHAINS * self.rounds) as f64
    }
}
