//! Scalar functions of elementwise ops, as data.
//!
//! The functions are rows of the tables in `src/ops/elementwise/`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::DType;

use super::{NodeId, Scalar, Tensor};

/// The gradients of an op's inputs, in order; `None` for an input without one (labels, indices).
/// `Err` is the reason why the op has no gradient.
pub type Grads = Result<Vec<Option<Tensor>>, String>;

/// The arguments of a gradient rule. New nodes are appended to the same graph.
pub struct Backward<'a> {
    /// The inputs of the op.
    pub x: &'a [Tensor],
    /// The output of the op.
    pub y: &'a Tensor,
    /// The gradient of the loss with respect to the output.
    pub dy: &'a Tensor,
}

/// A gradient rule of a node, instead of that of its op; see [`Tensor::with_gradient`].
#[derive(Clone)]
pub(crate) struct Rule {
    /// The nodes whose gradients the rule computes.
    pub inputs: Vec<NodeId>,
    /// The rule.
    pub grad: Arc<dyn Fn(&Backward) -> Grads + Send + Sync>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({:?})", self.inputs)
    }
}

/// Whether mixed precision may store an op's result in 16 bits. Sums, statistics and probabilities
/// stay `f32`. So do functions whose range or slope is large compared to their arguments.
///
/// PyTorch's `autocast` makes a similar distinction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// The result stays `f32`, or is not a float.
    Full,
    /// The result may be rounded to `f16` or `bf16`.
    Half,
}

/// The algebraic properties of a function, for simplification.
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
    /// No property.
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

    /// Returns the property `f(x, right) = x`.
    pub const fn right(right: f64) -> Algebra {
        Algebra {
            right_identity: Some(right),
            ..Algebra::NONE
        }
    }

    /// Returns the property `f(x, e) = f(e, x) = x`.
    pub const fn identity(e: f64) -> Algebra {
        Algebra {
            left_identity: Some(e),
            ..Algebra::right(e)
        }
    }
}

/// A scalar function: a row of the elementwise table.
pub struct Function {
    /// Its name, which is also that of its WGSL function.
    pub name: &'static str,
    /// Its formula, in mathematical notation.
    pub formula: &'static str,
    /// The shader library that defines it: `shaders/lib/NAME.wgsl`.
    pub library: &'static str,
    /// The symbols of the arguments and then of the constants in the formula.
    pub symbols: &'static [&'static str],
    /// The types of the arguments.
    pub inputs: &'static [DType],
    /// The types of the constants that follow the arguments.
    pub constants: &'static [DType],
    /// The type of the result.
    pub output: DType,
    /// Whether the element's index precedes the arguments, as for random numbers.
    pub uses_index: bool,
    /// The definition in f64, with index, arguments and constants.
    pub reference: fn(usize, &[f64], &[f64]) -> f64,
    /// The CPU device's loop over a block of words: first index, arguments, constants, results.
    pub block: fn(u32, &[&[u32]], &[f64], &mut [u32]),
    /// The gradient rule.
    pub grad: fn(&Backward, &[Scalar]) -> Grads,
    /// Whether mixed precision may round the result.
    pub precision: Precision,
    /// The algebraic properties for simplification.
    pub algebra: Algebra,
    /// The required accuracy on a GPU, in units in the last place of `f32`.
    pub ulp: f64,
    /// Additional units for each 1 of the first argument's magnitude, as in WGSL's `exp`.
    pub ulp_per_x: f64,
    /// The absolute tolerance near zeros of the function, where a relative one has no meaning.
    pub abs: f64,
    /// The interval `[low, high]` from which tests draw arguments, and in which gradients are
    /// checked.
    pub domain: (f64, f64),
    /// Arguments where the function has a kink or a jump; gradient checks avoid them.
    pub kinks: &'static [f64],
    /// The constants that tests use.
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
