//! Evaluation of tensor expressions on a device, without a model and without training.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::autodiff;
use crate::exec::Program;
use crate::exec::interpreter::array_of;
use crate::graph::{Graph, Mode, Output};
use crate::ops::{self, Array};
use crate::plan::{Layout, plan};
use crate::{DType, Device, Error, Result, Shape, Source, Tensor};

/// Creates the input tensors of an expression, and gradients. [`eval`] passes it to the expression.
pub struct Trace {
    graph: Rc<RefCell<Graph>>,
    /// The words of each input, by index.
    given: RefCell<Vec<Vec<u32>>>,
}

impl Trace {
    /// Creates a tensor from values in row-major order. Their number must be the size of the shape.
    #[track_caller]
    pub fn tensor(&self, shape: impl Into<Shape>, values: impl Into<Vec<f32>>) -> Tensor {
        let words = values.into().into_iter().map(f32::to_bits).collect();
        self.input(shape.into(), DType::F32, words, Source::caller())
    }

    /// Creates a tensor of indices or labels from values in row-major order. Their number must be
    /// the size of the shape.
    #[track_caller]
    pub fn indices(&self, shape: impl Into<Shape>, values: impl Into<Vec<u32>>) -> Tensor {
        self.input(shape.into(), DType::U32, values.into(), Source::caller())
    }

    /// Returns the gradients of a scalar with respect to each of `wrt`, with the same shapes. They
    /// are zeros where the scalar does not depend on a tensor. For a tensor `y` of another shape,
    /// pass its sum, or the sum of `y` times a cotangent.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let gradients = wgrad::eval(&Device::cpu(), |g| {
    ///     let (x, w) = (g.tensor([2], [1.0, 2.0]), g.tensor([2], [3.0, 4.0]));
    ///     g.gradients(&(&x * &w).sum(&[]), &[&x, &w])
    /// })?;
    /// assert_eq!(gradients[0].data, [3.0, 4.0]);
    /// assert_eq!(gradients[1].data, [1.0, 2.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn gradients(&self, y: &Tensor, wrt: &[&Tensor]) -> Vec<Tensor> {
        let tensors: Vec<Tensor> = wrt.iter().map(|x| (*x).clone()).collect();
        match autodiff::gradients(y, &tensors) {
            Ok(found) => {
                let found = found.into_iter().zip(&tensors);
                found
                    .map(|(dx, x)| dx.unwrap_or_else(|| x.zeros_like()))
                    .collect()
            }
            Err(error) => {
                self.graph.borrow_mut().record(error);
                let broken = || Tensor::broken(Rc::clone(&self.graph));
                tensors.iter().map(|_| broken()).collect()
            }
        }
    }

    fn input(&self, shape: Shape, dtype: DType, words: Vec<u32>, at: Source) -> Tensor {
        if words.len() != shape.len() {
            let given = words.len();
            let expected = format!("{}, the size of its shape {shape}", shape.len());
            let what = format!("the number of values of the tensor created at {at}");
            self.graph
                .borrow_mut()
                .record(Error::argument(what, given, expected));
            return Tensor::broken(Rc::clone(&self.graph));
        }
        let mut given = self.given.borrow_mut();
        let name = format!("{INPUT}{}", given.len());
        given.push(words);
        ops::input(&self.graph, &name, shape, dtype)
    }
}

/// The prefix of the names of inputs, before the input's index.
const INPUT: &str = "input.";

/// The possible results of an expression: a tensor, a vector of them, or pairs and triples of
/// these.
pub trait Outputs {
    /// The results as arrays.
    type Values;

    /// Appends all tensors.
    fn tensors(&self, to: &mut Vec<Tensor>);

    /// Builds the results from the arrays of all tensors, in order.
    fn values(&self, from: &mut dyn Iterator<Item = Array>) -> Option<Self::Values>;
}

impl Outputs for Tensor {
    type Values = Array;

    fn tensors(&self, to: &mut Vec<Tensor>) {
        to.push(self.clone());
    }
    fn values(&self, from: &mut dyn Iterator<Item = Array>) -> Option<Array> {
        from.next()
    }
}

impl<T: Outputs> Outputs for Vec<T> {
    type Values = Vec<T::Values>;

    fn tensors(&self, to: &mut Vec<Tensor>) {
        self.iter().for_each(|t| t.tensors(to));
    }
    fn values(&self, from: &mut dyn Iterator<Item = Array>) -> Option<Self::Values> {
        self.iter().map(|t| t.values(from)).collect()
    }
}

impl<A: Outputs, B: Outputs> Outputs for (A, B) {
    type Values = (A::Values, B::Values);

    fn tensors(&self, to: &mut Vec<Tensor>) {
        self.0.tensors(to);
        self.1.tensors(to);
    }
    fn values(&self, from: &mut dyn Iterator<Item = Array>) -> Option<Self::Values> {
        Some((self.0.values(from)?, self.1.values(from)?))
    }
}

impl<A: Outputs, B: Outputs, C: Outputs> Outputs for (A, B, C) {
    type Values = (A::Values, B::Values, C::Values);

