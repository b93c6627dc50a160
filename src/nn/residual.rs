//! Containers of layers that are not a plain sequence: residual connections and parallel branches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Source, Tensor};

use super::{LayerSpec, Module, Settings, Unfit, Visitor, container_name, spec};
use crate::schema::Path;

/// A residual connection: `x + f(x)`, or `g(x) + f(x)` with a shortcut `g` (He, Zhang, Ren and Sun,
/// 2016).
///
/// The parameters of `f` keep their names. Those of the shortcut are prefixed with `shortcut.`.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let layer = nn::Residual::new(nn::Linear::new(2, 2).init(nn::init::identity()));
/// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [2])?;
/// let x = Dataset::from_arrays(vec![1.0, 3.0], [2], Targets::Unlabelled)?;
/// assert_eq!(trainer.predict(&x)?.values, [2.0, 6.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Residual<M> {
    inner: M,
    shortcut: Option<Box<dyn Module>>,
}

impl<M: Module> Residual<M> {
    /// Wraps a module whose output has the shape of its input.
    pub fn new(inner: M) -> Self {
        Residual {
            inner,
            shortcut: None,
        }
    }

    /// Sets a module that is applied to `x` before the addition. Needed where the output of `f` has
    /// another shape than its input.
    pub fn shortcut(self, shortcut: impl Module + 'static) -> Self {
        Residual {
            shortcut: Some(Box::new(shortcut)),
            ..self
        }
    }
}

impl<M: Module> Module for Residual<M> {
    fn forward(&self, x: &Tensor) -> Tensor {
        let y = self.inner.forward(x);
        match &self.shortcut {
            Some(shortcut) => shortcut.forward(x) + y,
            None => x + y,
        }
    }
    fn visit(&self, visitor: &mut Visitor) {
        self.inner.visit(visitor);
        if let Some(shortcut) = &self.shortcut {
            visitor.child("shortcut", shortcut.as_ref());
        }
    }
}

/// How a [`Parallel`] combines the outputs of its branches.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Join {
    Sum,
    Concat(isize),
}

/// Modules that are applied to the same input, and whose outputs are added or concatenated.
///
/// They are named by their indices from 0: `"1.weight"`.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Module, Parallel, Relu, Tanh}};
///
/// let layer = Parallel::concat(-1).add(Relu).add(Tanh);
/// let y = wgrad::eval(&Device::cpu(), |g| layer.forward(&g.tensor([1, 2], [0.0, 5.0])))?;
/// assert_eq!(y.shape, [1, 4].into());
/// assert_eq!(y.data[..3], [0.0, 5.0, 0.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Parallel {
    branches: Vec<(Box<dyn Module>, Source)>,
    join: Join,
    source: Source,
}

impl Parallel {
    /// Creates a container that adds the outputs.
    #[track_caller]
    pub fn sum() -> Self {
        Parallel::joined(Join::Sum, Source::caller())
    }

    /// Creates a container that concatenates the outputs along `axis`; a negative axis counts from
    /// the last.
    #[track_caller]
    pub fn concat(axis: isize) -> Self {
        Parallel::joined(Join::Concat(axis), Source::caller())
    }

    fn joined(join: Join, source: Source) -> Self {
        Parallel {
            branches: Vec::new(),
            join,
            source,
        }
    }

    /// Appends a branch.
    #[allow(clippy::should_implement_trait)]
    #[track_caller]
    pub fn add(mut self, branch: impl Module + 'static) -> Self {
        self.branches.push((Box::new(branch), Source::caller()));
        self
    }
}

impl Module for Parallel {
    fn forward(&self, x: &Tensor) -> Tensor {
        let outer = container_name(self, x);
        let branch = |(i, (branch, added)): (usize, &(Box<dyn Module>, Source))| {
            let name = match outer.is_empty() {
                true => i.to_string(),
                false => format!("{outer}.{i}"),
            };
            x.in_member(&name, *added, |x| branch.forward(x))
        };
        let all: Vec<Tensor> = self.branches.iter().enumerate().map(branch).collect();
        let Some((first, rest)) = all.split_first() else {
            let reason = "expected at least one branch, found none; add one with `add`".to_string();
            return x.record_error("parallel", reason, self.source);
        };
        x.in_scope(None, Some(self.source), |_| match self.join {
            Join::Sum => rest.iter().fold(first.clone(), |sum, y| sum + y),
            Join::Concat(axis) => Tensor::concat(&all.iter().collect::<Vec<_>>(), axis),
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        for (i, (branch, _)) in self.branches.iter().enumerate() {
            visitor.child(&i.to_string(), branch.as_ref());
        }
    }
}

/// Layers whose output is added to their input; see [`Residual`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResidualSpec {
    /// The layers, in order.
    #[schemars(length(min = 1), extend("x-expected" = "a list of at least one layer", "examples" = [["relu"]]))]
    pub layers: Vec<LayerSpec>,
    /// Layers that are applied to the input before the addition. Needed where the output has
    /// another shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-expected" = "a list of at least one layer"))]
    pub shortcut: Option<Vec<LayerSpec>>,
}

impl Settings for ResidualSpec {
    fn build(&self, sample: &[usize], at: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let (layers, output) = spec::sequence(&self.layers, sample, &at.key("layers"))?;
        let shortcut = match &self.shortcut {
            None => None,
            Some(given) => Some(spec::sequence(given, sample, &at.key("shortcut"))?),
        };
        let other = shortcut.as_ref().map_or(sample, |(_, shape)| shape);
        if output != other {
            let (what, help) = match shortcut {
                Some(_) => ("the shortcut gives", ""),
                None => (
                    "their input is",
                    "; a shortcut, such as [{ type = \"conv2d\", out = 32, kernel = 1, stride = 2 }], changes its shape",
                ),
            };
            return Err(format!(
                "the layers give {output:?}, but {what} {other:?}, so they cannot be added{help}"
            )
            .into());
        }
        let residual = Residual::new(layers);
        Ok(match shortcut {
            Some((shortcut, _)) => Box::new(residual.shortcut(shortcut)),
            None => Box::new(residual),
        })
    }

    fn inside(&self, key: &str) -> &[LayerSpec] {
        match key {
            "shortcut" => self.shortcut.as_deref().unwrap_or_default(),
            "layers" => &self.layers,
            _ => &[],
        }
    }
}
