//! Layers, and the [`Module`] trait that every model implements.
//!
//! A module describes a computation. `forward` is called once, when the model is traced, and not
//! once for each batch. Parameter names follow PyTorch's `state_dict`: `"0.weight"`,
//! `"encoder.norm.bias"`.

mod activation;
mod attention;
mod augment;
mod avg_pool;
mod batch_norm;
mod bert;
mod cache;
mod cells;
mod checkpointed;
mod columns;
mod conv;
mod conv_transpose;
mod dropout;
mod embedding;
mod extent;
mod flatten;
mod gpt;
pub mod init;
mod initialized;
mod language;
mod linear;
mod llama;
mod lora;
mod max_pool;
mod norm;
mod pair;
mod parallel;
mod parameter;
mod pool;
mod positions;
mod prelu;
mod recurrent;
mod reshape;
mod residual;
mod rope;
mod sentence;
mod sequential;
mod spec;
mod transformer;
mod upsample;

pub use activation::{
    Celu, CeluSpec, Elu, EluSpec, Gelu, GeluTanh, HardSigmoid, HardSwish, LeakyRelu, LeakyReluSpec,
    LogSigmoid, LogSoftmax, Mish, Relu, Relu6, Selu, Sigmoid, Silu, Softmax, Softplus, Softsign,
    Tanh,
};
pub use attention::{MultiHeadAttention, MultiHeadAttentionSpec};
pub use augment::{
    RandomCrop, RandomCropSpec, RandomFlip, RandomFlipSpec, RandomShift, RandomShiftSpec,
};
pub use avg_pool::{
    AdaptiveAvgPool2d, AdaptiveAvgPool2dSpec, AvgPool1d, AvgPool1dSpec, AvgPool2d, AvgPool2dSpec,
};
pub use batch_norm::{BatchNorm1d, BatchNorm2d, BatchNormSpec};
pub use bert::{Bert, BertConfig};
pub use cache::{Cached, KvCaches};
pub use cells::{GruCell, LstmCell};
pub use checkpointed::{Checkpointed, CheckpointedSpec, checkpointed};
pub use columns::ColumnEmbeddings;
pub use conv::{Conv1d, Conv1dSpec, Conv2d, Conv2dSpec};
pub use conv_transpose::{ConvTranspose2d, ConvTranspose2dSpec};
pub use dropout::{Dropout, DropoutSpec};
pub use embedding::{Embedding, EmbeddingSpec};
pub use flatten::{Flatten, FlattenSpec};
pub use gpt::{Gpt, GptConfig};
pub use init::InitSpec;
pub use initialized::Initialized;
pub use language::LanguageModel;
pub use linear::{Linear, LinearSpec};
pub use llama::{Llama, LlamaConfig, LlamaSpec};
pub use lora::Lora;
pub use max_pool::{MaxPool1d, MaxPool1dSpec, MaxPool2d, MaxPool2dSpec};
pub use norm::{GroupNorm, GroupNormSpec, LayerNorm, LayerNormSpec, RmsNorm, RmsNormSpec};
pub use pair::Pair;
pub use parallel::{Join, ParallelSpec};
pub use parameter::{Parameter, Visitor, declare};
pub use positions::{
    LearnedPositions, LearnedPositionsSpec, SinusoidalPositions, SinusoidalPositionsSpec,
};
pub use prelu::{Prelu, PreluSpec};
pub use recurrent::{Gru, GruSpec, Lstm, LstmSpec, Rnn, RnnSpec, Start, Steps};
pub use reshape::{Reshape, ReshapeSpec};
pub use residual::{Parallel, Residual, ResidualSpec};
pub use rope::{Rope, RopeSpec};
pub use sentence::SentenceEncoder;
pub use sequential::{Sequential, SequentialSpec};
pub use transformer::{
    Activation, SwiGlu, Transformer, TransformerConfig, TransformerDecoder,
    TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer,
    TransformerEncoderLayerSpec, TransformerOptions,
};
pub use upsample::{Upsample, UpsampleMode, UpsampleSpec};

use spec::{Settings, Unfit};
pub(crate) use spec::{check_all, sequence};

use crate::schema::{Kind, kinds};
use crate::{Source, Tensor};

