//! Radix sort of integers on a GPU, with the positions from which they came. The sort is stable.
//!
//! Each pass sorts by a digit, starting with the lowest one, and has three dispatches. First, each
//! invocation counts the digits of a run. Then one workgroup adds the counts. Finally, each
//! invocation moves its run, in order. So the work depends only on the count, and the result is the
//! same each time.
//!
//! Atomics are not used, because positions from atomic additions depend on the order of execution.

use crate::kernel::{Binding, Kernel, KernelLimits, Operand, wgsl};
use crate::ops::grid;

/// The largest number of bits of a digit.
const MAX_DIGIT_BITS: u32 = 8;
/// The smallest number of keys that an invocation moves.
const MIN_RUN: usize = 64;
/// The largest number of runs; more keys make the runs longer.
const MAX_RUNS: usize = 2048;
/// The number of invocations that add the counts.
const SCAN_WORKGROUP: u32 = 64;

/// The keys to sort.
pub(super) struct Radix<'a> {
    /// The buffer of the keys.
    pub keys: Operand,
    /// The number of keys.
    pub count: usize,
    /// The largest key; larger keys are clamped to it.
    pub most: u32,
    /// The limits of the device.
    pub limits: &'a KernelLimits,
}

/// The kernels of a sort.
pub(super) struct Sorted {
    /// The dispatches, in order.
    pub kernels: Vec<Kernel>,
    /// The sizes of the workspaces, which are the first ones of the variant.
    pub scratch: Vec<u64>,
    /// The buffer of the sorted pairs of key and position.
    pub pairs: Operand,
}

impl Radix<'_> {
    /// Returns the dispatches and workspaces.
    pub fn sorted(&self) -> Sorted {
        let bits = (u32::BITS - self.most.leading_zeros()).max(1);
        let passes = bits.div_ceil(MAX_DIGIT_BITS);
        let digit = bits.div_ceil(passes);
        let run = MIN_RUN.max(self.count.div_ceil(MAX_RUNS));
        let runs = self.count.div_ceil(run).max(1);
        let counts = runs << digit;
        let place = |pass: u32| Operand::Scratch((pass % 2) as usize);
        let bins = Operand::Scratch(2);
        let mut kernels = vec![self.pairs()];
        for pass in 0..passes {
            let params = [self.count, run, runs, (pass * digit) as usize, 1 << digit];
            let params = Binding::Uniform(params.map(|n| n as u32).to_vec());
            let from = place(pass);
            let count = vec![Binding::Read(from), Binding::Write(bins), params.clone()];
            let to = Binding::Write(place(pass + 1));
            let shift = vec![Binding::Read(from), Binding::Write(bins), to, params];
            let each_run = |label, shader, bindings| Kernel {
                label,
                parts: vec![wgsl!("lib/index"), shader],
                overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
                bindings,
                workgroups: grid::linear(self.limits, runs),
            };
            kernels.extend([
                each_run("radix_count", wgsl!("radix_count"), count),
                scan(bins, counts),
                each_run("radix_move", wgsl!("radix_move"), shift),
            ]);
        }
        let pairs = 8 * self.count.max(1) as u64;
        Sorted {
            kernels,
            scratch: vec![pairs, pairs, 4 * counts as u64],
            pairs: place(passes),
        }
    }

    /// Returns the kernel that pairs each key with its position.
    fn pairs(&self) -> Kernel {
        Kernel {
            label: "radix_pairs",
            parts: vec![wgsl!("lib/index"), wgsl!("radix_pairs")],
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings: vec![
                Binding::Read(self.keys),
                Binding::Write(Operand::Scratch(0)),
                Binding::Uniform(vec![self.count as u32, self.most]),
            ],
            workgroups: grid::linear(self.limits, self.count),
        }
    }
}

/// Returns the kernel that computes the exclusive prefix sums of the counts.
fn scan(bins: Operand, count: usize) -> Kernel {
    Kernel {
        label: "radix_scan",
        parts: vec![wgsl!("radix_scan")],
        overrides: vec![("WG", SCAN_WORKGROUP)],
        bindings: vec![Binding::Write(bins), Binding::Uniform(vec![count as u32])],
        workgroups: [1, 1, 1],
    }
}
