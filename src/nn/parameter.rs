//! Parameters: the tensors that a module owns and an optimizer trains.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::graph::{Assign, Graph, Init, Meta, Role, Variable, VariableId};
use crate::{DType, Shape, Source, Tensor};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A tensor that belongs to a module: a trained weight or bias, or a buffer that is not trained.
///
/// It holds no values. The values are stored by the trainer, under the name that
/// [`Module::visit`](super::Module::visit) gives.
///
/// # Example
/// ```
/// use wgrad::nn::{Parameter, init};
/// use wgrad::prelude::*;
///
/// /// Multiplies its input by a learned factor.
/// struct Scale(Parameter);
///
/// impl Module for Scale {
///     fn forward(&self, x: &Tensor) -> Tensor {
///         x * self.0.tensor(x)
///     }
///     fn visit(&self, v: &mut Visitor) {
///         v.parameter("factor", &self.0);
///     }
/// }
///
/// let model = Scale(Parameter::new([1], init::constant(3.0)));
/// let mut trainer = Trainer::new(model).loss(loss::Mse).compile_for(&Device::cpu(), [2])?;
/// let x = Dataset::from_arrays(vec![1.0, 2.0], [2], Targets::Unlabelled)?;
/// assert_eq!(trainer.predict(&x)?.values, [3.0, 6.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug)]
pub struct Parameter {
    id: u64,
    shape: Shape,
    init: Init,
    role: Role,
    source: Source,
}

