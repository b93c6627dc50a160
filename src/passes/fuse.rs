//! Fusion: assigns the nodes to groups that share a kernel.
//!
//! Groups are numbered and run in this order. A node joins the last group that computes one of its
//! inputs, if it fits there, else it starts a new group. So a group never depends on a later one,
//! no search for cycles is required, and the walk is linear in the size of the graph.
//!
//! - A chain of elementwise functions over the same number of elements is one group.
//! - Matmul and reductions fuse such a chain as an epilogue on their results, and as a prologue
//!   that computes their first input.
//! - A cheap node that depends only on leaves and earlier phases is *rematerialized*: each group
//!   that uses it computes it again, and it is never stored. Dropout masks are such nodes.
//!
//! Invariant: a node reads another node of its own group only at the same element.

use crate::graph::{Graph, NodeId, Phase};
use crate::kernel::KernelLimits;
use crate::ops::{Epilogue, Fusion, OpKind};

use super::{Sources, ViewSource};

mod buffers;
mod finish;

/// Nodes that are computed together.
#[derive(Clone, Debug)]
pub struct Group {
    /// The functions that compute the anchor's input 0, in order.
    pub prologue: Vec<NodeId>,
    /// The op with its own kernels.
    pub anchor: Option<NodeId>,
    /// The functions applied to the anchor's result, in order, or the whole group if it has no
    /// anchor.
    pub epilogue: Vec<NodeId>,
    /// The nodes of the group whose values are stored for others.
    pub outputs: Vec<NodeId>,
    /// The number of elements of the epilogue.
    pub len: usize,
    phase: Phase,
}

impl Group {
    /// Iterates over all nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.prologue
            .iter()
            .chain(&self.anchor)
            .chain(&self.epilogue)
            .copied()
    }
}

/// Returns the groups of a graph in the order in which they run, and the sources of their inputs.
pub fn fuse(graph: &Graph, limits: &KernelLimits) -> (Sources, Vec<Group>) {
    let sources = Sources::new(graph);
    let mut fuser = Fuser::new(graph, &sources, limits);
    for id in graph.ids() {
        fuser.place(id);
    }
    let groups = fuser.finish();
    (sources, groups)
}

/// The largest number of tensors that a rematerialized node may read. A function has at most three
/// arguments. So with the result it binds at most 7 buffers even if all of them are rematerialized,
/// which every device supports.
const MAX_REMATERIALIZED_ROOTS: usize = 2;

/// The largest number of nodes that are computed for one rematerialized node, including itself.
/// More would not be cheap to compute again.
const MAX_REMATERIALIZED_NODES: usize = 32;

/// The largest number of nodes of a group. The time to compile a kernel and to plan a group grows
/// faster than the group, so this limit keeps planning linear in the size of the graph.
const MAX_GROUP_NODES: usize = 128;

/// How the fuser treats a node.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Nothing to compute: a leaf, an alias, a view, a constant.
    Free,
    /// A function of each element, or a copy of a view.
    Elementwise,
    /// An op with its own kernels.
    Kernel(Fusion),
}

struct Fuser<'a> {
    graph: &'a Graph,
    sources: &'a Sources,
    limits: &'a KernelLimits,
    kinds: Vec<Kind>,
    /// By node: the computed nodes that read it.
    readers: Vec<Vec<NodeId>>,
    /// By node: whether its value must be stored in any case.
    required: Vec<bool>,
    rematerialized: Vec<bool>,
    /// By node: the node of the variable whose slot it takes at the end of the run.
    replaces: Vec<Option<NodeId>>,
    group_of: Vec<Option<usize>>,
    groups: Vec<Group>,
}

