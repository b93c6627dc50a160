//! What each op means: its shape rule, gradient, f64 reference and kernels, one file an op.
//!
//! [`OpDef`] has no default bodies but `simplify`, so an incomplete op does not compile. [`Op::def`] is the only
//! `match` over ops in the crate. To add an op: a variant in `graph/op/`, a file here, a line in
//! `def`, a shader, and cases in `doctor/cases/`; `docs/adding-an-op.md` adds one from start to end.

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

/// How far a device's result may be from the reference: `abs + rel * |reference|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Absolute part.
    pub abs: f64,
    /// Part relative to the reference's magnitude.
    pub rel: f64,
}

impl Tolerance {
    /// The result must be the reference rounded to `f32`, nothing else.
    pub const EXACT: Tolerance = Tolerance {
        abs: 0.0,
        rel: 6e-8,
    };

    /// `n` units in the last place of `f32`, besides what a flushed subnormal costs.
    pub const fn ulp(n: f64) -> Tolerance {
        Tolerance {
            abs: 1.2e-38,
            rel: n * 1.1920929e-7,
        }
    }
}

/// What `docs/ops.md` says about an op, in Markdown: words, and formulas between backticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpDoc {
    /// What it computes.
    pub formula: &'static str,
    /// The inputs' shapes, then the result's.
    pub shapes: &'static str,
    /// The element types that it takes and gives.
    pub dtypes: &'static str,
    /// The gradient, or `none` where none flows, or `refused` where there is no rule.
    pub gradient: &'static str,
}

/// An op's meaning, all in one place.
pub trait OpDef {
    /// The op's name in dumps, errors and profiles.
    fn name(&self) -> &'static str;
    /// What `docs/ops.md` says about it.
    fn doc(&self) -> OpDoc;
    /// Shape and element type of the result, or why the inputs do not fit, and what would.
    fn infer(&self, x: &[Meta]) -> Result<Meta, String>;
    /// The gradient rule.
    fn grad(&self, b: &Backward) -> Grads;
    /// The definition, as naive mathematics in f64. `y` has the inferred shape and is all zeros.
    /// Integers and booleans (0 and 1) are held in f64 too, which is exact for 32 bits.
    fn reference(&self, x: &[&Array], y: &mut Array);
    /// How far a device may be from the reference on these inputs.
    fn tolerance(&self, x: &[&Array], y: &Array) -> Tolerance;
    /// Floating-point operations it takes.
    fn flops(&self, x: &[Meta], y: &Meta) -> f64;
    /// Whether mixed precision may round the result.
    fn precision(&self) -> Precision;
    /// How the planner treats it.
    fn kind(&self) -> OpKind<'_>;
    /// Something simpler with the same bits, if there is: `node` is a node of this op in `graph`.
    fn simplify(&self, graph: &Graph, node: &Node) -> Option<Simplified> {
        let _ = (graph, node);
        None
    }
}

/// Replaces a node in simplification.
#[derive(Debug)]
pub enum Simplified {
    /// A node that exists.
    Node(NodeId),
    /// Another op with these inputs.
    Op(Op, Vec<NodeId>),
}

/// How the planner treats an op.
pub enum OpKind<'a> {
    /// Already in memory: an input or a variable.
    Leaf,
    /// A number that goes into the kernels that use it.
    Constant(f64),
    /// The same bytes under another shape.
    Alias,
    /// The input's elements, read in another order: fused into whatever reads it.
    View(&'a dyn ViewOp),
    /// A scalar function, fused into chains.
    Elementwise {
        /// The row of the table.
        function: &'static Function,
        /// The row's constants.
        constants: Vec<f64>,
    },
    /// A kernel of its own.
    Kernel(&'a dyn KernelOp),
}

/// An op that reads its input's elements in another order.
pub trait ViewOp {
    /// The walk over the output, given the walk over the input (which may be a view itself).
    fn view(&self, x: &View) -> View;
}

/// What an op's kernels are made for.
pub struct LowerContext<'a> {
    /// The inputs' types.
    pub x: Vec<Meta>,
    /// The output's type.
    pub y: Meta,
    /// The inputs' places.
    pub inputs: Vec<Operand>,
    /// The output's place, for an op without an epilogue.
    pub output: Operand,
    /// What the device offers.
    pub limits: &'a KernelLimits,
    /// An elementwise chain that makes input 0 on the fly, where the op takes one.
    pub prologue: Option<&'a Expr>,
    /// What happens to each result before it is stored, where the op takes an epilogue: at least the
    /// storing itself.
    pub epilogue: Option<&'a Expr>,
    /// The largest number of loop iterations that was refused so far.
    pub refused: Cell<usize>,
}

