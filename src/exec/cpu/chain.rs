//! Elementwise chains on the CPU: an interpreter that works on blocks of elements.
//!
//! [`compile`] converts a [`crate::kernel::Expr`] to a flat list of calls, each of which computes a
//! block of values. A block is small enough for its registers to stay in the L1 cache, and large
//! enough for the overhead of the interpreter to be negligible. Leaves in the chain's order are
//! read in place; stored values are computed in place.
//!
//! Invariant: every element depends only on its own index, so blocks may be computed in any order,
//! by any number of threads, with the same bits.

mod compile;
mod walk;

#[cfg(test)]
mod tests;

pub(super) use compile::compile;

use std::mem;

use walk::Walk;

use crate::ops::pays;

use super::memory::{Accesses, MAX_ACCESSES, Memory, Open};

/// The largest number of elements of a block.
pub(super) const BLOCK: usize = 1024;

/// The largest number of arguments of a function.
const MAX_ARGS: usize = 4;

/// The number of elements, times calls, from which a chain uses several threads.
const PARALLEL_FROM: usize = 1 << 17;

/// The registers of a thread: blocks of words.
#[derive(Default)]
pub(super) struct Registers(Vec<Vec<u32>>);

impl Registers {
    /// Creates `count` registers.
    pub fn new(count: usize) -> Self {
        Registers(vec![vec![0; BLOCK]; count])
    }
}

/// A prepared chain.
#[derive(Debug, Default)]
pub(super) struct Chain {
    accesses: Accesses,
    writes: usize,
    /// The number of elements.
    len: usize,
    /// The number of elements of a block; blocks start at its multiples.
    block: usize,
    /// No block crosses a multiple of this number: the length of the rows that leaves repeat.
    row: usize,
    /// Constants used as tensors, with a block of each.
    constants: Vec<Vec<u32>>,
    /// Leaves that are the same in every block.
    once: Vec<Fetch>,
    /// Leaves that are fetched for every block.
    fetches: Vec<Fetch>,
    calls: Vec<Call>,
    copies: Vec<(Source, Target)>,
    registers: usize,
}

/// A leaf that is copied to a register.
#[derive(Debug)]
struct Fetch {
    read: usize,
    walk: Walk,
    register: usize,
}

/// The source of a block of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Register(usize),
    Constant(usize),
    /// A slice that the chain reads in order.
    Read(usize),
    /// A slice that the chain reads again for every row.
    Row(usize),
    /// A slice that the chain writes: its old values, until they are overwritten.
    Write(usize),
}

/// The target of a block of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Register(usize),
    Write(usize),
}

/// A function's loop over a block: first index, arguments, constants, results.
type Loop = fn(u32, &[&[u32]], &[f64], &mut [u32]);

/// A function applied to a block.
#[derive(Debug)]
struct Call {
    function: Loop,
    args: [Source; MAX_ARGS],
    count: usize,
    constants: Vec<f64>,
    to: Target,
}

impl Chain {
    /// Returns the number of registers that the chain uses.
    pub fn registers(&self) -> usize {
        self.registers
    }

    /// Returns the slices that the chain reads and writes.
    pub fn accesses(&self) -> &Accesses {
        &self.accesses
    }