impl Parameter {
    /// Creates a trained `f32` parameter of this shape.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>, init: Init) -> Self {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Parameter {
            id,
            shape: shape.into(),
            init,
            role: Role::Parameter,
            source: Source::caller(),
        }
    }

    /// Makes it a buffer: the optimizer does not train it.
    pub fn frozen(self) -> Self {
        Parameter {
            role: Role::Buffer,
            ..self
        }
    }

    /// Creates a table of constants, in row-major order. It is not trained, and files do not
    /// contain it, because it follows from the model.
    #[track_caller]
    pub fn table(shape: impl Into<Shape>, values: Vec<f32>) -> Self {
        Parameter {
            role: Role::Table,
            ..Parameter::new(shape, Init::Values(std::sync::Arc::new(values)))
        }
    }

    /// Returns its shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Returns whether the optimizer trains it.
    pub fn is_trained(&self) -> bool {
        self.role == Role::Parameter
    }

    /// Returns the same parameter with the initialization that a rule gives; see
    /// [`Initialized`](super::Initialized).
    fn begun(&self, name: &str, rule: &Rule) -> Parameter {
        let vector = self.shape.rank() < 2;
        let init = match self.role {
            Role::Parameter if !vector => rule(&self.shape),
            Role::Parameter if name.starts_with("bias") => Init::Constant(0.0),
            _ => self.init.clone(),
        };
        Parameter {
            id: self.id,
            shape: self.shape.clone(),
            init,
            role: self.role.clone(),
            source: self.source,
        }
    }

    /// Returns the constants of a table or of explicit initial values, if it has such.
    pub(crate) fn given(&self) -> Option<&[f32]> {
        match &self.init {
            Init::Values(values) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn role(&self) -> &Role {
        &self.role
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    fn meta(&self) -> Meta {
        Meta::new(self.shape.clone(), DType::F32)
    }

    /// Returns the graph variable of this parameter, under its full name.
    pub(crate) fn variable(&self, name: String, role: Role) -> Variable {
        Variable {
            name,
            meta: self.meta(),
            role,
            init: self.init.clone(),
            source: self.source,
        }
    }

    /// Returns its value as a tensor of the graph of `x`. After [`Parameter::assign`] it is the new
    /// value.
    #[track_caller]
    pub fn tensor(&self, x: &Tensor) -> Tensor {
        let shared = x.shared_graph();
        let Some(id) = self.bound(x) else {
            return self.unnamed(x);
        };
        let assigned = {
            let graph = shared.borrow();
            let mut assigns = graph.assigns.iter();
            assigns.find(|a| a.variable == id).map(|a| a.node)
        };
        if let Some(node) = assigned {
            return Tensor::new(shared, node);
        }
        let weight = crate::ops::variable(&shared, id);
        match self.adapter(x) {
            Some((a, b, scale)) => weight + b.matmul(&a) * scale,
            None => weight,
        }
    }

    /// Computes `x W^T` for a weight `W [outputs, inputs]` and `x [.., inputs]`. Where the weight
    /// has an adapter, `x` is multiplied by the adapter's matrices separately, and the sum of the
    /// weights is not computed.
    #[track_caller]
    pub fn project(&self, x: &Tensor) -> Tensor {
        let (Some((a, b, scale)), Some(id)) = (self.adapter(x), self.bound(x)) else {
            return x.matmul_t(&self.tensor(x));
        };
        let weight = crate::ops::variable(&x.shared_graph(), id);
        x.matmul_t(&weight) + x.matmul_t(&a).matmul_t(&b) * scale
    }

    /// Returns the adapter's matrices and its scale, if the weight has an adapter.
    fn adapter(&self, x: &Tensor) -> Option<(Tensor, Tensor, f64)> {
        let id = self.bound(x)?;
        let adapter = x.graph().adapters.get(&id).copied()?;
        let tensor = |id| crate::ops::variable(&x.shared_graph(), id);
        Some((tensor(adapter.a), tensor(adapter.b), adapter.scale))
    }

    /// Sets the parameter's value from now on: for the rest of this step, and for later steps,
    /// evaluations and checkpoints. Does nothing in a graph for evaluation.
    ///
    /// The parameter must be [`frozen`](Parameter::frozen), because the optimizer changes trained
    /// parameters. `value` must have its shape. No gradient flows through later steps.
    #[track_caller]
    pub fn assign(&self, value: &Tensor) {
        if value.is_training() {
            self.store(value);
        }
    }

    /// Sets the value like [`Parameter::assign`], but in any graph.
    #[track_caller]
    pub(crate) fn store(&self, value: &Tensor) {
        if value.id().is_none() {
            return;
        }
        let Some(variable) = self.bound(value) else {
            self.unnamed(value);
            return;
        };
        let caller = Source::caller();
        let wrong = |reason: String| value.record_error("assign", reason, caller);
        if self.is_trained() {
            wrong("expected a frozen parameter, found a trained one, which only the optimizer changes".to_string());
        } else if value.meta() != self.meta() {
            let (Meta { shape, dtype }, want) = (value.meta(), &self.shape);
            wrong(format!(
                "expected a value f32{want}, the type of the parameter, found {dtype}{shape}"
            ));
        } else if let Some(node) = value.id() {
            let mut graph = value.graph_mut();
            graph.assigns.retain(|a| a.variable != variable);
            graph.assigns.push(Assign { variable, node });
        }
    }

    fn bound(&self, x: &Tensor) -> Option<VariableId> {
        x.graph().bound.get(&self.id).copied()
    }

    fn unnamed(&self, x: &Tensor) -> Tensor {
        let shape = &self.shape;
        let reason = format!(
            "a parameter of shape {shape} is not named by its module's `visit`; \
             add it there with `Visitor::parameter`"
        );
        x.record_error("parameter", reason, self.source)
    }

    /// Returns the layer's name: the parameter's full name in the graph of `x` without its last
    /// part.
    pub(crate) fn layer(&self, x: &Tensor) -> Option<String> {
        let graph = x.graph();
        let id = graph.bound.get(&self.id)?;
        let name = &graph.variables.get(id.index())?.name;
        Some(
            name.rsplit_once('.')
                .map_or(String::new(), |(layer, _)| layer.to_string()),
        )
    }
}

/// Declares a module's parameters as variables of a graph, in the order of its `visit`. After that,
/// its `forward` can be traced in the graph. A [`Trainer`](crate::Trainer) calls it for its model;
/// call it only when you work with a [`Graph`] directly.
pub fn declare(graph: &Rc<RefCell<Graph>>, module: &dyn super::Module) {
    let mut graph = graph.borrow_mut();
    let mut take = |name: String, parameter: &Parameter| {
        if !graph.bound.contains_key(&parameter.id) {
            let id = VariableId::new(graph.variables.len());
            graph.bound.insert(parameter.id, id);
            let variable = parameter.variable(name, parameter.role.clone());
            graph.variables.push(variable);
        }
    };
    module.visit(&mut Visitor::new(&mut take));
}

/// A rule from a weight's shape to its initialization.
pub(super) type Rule = dyn Fn(&[usize]) -> Init + Send;

/// Visits a model's parameters with their names.
///
/// # Example
/// ```
/// use wgrad::nn::{self, Module, Visitor};
///
/// let model = nn::Sequential::new().add(nn::Relu).add(nn::Linear::new(3, 2));
/// let mut found = Vec::new();
/// let mut collect = |name, parameter: &nn::Parameter| {
///     found.push((name, parameter.shape().to_vec()));
/// };
/// model.visit(&mut Visitor::new(&mut collect));
/// assert_eq!(found, [("1.weight".to_string(), vec![2, 3]), ("1.bias".to_string(), vec![2])]);
/// ```
pub struct Visitor<'a> {
    path: Vec<String>,
    visit: &'a mut dyn FnMut(String, &Parameter),
    /// A rule that replaces the weights' own initialization.
    rule: Option<&'a Rule>,
}

impl<'a> Visitor<'a> {
    /// Creates a visitor that calls `visit` with the full name of each parameter, in the order of
    /// the modules.
    pub fn new(visit: &'a mut dyn FnMut(String, &Parameter)) -> Self {
        Visitor {
            path: Vec::new(),
            visit,
            rule: None,
        }
    }

    /// Visits a parameter of this module.
    pub fn parameter(&mut self, name: &str, parameter: &Parameter) {
        let mut full = self.path.join(".");
        if !full.is_empty() {
            full.push('.');
        }
        full.push_str(name);
        match self.rule {
            Some(rule) => (self.visit)(full, &parameter.begun(name, rule)),
            None => (self.visit)(full, parameter),
        }
    }

    /// Visits the parameters of `module`, which is this module, with the initialization of a rule.
    pub(super) fn begun(&mut self, module: &dyn super::Module, rule: &Rule) {
        let mut inside = Visitor {
            path: self.path.clone(),
            visit: &mut *self.visit,
            rule: Some(rule),
        };
        module.visit(&mut inside);
    }

    /// Visits a module inside this one.
    pub fn child(&mut self, name: &str, module: &dyn super::Module) {
        self.path.push(name.to_string());
        module.visit(self);
        self.path.pop();
    }
}
