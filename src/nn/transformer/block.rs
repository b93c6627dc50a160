//! What encoder and decoder blocks have in common.

use super::feed_forward::{Activation, FeedForward, SwiGlu};
use crate::nn::{Dropout, LayerNorm, Linear, Module, MultiHeadAttention, RmsNorm, Visitor};
use crate::{Source, Tensor};

/// The parts of a block, apart from the attention to another sequence.
pub(super) struct Block {
    features: usize,
    hidden: usize,
    pub self_attn: MultiHeadAttention,
    feed_forward: FeedForward,
    norms: Vec<Box<dyn Module>>,
    dropout: Dropout,
    pre_norm: bool,
    pub source: Source,
}

impl Block {
    /// Creates the parts of a block with so many norms.
    #[track_caller]
    pub fn new(features: usize, heads: usize, hidden: usize, norms: usize) -> Self {
        let norm = |_| -> Box<dyn Module> { Box::new(LayerNorm::new([features])) };
        Block {
            features,
            hidden,
            self_attn: MultiHeadAttention::new(features, heads),
            feed_forward: FeedForward::Two(
                Linear::new(features, hidden),
                Activation::default(),
                Linear::new(hidden, features),
            ),
            norms: (0..norms).map(norm).collect(),
            dropout: Dropout::new(0.0),
            pre_norm: false,
            source: Source::caller(),
        }
    }

    pub fn pre_norm(mut self) -> Self {
        self.pre_norm = true;
        self
    }

    pub fn activation(mut self, activation: Activation) -> Self {
        if let FeedForward::Two(_, old, _) = &mut self.feed_forward {
            *old = activation;
        }
        self
    }

    #[track_caller]
    pub fn swiglu(mut self) -> Self {
        self.feed_forward = FeedForward::Gated(SwiGlu::new(self.features, self.hidden));
        self
    }

    #[track_caller]
    pub fn rms_norm(mut self, eps: f64) -> Self {
        for norm in &mut self.norms {
            *norm = Box::new(RmsNorm::new([self.features]).eps(eps));
        }
        self
    }

    #[track_caller]
    pub fn dropout(mut self, p: f64) -> Self {
        self.dropout = Dropout::new(p);
        self
    }

    pub fn self_attention(mut self, attention: MultiHeadAttention) -> Self {
        self.self_attn = attention;
        self
    }

    /// Computes a part with its norm and its residual: `x + f(norm(x))` or `norm(x + f(x))`.
    pub fn part(&self, x: &Tensor, norm: usize, f: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
        let normed = |x: &Tensor| self.norms.get(norm).map_or(x.clone(), |n| n.forward(x));
        match self.pre_norm {
            true => x + self.dropout.forward(&f(&normed(x))),
            false => normed(&(x + self.dropout.forward(&f(x)))),
        }
    }

    /// Computes the feed-forward part.
    pub fn fed_forward(&self, x: &Tensor, norm: usize) -> Tensor {
        self.part(x, norm, |x| self.feed_forward.forward(x, &self.dropout))
    }

    /// Visits what comes after the attention.
    pub fn visit_rest(&self, visitor: &mut Visitor) {
        self.feed_forward.visit(visitor);
        for (i, norm) in self.norms.iter().enumerate() {
            visitor.child(&format!("norm{}", i + 1), norm.as_ref());
        }
    }
}

/// Implements the options of a layer with a field `block`.
macro_rules! block_options {
    ($layer:ident) => {
        impl $layer {
            /// Applies the norms before attention and feed-forward instead of after the residuals.
            /// PyTorch's `norm_first=True`.
            pub fn pre_norm(mut self) -> Self {
                self.block = self.block.pre_norm();
                self
            }

            /// Sets the activation. Default: ReLU.
            pub fn activation(mut self, activation: $crate::nn::Activation) -> Self {
                self.block = self.block.activation(activation);
                self
            }

            /// Uses a gated feed-forward part, a [`SwiGlu`](crate::nn::SwiGlu) named
            /// `feed_forward`.
            #[track_caller]
            pub fn swiglu(mut self) -> Self {
                self.block = self.block.swiglu();
                self
            }

            /// Uses RMS normalization instead of layer normalization.
            #[track_caller]
            pub fn rms_norm(mut self, eps: f64) -> Self {
                self.block = self.block.rms_norm(eps);
                self
            }

            /// Sets the probability of dropout after attention, activation and feed-forward.
            /// Default: 0.
            #[track_caller]
            pub fn dropout(mut self, p: f64) -> Self {
                self.block = self.block.dropout(p);
                self
            }

            /// Sets the attention within the sequence, `self_attn`.
            pub fn self_attention(mut self, attention: $crate::nn::MultiHeadAttention) -> Self {
                self.block = self.block.self_attention(attention);
                self
            }

            /// Restricts the attention within the sequence: a token attends to itself and to
            /// earlier tokens.
            pub fn causal(mut self) -> Self {
                self.block.self_attn = self.block.self_attn.causal();
                self
            }

            /// Rotates queries and keys of the attention within the sequence by their positions.
            pub fn rope(mut self, rope: $crate::nn::Rope) -> Self {
                self.block.self_attn = self.block.self_attn.rope(rope, 0);
                self
            }
        }
    };
}

pub(super) use block_options;
