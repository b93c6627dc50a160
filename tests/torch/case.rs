//! A case: what is compared with a fixture, and how closely.

use std::cell::RefCell;
use std::rc::Rc;

use wgrad::Tensor;
use wgrad::graph::{Graph, Mode};
use wgrad::nn::{self, Module};

type Trace = Box<dyn Fn(&Rc<RefCell<Graph>>, &[Tensor]) -> Vec<Tensor> + Send + Sync>;

/// Something that gives tensors for tensors, and has the name of what a fixture holds of PyTorch's.
pub struct Case {
    pub name: &'static str,
    /// The fixture it is compared with, by its name.
    pub fixture: &'static str,
    pub mode: Mode,
    /// How far a device in f32 may be off, relative to the largest magnitude of what is compared.
    pub tolerance: f64,
    /// Gradients that are 0 because what they add up cancels, by name.
    pub cancelling: &'static [&'static str],
    /// Declares the parameters, and gives the outputs for the inputs.
    pub trace: Trace,
}

/// A layer, on one input.
pub fn layer<M: Module>(name: &'static str, make: impl Fn() -> M + Send + Sync + 'static) -> Case {
    module(name, make, |layer, x| vec![layer.forward(&x[0])])
}

/// A module that takes or gives more than one tensor.
pub fn module<M: Module>(
    name: &'static str,
    make: impl Fn() -> M + Send + Sync + 'static,
    call: impl Fn(&M, &[Tensor]) -> Vec<Tensor> + Send + Sync + 'static,
) -> Case {
    Case {
        name,
        fixture: name,
        mode: Mode::Train,
        tolerance: 1e-5,
        cancelling: &[],
        trace: Box::new(move |graph, x| {
            let module = make();
            nn::declare(graph, &module);
            call(&module, x)
        }),
    }
}

/// A function of tensors, without parameters.
pub fn function(
    name: &'static str,
    call: impl Fn(&[Tensor]) -> Vec<Tensor> + Send + Sync + 'static,
) -> Case {
    module(name, nn::Sequential::new, move |_, x| call(x))
}

#[allow(dead_code)]
impl Case {
    /// Compared with a fixture of another name: one that another case is compared with, too.
    pub fn same_as(mut self, fixture: &'static str) -> Self {
        self.fixture = fixture;
        self
    }

    /// Traced for evaluation instead of training.
    pub fn eval(mut self) -> Self {
        self.mode = Mode::Eval;
        self
    }

    /// These gradients are 0 because what they add up cancels: they may be off as far as the largest
    /// gradient of the case.
    pub fn cancelling(mut self, gradients: &'static [&'static str]) -> Self {
        self.cancelling = gradients;
        self
    }

    /// Another tolerance for devices in f32 than 1e-5.
    pub fn within(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }
}
