//! Scalar functions: what an elementwise op applies to each element, as data.
//!
//! The functions themselves are rows of the tables in `src/ops/elementwise/`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::DType;

use super::{NodeId, Scalar, Tensor};

/// The gradients of an op's inputs, in order; `None` for an input that none flows to (labels,
/// indices). `Err` says why the op has none at all.
pub type Grads = Result<Vec<Option<Tensor>>, String>;

/// What a gradient rule works with. Everything it builds goes into the same graph.
pub struct Backward<'a> {
    /// The op's inputs.
    pub x: &'a [Tensor],
    /// The op's output.
    pub y: &'a Tensor,
    /// The gradient of the loss with respect to the output.
    pub dy: &'a Tensor,
}

/// A gradient rule that belongs to a node instead of its op; see [`Tensor::with_gradient`].
#[derive(Clone)]
pub(crate) struct Rule {
    /// The nodes that the gradients are of.
    pub inputs: Vec<NodeId>,
    /// The rule itself.
    pub grad: Arc<dyn Fn(&Backward) -> Grads + Send + Sync>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({:?})", self.inputs)
    }
}

/// Whether mixed precision may store an op's result in 16 bits. Sums, statistics and probabilities stay `f32`, and
/// so do functions whose range or slope is out of proportion to their argument's.
///
/// PyTorch's `autocast` draws much the same line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// The result stays `f32`, or is no float at all.
    Full,
    /// The result may be rounded to `f16` or `bf16`.
    Half,
}

/// What simplification knows of a function's algebra.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Algebra {
    /// `f(x, right_identity) = x`, to the bit.
    pub right_identity: Option<f64>,
    /// `f(left_identity, x) = x`, to the bit.
    pub left_identity: Option<f64>,
    /// `f(f(x)) = x`.
    pub is_involution: bool,
}

impl Algebra {
    /// No rule.
    pub const NONE: Algebra = Algebra {
        right_identity: None,
        left_identity: None,
        is_involution: false,
    };

    /// `f(f(x)) = x`.
    pub const INVOLUTION: Algebra = Algebra {
        is_involution: true,
        ..Algebra::NONE
    };

    /// `f(x, right) = x`.
    pub const fn right(right: f64) -> Algebra {
        Algebra {
            right_identity: Some(right),
            ..Algebra::NONE
        }
    }

    /// `f(x, e) = f(e, x) = x`.
    pub const fn identity(e: f64) -> Algebra {
        Algebra {
            left_identity: Some(e),
            ..Algebra::right(e)
        }
    }
}

/// A scalar function: one row of the elementwise table.
pub struct Function {
    /// Its name, and the name of its WGSL function.
    pub name: &'static str,
    /// What it computes, in mathematical notation.
    pub formula: &'static str,
    /// The shader library that holds it: `shaders/lib/NAME.wgsl`.
    pub library: &'static str,
    /// What the formula calls the arguments, and then the constants.
    pub symbols: &'static [&'static str],
    /// The arguments' types.
    pub inputs: &'static [DType],
    /// The types of the constants that follow the arguments.
    pub constants: &'static [DType],
    /// The result's type.
    pub output: DType,
    /// Whether the element's index comes before the arguments (random numbers need it).
    pub uses_index: bool,
    /// The definition in f64: index, arguments, constants.
    pub reference: fn(usize, &[f64], &[f64]) -> f64,
    /// The CPU device's loop over a block of words: first index, arguments, constants, results.
    pub block: fn(u32, &[&[u32]], &[f64], &mut [u32]),
    /// The gradient rule.
    pub grad: fn(&Backward, &[Scalar]) -> Grads,
    /// Whether mixed precision may round the result.
    pub precision: Precision,
    /// What simplification may do with it.
    pub algebra: Algebra,
    /// How accurate a GPU is required to be, in units in the last place of `f32`.
    pub ulp: f64,
    /// Units that come on top for each 1 of the first argument's magnitude, as WGSL's `exp` has.
    pub ulp_per_x: f64,
    /// How far off a GPU may be near zeros of the function, where relative accuracy has no meaning.
    pub abs: f64,
    /// The values that tests draw arguments from, and where gradients are checked: `[low, high]`.
    pub domain: (f64, f64),
    /// Arguments where the function has a kink or a jump, which gradient checks avoid.
    pub kinks: &'static [f64],
    /// Constants that tests use.
    pub examples: &'static [f64],
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Function {}
impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
