//! Multi-head attention.

mod cached;
mod spec;

pub use spec::MultiHeadAttentionSpec;

use crate::graph::Init;
use crate::ops::AttentionOptions;
use crate::{Source, Tensor};

use super::{Linear, Module, Parameter, Rope, Visitor, init, traced};

/// A multi-head attention layer (Vaswani et al., 2017).
///
/// Input and output are `[batch, time, features]`. Called as a module the layer attends within its
/// input; see [`attend`](MultiHeadAttention::attend) for attention to another sequence.
///
/// The parameters are PyTorch's, and initialized as there: `in_proj_weight` and `in_proj_bias` hold
/// those of queries, keys and values, one below the other, and `out_proj` is a [`Linear`].
///
/// There is no dropout of the weights, because they are never stored.
///
/// # Example
///
/// ```
/// use wgrad::{Device, Trainer, loss, nn};
///
/// # fn main() -> wgrad::Result<()> {
/// // 4 heads of queries share 2 heads of keys and values, with rotary positions.
/// let attention = nn::MultiHeadAttention::new(32, 4).kv_heads(2).causal();
/// let attention = attention.rope(nn::Rope::new(8, 10), 0);
/// let trainer = Trainer::new(attention).loss(loss::Mse).compile_for(&Device::cpu(), [10, 32])?;
/// assert_eq!(trainer.summary().output.shape.dims()[1..], [10, 32]);
/// # Ok(())
/// # }
/// ```
pub struct MultiHeadAttention {
    features: usize,
    heads: usize,
    kv_heads: usize,
    in_proj_weight: Parameter,
    in_proj_bias: Option<Parameter>,
    out_proj: Linear,
    causal: bool,
    rope: Option<(Rope, usize)>,
    source: Source,
}

impl MultiHeadAttention {
    /// Creates a layer with `heads` heads, which must divide `features`. It has biases and no mask.
    #[track_caller]
    pub fn new(features: usize, heads: usize) -> Self {
        let start = init::torch_linear(features);
        MultiHeadAttention {
            features,
            heads,
            kv_heads: heads,
            in_proj_weight: projection(features, 3 * features),
            in_proj_bias: Some(Parameter::new([3 * features], Init::Constant(0.0))),
            out_proj: Linear::new(features, features).init(start),
            causal: false,
            rope: None,
            source: Source::caller(),
        }
    }

    /// Sets the number of heads of keys and values, which must divide the heads. Each is shared by
    /// neighbouring heads of queries (Ainslie et al., 2023), and `in_proj_weight` has fewer rows.
    /// Default: the number of heads.
    #[track_caller]
    pub fn kv_heads(self, kv_heads: usize) -> Self {
        let width = self.features + 2 * kv_heads * (self.features / self.heads.max(1));
        let bias = self.in_proj_bias.is_some();
        MultiHeadAttention {
            kv_heads,
            in_proj_weight: projection(self.features, width),
            in_proj_bias: bias.then(|| Parameter::new([width], Init::Constant(0.0))),
            ..self
        }
    }

    /// Removes the biases.
    pub fn without_bias(self) -> Self {
        MultiHeadAttention {
            in_proj_bias: None,
            out_proj: self.out_proj.without_bias(),
            ..self
        }
    }

    /// Adds a causal mask: a query attends to the keys up to its own position.
    pub fn causal(self) -> Self {
        MultiHeadAttention {
            causal: true,
            ..self
        }
    }

    /// Rotates queries and keys by their positions. The first token is at position `offset`.
    pub fn rope(self, rope: Rope, offset: usize) -> Self {
        MultiHeadAttention {
            rope: Some((rope, offset)),
            ..self
        }
    }

    /// Returns the number of features of a head, or why the layer does not take `x`.
    fn check(&self, x: &Tensor) -> Result<usize, String> {
        let (n, heads, kv) = (self.features, self.heads, self.kv_heads);
        if heads == 0 || n % heads != 0 || n == 0 {
            return Err(format!("{n} features do not divide into {heads} heads"));
        }
        if kv == 0 || heads % kv != 0 {
            return Err(format!(
                "{heads} heads cannot share {kv} heads of keys and values evenly"
            ));
        }
        match *x.shape().dims() {
            [_, _, last] if last == n => Ok(n / heads),
            _ if x.id().is_none() => Ok(n / heads),
            _ => Err(format!("the layer takes [batch, time, {n}]")),
        }
    }

    fn kind(&self) -> String {
        format!("MultiHeadAttention({}, {})", self.features, self.heads)
    }

    /// The options, with this layer's causal mask unless they have one.
    fn options(&self, options: &AttentionOptions) -> AttentionOptions {
        let mut options = options.clone();
        options.causal = options.causal.or(self.causal.then_some(0));
        options
    }