impl<'a> Fuser<'a> {
    fn new(graph: &'a Graph, sources: &'a Sources, limits: &'a KernelLimits) -> Self {
        let n = graph.nodes().len();
        let kind = |id: NodeId| match graph.node(id).op.def().kind() {
            _ if sources.is_copy(id) => Kind::Elementwise,
            OpKind::Leaf | OpKind::Constant(_) | OpKind::Alias | OpKind::View(_) => Kind::Free,
            OpKind::Elementwise { .. } => Kind::Elementwise,
            OpKind::Kernel(op) => Kind::Kernel(op.fusion(&graph.metas(&graph.node(id).inputs))),
        };
        let kinds: Vec<Kind> = graph.ids().map(kind).collect();
        let mut fuser = Fuser {
            graph,
            sources,
            limits,
            readers: vec![Vec::new(); n],
            required: vec![false; n],
            rematerialized: vec![false; n],
            replaces: vec![None; n],
            group_of: vec![None; n],
            groups: Vec::new(),
            kinds,
        };
        for id in graph.ids() {
            for from in fuser.reads(id) {
                fuser.readers[from.root.index()].push(id);
            }
        }
        for id in graph.roots() {
            fuser.required[sources.storage(id).index()] = true;
        }
        for assign in &graph.assigns {
            fuser.replaces[sources.storage(assign.node).index()] =
                graph.variable_node(assign.variable);
        }
        fuser
    }

    /// Returns the sources that a computed node reads; none for the others.
    fn reads(&self, id: NodeId) -> Vec<ViewSource> {
        match self.kinds[id.index()] {
            Kind::Free => Vec::new(),
            _ if self.sources.is_copy(id) => {
                self.sources.copied(self.graph, id).into_iter().collect()
            }
            _ => self.sources.reads(id).to_vec(),
        }
    }

    fn place(&mut self, id: NodeId) {
        match self.kinds[id.index()] {
            Kind::Free => {}
            Kind::Elementwise if self.rematerializes(id) => self.rematerialized[id.index()] = true,
            Kind::Elementwise => self.place_elementwise(id),
            Kind::Kernel(fusion) => {
                if !(fusion.prologue && self.take_prologue(id)) {
                    self.start(id);
                }
            }
        }
    }

    fn len(&self, id: NodeId) -> usize {
        self.graph.meta(id).shape.len()
    }

    /// Returns whether each group that uses a function computes it again.
    fn rematerializes(&self, id: NodeId) -> bool {
        let phase = self.graph.node(id).phase;
        let len = self.len(id);
        let from_afar = |from: &ViewSource| match self.group_of[from.root.index()] {
            Some(group) => self.groups.get(group).is_some_and(|g| g.phase < phase),
            None => !self.rematerialized[from.root.index()] || from.view.is_contiguous(),
        };
        let used_in_place = |reader: &NodeId| {
            self.kinds[reader.index()] == Kind::Elementwise
                && self.len(*reader) == len
                && self
                    .reads(*reader)
                    .iter()
                    .all(|f| f.root != id || f.view.is_contiguous())
        };
        !self.required[id.index()]
            && !self.sources.is_copy(id)
            && self.reads(id).iter().all(from_afar)
            && self.readers[id.index()].iter().all(used_in_place)
            && self
                .roots(id)
                .is_some_and(|roots| roots.len() <= MAX_REMATERIALIZED_ROOTS)
    }

    /// Returns the nodes that a node reads from memory if the rematerialized nodes that it uses are
    /// computed with it; `None` if there are too many.
    fn roots(&self, id: NodeId) -> Option<Vec<NodeId>> {
        let mut nodes = Vec::new();
        self.pull(id, &mut nodes);
        nodes.push(id);
        (nodes.len() <= MAX_REMATERIALIZED_NODES).then(|| self.read_from_memory(&nodes))
    }

    fn place_elementwise(&mut self, id: NodeId) {
        let reads = self.reads(id);
        let last = self.last_group(id);
        // Or the newest group, if it reads the same tensors, such as an optimizer's moments.
        let newest = self
            .groups
            .len()
            .checked_sub(1)
            .filter(|&g| self.shares_reads(&reads, self.len(id), g));
        let mut candidates = last.into_iter().chain(newest);
        match candidates.find(|&group| self.fits(id, &reads, group)) {
            Some(group) => self.join(id, group),
            None => self.start(id),
        }
    }

