//! The ops: shape rule, gradient, f64 reference and kernels, with one file per op.
//!
//! [`OpDef`] has no default methods but `simplify` and `indices`, so an incomplete op does not compile.
//! [`Op::def`] is the only `match` over ops in the crate. A new op needs a variant in `graph/op/`,
//! a file here, a line in `def`, a shader, and cases in `doctor/cases/`; `docs/adding-an-op.md`
//! adds one from start to end.

mod apply;
mod argmax;
mod arrange;
mod array;
mod attention;
mod augment;
mod batch;
mod concat;
mod conv;
mod create;
mod cross_entropy;
mod ctc;
mod cumsum;
mod einsum;
pub mod elementwise;
mod gather;
mod gemm;
mod grid;
mod leaf;
mod log_softmax;
mod matmul;
mod max_pool;
mod norm;
mod pad;
mod radix;
mod random;
mod recurrence;
mod reduce;
mod resample;
mod rope;
mod row_op;
mod rows;
mod scatter_add;
mod select;
mod sized_op;
mod softmax;
mod sort;
mod take_along;
mod threads;
mod view;

pub use arrange::PadMode;
pub use array::Array;
pub use attention::AttentionOptions;
pub use leaf::{constant, input, variable};
pub use random::KEY;
pub(crate) use recurrence::reserve_layout;
pub(crate) use threads::{on_one_thread, pays};

use std::cell::Cell;

use crate::DType;
pub use crate::graph::Precision;
use crate::graph::{Backward, Elementwise, Function, Grads, Graph, Meta, Node, NodeId, Op};
use crate::kernel::{Expr, KernelLimits, Operand, Variant, View};

/// The largest difference of a device's result from the reference: `abs + rel * |reference|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The absolute part.
    pub abs: f64,
    /// The part relative to the magnitude of the reference.
    pub rel: f64,
}

impl Tolerance {
    /// The result must be the reference rounded to `f32`.
    pub const EXACT: Tolerance = Tolerance {
        abs: 0.0,
        rel: 6e-8,
    };

    /// Returns a tolerance of `n` units in the last place of `f32`, plus the error of flushing
    /// subnormal numbers.
    pub const fn ulp(n: f64) -> Tolerance {
        Tolerance {
            abs: 1.2e-38,
            rel: n * 1.1920929e-7,
        }
    }
}

/// The documentation of an op in `docs/ops.md`, in Markdown, with formulas between backticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpDoc {
    /// What the op computes.
    pub formula: &'static str,
    /// The shapes of the inputs, then that of the result.
    pub shapes: &'static str,
    /// The element types of the inputs and the result.
    pub dtypes: &'static str,
    /// The gradient; `none` if it is always zero, or `refused` if there is no rule.
    pub gradient: &'static str,
}

/// The definition of an op.
pub trait OpDef {
    /// Returns the op's name in dumps, errors and profiles.
    fn name(&self) -> &'static str;
    /// Returns the op's documentation in `docs/ops.md`.
    fn doc(&self) -> OpDoc;
    /// Infers the shape and element type of the result. Returns a message with the expected inputs
    /// if they do not fit.
    fn infer(&self, x: &[Meta]) -> Result<Meta, String>;
    /// Computes the gradients of the inputs.
    fn grad(&self, b: &Backward) -> Grads;
    /// Computes the op with naive mathematics in f64. `y` has the inferred shape and is all zeros.
    /// Integers and booleans (0 and 1) are stored as f64 too, which is exact for 32 bits.
    fn reference(&self, x: &[&Array], y: &mut Array);
    /// Returns the tolerance of a device's result on these inputs.
    fn tolerance(&self, x: &[&Array], y: &Array) -> Tolerance;
    /// Returns the number of floating-point operations.
    fn flops(&self, x: &[Meta], y: &Meta) -> f64;
    /// Returns whether mixed precision may round the result.
    fn precision(&self) -> Precision;
    /// Returns how the planner treats the op.
    fn kind(&self) -> OpKind<'_>;
    /// Returns a simpler op or node with the same bits, if there is one. `node` is a node of this
    /// op in `graph`.
    fn simplify(&self, graph: &Graph, node: &Node) -> Option<Simplified> {
        let _ = (graph, node);
        None
    }
    /// Returns the input that holds indices, and their exclusive upper bound. A trainer checks the
    /// features that a model uses as such an input. Default: none.
    fn indices(&self, x: &[Meta]) -> Option<(usize, usize)> {
        let _ = x;
        None
    }
}