    fn tensors(&self, to: &mut Vec<Tensor>) {
        self.0.tensors(to);
        self.1.tensors(to);
        self.2.tensors(to);
    }
    fn values(&self, from: &mut dyn Iterator<Item = Array>) -> Option<Self::Values> {
        Some((
            self.0.values(from)?,
            self.1.values(from)?,
            self.2.values(from)?,
        ))
    }
}

/// Evaluates an expression of tensors on a device, and returns its values. Indices, labels and
/// booleans (0 and 1) are returned as numbers.
///
/// An invalid expression, for example of shapes that do not match, is an error with its line.
/// Layers with parameters need a [`Trainer`](crate::Trainer).
///
/// Each call plans and compiles the expression again, so `eval` is meant for exploration and tests,
/// and not for loops.
///
/// # Example
/// ```
/// use wgrad::Device;
///
/// # fn main() -> wgrad::Result<()> {
/// // The softmax of two rows, and the gradient of the sum of its squares.
/// let (y, dx) = wgrad::eval(&Device::cpu(), |g| {
///     let x = g.tensor([2, 2], [0.0, 0.0, 1.0, 1.0]);
///     let y = x.softmax(-1);
///     let dx = g.gradients(&y.square().sum(&[]), &[&x]);
///     (y, dx)
/// })?;
/// assert_eq!(y.data, [0.5; 4]);
/// assert_eq!(dx[0].data, [0.0; 4]);
/// # Ok(())
/// # }
/// ```
pub fn eval<T: Outputs>(
    device: &Device,
    expression: impl FnOnce(&Trace) -> T,
) -> Result<T::Values> {
    let trace = Trace {
        graph: Rc::new(RefCell::new(Graph::new(Mode::Eval))),
        given: RefCell::new(Vec::new()),
    };
    let given = expression(&trace);
    let mut tensors = Vec::new();
    given.tensors(&mut tensors);
    for (i, tensor) in tensors.iter().enumerate() {
        trace.graph.borrow_mut().take_error()?;
        if !Rc::ptr_eq(&tensor.shared_graph(), &trace.graph) {
            // An error made without any tensor has a graph of its own.
            tensor.graph_mut().take_error()?;
            let reason = format!("result {i} belongs to another expression");
            return Err(Error::model("eval", reason));
        }
        // The host reads whole words.
        let tensor = tensor.cast(tensor.dtype().computed());
        let node = tensor.id();
        trace.graph.borrow_mut().take_error()?;
        let node =
            node.ok_or_else(|| Error::internal("eval", "a broken result without an error"))?;
        let name = output(i);
        trace.graph.borrow_mut().outputs.push(Output { name, node });
    }
    let graph = trace.graph.replace(Graph::new(Mode::Eval));
    let arrays = run(device, &graph, &trace.given.borrow())?;
    let values = given.values(&mut arrays.into_iter());
    values.ok_or_else(|| Error::internal("eval", "fewer results than tensors"))
}

fn output(i: usize) -> String {
    format!("output.{i}")
}

/// Returns the values of a graph's outputs, in order.
fn run(device: &Device, graph: &Graph, given: &[Vec<u32>]) -> Result<Vec<Array>> {
    let limits = device.kernel_limits();
    let layout = Layout::new(&graph.variables);
    let plan = plan(graph, &layout, &limits)?;
    plan.check(&layout, &limits, &device.name())?;
    let plan = Arc::new(plan);
    let mut executor = device.executor(Program {
        layout: Arc::new(layout),
        plans: vec![Arc::clone(&plan)],
    })?;
    let key = [0, 0];
    let mut inputs: Vec<&[u32]> = Vec::with_capacity(plan.inputs.len());
    for port in &plan.inputs {
        let number = port
            .name
            .strip_prefix(INPUT)
            .and_then(|n| n.parse::<usize>().ok());
        let words = number.and_then(|n| given.get(n)).map(Vec::as_slice);
        let key = (port.name == ops::KEY).then_some(&key[..]);
        let missing = || Error::internal("eval", format!("no value for {}", port.name));
        inputs.push(words.or(key).ok_or_else(missing)?);
    }
    executor.run(0, &inputs)?;
    let results = executor.results(true)?;
    let mut words = results.first().map_or(&[][..], |r| r.words.as_slice());
    let mut found = Vec::with_capacity(graph.outputs.len());
    for port in &plan.results {
        let split = words.split_at_checked(port.meta.shape.len());
        let (own, rest) = split.ok_or_else(|| Error::internal("eval", "too few words"))?;
        words = rest;
        found.push((port.name.clone(), array_of(&port.meta, own)));
    }
    for port in &plan.outputs {
        let words = executor.read_output(0, port)?;
        found.push((port.name.clone(), array_of(&port.meta, &words)));
    }
    let of = |i: usize| {
        let name = output(i);
        let at = found.iter().find(|(n, _)| *n == name);
        at.map(|(_, array)| array.clone())
            .ok_or_else(|| Error::internal("eval", format!("{name} was not handed back")))
    };
    (0..graph.outputs.len()).map(of).collect()
}
