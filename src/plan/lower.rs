//! Lowering: from groups of nodes to steps with kernels and slots.

use std::cell::Cell;
use std::collections::HashMap;

use crate::graph::{Graph, Node, NodeId, Op, Variable, VariableId};
use crate::kernel::{
    Binding, Expr, Kernel, KernelLimits, Operand, Variant, emit_epilogue, prelude, wgsl,
};
use crate::ops::{Epilogue, LowerContext, OpKind};
use crate::passes::{Group, Sources};
use crate::{Error, Result};

use super::chain::ChainBuilder;
use super::memory::{FixedPlacements, Memory};
use super::merge::merge_updates;
use super::{BufferId, BufferPlan, BufferRole, Dispatch, Layout, Plan, Port, Slot, Step};

/// Returns the plan for the groups of a simplified graph.
pub fn lower(
    graph: Graph,
    (sources, groups): (Sources, Vec<Group>),
    layout: &Layout,
    limits: &KernelLimits,
) -> Result<Plan> {
    let cx = Lowering::new(&graph, &sources, &groups, layout, limits);
    let mut placements = FixedPlacements::new(&cx)?;
    let mut steps = Vec::with_capacity(groups.len());
    for group in &groups {
        steps.push(cx.step(group, &placements)?);
    }
    for (from, to) in placements.copies() {
        steps.push(cx.copy(from, to, &placements)?);
    }
    let steps = merge_updates(steps, &placements, limits);
    let memory = Memory::plan(&cx, steps, &mut placements)?;
    let port = |name: &str, id: NodeId, slot: Slot| Port {
        name: name.to_string(),
        meta: graph.meta(id).clone(),
        slot,
    };
    let mut inputs = Vec::new();
    for id in graph.ids() {
        if let Op::Input(input) = &graph.node(id).op {
            inputs.push(port(&input.name, id, placements.slot(id)?));
        }
    }
    let (mut results, mut outputs) = (Vec::new(), Vec::new());
    for (i, output) in graph.outputs.iter().enumerate() {
        match placements.result(i) {
            Some(slot) => results.push(port(&output.name, output.node, slot)),
            None => {
                let slot = placements.slot(sources.storage(output.node))?;
                outputs.push(port(&output.name, output.node, slot));
            }
        }
    }
    let mut buffers = placements.buffers();
    buffers.extend(memory.activations.iter().map(|&bytes| BufferPlan {
        bytes,
        role: BufferRole::Activations,
    }));
    let Memory {
        steps, concurrent, ..
    } = memory;
    Ok(Plan {
        graph,
        buffers,
        steps,
        concurrent,
        inputs,
        results,
        outputs,
    })
}

/// The inputs and indices of lowering.
pub(super) struct Lowering<'a> {
    pub graph: &'a Graph,
    pub sources: &'a Sources,
    pub groups: &'a [Group],
    pub limits: &'a KernelLimits,
    /// By variable of the graph: its slot.
    variables: Vec<Option<Slot>>,
    /// The group that computes and stores a node.
    stored: HashMap<NodeId, usize>,
    /// The groups that read a node's memory, in order, each once.
    readers: HashMap<NodeId, Vec<usize>>,
}

/// A slot that is not assigned yet: the index of an activation, or of a workspace of the step.
pub(super) const UNPLACED: Slot = Slot {
    buffer: BufferId::Local(usize::MAX),
    offset: 0,
    bytes: 0,
};

impl<'a> Lowering<'a> {
    fn new(
        graph: &'a Graph,
        sources: &'a Sources,
        groups: &'a [Group],
        layout: &Layout,
        limits: &'a KernelLimits,
    ) -> Self {
        let mut by_name: HashMap<&str, Slot> = HashMap::new();
        for place in &layout.placements {
            by_name.entry(&place.variable.name).or_insert(place.slot);
        }
        let slot = |v: &Variable| by_name.get(v.name.as_str()).copied();
        let mut cx = Lowering {
            graph,
            sources,
            groups,
            limits,
            variables: graph.variables.iter().map(slot).collect(),
            stored: HashMap::new(),
            readers: HashMap::new(),
        };
        for (number, group) in groups.iter().enumerate() {
            for &id in &group.outputs {
                cx.stored.entry(id).or_insert(number);
            }
            for from in group.nodes().flat_map(|id| sources.reads(id)) {
                let readers = cx.readers.entry(from.root).or_default();
                if readers.last() != Some(&number) {
                    readers.push(number);
                }
            }
        }
        cx
    }

    /// Returns the index of the group that computes and stores `id`.
    pub fn group_of(&self, id: NodeId) -> Option<usize> {
        self.stored.get(&id).copied()
    }

    /// Returns the groups that read the memory of `id`, including those that copy a view of it, in
    /// order.
    pub fn readers(&self, id: NodeId) -> &[usize] {
        self.readers.get(&id).map_or(&[], Vec::as_slice)
    }