    /// Returns whether a group also reads one of these tensors. Sharing scalars and constants saves
    /// nothing and would join the updates of two parameters, which the planner could then not
    /// merge.
    fn shares_reads(&self, reads: &[ViewSource], len: usize, group: usize) -> bool {
        let nodes = self.groups.get(group).into_iter().flat_map(Group::nodes);
        let roots = nodes.flat_map(|n| self.reads(n)).map(|f| f.root);
        let theirs: Vec<NodeId> = roots.filter(|&root| !self.is_constant(root)).collect();
        let whole = |f: &&ViewSource| self.len(f.root) == len;
        reads
            .iter()
            .filter(whole)
            .any(|f| self.touches(f.root, len, &theirs))
    }

    /// Returns whether a node is one of these, or a rematerialized node that reads one.
    fn touches(&self, id: NodeId, len: usize, nodes: &[NodeId]) -> bool {
        let mut open = vec![id];
        let mut seen: Vec<NodeId> = Vec::new();
        while let Some(id) = open.pop() {
            if nodes.contains(&id) {
                return true;
            }
            if self.rematerialized[id.index()] && !seen.contains(&id) {
                seen.push(id);
                let roots = self.reads(id).into_iter().map(|f| f.root);
                open.extend(roots.filter(|root| self.len(*root) == len));
            }
        }
        false
    }

    /// Returns whether a node is a constant that is a parameter of the kernels, and not in memory.
    fn is_constant(&self, id: NodeId) -> bool {
        let kind = self.graph.node(id).op.def().kind();
        matches!(kind, OpKind::Constant(_)) && !self.sources.is_copy(id)
    }

    /// Returns the last group on which this node depends, including through rematerialized nodes.
    fn last_group(&self, id: NodeId) -> Option<usize> {
        let mut nodes = Vec::new();
        self.pull(id, &mut nodes);
        nodes.push(id);
        let roots = nodes.into_iter().flat_map(|id| self.reads(id));
        roots
            .filter_map(|from| self.group_of[from.root.index()])
            .max()
    }

    fn fits(&self, id: NodeId, reads: &[ViewSource], group: usize) -> bool {
        let Some(g) = self.groups.get(group) else {
            return false;
        };
        let takes_epilogue = match g.anchor.map(|a| self.kinds[a.index()]) {
            Some(Kind::Kernel(fusion)) => match fusion.epilogue {
                Epilogue::None => false,
                Epilogue::Scalars => !self.graph.meta(id).dtype.is_half(),
                Epilogue::Vectors => true,
            },
            _ => true,
        };
        let at_same_element = reads
            .iter()
            .all(|f| self.group_of[f.root.index()] != Some(group) || f.view.is_contiguous());
        // The values of the prologue do not exist where the epilogue runs.
        let from_prologue = reads.iter().any(|f| g.prologue.contains(&f.root));
        takes_epilogue
            && at_same_element
            && !from_prologue
            && g.len == self.len(id)
            && self.same_phase(g, id)
            && g.nodes().count() < MAX_GROUP_NODES
            && self.buffers(g, Some(id)) <= self.limits.storage_buffers as usize
    }

    /// Returns whether a node may join a group: if both have the same phase, or if the group is the
    /// last of the forward phase, the node is of the backward phase, and it reads only what the
    /// group reads. So the gradient of a loss is computed with the loss.
    fn same_phase(&self, group: &Group, id: NodeId) -> bool {
        let reads_the_same = || {
            let nodes: Vec<NodeId> = group.nodes().collect();
            let theirs = self.read_from_memory(&nodes);
            let known = |root: &NodeId| nodes.contains(root) || theirs.contains(root);
            self.roots(id).is_some_and(|own| own.iter().all(known))
        };
        match (group.phase, self.graph.node(id).phase) {
            (Phase::Forward, Phase::Backward) => {
                let last = self.groups.last();
                last.is_some_and(|g| g.phase == Phase::Forward) && reads_the_same()
            }
            (theirs, own) => theirs == own,
        }
    }