/// The replacement of a node in simplification.
#[derive(Debug)]
pub enum Simplified {
    /// An existing node.
    Node(NodeId),
    /// Another op with these inputs.
    Op(Op, Vec<NodeId>),
}

/// How the planner treats an op.
pub enum OpKind<'a> {
    /// Already in memory: an input or a variable.
    Leaf,
    /// A number that is a parameter of the kernels that use it.
    Constant(f64),
    /// The same bytes with another shape.
    Alias,
    /// The input's elements in another order; the kernels that read it use its strides.
    View(&'a dyn ViewOp),
    /// A scalar function, fused into chains.
    Elementwise {
        /// The row of the table.
        function: &'static Function,
        /// The row's constants.
        constants: Vec<f64>,
    },
    /// An op with its own kernels.
    Kernel(&'a dyn KernelOp),
}

/// An op that reads its input's elements in another order.
pub trait ViewOp {
    /// Returns the walk over the output, from the walk over the input (which may be a view itself).
    fn view(&self, x: &View) -> View;
}

/// The operands and limits for which an op creates its kernels.
pub struct LowerContext<'a> {
    /// The types of the inputs.
    pub x: Vec<Meta>,
    /// The type of the output.
    pub y: Meta,
    /// The operands of the inputs.
    pub inputs: Vec<Operand>,
    /// The operand of the output, for an op without an epilogue.
    pub output: Operand,
    /// The limits of the device.
    pub limits: &'a KernelLimits,
    /// An elementwise chain that computes input 0 when it is loaded, if the op fuses a prologue.
    pub prologue: Option<&'a Expr>,
    /// An elementwise chain that is applied to each result before it is stored, if the op fuses an
    /// epilogue. It contains at least the store.
    pub epilogue: Option<&'a Expr>,
    /// The largest number of loop iterations that was refused so far.
    pub refused: Cell<usize>,
}

impl LowerContext<'_> {
    /// Returns whether an invocation may run this many loop iterations, over all its loops. An op
    /// omits variants with more.
    pub fn allows(&self, iterations: usize) -> bool {
        let allowed = iterations <= self.limits.max_loop_iterations;
        if !allowed {
            self.refused.set(self.refused.get().max(iterations));
        }
        allowed
    }

    /// Returns the element type of an operand: that of an input, or `f32` for a workspace.
    pub fn dtype(&self, place: Operand) -> DType {
        let inputs = self.inputs.iter().zip(&self.x);
        let at_place = inputs.filter(|(input, _)| **input == place);
        at_place
            .map(|(_, meta)| meta.dtype)
            .next()
            .unwrap_or(DType::F32)
    }
}

/// A tensor in the CPU device's memory, as words of 32 bits.
#[derive(Clone, Copy)]
pub struct HostRef<'a> {
    /// The shape and element type.
    pub meta: &'a Meta,
    /// The bits of the elements.
    pub words: &'a [u32],
}

impl<'a> HostRef<'a> {
    /// Returns the elements of an `f32` tensor.
    pub fn f32(&self) -> &'a [f32] {
        bytemuck::cast_slice(self.words)
    }
}

/// The fusions that the kernels of an op support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fusion {
    /// Whether an elementwise chain can compute input 0 when it is loaded.
    pub prologue: bool,
    /// Whether an elementwise chain can be applied to the result before it is stored.
    pub epilogue: Epilogue,
    /// Whether kernels read half-precision inputs directly. Otherwise the inputs are first
    /// converted to `f32`.
    pub reads_half: bool,
}