    /// Returns whether there is nothing to compute.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.copies.is_empty()
    }

    /// Returns whether the chain is faster on more than one thread.
    pub fn is_parallel(&self) -> bool {
        self.len
            .saturating_mul(self.calls.len() + self.copies.len() + 1)
            >= PARALLEL_FROM
    }

    /// Computes all elements. `registers` has a set for each thread that may take part.
    pub fn run(&self, memory: &mut Memory, registers: &mut [Registers]) {
        let Open { reads, mut writes } = memory.open(&self.accesses);
        let threads = match self.is_parallel() && pays(self.len, 0) {
            true => registers.len(),
            false => 1,
        };
        let registers = registers.get_mut(..threads).unwrap_or_default();
        self.split(0, self.len, &reads, &mut writes[..self.writes], registers);
    }

    /// Halves the work until each set of registers has its share.
    fn split(
        &self,
        first: usize,
        len: usize,
        reads: &[&[u32]],
        writes: &mut [&mut [u32]],
        registers: &mut [Registers],
    ) {
        let blocks = len.div_ceil(self.block);
        let threads = registers.len().min(blocks);
        if let ([registers, ..], 0 | 1) = (&mut *registers, threads) {
            return self.blocks(first, len, reads, writes, &mut registers.0);
        }
        let half = threads / 2;
        let at = (blocks * half / threads.max(1) * self.block).min(len);
        let mut left: [&mut [u32]; MAX_ACCESSES] = Default::default();
        let mut right: [&mut [u32]; MAX_ACCESSES] = Default::default();
        for (i, write) in writes.iter_mut().enumerate() {
            (left[i], right[i]) = mem::take(write).split_at_mut(at);
        }
        let (left, right) = (&mut left[..self.writes], &mut right[..self.writes]);
        let (registers, others) = registers.split_at_mut(half);
        rayon::join(
            || self.split(first, at, reads, left, registers),
            || self.split(first + at, len - at, reads, right, others),
        );
    }

    /// Computes the elements `first..first + len`, which are those of `writes`.
    fn blocks(
        &self,
        first: usize,
        len: usize,
        reads: &[&[u32]],
        writes: &mut [&mut [u32]],
        registers: &mut [Vec<u32>],
    ) {
        for fetch in &self.once {
            let register = &mut registers[fetch.register][..self.block.min(self.len)];
            fetch.walk.gather(reads[fetch.read], 0, register);
        }
        let mut frame = Frame {
            chain: self,
            reads,
            writes,
            registers,
            first,
            at: 0,
            n: 0,
        };
        while frame.at < len {
            let left_in_row = self.row - (first + frame.at) % self.row;
            frame.n = self.block.min(len - frame.at).min(left_in_row);
            frame.run();
            frame.at += frame.n;
        }
    }
}

/// The block that is being computed.
struct Frame<'f, 'a> {
    chain: &'f Chain,
    reads: &'f [&'f [u32]],
    writes: &'f mut [&'a mut [u32]],
    registers: &'f mut [Vec<u32>],
    /// The index of the first element of `writes`.
    first: usize,
    /// The position of the block in `writes`.
    at: usize,
    n: usize,
}

impl Frame<'_, '_> {
    fn run(&mut self) {
        let chain = self.chain;
        let first = self.first + self.at;
        for fetch in &chain.fetches {
            let register = &mut self.registers[fetch.register][..self.n];
            fetch.walk.gather(self.reads[fetch.read], first, register);
        }
        for call in &chain.calls {
            self.write(call.to, |frame, out| {
                let mut args: [&[u32]; MAX_ARGS] = [&[]; MAX_ARGS];
                for (arg, source) in args.iter_mut().zip(&call.args[..call.count]) {
                    *arg = frame.read(*source);
                }
                (call.function)(first as u32, &args[..call.count], &call.constants, out);
            });
        }
        for &(source, target) in &chain.copies {
            self.write(target, |frame, out| out.copy_from_slice(frame.read(source)));
        }
    }

    fn read(&self, source: Source) -> &[u32] {
        let (slice, from) = match source {
            Source::Register(i) => (self.registers[i].as_slice(), 0),
            Source::Constant(i) => (self.chain.constants[i].as_slice(), 0),
            Source::Read(i) => (self.reads[i], self.first + self.at),
            Source::Row(i) => (self.reads[i], (self.first + self.at) % self.chain.row),
            Source::Write(i) => (&*self.writes[i], self.at),
        };
        &slice[from..from + self.n]
    }

    /// Removes the target from the frame while `f` writes to it and reads the others.
    fn write(&mut self, target: Target, f: impl FnOnce(&Self, &mut [u32])) {
        match target {
            Target::Register(i) => {
                let mut register = mem::take(&mut self.registers[i]);
                f(self, &mut register[..self.n]);
                self.registers[i] = register;
            }
            Target::Write(i) => {
                let slice = mem::take(&mut self.writes[i]);
                f(self, &mut slice[self.at..self.at + self.n]);
                self.writes[i] = slice;
            }
        }
    }
}