    /// Rotates the first `heads` heads by their positions, if the layer has rotary positions.
    fn rotated(&self, x: Tensor, heads: usize) -> Tensor {
        match &self.rope {
            Some((rope, offset)) => rope.turn(&x, heads, *offset),
            None => x,
        }
    }

    /// Returns queries, keys and values side by side: `[batch, time, heads + 2 kv_heads, d]`.
    fn projected(&self, x: &Tensor, d: usize) -> Tensor {
        let qkv = self.in_proj_weight.project(x);
        let qkv = match &self.in_proj_bias {
            Some(bias) => &qkv + bias.tensor(&qkv),
            None => qkv,
        };
        qkv.reshape([x.dim(0), x.dim(1), self.heads + 2 * self.kv_heads, d])
    }

    /// Returns the output for `x [batch, time, features]` with options, such as a mask of padding.
    ///
    /// # Example
    ///
    /// ```
    /// use wgrad::nn::MultiHeadAttention;
    /// use wgrad::{Tensor, ops::AttentionOptions};
    ///
    /// /// Attention of one head with ALiBi's penalty on distances (Press et al., 2022).
    /// fn forward(attention: &MultiHeadAttention, x: &Tensor) -> Tensor {
    ///     let position = x.arange(0.0, x.dim(1) as f64, 1.0);
    ///     let distance = (position.unsqueeze(-1) - &position).abs();
    ///     let attn_mask = Some(distance * -0.5);
    ///     attention.forward_with(x, &AttentionOptions { attn_mask, ..AttentionOptions::causal() })
    /// }
    /// # let _ = forward;
    /// ```
    #[track_caller]
    pub fn forward_with(&self, x: &Tensor, options: &AttentionOptions) -> Tensor {
        let layer = self.in_proj_weight.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            let d = match self.check(x) {
                Ok(d) => d,
                Err(reason) => return x.record_error("attention", reason, self.source),
            };
            traced(x, &self.kind(), |x| {
                let qkv = self.rotated(self.projected(x, d), self.heads + self.kv_heads);
                let y = qkv.self_attention(self.heads, &self.options(options));
                self.out_proj.forward(&y.reshape(x.shape()))
            })
        })
    }

    /// Returns the output of `query [batch, t, features]` that attends to `key` and
    /// `value [batch, s, features]`.
    #[track_caller]
    pub fn attend(
        &self,
        query: &Tensor,
        (key, value): (&Tensor, &Tensor),
        options: &AttentionOptions,
    ) -> Tensor {
        let layer = self.in_proj_weight.layer(query);
        query.in_scope(layer, Some(self.source), |query| {
            let checked = [query, key, value].map(|x| self.check(x));
            let d = match checked.into_iter().collect::<Result<Vec<usize>, String>>() {
                Ok(d) => d.first().copied().unwrap_or(1),
                Err(reason) => return query.record_error("attention", reason, self.source),
            };
            traced(query, &self.kind(), |query| {
                // Copying slices of the weight costs less than slicing the projections.
                let (all, kv) = (self.features, self.kv_heads * d);
                let project = |x: &Tensor, heads: usize, start: usize, width: usize| {
                    let part = |p: &Parameter| p.tensor(x).narrow(0, start, width);
                    let y = x.matmul_t(&part(&self.in_proj_weight));
                    let y = match &self.in_proj_bias {
                        Some(bias) => &y + part(bias),
                        None => y,
                    };
                    y.reshape([x.dim(0), x.dim(1), heads, d])
                };
                let q = self.rotated(project(query, self.heads, 0, all), self.heads);
                let k = self.rotated(project(key, self.kv_heads, all, kv), self.kv_heads);
                let v = project(value, self.kv_heads, all + kv, kv);
                let y = q.attention(&k, &v, &self.options(options));
                self.out_proj.forward(&y.reshape(query.shape()))
            })
        })
    }
}

/// The weight of all projections, with Xavier's bounds for the whole matrix, as in PyTorch.
#[track_caller]
fn projection(features: usize, width: usize) -> Parameter {
    Parameter::new(
        [width, features],
        init::xavier_uniform(features, width, 1.0),
    )
}

impl Module for MultiHeadAttention {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.forward_with(x, &AttentionOptions::default())
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("in_proj_weight", &self.in_proj_weight);
        if let Some(bias) = &self.in_proj_bias {
            visitor.parameter("in_proj_bias", bias);
        }
        visitor.child("out_proj", &self.out_proj);
        if let Some((rope, _)) = &self.rope {
            visitor.child("rope", rope);
        }
    }
}