/// How the kernels of an op store their results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epilogue {
    /// The kernel stores its results without an epilogue.
    None,
    /// An epilogue stores. Some variants store single elements, so it cannot store half precision,
    /// where two values share a word.
    Scalars,
    /// An epilogue stores four elements at a time in every variant.
    Vectors,
}

impl Fusion {
    /// No fusion.
    pub const NONE: Fusion = Fusion {
        prologue: false,
        epilogue: Epilogue::None,
        reads_half: false,
    };
    /// An epilogue only.
    pub const EPILOGUE: Fusion = Fusion {
        epilogue: Epilogue::Scalars,
        ..Fusion::NONE
    };
    /// A prologue and an epilogue.
    pub const BOTH: Fusion = Fusion {
        prologue: true,
        ..Fusion::EPILOGUE
    };

    /// Returns the fusions of kernels that read any float type and store rows of `n` elements, by
    /// whole vectors if `n` is a multiple of four.
    pub fn of_rows(n: usize) -> Fusion {
        Fusion {
            prologue: false,
            epilogue: match n.is_multiple_of(4) {
                true => Epilogue::Vectors,
                false => Epilogue::Scalars,
            },
            reads_half: true,
        }
    }
}

/// An op with its own kernels.
pub trait KernelOp {
    /// Returns the fusions that the op's kernels support for inputs of these types.
    fn fusion(&self, x: &[Meta]) -> Fusion;
    /// Returns the variants of the op, the default first. All give the same bits.
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant>;
    /// Computes the op on the CPU device in f32 (`y` has words, see [`HostRef`]).
    fn cpu(&self, x: &[HostRef], meta: &Meta, y: &mut [u32]);
}

impl Op {
    /// Returns the op's definition. This is the only match over ops.
    pub fn def(&self) -> &dyn OpDef {
        match self {
            Op::Input(o) => o,
            Op::Variable(o) => o,
            Op::Constant(o) => o,
            Op::Elementwise(o) => o,
            Op::Reshape(o) => o,
            Op::Permute(o) => o,
            Op::BroadcastTo(o) => o,
            Op::Slice(o) => o,
            Op::Flip(o) => o,
            Op::Pad(o) => o,
            Op::Concat(o) => o,
            Op::Gather(o) => o,
            Op::TakeAlong(o) => o,
            Op::ScatterAdd(o) => o,
            Op::Matmul(o) => o,
            Op::Conv(o) => o,
            Op::ConvInputGrad(o) => o,
            Op::ConvWeightGrad(o) => o,
            Op::MaxPool(o) => o,
            Op::MaxPoolGrad(o) => o,
            Op::Resample(o) => o,
            Op::ResampleGrad(o) => o,
            Op::Reduce(o) => o,
            Op::ArgMax(o) => o,
            Op::CumSum(o) => o,
            Op::ArgSort(o) => o,
            Op::Pick(o) => o,
            Op::Softmax(o) => o,
            Op::SoftmaxGrad(o) => o,
            Op::LogSoftmax(o) => o,
            Op::LogSoftmaxGrad(o) => o,
            Op::CrossEntropy(o) => o,
            Op::CrossEntropyGrad(o) => o,
            Op::Ctc(o) => o,
            Op::CtcGrad(o) => o,
            Op::Norm(o) => o,
            Op::NormGrad(o) => o,
            Op::Rope(o) => o,
            Op::Attention(o) => o,
            Op::AttentionGrad(o) => o,
            Op::Recurrence(o) => o,
            Op::RecurrenceGrad(o) => o,
        }
    }

    /// Returns the op's name in dumps, errors and profiles.
    pub fn name(&self) -> &'static str {
        self.def().name()
    }

    /// Returns a function without constants as an op.
    pub(crate) fn function(function: &'static Function) -> Op {
        Op::Elementwise(Elementwise {
            function,
            constants: Vec::new(),
        })
    }
}