    fn step(&self, group: &Group, placements: &FixedPlacements) -> Result<Step> {
        let chain = |nodes: &[NodeId], acc: Option<NodeId>, id: NodeId, prologue: bool| {
            let mut builder = ChainBuilder::new(self, placements, acc);
            for &node in nodes {
                builder.add(node)?;
            }
            match prologue {
                true => builder.prologue(id),
                false => Ok(builder.epilogue(&group.outputs, group.len, self.graph.meta(id))),
            }
        };
        let first = group.anchor.or(group.epilogue.last().copied());
        let Some(named) = first else {
            return Err(Error::internal("lowering", "an empty group"));
        };
        let anchor = group
            .anchor
            .map(|id| (id, self.graph.node(id).op.def().kind()));
        let (mut prologue, mut epilogue) = (None, None);
        let variants = match &anchor {
            Some((id, OpKind::Kernel(op))) => {
                let node = self.graph.node(*id);
                let x = self.graph.metas(&node.inputs);
                let fusion = op.fusion(&x);
                if fusion.prologue {
                    prologue = Some(chain(&group.prologue, None, *id, true)?);
                }
                if fusion.epilogue != Epilogue::None {
                    epilogue = Some(chain(&group.epilogue, Some(*id), *id, false)?);
                }
                let operand =
                    |i: usize| Operand::Node(placements.operand(self.sources.read(*id, i).root));
                let cx = LowerContext {
                    x,
                    y: node.meta.clone(),
                    inputs: (0..node.inputs.len()).map(operand).collect(),
                    output: Operand::Node(placements.operand(*id)),
                    limits: self.limits,
                    prologue: prologue.as_ref(),
                    epilogue: epilogue.as_ref(),
                    refused: Cell::new(0),
                };
                let variants = op.kernels(&cx);
                if variants.is_empty() && cx.refused.get() > 0 {
                    return Err(self.too_many_iterations(node, cx.refused.get()));
                }
                variants
            }
            Some((id, _)) => {
                let op = &self.graph.node(*id).op;
                return Err(Error::internal("lowering", format!("{op:?} has no kernel")));
            }
            None => {
                let expr = chain(&group.epilogue, None, named, false)?;
                let kernel = elementwise_kernel(&expr, self.limits);
                epilogue = Some(expr);
                vec![kernel.into()]
            }
        };
        self.finish_step(group, named, prologue, epilogue, variants, placements)
    }

    /// Returns the error for a node whose kernels need more loop iterations than the driver allows.
    fn too_many_iterations(&self, node: &Node, iterations: usize) -> Error {
        Error::Limit {
            what: format!(
                "an invocation of {} at {} (loop iterations)",
                node.op.name(),
                node.source
            ),
            needed: iterations as u64,
            available: self.limits.max_loop_iterations as u64,
            device: "llvmpipe, a software adapter".to_string(),
            hint: "use the CPU device or another GPU, which have no such limit".to_string(),
        }
    }

    fn finish_step(
        &self,
        group: &Group,
        named: NodeId,
        prologue: Option<Expr>,
        epilogue: Option<Expr>,
        variants: Vec<Variant>,
        placements: &FixedPlacements,
    ) -> Result<Step> {
        let node = self.graph.node(named);
        let nodes: Vec<NodeId> = group.nodes().collect();
        let mut reads: Vec<(NodeId, Slot)> = Vec::new();
        let mut read = |id: NodeId| {
            if !reads.iter().any(|(n, _)| *n == id) {
                reads.push((id, UNPLACED));
            }
        };
        let exprs = prologue.iter().chain(&epilogue);
        for leaf in exprs.flat_map(|e| &e.leaves) {
            if let Operand::Node(id) = leaf.operand {
                read(id);
            }
        }
        if let Some(id) = group.anchor {
            for (i, from) in self.sources.reads(id).iter().enumerate() {
                if i > 0 || prologue.is_none() {
                    read(placements.operand(from.root));
                }
            }
        }
        let writes = group
            .outputs
            .iter()
            .map(|&id| (placements.operand(id), UNPLACED))
            .collect();
        let inputs = self.inputs(&nodes);
        let names = || {
            let functions = epilogue
                .iter()
                .flat_map(|e| &e.code)
                .map(|i| i.function.name);
            functions.collect::<Vec<_>>().join("+")
        };
        let label = match group.anchor {
            Some(_) if names().is_empty() => node.op.name().to_string(),
            Some(_) => format!("{}+{}", node.op.name(), names()),
            None if names().is_empty() => "copy".to_string(),
            None => names(),
        };
        let flops = nodes.iter().map(|&id| self.flops(id)).sum();
        Ok(Step {
            nodes,
            anchor: group.anchor,
            prologue,
            epilogue,
            reads,
            writes,
            inputs: inputs.into_iter().map(|id| (id, UNPLACED)).collect(),
            outputs: group.outputs.iter().map(|&id| (id, UNPLACED)).collect(),
            scratch: scratch_of(&variants),
            variants: variants.into_iter().map(unplaced).collect(),
            label,
            source: node.source,
            scope: node.scope.clone(),
            flops,
            bytes: 0,
        })
    }

