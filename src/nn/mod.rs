//! Layers, and the trait that every model implements.
//!
//! A module describes a computation: `forward` is called once, when the model is traced, not once a
//! batch. Parameter names follow PyTorch's `state_dict`: `"0.weight"`, `"encoder.norm.bias"`.

mod activation;
mod batch_norm;
mod conv;
mod conv_transpose;
mod dropout;
mod embedding;
mod flatten;
pub mod init;
mod linear;
mod max_pool;
mod norm;
mod pair;
mod parameter;
mod positions;
mod reshape;
mod rope;
mod sequential;

pub use activation::{
    Elu, Gelu, LeakyRelu, LogSoftmax, Relu, Sigmoid, Silu, Softmax, Softplus, Tanh,
};
pub use batch_norm::{BatchNorm1d, BatchNorm2d};
pub use conv::{Conv1d, Conv2d};
pub use conv_transpose::ConvTranspose2d;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use linear::Linear;
pub use max_pool::{MaxPool1d, MaxPool2d};
pub use norm::{GroupNorm, LayerNorm, RmsNorm};
pub use pair::Pair;
pub use parameter::{Parameter, Visitor, declare};
pub use positions::{LearnedPositions, SinusoidalPositions};
pub use reshape::Reshape;
pub use rope::Rope;
pub use sequential::Sequential;

use crate::{Source, Tensor};

/// A model, or a part of one.
///
/// ```
/// use wgrad::{Tensor, nn::{self, Module, Visitor}};
///
/// struct Block { up: nn::Linear, down: nn::Linear }
///
/// impl Module for Block {
///     fn forward(&self, x: &Tensor) -> Tensor {
///         x + self.down.forward(&self.up.forward(x).gelu())
///     }
///     fn visit(&self, v: &mut Visitor) {
///         v.child("up", &self.up);
///         v.child("down", &self.down);
///     }
/// }
/// ```
pub trait Module: Send {
    /// The output for an input whose first axis is the batch.
    fn forward(&self, x: &Tensor) -> Tensor;

    /// Names the parameters and modules inside. A module without any needs none; a parameter that
    /// `forward` uses but no `visit` names is an error when the model is compiled.
    fn visit(&self, visitor: &mut Visitor) {
        let _ = visitor;
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        (**self).forward(x)
    }

    fn visit(&self, visitor: &mut Visitor) {
        (**self).visit(visitor);
    }
}

/// Traces a layer: its nodes belong to the current scope, and the table of layers gets a line.
///
/// To blame for its mistakes is the line that calls the layer or, where that is a container's, the one
/// that put it there.
#[track_caller]
pub(crate) fn traced(x: &Tensor, kind: &str, layer: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
    let caller = Source::caller();
    let folder = file!().trim_end_matches("mod.rs");
    let source = match caller.file().starts_with(folder) {
        true => x.graph().layer_source(),
        false => Some(caller),
    };
    let y = x.in_scope(None, source, layer);
    if y.id().is_some() {
        let meta = y.meta();
        let mut graph = y.graph_mut();
        let scope = graph.scope_name();
        graph.layers.push(crate::graph::Layer {
            scope,
            kind: kind.to_string(),
            output: meta,
        });
    }
    y
}
