//! The models that grow.

use wgrad::Tensor;
use wgrad::nn::{Linear, Module, Relu, Sequential, Visitor};

/// Features between layers: few, so that the work on the numbers themselves does not count.
pub const WIDTH: usize = 8;

/// A kind of model that can be made of any size.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Linear layers with a ReLU after each, one after the other.
    Chain,
    /// Functions of each element, one after the other, behind one linear layer.
    Elementwise,
    /// Linear layers with a ReLU after each, side by side, and the sum of what they give.
    Wide,
}

impl Kind {
    /// All of them, by name.
    pub const ALL: [(&'static str, Kind); 3] = [
        ("chain", Kind::Chain),
        ("elementwise", Kind::Elementwise),
        ("wide", Kind::Wide),
    ];

    /// A model of so many pieces.
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

/// `y = tanh(sin(x) + x)`, again and again.
struct Functions(usize);

impl Module for Functions {
    fn forward(&self, x: &Tensor) -> Tensor {
        (0..self.0).fold(x.clone(), |x, _| (x.sin() + &x).tanh())
    }

    fn visit(&self, _: &mut Visitor) {}
}

/// The sum of the layers' outputs.
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
