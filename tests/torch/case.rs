//! A case: what is compared with a fixture, and with which tolerance.

use std::cell::RefCell;
use std::rc::Rc;

use wgrad::Tensor;
use wgrad::graph::{Graph, Mode};
use wgrad::nn::{self, Module};

type Trace = Box<dyn Fn(&Rc<RefCell<Graph>>, &[Tensor]) -> Vec<Tensor> + Send + Sync>;

/// A function from tensors to tensors, with the name of PyTorch's results in a fixture.
pub struct Case {
    pub name: &'static str,
    /// The fixture it is compared with, by its name.
    pub fixture: &'static str,
    pub mode: Mode,
    /// The tolerance of a device in f32, relative to the largest magnitude of the compared tensor.
    pub tolerance: f64,
    /// The names of gradients that are 0 because their terms cancel.
    pub cancelling: &'static [&'static str],
    /// Declares the parameters, and returns the outputs for the inputs.
    pub trace: Trace,
}

/// A layer with one input.
pub fn layer<M: Module>(name: &'static str, make: impl Fn() -> M + Send + Sync + 'static) -> Case {
    module(name, make, |layer, x| vec![layer.forward(&x[0])])
}

/// A module with several inputs or outputs.
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
    /// Compares with a fixture of another name, which several cases share.
    pub fn same_as(mut self, fixture: &'static str) -> Self {
        self.fixture = fixture;
        self
    }

    /// Traces for evaluation instead of training.
    pub fn eval(mut self) -> Self {
        self.mode = Mode::Eval;
        self
    }

    /// Marks gradients that are 0 because their terms cancel. Their tolerance is relative to the
    /// largest gradient of the case.
    pub fn cancelling(mut self, gradients: &'static [&'static str]) -> Self {
        self.cancelling = gradients;
        self
    }

    /// Sets another tolerance for devices in f32 than 1e-5.
    pub fn within(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }
}
