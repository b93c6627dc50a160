//! What the layers for images and sequences share: channels, also where samples have none.

use wgrad::Tensor;
use wgrad::nn::{Module, Visitor};

/// Splits a sample's shape into its channels and as many axes as `N`; an axis fewer is one channel.
///
/// `what` is what the layer takes, for the message: `images, [channels, height, width]`.
pub fn channels<const N: usize>(shape: &[usize], what: &str) -> Result<usize, String> {
    match shape.len() {
        n if n == N => Ok(1),
        n if n == N + 1 => Ok(shape.first().copied().unwrap_or(1)),
        _ => Err(format!("it takes {what}, also without the channels")),
    }
}

/// The words for [`channels`].
pub const IMAGES: &str = "images, [channels, height, width]";
/// The words for [`channels`].
pub const SEQUENCES: &str = "sequences, [channels, length]";

/// The layer, for samples of this shape with `N` axes besides the channels: where they have no channels,
/// they get one in front.
pub fn on<const N: usize>(shape: &[usize], layer: impl Module + 'static) -> Box<dyn Module> {
    match shape.len() == N {
        true => Box::new(OneChannel(layer)),
        false => Box::new(layer),
    }
}

/// A layer for samples that have no axis for channels. It has the layer's name.
struct OneChannel<M>(M);

impl<M: Module> Module for OneChannel<M> {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.0.forward(&x.unsqueeze(1))
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.0.visit(visitor);
    }
}
