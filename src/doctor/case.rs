//! A case: an expression of tensors, the arguments to try it on, and what must come out.
//!
//! The doctor runs the cases on a user's device, the tests of this crate on every one they find; both
//! from the same list.

use std::cell::RefCell;
use std::rc::Rc;

use crate::graph::{Graph, Mode};
use crate::ops::{self, Array};
use crate::random::Stream;
use crate::{DType, Result, Shape, Tensor};

use super::traced::Traced;

/// Where an argument's elements come from.
#[derive(Clone, Debug)]
pub enum Draw {
    /// Anywhere between two numbers; whole numbers for integers, 0 or 1 for truth values.
    Between(f64, f64),
    /// Evenly spaced between two numbers, in random order, so that no two are close.
    Distinct(f64, f64),
    /// These.
    Given(Vec<f64>),
}

/// One argument of a case.
#[derive(Clone, Debug)]
pub struct Argument {
    /// Its shape.
    pub shape: Shape,
    /// Its element type.
    pub dtype: DType,
    /// Where its elements come from.
    pub draw: Draw,
    /// Numbers to stay away from: the function has a kink there.
    pub avoid: Vec<f64>,
    /// Whether the gradient with respect to it is checked.
    pub varies: bool,
}

type Expression = Box<dyn Fn(&[Tensor]) -> Tensor + Send + Sync>;
type Formula = Box<dyn Fn(&[Array]) -> Vec<f64> + Send + Sync>;

/// An expression with arguments.
pub struct Case {
    /// The op it belongs to.
    pub op: String,
    /// What is special about it, without spaces.
    pub name: String,
    /// What it is tried on.
    pub arguments: Vec<Argument>,
    /// What is computed.
    pub expression: Expression,
    /// What must come out, computed in another way.
    pub formula: Option<Formula>,
    /// Why the expression has no gradient, as the error must say; `None` if it has one.
    pub no_gradient: Option<&'static str>,
    /// What the error must say, where tracing must fail.
    pub error: Option<&'static str>,
    /// Elements of the other arguments stay away from the first's: there is a kink where they meet.
    pub apart: bool,
}

/// The case `name` of an op.
pub fn case(
    op: &str,
    name: impl Into<String>,
    expression: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
) -> Case {
    Case {
        op: op.to_string(),
        name: name.into(),
        arguments: Vec::new(),
        expression: Box::new(expression),
        formula: None,
        no_gradient: None,
        error: None,
        apart: false,
    }
}

impl Case {
    /// One more argument.
    pub fn argument(mut self, dtype: DType, shape: impl Into<Shape>, draw: Draw) -> Self {
        self.arguments.push(Argument {
            shape: shape.into(),
            dtype,
            draw,
            avoid: Vec::new(),
            varies: dtype.is_float(),
        });
        self
    }

    /// An `f32` argument with elements in `[-2, 2]`.
    pub fn f32(self, shape: impl Into<Shape>) -> Self {
        self.f32_in(shape, -2.0, 2.0)
    }

    /// An `f32` argument with elements in `[low, high]`.
    pub fn f32_in(self, shape: impl Into<Shape>, low: f64, high: f64) -> Self {
        self.argument(DType::F32, shape, Draw::Between(low, high))
    }

    /// An `f32` argument with these elements.
    pub fn given(self, shape: impl Into<Shape>, elements: &[f64]) -> Self {
        self.argument(DType::F32, shape, Draw::Given(elements.to_vec()))
    }

    /// A `u32` argument with elements in `0 .. below`.
    pub fn below(self, shape: impl Into<Shape>, below: usize) -> Self {
        self.argument(DType::U32, shape, Draw::Between(0.0, below as f64))
    }

    /// A `u32` argument with these elements.
    pub fn numbers(self, shape: impl Into<Shape>, elements: &[u32]) -> Self {
        let elements = elements.iter().map(|&n| f64::from(n)).collect();
        self.argument(DType::U32, shape, Draw::Given(elements))
    }

    /// The last argument's elements are all different, with some room between them.
    pub fn distinct(mut self) -> Self {
        if let Some(last) = self.arguments.last_mut()
            && let Draw::Between(low, high) = last.draw
        {
            last.draw = Draw::Distinct(low, high);
        }
        self
    }

