//! Counts the storage buffers that a group binds; some devices have only eight.

use crate::graph::{NodeId, Phase};

use super::{Fuser, Group, ViewSource};

impl Fuser<'_> {
    /// Returns the tensors that a kernel for these nodes reads. Constants are part of the kernel.
    pub(super) fn read_from_memory(&self, nodes: &[NodeId]) -> Vec<NodeId> {
        let mut bound: Vec<NodeId> = Vec::new();
        for root in nodes.iter().flat_map(|&n| self.reads(n)).map(|f| f.root) {
            if !nodes.contains(&root) && !self.is_constant(root) && !bound.contains(&root) {
                bound.push(root);
            }
        }
        bound
    }

    /// Returns the number of storage buffers that a group binds, with `extra` added to it.
    pub(super) fn buffers(&self, group: &Group, extra: Option<NodeId>) -> usize {
        let mut nodes: Vec<NodeId> = group.nodes().collect();
        if let Some(extra) = extra {
            self.pull(extra, &mut nodes);
            nodes.push(extra);
        }
        let mut bound = self.read_from_memory(&nodes);
        // Later readers may still join the group, so they do not count yet.
        let last = nodes.iter().max().copied();
        for &id in &nodes {
            let stored = self.required[id.index()]
                || self.readers[id.index()]
                    .iter()
                    .any(|r| Some(*r) <= last && !nodes.contains(r));
            if stored && !self.in_place(id, &nodes) {
                bound.push(id);
            }
        }
        // At least one value is stored at the end.
        bound.len().max(1)
    }

    /// Returns the number of storage buffers that a finished group binds.
    pub(super) fn bound(&self, group: &Group) -> usize {
        let nodes: Vec<NodeId> = group.nodes().collect();
        let own = |id: &&NodeId| !self.in_place(**id, &nodes);
        self.read_from_memory(&nodes).len() + group.outputs.iter().filter(own).count()
    }

    /// Returns whether a node's value is stored in a variable that these nodes read and nothing
    /// later reads, so that both are one buffer. Earlier phases have already read the old value.
    pub(super) fn in_place(&self, id: NodeId, nodes: &[NodeId]) -> bool {
        let Some(leaf) = self.replaces[id.index()] else {
            return false;
        };
        let phase = self.graph.node(id).phase;
        let among_these = |reader: &NodeId| {
            let in_order = |f: &ViewSource| f.root != leaf || f.view.is_contiguous();
            nodes.contains(reader) && self.reads(*reader).iter().all(in_order)
        };
        let mut readers = self.readers[leaf.index()]
            .iter()
            .filter(|r| self.graph.node(**r).phase >= phase)
            .peekable();
        phase == Phase::Update && readers.peek().is_some() && readers.all(among_these)
    }
}
