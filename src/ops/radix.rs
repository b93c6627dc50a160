//! Sorting whole numbers on a GPU, with the positions they came from: equal ones stay in order.
//!
//! By digits, the last first. A pass has three dispatches: each invocation counts the digits of a run of its
//! own; one workgroup adds up the counts; each invocation moves its run, in order. So the work grows with the
//! count alone, and the result is the same each time.
//!
//! Why not atomics: a place taken by an atomic addition depends on who comes first.

use crate::kernel::{Binding, Kernel, KernelLimits, Operand, wgsl};
use crate::ops::grid;

/// Bits of a digit at most.
const DIGIT: u32 = 8;
/// Numbers that an invocation moves at least.
const MIN_RUN: usize = 64;
/// Runs at most; longer ones then.
const MAX_RUNS: usize = 2048;
/// Invocations that add up the counts.
const SCAN_WORKGROUP: u32 = 64;

/// Numbers to sort.
pub(super) struct Radix<'a> {
    /// Where they lie.
    pub keys: Operand,
    /// How many.
    pub count: usize,
    /// Larger ones count as this one.
    pub most: u32,
    /// What the device offers.
    pub limits: &'a KernelLimits,
}

/// How to sort them.
pub(super) struct Sorted {
    /// The dispatches, in order.
    pub kernels: Vec<Kernel>,
    /// The sizes of the workspaces, which are the first ones of the variant.
    pub scratch: Vec<u64>,
    /// Where the pairs of number and position lie at the end.
    pub pairs: Operand,
}

impl Radix<'_> {
    /// The dispatches and workspaces.
    pub fn sorted(&self) -> Sorted {
        let bits = (u32::BITS - self.most.leading_zeros()).max(1);
        let passes = bits.div_ceil(DIGIT);
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

    /// Each number with its position.
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

/// The sum of all counts before each.
fn scan(bins: Operand, count: usize) -> Kernel {
    Kernel {
        label: "radix_scan",
        parts: vec![wgsl!("radix_scan")],
        overrides: vec![("WG", SCAN_WORKGROUP)],
        bindings: vec![Binding::Write(bins), Binding::Uniform(vec![count as u32])],
        workgroups: [1, 1, 1],
    }
}