kinds! {
    /// A layer in a configuration: its kind and its settings. Sizes that follow from the layer's
    /// input, such as the number of input channels, are set when the layer is built.
    ///
    /// # Example
    /// ```
    /// use wgrad::nn::LayerSpec;
    ///
    /// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "conv2d", "out": 8, "kernel": 3 }"#)?;
    /// let (_layer, output) = spec.build(&[1, 28, 28])?;
    /// assert_eq!(output, [8, 26, 26]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub enum LayerSpec by "type" as dyn Settings, Kind::of("layer", "layer \"{}\"");
    "linear" => Linear(LinearSpec),
    "conv2d" => Conv2d(Conv2dSpec),
    "conv1d" => Conv1d(Conv1dSpec),
    "conv_transpose2d" => ConvTranspose2d(ConvTranspose2dSpec),
    "max_pool2d" => MaxPool2d(MaxPool2dSpec),
    "max_pool1d" => MaxPool1d(MaxPool1dSpec),
    "avg_pool2d" => AvgPool2d(AvgPool2dSpec),
    "avg_pool1d" => AvgPool1d(AvgPool1dSpec),
    "adaptive_avg_pool2d" => AdaptiveAvgPool2d(AdaptiveAvgPool2dSpec),
    "upsample" => Upsample(UpsampleSpec),
    "batch_norm" => BatchNorm(BatchNormSpec),
    "layer_norm" => LayerNorm(LayerNormSpec),
    "rms_norm" => RmsNorm(RmsNormSpec),
    "group_norm" => GroupNorm(GroupNormSpec),
    "rnn" => Rnn(RnnSpec),
    "lstm" => Lstm(LstmSpec),
    "gru" => Gru(GruSpec),
    "relu" => Relu(Relu),
    "leaky_relu" => LeakyRelu(LeakyReluSpec),
    "elu" => Elu(EluSpec),
    "gelu" => Gelu(Gelu),
    "gelu_tanh" => GeluTanh(GeluTanh),
    "silu" => Silu(Silu),
    "sigmoid" => Sigmoid(Sigmoid),
    "tanh" => Tanh(Tanh),
    "softplus" => Softplus(Softplus),
    "relu6" => Relu6(Relu6),
    "prelu" => Prelu(PreluSpec),
    "selu" => Selu(Selu),
    "celu" => Celu(CeluSpec),
    "softsign" => Softsign(Softsign),
    "log_sigmoid" => LogSigmoid(LogSigmoid),
    "softmax" => Softmax(Softmax),
    "log_softmax" => LogSoftmax(LogSoftmax),
    "hard_sigmoid" => HardSigmoid(HardSigmoid),
    "hard_swish" => HardSwish(HardSwish),
    "mish" => Mish(Mish),
    "dropout" => Dropout(DropoutSpec),
    "flatten" => Flatten(FlattenSpec),
    "reshape" => Reshape(ReshapeSpec),
    "sequential" => Sequential(SequentialSpec),
    "residual" => Residual(ResidualSpec),
    "parallel" => Parallel(ParallelSpec),
    "checkpointed" => Checkpointed(CheckpointedSpec),
    "embedding" => Embedding(EmbeddingSpec),
    "learned_positions" => LearnedPositions(LearnedPositionsSpec),
    "sinusoidal_positions" => SinusoidalPositions(SinusoidalPositionsSpec),
    "multi_head_attention" => MultiHeadAttention(MultiHeadAttentionSpec),
    "transformer_encoder_layer" => TransformerEncoderLayer(TransformerEncoderLayerSpec),
    "random_flip" => RandomFlip(RandomFlipSpec),
    "random_shift" => RandomShift(RandomShiftSpec),
    "random_crop" => RandomCrop(RandomCropSpec),
}

/// A model, or a part of one.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
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
///
/// let block = Block { up: nn::Linear::new(4, 16), down: nn::Linear::new(16, 4) };
/// let trainer = Trainer::new(block).loss(loss::Mse).compile_for(&Device::cpu(), [4])?;
/// let names: Vec<&str> = trainer.parameters().collect();
/// assert_eq!(names, ["up.weight", "up.bias", "down.weight", "down.bias"]);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub trait Module: Send {
    /// Returns the output for an input whose first axis is the batch.
    fn forward(&self, x: &Tensor) -> Tensor;

    /// Visits the parameters and modules inside. A module without parameters needs no `visit`. A
    /// parameter that `forward` uses but `visit` does not name is an error when the model is
    /// compiled.
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

/// Traces a layer: assigns its nodes to the current scope, and adds a row to the table of layers.
///
/// Errors are attributed to the line that calls the layer, or for a layer in a container, to the
/// line that added it to the container.
#[track_caller]
pub(crate) fn traced(x: &Tensor, kind: &str, layer: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
    let caller = Source::caller();
    // This file, or one in the folder `nn`.
    let rest = caller.file().strip_prefix(file!().trim_end_matches(".rs"));
    let is_layer = rest.is_some_and(|rest| rest == ".rs" || rest.starts_with(['/', '\\']));
    let source = match is_layer {
        true => x.graph().layer_source(),
        false => Some(caller),
    };
    let y = x.in_scope(None, source, layer);
    record_layer(&y, kind);
    y
}

/// Adds a layer to the summary, with its output.
fn record_layer(y: &Tensor, kind: &str) {
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
}

/// Returns the name of a container, derived from the full name of a parameter inside. A container
/// without parameters has the name of the layer that is being traced.
pub(crate) fn container_name(container: &dyn Module, x: &Tensor) -> String {
    let graph = x.graph();
    let mut found = None;
    let mut look = |inside: String, parameter: &Parameter| {
        let variable = graph.bound.get(&parameter.id());
        let variable = variable.and_then(|id| graph.variables.get(id.index()));
        // A parameter that is shared may be named by its other use.
        let outer = variable.and_then(|v| v.name.strip_suffix(&inside));
        if let (None, Some(outer)) = (&found, outer) {
            found = Some(outer.trim_end_matches('.').to_string());
        }
    };
    container.visit(&mut Visitor::new(&mut look));
    found.unwrap_or_else(|| graph.scope_name())
}
