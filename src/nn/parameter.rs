//! Parameters: what a module owns and an optimizer trains.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::graph::{Assign, Graph, Init, Meta, Role, Variable, VariableId};
use crate::{DType, Shape, Source, Tensor};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A tensor that belongs to a module: a weight or a bias, or (when it is not trained) a buffer.
///
/// It holds no values. Those live on the device that trains the model, under the name that
/// [`Module::visit`](super::Module::visit) gives.
#[derive(Debug)]
pub struct Parameter {
    id: u64,
    shape: Shape,
    init: Init,
    role: Role,
    source: Source,
}

impl Parameter {
    /// A trained `f32` parameter of this shape.
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

    /// The same, but not trained.
    pub fn frozen(self) -> Self {
        Parameter {
            role: Role::Buffer,
            ..self
        }
    }

    /// A table of given numbers, in row-major order: not trained, and not part of any file, for it
    /// follows from the model.
    #[track_caller]
    pub fn table(shape: impl Into<Shape>, values: Vec<f32>) -> Self {
        Parameter {
            role: Role::Table,
            ..Parameter::new(shape, Init::Values(std::sync::Arc::new(values)))
        }
    }

    /// Its shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Whether an optimizer trains it.
    pub fn is_trained(&self) -> bool {
        self.role == Role::Parameter
    }

    /// The same parameter with the first values that a rule gives it; see
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

    /// The values that it was made with, where it was given them.
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

    /// The variable that stands for it in a graph, under its full name.
    pub(crate) fn variable(&self, name: String, role: Role) -> Variable {
        Variable {
            name,
            meta: self.meta(),
            role,
            init: self.init.clone(),
            source: self.source,
        }
    }

    /// Its value, as a tensor of the graph that `x` belongs to. After [`Parameter::assign`] the new one.
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

    /// `x W^T` for a weight `W [outputs, inputs]` and `x [.., inputs]`. Where the weight has an adapter, `x`
    /// goes through that on its own, and no sum of weights is made.
    #[track_caller]
    pub fn project(&self, x: &Tensor) -> Tensor {
        let (Some((a, b, scale)), Some(id)) = (self.adapter(x), self.bound(x)) else {
            return x.matmul_t(&self.tensor(x));
        };
        let weight = crate::ops::variable(&x.shared_graph(), id);
        x.matmul_t(&weight) + x.matmul_t(&a).matmul_t(&b) * scale
    }

    /// The adapter's matrices and its scale, where there is one.
    fn adapter(&self, x: &Tensor) -> Option<(Tensor, Tensor, f64)> {
        let id = self.bound(x)?;
        let adapter = x.graph().adapters.get(&id).copied()?;
        let tensor = |id| crate::ops::variable(&x.shared_graph(), id);
        Some((tensor(adapter.a), tensor(adapter.b), adapter.scale))
    }

    /// In a graph for training, makes `value` the parameter's value from now on: for the rest of this step
    /// and for the steps, evaluations and checkpoints to come. In one for evaluation, does nothing.
    ///
    /// It must be a buffer, that is [`frozen`](Parameter::frozen): what is trained belongs to the optimizer.
    /// `value` has its shape, and no gradient flows through later steps.
    #[track_caller]
    pub fn assign(&self, value: &Tensor) {
        if value.is_training() {
            self.store(value);
        }
    }

    /// Like [`Parameter::assign`], in any graph.
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
            wrong("a trained parameter is changed by the optimizer only".to_string());
        } else if value.meta() != self.meta() {
            let (Meta { shape, dtype }, want) = (value.meta(), &self.shape);
            wrong(format!(
                "the parameter is f32{want}, the value {dtype}{shape}"
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
        let reason = format!("a parameter of shape {shape} is not named by its module's `visit`");
        x.record_error("parameter", reason, self.source)
    }

    /// The name under which the graph of `x` knows it, without its last part: the layer's name.
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

/// Declares a module's parameters as variables of a graph, in the order of its `visit`, so that its
/// `forward` can be traced there. A [`Trainer`](crate::Trainer) does it for its model; this is for those who
/// works with a [`Graph`] directly.
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

/// The first values of a weight of this shape.
pub(super) type Rule = dyn Fn(&[usize]) -> Init + Send;

/// Walks over a model's parameters and their names.
pub struct Visitor<'a> {
    path: Vec<String>,
    visit: &'a mut dyn FnMut(String, &Parameter),
    /// The initialization of weights, where it is not their own.
    rule: Option<&'a Rule>,
}

impl<'a> Visitor<'a> {
    /// Calls `visit` with the full name of each parameter, in the order the modules give them.
    pub fn new(visit: &'a mut dyn FnMut(String, &Parameter)) -> Self {
        Visitor {
            path: Vec::new(),
            visit,
            rule: None,
        }
    }

    /// A parameter of this module.
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

    /// The parameters of `module`, which is this one, with the first values of a rule.
    pub(super) fn begun(&mut self, module: &dyn super::Module, rule: &Rule) {
        let mut inside = Visitor {
            path: self.path.clone(),
            visit: &mut *self.visit,
            rule: Some(rule),
        };
        module.visit(&mut inside);
    }

    /// A module inside this one.
    pub fn child(&mut self, name: &str, module: &dyn super::Module) {
        self.path.push(name.to_string());
        module.visit(self);
        self.path.pop();
    }
}
