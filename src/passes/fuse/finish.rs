//! The end of the walk: determines what each group must store, and splits groups that store too
//! much.

use std::collections::HashSet;

use crate::graph::NodeId;

use super::{Fuser, Group};

impl Fuser<'_> {
    /// Returns the groups with their outputs.
    pub(super) fn finish(mut self) -> Vec<Group> {
        let groups = std::mem::take(&mut self.groups);
        let mut done = Vec::new();
        // A group that became the prologue of another one is empty.
        let left = |g: &Group| g.anchor.is_some() || !g.epilogue.is_empty();
        let mut work: Vec<Group> = groups.into_iter().rev().filter(left).collect();
        while let Some(mut group) = work.pop() {
            let most = self.limits.storage_buffers as usize;
            self.find_outputs(&mut group);
            let fixed = |id: &&NodeId| !self.rematerialized[id.index()];
            let fixed: Vec<NodeId> = group.epilogue.iter().filter(fixed).copied().collect();
            let at_least = if group.anchor.is_some() { 1 } else { 2 };
            if self.bound(&group) > most && fixed.len() >= at_least {
                // Too many values are needed elsewhere, so the chain is halved.
                let (first, second) = fixed.split_at(fixed.len() / 2);
                work.push(Group {
                    prologue: Vec::new(),
                    anchor: None,
                    epilogue: self.with_rematerialized(second),
                    ..group.clone()
                });
                group.epilogue = self.with_rematerialized(first);
                work.push(group);
                continue;
            }
            done.push(group);
        }
        // A node that was split from its readers above must be stored for them.
        let mut all = done;
        for i in 0..all.len() {
            let Some(mut group) = all.get(i).cloned() else {
                continue;
            };
            self.find_outputs(&mut group);
            all[i] = group;
        }
        all
    }

    /// Finds the nodes of a group that are needed outside of it.
    fn find_outputs(&self, group: &mut Group) {
        let nodes: Vec<NodeId> = group.nodes().collect();
        let outside = |id: &NodeId| self.required[id.index()] || self.read_outside(*id, &nodes);
        group.outputs = nodes
            .iter()
            .copied()
            .filter(|id| !self.rematerialized[id.index()] && outside(id))
            .collect();
    }

    /// Returns whether a node is read outside of `nodes`. A rematerialized reader runs where its
    /// own readers run.
    fn read_outside(&self, id: NodeId, nodes: &[NodeId]) -> bool {
        let mut open = vec![id];
        let mut seen: HashSet<NodeId> = HashSet::new();
        while let Some(id) = open.pop() {
            for &reader in &self.readers[id.index()] {
                match self.rematerialized[reader.index()] {
                    true if seen.insert(reader) => open.push(reader),
                    true => {}
                    false if !nodes.contains(&reader) => return true,
                    false => {}
                }
            }
        }
        false
    }
}
