//! The slots of variables, which are the same for all plans of a program.
//!
//! Variables of one role share a buffer, in the order of their declaration. So the parameters,
//! their gradients and each kind of optimizer state have the same offsets, and one dispatch over
//! the whole range can update them all.

use crate::graph::{Meta, Role, Variable, VariableId};
use crate::kernel::KernelLimits;

use super::{BufferId, Slot};

/// The alignment of a slot: the alignment of a binding's offset in WebGPU's default limits.
pub const ALIGNMENT: u64 = 256;

/// Returns the bytes of a slot for an input or a variable: whole vectors of four words, at least
/// one.
pub(super) fn slot_bytes(meta: &Meta) -> u64 {
    meta.bytes().max(16).next_multiple_of(16)
}

/// Returns the bytes of a slot for any value.
pub(super) fn value_bytes(meta: &Meta, limits: &KernelLimits) -> u64 {
    match limits.packs_half {
        true => slot_bytes(meta),
        false => slot_bytes(&Meta::new(meta.shape.clone(), meta.dtype.computed())),
    }
}

/// A buffer of variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Arena {
    /// The name of its role.
    pub label: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A variable with its slot.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The variable.
    pub variable: Variable,
    /// Its slot.
    pub slot: Slot,
}

/// The slots of all variables of a program.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The buffers.
    pub arenas: Vec<Arena>,
    /// The variables, by index.
    pub placements: Vec<Placement>,
}

impl Layout {
    /// Lays out the variables in their order. A variable of role `Data` has its own buffer.
    pub fn new(variables: &[Variable]) -> Self {
        let mut layout = Layout::default();
        for variable in variables {
            layout.add(variable);
        }
        layout
    }

    fn add(&mut self, variable: &Variable) {
        let label = match &variable.role {
            Role::Parameter => "parameters".to_string(),
            Role::Buffer => "model buffers".to_string(),
            Role::Table => "tables".to_string(),
            Role::OptimizerState(kind) => format!("optimizer {kind}"),
            Role::Data => format!("data {}", variable.name),
        };
        let at = self
            .arenas
            .iter()
            .position(|a| a.label == label)
            .unwrap_or_else(|| {
                self.arenas.push(Arena { label, bytes: 0 });
                self.arenas.len() - 1
            });
        let bytes = slot_bytes(&variable.meta);
        if let Some(arena) = self.arenas.get_mut(at) {
            let offset = arena.bytes.next_multiple_of(ALIGNMENT);
            arena.bytes = offset.saturating_add(bytes);
            let slot = Slot {
                buffer: BufferId::Arena(at),
                offset,
                bytes,
            };
            self.placements.push(Placement {
                variable: variable.clone(),
                slot,
            });
        }
    }

    /// Returns the placement of the variable `id`.
    pub fn place(&self, id: VariableId) -> Option<&Placement> {
        self.placements.get(id.index())
    }

    /// Returns the placement of the variable `name`.
    pub fn find(&self, name: &str) -> Option<&Placement> {
        self.placements.iter().find(|p| p.variable.name == name)
    }

    /// Returns the bytes of all buffers of variables.
    pub fn bytes(&self) -> u64 {
        self.arenas.iter().map(|a| a.bytes).sum()
    }
}