impl LowerContext<'_> {
    /// Whether an invocation may run this many loop iterations, over all its loops. An op leaves out
    /// variants that take more.
    pub fn allows(&self, iterations: usize) -> bool {
        let allowed = iterations <= self.limits.max_loop_iterations;
        if !allowed {
            self.refused.set(self.refused.get().max(iterations));
        }
        allowed
    }

    /// The element type of what lies at a place: of an input its own, of a workspace `f32`.
    pub fn dtype(&self, place: Operand) -> DType {
        let inputs = self.inputs.iter().zip(&self.x);
        let at_place = inputs.filter(|(input, _)| **input == place);
        at_place
            .map(|(_, meta)| meta.dtype)
            .next()
            .unwrap_or(DType::F32)
    }
}

/// A tensor in the CPU device's memory: words of 32 bits.
#[derive(Clone, Copy)]
pub struct HostRef<'a> {
    /// Shape and element type.
    pub meta: &'a Meta,
    /// The elements' bits.
    pub words: &'a [u32],
}

impl<'a> HostRef<'a> {
    /// The elements, of an `f32` tensor.
    pub fn f32(&self) -> &'a [f32] {
        bytemuck::cast_slice(self.words)
    }
}

/// What the kernels of an op can fuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fusion {
    /// An elementwise chain that makes input 0 can be computed on the fly.
    pub prologue: bool,
    /// An elementwise chain on the result can be applied before it is stored.
    pub epilogue: Epilogue,
    /// Kernels read half-precision inputs directly. For other ops the inputs are converted to `f32` first.
    pub reads_half: bool,
}

/// How the kernels of an op store their results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epilogue {
    /// The kernel stores its results itself.
    None,
    /// An epilogue stores, in some variants single elements: not half precision, where two values share a word.
    Scalars,
    /// An epilogue stores, four elements at a time in every variant.
    Vectors,
}

impl Fusion {
    /// Fuses nothing.
    pub const NONE: Fusion = Fusion {
        prologue: false,
        epilogue: Epilogue::None,
        reads_half: false,
    };
    /// An epilogue.
    pub const EPILOGUE: Fusion = Fusion {
        epilogue: Epilogue::Scalars,
        ..Fusion::NONE
    };
    /// A prologue and an epilogue.
    pub const BOTH: Fusion = Fusion {
        prologue: true,
        ..Fusion::EPILOGUE
    };

    /// Of kernels that read any float, and store results in rows of `n` by whole vectors where `n` allows it.
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

/// An op with kernels of its own.
pub trait KernelOp {
    /// What the op's kernels can take in besides their own work, for inputs of these types.
    fn fusion(&self, x: &[Meta]) -> Fusion;
    /// The op's kernels, the one to use untuned first. All give the same bits.
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant>;
    /// The op on the CPU device, in f32 (`y` holds words, see [`HostRef`]).
    fn cpu(&self, x: &[HostRef], meta: &Meta, y: &mut [u32]);
}

impl Op {
    /// The op's meaning. The one match over ops.
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

    /// The op's name in dumps, errors and profiles.
    pub fn name(&self) -> &'static str {
        self.def().name()
    }

    /// A function without constants as an op.
    pub(crate) fn function(function: &'static Function) -> Op {
        Op::Elementwise(Elementwise {
            function,
            constants: Vec::new(),
        })
    }
}