    /// Returns the nodes in memory from which a group of nodes is computed.
    fn inputs(&self, nodes: &[NodeId]) -> Vec<NodeId> {
        let mut inputs: Vec<NodeId> = Vec::new();
        for &id in nodes {
            let reads = match self.sources.is_copy(id) {
                true => self.sources.copied(self.graph, id).into_iter().collect(),
                false => self.sources.reads(id).to_vec(),
            };
            for root in reads.into_iter().map(|from| from.root) {
                let inline = matches!(self.graph.node(root).op.def().kind(), OpKind::Constant(_))
                    && !self.sources.is_copy(root);
                if !inline && !nodes.contains(&root) && !inputs.contains(&root) {
                    inputs.push(root);
                }
            }
        }
        inputs
    }

    fn flops(&self, id: NodeId) -> f64 {
        let node = self.graph.node(id);
        let x = self.graph.metas(&node.inputs);
        node.op.def().flops(&x, &node.meta)
    }

    /// Returns a step that copies a node's value to a slot in which it could not be computed.
    fn copy(&self, from: NodeId, to: Operand, placements: &FixedPlacements) -> Result<Step> {
        let meta = self.graph.meta(from);
        // A constant is written directly, because its stored copy may be in the same buffer.
        let number = match self.graph.node(from).op.def().kind() {
            OpKind::Constant(number) => Some(number),
            _ => None,
        };
        let mut expr = match number {
            Some(number) => Expr::constant(meta, number),
            None => Expr::load(meta, Operand::Node(from)),
        };
        let value = expr.result.take().unwrap_or(crate::kernel::Value::Leaf(0));
        let reads = match number {
            Some(_) => Vec::new(),
            None => vec![(from, UNPLACED)],
        };
        expr.stores.push(crate::kernel::Store {
            value,
            operand: to,
            dtype: meta.dtype,
        });
        let node = self.graph.node(from);
        let kernel = elementwise_kernel(&expr, self.limits);
        Ok(Step {
            nodes: Vec::new(),
            anchor: None,
            prologue: None,
            epilogue: Some(expr),
            reads: reads.clone(),
            writes: match to {
                Operand::Node(id) => vec![(id, UNPLACED)],
                Operand::Scratch(_) => Vec::new(),
            },
            inputs: reads,
            outputs: match to {
                Operand::Node(id) => vec![(from, placements.slot(id)?)],
                Operand::Scratch(_) => Vec::new(),
            },
            scratch: Vec::new(),
            variants: vec![unplaced(kernel.into())],
            label: "copy".to_string(),
            source: node.source,
            scope: node.scope.clone(),
            flops: 0.0,
            bytes: 0,
        })
    }

    /// Returns the slot of a variable.
    pub fn variable_slot(&self, id: VariableId) -> Result<Slot> {
        let slot = self.variables.get(id.index()).copied().flatten();
        slot.ok_or_else(|| {
            let variable = self.graph.variables.get(id.index());
            let name = variable.map_or_else(|| format!("#{}", id.index()), |v| v.name.clone());
            Error::internal("planning", format!("the variable {name} has no slot"))
        })
    }
}

/// Returns the sizes of workspaces that are large enough for every variant.
fn scratch_of(variants: &[Variant]) -> Vec<u64> {
    let count = variants.iter().map(|v| v.scratch.len()).max().unwrap_or(0);
    let size = |i: usize| {
        variants
            .iter()
            .filter_map(|v| v.scratch.get(i))
            .copied()
            .max()
    };
    (0..count).filter_map(size).collect()
}

fn unplaced(variant: Variant) -> Vec<Dispatch> {
    variant
        .kernels
        .into_iter()
        .map(|kernel| Dispatch {
            kernel,
            slots: Vec::new(),
        })
        .collect()
}

/// Returns the kernel of a chain without an anchor.
pub(super) fn elementwise_kernel(expr: &Expr, limits: &KernelLimits) -> Kernel {
    const WORKGROUP: u32 = 64;
    let epilogue = emit_epilogue(expr, 4, 1);
    let count = expr.domain.len().div_ceil(4);
    let mut parts = vec![prelude(4), wgsl!("lib/index"), wgsl!("elementwise")];
    parts.extend(epilogue.parts);
    let mut bindings = vec![Binding::Uniform(vec![count as u32])];
    bindings.extend(epilogue.bindings);
    Kernel {
        label: "elementwise",
        parts,
        overrides: vec![("WG", WORKGROUP)],
        bindings,
        workgroups: limits.fold((count as u64).div_ceil(u64::from(WORKGROUP))),
    }
}
