//! Which buffers are free for how long: the search behind the memory plan.

use std::collections::BTreeMap;

/// The last buffer that is free during a stretch of steps, without a look at each.
///
/// Buffers are the leaves of a binary tree. A node knows a stretch during which all its buffers are taken,
/// where there is one: a search for steps that touch it need not look below. The values of a deep network's
/// forward pass all wait for their turn in the backward pass, so most searches see a few nodes.
#[derive(Default)]
pub(super) struct Tenants {
    /// By buffer: who lives there, as the first step of each and the last.
    buffers: Vec<BTreeMap<usize, usize>>,
    /// A heap of nodes; leaf `i` is `self.leaves + i`.
    taken: Vec<Taken>,
    leaves: usize,
}

/// A stretch of steps during which all buffers of a node are taken: from the first to the last.
#[derive(Clone, Copy)]
enum Taken {
    /// All steps: there is no buffer.
    Always,
    During(usize, usize),
    /// No step is known to be.
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

impl Tenants {
    /// The last buffer in which nobody lives during any of the steps `from` to `to`.
    pub fn last_free(&self, from: usize, to: usize) -> Option<usize> {
        // The right child is looked at first.
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
        // Tenants share no step, so of those that begin by `to` the last one stays longest.
        let tenants = self.buffers.get(buffer);
        let last = tenants.and_then(|t| t.range(..=to).next_back());
        tenants.is_some() && last.is_none_or(|(_, end)| *end < from)
    }

    /// Adds a buffer; gives its number.
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

    /// Lets someone live in a buffer that is free during these steps.
    pub fn move_in(&mut self, buffer: usize, from: usize, to: usize) {
        if let Some(tenants) = self.buffers.get_mut(buffer) {
            tenants.insert(from, to);
            self.renew(buffer);
        }
    }

    /// The longest stretch of one tenant. That of all of them is not one stretch.
    fn longest(&self, buffer: usize) -> Taken {
        let tenants = self.buffers.get(buffer).into_iter().flatten();
        let longest = tenants.max_by_key(|(from, to)| *to - *from);
        longest.map_or(Taken::Never, |(from, to)| Taken::During(*from, *to))
    }

    /// Works out the nodes above a buffer anew.
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

    /// The same, by looking at everything.
    fn naive(buffers: &[Vec<(usize, usize)>], from: usize, to: usize) -> Option<usize> {
        let free = |tenants: &Vec<(usize, usize)>| tenants.iter().all(|&(a, b)| b < from || to < a);
        buffers.iter().rposition(free)
    }

    #[test]
    fn it_finds_what_a_look_at_all_buffers_finds() {
        let mut random = Stream::new(7);
        for round in 0..60 {
            let mut tenants = Tenants::default();
            let mut all: Vec<Vec<(usize, usize)>> = Vec::new();
            for _ in 0..80 {
                // Short and long stays, some of a single step.
                let from = random.below(50) as usize;
                let to = from + random.below(1 + 40 * (round % 3)) as usize;
                let found = tenants.last_free(from, to);
                assert_eq!(found, naive(&all, from, to));
                let buffer = found.unwrap_or_else(|| {
                    all.push(Vec::new());
                    tenants.add()
                });
                all[buffer].push((from, to));
                tenants.move_in(buffer, from, to);
            }
        }
    }

    #[test]
    fn nested_stays_are_found_quickly() {
        // As in a chain of layers: each value is needed until the backward pass is back at its layer.
        const LAYERS: usize = 20_000;
        let mut tenants = Tenants::default();
        for layer in 0..LAYERS {
            assert_eq!(tenants.last_free(layer, 2 * LAYERS - layer), None);
            let buffer = tenants.add();
            tenants.move_in(buffer, layer, 2 * LAYERS - layer);
        }
        // Looking at each buffer, this would be 200 million looks.
        for step in LAYERS + 2..2 * LAYERS {
            let free = tenants.last_free(step, step).unwrap_or(0);
            assert!(free > 2 * LAYERS - step);
        }
    }
}
