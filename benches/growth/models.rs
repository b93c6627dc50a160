//! Models of any size.

use wgrad::Tensor;
use wgrad::nn::{Linear, Module, Relu, Sequential, Visitor};

/// The number of features between layers: few, so that the time of the arithmetic is negligible.
pub const WIDTH: usize = 8;

/// A kind of model.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// A chain of linear layers with a ReLU after each.
    Chain,
    /// A chain of elementwise functions after one linear layer.
    Elementwise,
    /// Parallel linear layers with a ReLU after each, and the sum of their outputs.
    Wide,
}

impl Kind {
    /// All kinds with their names.
    pub const ALL: [(&'static str, Kind); 3] = [
        ("chain", Kind::Chain),
        ("elementwise", Kind::Elementwise),
        ("wide", Kind::Wide),
    ];

    /// Builds a model of `pieces` pieces.
    pub fn model(self, pieces: usize) -> Box<dyn Module> {
        let linear = || Linear::new(WIDTH, WIDTH);
        match self {
            Kind::Chain => {
                let add = |model: Sequential, _| model.add(linear()).add(Relu);
                Box::new((0..pieces).fold(Sequential::new(), add))
            }
            Kind::Elementwise => Box::new(Sequential::new().add(linear()).add(Functions(pieces))),
            Kind::Wide => Box::new(Wide((0..pieces).map(|_| linear()).collect())),
        }
    }
}

/// Repeats `y = tanh(sin(x) + x)`.
struct Functions(usize);

impl Module for Functions {
    fn forward(&self, x: &Tensor) -> Tensor {
        (0..self.0).fold(x.clone(), |x, _| (x.sin() + &x).tanh())
    }

    fn visit(&self, _: &mut Visitor) {}
}

/// Sums the outputs of the layers.
struct Wide(Vec<Linear>);

impl Module for Wide {
    fn forward(&self, x: &Tensor) -> Tensor {
        let mut outputs = self.0.iter().map(|layer| layer.forward(x).relu());
        let first = outputs.next().unwrap_or_else(|| x.clone());
        outputs.fold(first, |sum, y| sum + y)
    }

    fn visit(&self, visitor: &mut Visitor) {
        for (i, layer) in self.0.iter().enumerate() {
            visitor.child(&i.to_string(), layer);
        }
    }
}
