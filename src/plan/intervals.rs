//! The interval allocator of the memory plan: finds a buffer that is free during a range of steps.

use std::collections::BTreeMap;

/// Finds the last buffer that is free during a range of steps, without a linear scan.
///
/// Buffers are the leaves of a binary tree. A node stores a range of steps during which all its
/// buffers are taken, if there is one, so that a search for an overlapping range skips the subtree.
/// The values of a deep network's forward pass all live until the backward pass, so most searches
/// visit a few nodes.
#[derive(Default)]
pub(super) struct IntervalAllocator {
    /// By buffer: the reserved ranges, from the first step to the last.
    buffers: Vec<BTreeMap<usize, usize>>,
    /// A binary heap of nodes; leaf `i` is `self.leaves + i`.
    taken: Vec<Taken>,
    leaves: usize,
}

/// The range of steps during which all buffers below a node are taken.
#[derive(Clone, Copy)]
enum Taken {
    /// All steps, because there is no buffer below.
    Always,
    During(usize, usize),
    /// No such range is known.
    Never,
}

impl Taken {
    fn touches(self, from: usize, to: usize) -> bool {
        match self {
            Taken::Always => true,
            Taken::During(first, last) => first <= to && from <= last,
            Taken::Never => false,
        }
    }

    fn and(self, other: Taken) -> Taken {
        match (self, other) {
            (Taken::Always, other) | (other, Taken::Always) => other,
            (Taken::During(a, b), Taken::During(c, d)) if a.max(c) <= b.min(d) => {
                Taken::During(a.max(c), b.min(d))
            }
            _ => Taken::Never,
        }
    }
}

impl IntervalAllocator {
    /// Returns the last buffer that is free during all of the steps `from` to `to`.
    pub fn last_free(&self, from: usize, to: usize) -> Option<usize> {
        // The right child is visited first.
        let mut open = vec![1];
        while let Some(node) = open.pop() {
            if self.taken.get(node).is_none_or(|t| t.touches(from, to)) {
                continue;
            }
            match node.checked_sub(self.leaves) {
                Some(buffer) if self.is_free(buffer, from, to) => return Some(buffer),
                Some(_) => {}
                None => open.extend([2 * node, 2 * node + 1]),
            }
        }
        None
    }

    fn is_free(&self, buffer: usize, from: usize, to: usize) -> bool {
        // Reserved ranges do not overlap, so of those that begin by `to`, the last one ends last.
        let intervals = self.buffers.get(buffer);
        let last = intervals.and_then(|t| t.range(..=to).next_back());
        intervals.is_some() && last.is_none_or(|(_, end)| *end < from)
    }

    /// Adds a buffer and returns its index.
    pub fn add(&mut self) -> usize {
        let buffer = self.buffers.len();
        self.buffers.push(BTreeMap::new());
        if buffer >= self.leaves {
            self.leaves = (2 * self.leaves).max(1);
            self.taken = vec![Taken::Always; 2 * self.leaves];
            for known in 0..buffer {
                self.taken[self.leaves + known] = self.longest(known);
            }
            for node in (1..self.leaves).rev() {
                self.taken[node] = self.taken[2 * node].and(self.taken[2 * node + 1]);
            }
        }
        self.renew(buffer);
        buffer
    }

    /// Reserves a buffer that is free during these steps.
    pub fn reserve(&mut self, buffer: usize, from: usize, to: usize) {
        if let Some(intervals) = self.buffers.get_mut(buffer) {
            intervals.insert(from, to);
            self.renew(buffer);
        }
    }

    /// Returns the longest reserved range, because the union of all ranges may have gaps.
    fn longest(&self, buffer: usize) -> Taken {
        let intervals = self.buffers.get(buffer).into_iter().flatten();
        let longest = intervals.max_by_key(|(from, to)| *to - *from);
        longest.map_or(Taken::Never, |(from, to)| Taken::During(*from, *to))
    }

    /// Updates the nodes above a buffer.
    fn renew(&mut self, buffer: usize) {
        let mut node = self.leaves + buffer;
        self.taken[node] = self.longest(buffer);
        while node > 1 {
            node /= 2;
            self.taken[node] = self.taken[2 * node].and(self.taken[2 * node + 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Finds the buffer by a linear scan.
    fn naive(buffers: &[Vec<(usize, usize)>], from: usize, to: usize) -> Option<usize> {
        let free =
            |intervals: &Vec<(usize, usize)>| intervals.iter().all(|&(a, b)| b < from || to < a);
        buffers.iter().rposition(free)
    }

    #[test]
    fn the_search_finds_the_same_buffer_as_a_linear_scan() {
        let mut random = Stream::new(7);
        for round in 0..60 {
            let mut allocator = IntervalAllocator::default();
            let mut all: Vec<Vec<(usize, usize)>> = Vec::new();
            for _ in 0..80 {
                // Short and long ranges, some of a single step.
                let from = random.below(50) as usize;
                let to = from + random.below(1 + 40 * (round % 3)) as usize;
                let found = allocator.last_free(from, to);
                assert_eq!(found, naive(&all, from, to));
                let buffer = found.unwrap_or_else(|| {
                    all.push(Vec::new());
                    allocator.add()
                });
                all[buffer].push((from, to));
                allocator.reserve(buffer, from, to);
            }
        }
    }

    #[test]
    fn nested_ranges_are_searched_quickly() {
        // As in a chain of layers: each value lives until the backward pass reaches its layer.
        const LAYERS: usize = 20_000;
        let mut allocator = IntervalAllocator::default();
        for layer in 0..LAYERS {
            assert_eq!(allocator.last_free(layer, 2 * LAYERS - layer), None);
            let buffer = allocator.add();
            allocator.reserve(buffer, layer, 2 * LAYERS - layer);
        }
        // A linear scan would visit 200 million buffers.
        for step in LAYERS + 2..2 * LAYERS {
            let free = allocator.last_free(step, step).unwrap_or(0);
            assert!(free > 2 * LAYERS - step);
        }
    }
}
