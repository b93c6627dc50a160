//! Multi-head attention.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::ops::AttentionOptions;
use crate::{Source, Tensor};

use super::{
    InitSpec, Linear, Module, Parameter, Rope, Settings, Unfit, Visitor, init, spec::yes, traced,
};
use crate::schema::{Path, range};

mod cached;

/// Multi-head attention (Vaswani et al., 2017): takes and gives `[batch, time, features]`.
///
/// Parameters are PyTorch's: `in_proj_weight` and `in_proj_bias` of queries, keys and values, one below
/// the other, and `out_proj`; they start as PyTorch's do. Called as a module it attends within its
/// input; see [`MultiHeadAttention::attend`] for attention to something else.
///
/// Why weights drop out nowhere: they are never stored, so there is nothing to draw a mask for.
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
    /// `features` in `heads` heads, which must divide them.
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

    /// The same layer with `kv_heads` heads of keys and values, each shared by neighbouring heads of
    /// queries (Ainslie et al., 2023); they must divide the heads. `in_proj_weight` is lower then.
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

    /// The same layer without biases.
    pub fn without_bias(self) -> Self {
        MultiHeadAttention {
            in_proj_bias: None,
            out_proj: self.out_proj.without_bias(),
            ..self
        }
    }

    /// The same layer, where a query sees the keys up to its own position only.
    pub fn causal(self) -> Self {
        MultiHeadAttention {
            causal: true,
            ..self
        }
    }

    /// The same layer with queries and keys rotated by their positions, the first token at `offset`.
    pub fn rope(self, rope: Rope, offset: usize) -> Self {
        MultiHeadAttention {
            rope: Some((rope, offset)),
            ..self
        }
    }

    /// Features of a head, or what does not fit.
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

    /// With this layer's own causality, where the options say nothing.
    fn options(&self, options: &AttentionOptions) -> AttentionOptions {
        let mut options = options.clone();
        options.causal = options.causal.or(self.causal.then_some(0));
        options
    }

    /// The tensor rotated by its positions, if the layer does that.
    fn turned(&self, x: Tensor, heads: usize) -> Tensor {
        match &self.rope {
            Some((rope, offset)) => rope.turn(&x, heads, *offset),
            None => x,
        }
    }

    /// Queries, keys and values side by side: `[batch, time, heads + 2 kv_heads, d]`.
    fn projected(&self, x: &Tensor, d: usize) -> Tensor {
        let qkv = self.in_proj_weight.project(x);
        let qkv = match &self.in_proj_bias {
            Some(bias) => &qkv + bias.tensor(&qkv),
            None => qkv,
        };
        qkv.reshape([x.dim(0), x.dim(1), self.heads + 2 * self.kv_heads, d])
    }

    /// Attention within `x [batch, time, features]`, for example with a mask of padding.
    #[track_caller]
    pub fn forward_with(&self, x: &Tensor, options: &AttentionOptions) -> Tensor {
        let layer = self.in_proj_weight.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            let d = match self.check(x) {
                Ok(d) => d,
                Err(reason) => return x.record_error("attention", reason, self.source),
            };
            traced(x, &self.kind(), |x| {
                let qkv = self.turned(self.projected(x, d), self.heads + self.kv_heads);
                let y = qkv.self_attention(self.heads, &self.options(options));
                self.out_proj.forward(&y.reshape(x.shape()))
            })
        })
    }

    /// Attention of `query [batch, t, features]` to `key` and `value [batch, s, features]`.
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
                // Slices of the weight: copying those costs less than slicing what they give.
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
                let q = self.turned(project(query, self.heads, 0, all), self.heads);
                let k = self.turned(project(key, self.kv_heads, all, kv), self.kv_heads);
                let v = project(value, self.kv_heads, all + kv, kv);
                let y = q.attention(&k, &v, &self.options(options));
                self.out_proj.forward(&y.reshape(query.shape()))
            })
        })
    }
}

/// Xavier's bounds for the whole, as in PyTorch.
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

/// Attention within sequences `[time, features]`; see [`MultiHeadAttention`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiHeadAttentionSpec {
    /// The number of heads, which divides the features.
    #[schemars(with = "range::Count<1>", extend("examples" = [4]))]
    pub heads: usize,
    /// Whether a position sees only those up to itself.
    #[serde(default)]
    pub causal: bool,
    /// Whether there is a bias.
    #[serde(default = "yes")]
    pub bias: bool,
    /// The initialization of the weights; without it, PyTorch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl Settings for MultiHeadAttentionSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let [_, features] = *sample else {
            return Err("it takes sequences, [time, features]".to_string().into());
        };
        if self.heads == 0 || !features.is_multiple_of(self.heads) {
            let heads = self.heads;
            return Err(format!("{features} features do not fall into {heads} heads").into());
        }
        let mut attention = MultiHeadAttention::new(features, self.heads);
        if self.causal {
            attention = attention.causal();
        }
        if !self.bias {
            attention = attention.without_bias();
        }
        Ok(Box::new(attention))
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}
