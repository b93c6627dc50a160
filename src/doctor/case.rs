//! A case: an expression of tensors, its arguments and its expected result.
//!
//! The doctor and the tests of this crate run the same list of cases.

use std::cell::RefCell;
use std::rc::Rc;

use crate::graph::{Graph, Mode};
use crate::ops::{self, Array};
use crate::random::Stream;
use crate::{DType, Result, Shape, Tensor};

use super::traced::Traced;

/// How the elements of an argument are drawn.
#[derive(Clone, Debug)]
pub enum Draw {
    /// Uniform between two numbers. Integers are whole numbers, booleans are 0 or 1.
    Between(f64, f64),
    /// Evenly spaced between two numbers, in random order, such that no two are close.
    Distinct(f64, f64),
    /// The given elements.
    Given(Vec<f64>),
}

/// An argument of a case.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The shape.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
    /// How its elements are drawn.
    pub draw: Draw,
    /// The kinks of the function. Elements are not drawn close to them.
    pub avoid: Vec<f64>,
    /// Whether the gradient with respect to this argument is checked.
    pub varies: bool,
}

type Expression = Box<dyn Fn(&[Tensor]) -> Tensor + Send + Sync>;
type Formula = Box<dyn Fn(&[Array]) -> Vec<f64> + Send + Sync>;
type GradientFormula = Box<dyn Fn(&[Array], &[f64]) -> Vec<f64> + Send + Sync>;

/// An expression with arguments.
pub struct Case {
    /// The op it belongs to.
    pub op: String,
    /// The name of the case, without spaces.
    pub name: String,
    /// The arguments of the expression.
    pub arguments: Vec<Argument>,
    /// The expression to compute.
    pub expression: Expression,
    /// The expected result, computed independently of the reference.
    pub formula: Option<Formula>,
    /// The expected gradient of the first argument, where differences cannot confirm it.
    pub gradient: Option<GradientFormula>,
    /// A part of the error message if the expression has no gradient; `None` if it has one.
    pub no_gradient: Option<&'static str>,
    /// A part of the error message if tracing must fail.
    pub error: Option<&'static str>,
    /// Whether the elements of the other arguments stay away from those of the first one, because
    /// the function has a kink where they are equal.
    pub apart: bool,
}

/// Creates the case `name` of an op.
pub fn case(
    op: &str,
    name: impl Into<String>,
    expression: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
) -> Case {
    Case::new(op, name.into(), Box::new(expression))
}

impl Case {
    // The generic functions below only convert their arguments, because each use compiles them anew.
    fn new(op: &str, name: String, expression: Expression) -> Self {
        Case {
            op: op.to_string(),
            name,
            arguments: Vec::new(),
            expression,
            formula: None,
            gradient: None,
            no_gradient: None,
            error: None,
            apart: false,
        }
    }

    /// Adds an argument.
    pub fn argument(self, dtype: DType, shape: impl Into<Shape>, draw: Draw) -> Self {
        self.with_argument(dtype, shape.into(), draw)
    }

    fn with_argument(mut self, dtype: DType, shape: Shape, draw: Draw) -> Self {
        self.arguments.push(Argument {
            shape,
            dtype,
            draw,
            avoid: Vec::new(),
            varies: dtype.is_float(),
        });
        self
    }

    /// Adds an `f32` argument with elements in `[-2, 2]`.
    pub fn f32(self, shape: impl Into<Shape>) -> Self {
        self.f32_in(shape, -2.0, 2.0)
    }

    /// Adds an `f32` argument with elements in `[low, high]`.
    pub fn f32_in(self, shape: impl Into<Shape>, low: f64, high: f64) -> Self {
        self.argument(DType::F32, shape, Draw::Between(low, high))
    }

    /// Adds an `f32` argument with these elements.
    pub fn given(self, shape: impl Into<Shape>, elements: &[f64]) -> Self {
        self.argument(DType::F32, shape, Draw::Given(elements.to_vec()))
    }

    /// Adds a `u32` argument with elements in `0 .. below`.
    pub fn below(self, shape: impl Into<Shape>, below: usize) -> Self {
        self.argument(DType::U32, shape, Draw::Between(0.0, below as f64))
    }

    /// Adds a `u32` argument with these elements.
    pub fn numbers(self, shape: impl Into<Shape>, elements: &[u32]) -> Self {
        let elements = elements.iter().map(|&n| f64::from(n)).collect();
        self.argument(DType::U32, shape, Draw::Given(elements))
    }

    /// Makes all elements of the last argument different, with a distance between them.
    pub fn distinct(mut self) -> Self {
        if let Some(last) = self.arguments.last_mut()
            && let Draw::Between(low, high) = last.draw
        {
            last.draw = Draw::Distinct(low, high);
        }
        self
    }

    /// Keeps the elements of the last argument away from these kinks.
    pub fn avoiding(mut self, kinks: &[f64]) -> Self {
        if let Some(last) = self.arguments.last_mut() {
            last.avoid = kinks.to_vec();
        }
        self
    }

    /// Excludes the last argument from the check of the gradients.
    pub fn constant(mut self) -> Self {
        if let Some(last) = self.arguments.last_mut() {
            last.varies = false;
        }
        self
    }

    /// Sets the expected elements.
    pub fn expect(self, elements: &[f64]) -> Self {
        let elements = elements.to_vec();
        self.formula(move |_| elements.clone())
    }

    /// Sets the expected elements as a function of the arguments.
    pub fn formula(mut self, f: impl Fn(&[Array]) -> Vec<f64> + Send + Sync + 'static) -> Self {
        self.formula = Some(Box::new(f));
        self
    }

    /// Sets the expected gradient of the first argument as a function of the arguments and the
    /// gradient of the result. It replaces the check by differences, which cannot confirm the
    /// gradient of equal or infinite elements.
    pub fn gradient(
        mut self,
        f: impl Fn(&[Array], &[f64]) -> Vec<f64> + Send + Sync + 'static,
    ) -> Self {
        self.gradient = Some(Box::new(f));
        self
    }

    /// Requires that differentiation fails, with a message that contains `message`.
    pub fn no_gradient(mut self, message: &'static str) -> Self {
        self.no_gradient = Some(message);
        self
    }

    /// Requires that tracing fails, with a message that contains `message`.
    pub fn error(mut self, message: &'static str) -> Self {
        self.error = Some(message);
        self
    }

    /// Keeps the elements of the other `f32` arguments away from those of the first one.
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Returns whether the elements depend on the seed.
    pub fn is_random(&self) -> bool {
        let given = |a: &Argument| matches!(a.draw, Draw::Given(_));
        !self.arguments.iter().all(given)
    }

    /// Returns the elements of all arguments, rounded to their element types.
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