    /// The last argument stays away from these numbers.
    pub fn avoiding(mut self, kinks: &[f64]) -> Self {
        if let Some(last) = self.arguments.last_mut() {
            last.avoid = kinks.to_vec();
        }
        self
    }

    /// No gradient with respect to the last argument is asked for.
    pub fn constant(mut self) -> Self {
        if let Some(last) = self.arguments.last_mut() {
            last.varies = false;
        }
        self
    }

    /// The elements that must come out.
    pub fn expect(self, elements: &[f64]) -> Self {
        let elements = elements.to_vec();
        self.formula(move |_| elements.clone())
    }

    /// What must come out, as a function of the arguments.
    pub fn formula(mut self, f: impl Fn(&[Array]) -> Vec<f64> + Send + Sync + 'static) -> Self {
        self.formula = Some(Box::new(f));
        self
    }

    /// Differentiating must fail, with a message that contains this.
    pub fn no_gradient(mut self, message: &'static str) -> Self {
        self.no_gradient = Some(message);
        self
    }

    /// Tracing must fail, with a message that contains this.
    pub fn error(mut self, message: &'static str) -> Self {
        self.error = Some(message);
        self
    }

    /// Keeps the elements of the other `f32` arguments away from the first's.
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Whether the elements depend on the seed.
    pub fn is_random(&self) -> bool {
        let given = |a: &Argument| matches!(a.draw, Draw::Given(_));
        !self.arguments.iter().all(given)
    }

    /// The elements of all arguments, as a device holds them.
    pub fn draw(&self, seed: u64) -> Vec<Array> {
        let root = Stream::new(seed);
        let mut drawn: Vec<Array> = Vec::new();
        for (i, argument) in self.arguments.iter().enumerate() {
            let mut stream = root.child(i as u64);
            let mut data = argument.elements(&mut stream);
            if let Some(first) = drawn
                .first()
                .filter(|_| self.apart && argument.dtype.is_float())
            {
                for (v, first) in data.iter_mut().zip(&first.data) {
                    if (*v - first).abs() < 0.02 {
                        *v = f64::from((*v + 0.0625) as f32);
                    }
                }
            }
            drawn.push(Array::new(argument.shape.clone(), data));
        }
        drawn
    }

    /// Traces the expression.
    pub fn trace(&self) -> Result<Traced> {
        let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
        let argument = |(i, a): (usize, &Argument)| {
            ops::input(&graph, &format!("x{i}"), a.shape.clone(), a.dtype)
        };
        let x: Vec<Tensor> = self.arguments.iter().enumerate().map(argument).collect();
        let y = (self.expression)(&x);
        graph.borrow_mut().take_error()?;
        Ok(Traced { graph, x, y })
    }
}

impl Argument {
    fn elements(&self, stream: &mut Stream) -> Vec<f64> {
        let n = self.shape.len();
        let mut elements: Vec<f64> = match &self.draw {
            Draw::Given(given) => {
                debug_assert_eq!(given.len(), n, "elements for {}", self.shape);
                given.clone()
            }
            Draw::Between(low, high) => (0..n)
                .map(|_| {
                    loop {
                        let v = low + (high - low) * f64::from(stream.uniform());
                        if self.avoid.iter().all(|kink| (v - kink).abs() > 0.02) {
                            break v;
                        }
                    }
                })
                .collect(),
            Draw::Distinct(low, high) => {
                let step = (high - low) / n.max(1) as f64;
                let mut v: Vec<f64> = (0..n).map(|i| low + step * (i as f64 + 0.5)).collect();
                for i in (1..n).rev() {
                    v.swap(i, stream.below(i as u32 + 1) as usize);
                }
                v
            }
        };
        for v in &mut elements {
            *v = match self.dtype {
                DType::F32 | DType::F16 | DType::Bf16 => f64::from(*v as f32),
                DType::Bool => f64::from(u8::from(*v >= 1.0)),
                DType::I32 | DType::U32 => v.floor(),
            };
        }
        elements
    }
}
