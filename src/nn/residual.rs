//! Containers for what does not run one after the other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Source, Tensor};

use super::{LayerSpec, Module, Settings, Unfit, Visitor, container_name, spec};
use crate::schema::Path;

/// `x + f(x)`, or `g(x) + f(x)` with a shortcut `g` (He, Zhang, Ren and Sun, 2016). Its parameters have the names
/// that they have in `f`; those of the shortcut have `shortcut.` before theirs.
pub struct Residual<M> {
    inner: M,
    shortcut: Option<Box<dyn Module>>,
}

impl<M: Module> Residual<M> {
    /// Around a module whose output has its input's shape.
    pub fn new(inner: M) -> Self {
        Residual {
            inner,
            shortcut: None,
        }
    }

    /// The same with a module in place of `x`, for an output of another shape than the input's.
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

/// How a [`Parallel`] joins what its branches give.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Join {
    Sum,
    Concat(isize),
}

/// Modules that all get the same input, named by their numbers from 0; their outputs are joined.
pub struct Parallel {
    branches: Vec<(Box<dyn Module>, Source)>,
    join: Join,
    source: Source,
}

impl Parallel {
    /// Outputs are added up.
    #[track_caller]
    pub fn sum() -> Self {
        Parallel::joined(Join::Sum, Source::caller())
    }

    /// Outputs are put one after the other along `axis` (negative counts from the back).
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
            let reason = "there is no branch".to_string();
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
    /// Layers for the input, where the output has another shape.
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