    /// Adds the rematerialized nodes that `id` uses and `nodes` does not contain, in order.
    fn pull(&self, id: NodeId, nodes: &mut Vec<NodeId>) {
        for from in self.reads(id) {
            if self.rematerialized[from.root.index()] && !nodes.contains(&from.root) {
                self.pull(from.root, nodes);
                nodes.push(from.root);
            }
        }
    }

    /// Returns the nodes, each preceded by the rematerialized nodes that it uses.
    fn with_rematerialized(&self, nodes: &[NodeId]) -> Vec<NodeId> {
        let mut all = Vec::new();
        for &id in nodes {
            self.pull(id, &mut all);
            all.push(id);
        }
        all
    }

    fn join(&mut self, id: NodeId, group: usize) {
        let Some(mut epilogue) = self
            .groups
            .get_mut(group)
            .map(|g| std::mem::take(&mut g.epilogue))
        else {
            return;
        };
        self.pull(id, &mut epilogue);
        epilogue.push(id);
        if let Some(g) = self.groups.get_mut(group) {
            g.epilogue = epilogue;
        }
        self.group_of[id.index()] = Some(group);
    }

    fn start(&mut self, id: NodeId) {
        let group = self.groups.len();
        let anchor = (self.kinds[id.index()] != Kind::Elementwise).then_some(id);
        self.groups.push(Group {
            prologue: Vec::new(),
            anchor,
            epilogue: Vec::new(),
            outputs: Vec::new(),
            len: self.len(id),
            phase: self.graph.node(id).phase,
        });
        match anchor {
            Some(_) => self.group_of[id.index()] = Some(group),
            None => self.join(id, group),
        }
    }

    /// Fuses the computation of input 0 as a prologue, if nothing else reads that input.
    fn take_prologue(&mut self, id: NodeId) -> bool {
        let Some(from) = self.reads(id).into_iter().next() else {
            return false;
        };
        let root = from.root;
        if self.rematerialized[root.index()] && from.view.is_contiguous() {
            let mut prologue = Vec::new();
            self.pull(root, &mut prologue);
            prologue.push(root);
            self.start(id);
            if let Some(group) = self.groups.last_mut() {
                group.prologue = prologue;
            }
            return true;
        }
        let Some(group) = self.group_of[root.index()] else {
            return false;
        };
        let Some(g) = self.groups.get(group) else {
            return false;
        };
        let private = |n: &NodeId| {
            !self.required[n.index()]
                && self.readers[n.index()]
                    .iter()
                    .all(|r| *r == id || g.epilogue.contains(r))
        };
        let fits = g.anchor.is_none()
            && g.phase == self.graph.node(id).phase
            && from.view.is_contiguous()
            && g.epilogue.last() == Some(&root)
            && g.epilogue.iter().filter(|n| !self.rematerialized[n.index()]).all(private)
            // One buffer stays free for the result.
            && self.buffers(g, None) < self.limits.storage_buffers as usize;
        if !fits {
            return false;
        }
        let len = self.len(id);
        if self.last_group(id) > Some(group) {
            // Another input is computed later, so the prologue moves there. Nothing else reads it.
            let prologue = self
                .groups
                .get_mut(group)
                .map(|g| std::mem::take(&mut g.epilogue));
            self.start(id);
            let last = self.groups.len() - 1;
            if let (Some(prologue), Some(g)) = (prologue, self.groups.last_mut()) {
                for node in prologue.iter().filter(|n| !self.rematerialized[n.index()]) {
                    self.group_of[node.index()] = Some(last);
                }
                g.prologue = prologue;
            }
            return true;
        }
        if let Some(g) = self.groups.get_mut(group) {
            g.prologue = std::mem::take(&mut g.epilogue);
            g.anchor = Some(id);
            g.len = len;
        }
        self.group_of[id.index()] = Some(group);
        true
    }
}
