//! Fusion: which nodes share a kernel.
//!
//! Groups are numbered, and run in the order of their numbers. A node joins the last group that one
//! of its inputs is computed in, if it fits there, else it starts a new one. So a group never needs
//! a later one, and no search for cycles is needed: the walk is linear in the size of the graph.
//!
//! - A chain of elementwise functions over equally many elements is one group.
//! - Matmul and reductions take such a chain as an epilogue on their results, and as a prologue that makes
//!   their first input.
//! - A cheap node that depends only on leaves and earlier phases is *rematerialized*: each group that
//!   uses it computes it again, and it is never stored. Dropout masks are such nodes.
//!
//! Invariant: a node reads another node of its own group at the same element only.

use crate::graph::{Graph, NodeId, Phase};
use crate::kernel::KernelLimits;
use crate::ops::{Epilogue, Fusion, OpKind};

use super::{Sources, ViewSource};

mod buffers;
mod finish;

/// Nodes that are computed together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Functions that make the anchor's input 0, in order.
    pub prologue: Vec<NodeId>,
    /// The op with kernels of its own.
    pub anchor: Option<NodeId>,
    /// Functions applied to the anchor's result, or the whole group where there is none, in order.
    pub epilogue: Vec<NodeId>,
    /// The nodes among these whose values others need.
    pub outputs: Vec<NodeId>,
    /// Elements of the epilogue.
    pub len: usize,
    phase: Phase,
}

impl Group {
    /// All nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.prologue
            .iter()
            .chain(&self.anchor)
            .chain(&self.epilogue)
            .copied()
    }
}

/// The groups of a graph in the order to run them, with where their inputs lie.
pub fn fuse(graph: &Graph, limits: &KernelLimits) -> (Sources, Vec<Group>) {
    let sources = Sources::new(graph);
    let mut fuser = Fuser::new(graph, &sources, limits);
    for id in graph.ids() {
        fuser.place(id);
    }
    let groups = fuser.finish();
    (sources, groups)
}

/// Tensors that a rematerialized node may read. A function has at most three arguments, so with the result
/// it binds at most 7 buffers even where all of them are rematerialized, which every device offers.
const MAX_REMATERIALIZED_ROOTS: usize = 2;

/// Nodes that are computed for one rematerialized node at most, itself included. More would not be cheap to compute
/// again.
const MAX_REMATERIALIZED_NODES: usize = 32;

/// Nodes of a group at most. The time to compile a kernel and to plan a group grows faster than the group, so a
/// limit keeps the time of the walk linear in the graph.
const MAX_GROUP_NODES: usize = 128;

/// What the fuser needs to know of a node.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Needs no computing: a leaf, an alias, a view, a constant.
    Free,
    /// A function of each element; also a copy of a view.
    Elementwise,
    /// An op with kernels of its own.
    Kernel(Fusion),
}

struct Fuser<'a> {
    graph: &'a Graph,
    sources: &'a Sources,
    limits: &'a KernelLimits,
    kinds: Vec<Kind>,
    /// By node: the computed nodes that read it.
    readers: Vec<Vec<NodeId>>,
    /// By node: its value must be stored, whatever fuses.
    required: Vec<bool>,
    rematerialized: Vec<bool>,
    /// By node: the variable's node whose place it takes at the end of the run.
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

    /// What a computed node reads; nothing for the others.
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

    /// Whether to compute a function again in each group that uses it.
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

    /// What a node reads from memory when the rematerialized nodes it needs are computed with it; `None` where those
    /// are too many.
    fn roots(&self, id: NodeId) -> Option<Vec<NodeId>> {
        let mut nodes = Vec::new();
        self.pull(id, &mut nodes);
        nodes.push(id);
        (nodes.len() <= MAX_REMATERIALIZED_NODES).then(|| self.read_from_memory(&nodes))
    }

    fn place_elementwise(&mut self, id: NodeId) {
        let reads = self.reads(id);
        let last = self.last_group(id);
        // Or the newest group, where it reads the same tensors: an optimizer's moments, say.
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

    /// Whether a group reads one of these tensors too. Sharing scalars and constants saves nothing, and
    /// would join the updates of two parameters: a longer kernel, and one that the planner cannot merge.
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

    /// Whether it is one of these, or a rematerialized node that reads one.
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

    /// Whether it is a constant that stands in the kernels, and not in memory.
    fn is_constant(&self, id: NodeId) -> bool {
        let kind = self.graph.node(id).op.def().kind();
        matches!(kind, OpKind::Constant(_)) && !self.sources.is_copy(id)
    }

    /// The last group that this node needs, also through rematerialized nodes.
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
        // The prologue's values do not exist where the epilogue runs.
        let from_prologue = reads.iter().any(|f| g.prologue.contains(&f.root));
        takes_epilogue
            && at_same_element
            && !from_prologue
            && g.len == self.len(id)
            && self.same_phase(g, id)
            && g.nodes().count() < MAX_GROUP_NODES
            && self.buffers(g, Some(id)) <= self.limits.storage_buffers as usize
    }

    /// Whether a node may be computed with a group of its phase; or of the forward phase, where it is the backward
    /// phase's first and reads nothing else than the group: the gradient of a loss is so computed with what the loss
    /// is the mean of.
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

    /// The rematerialized nodes that `id` needs and `nodes` does not hold yet, in order.
    fn pull(&self, id: NodeId, nodes: &mut Vec<NodeId>) {
        for from in self.reads(id) {
            if self.rematerialized[from.root.index()] && !nodes.contains(&from.root) {
                self.pull(from.root, nodes);
                nodes.push(from.root);
            }
        }
    }

    /// The nodes, and before each the rematerialized nodes that it needs.
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

    /// Lets a kernel compute its input 0 on the fly, where nothing else needs that input.
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
            // Another input comes later: what makes the first one waits for it. Nobody else does.
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
