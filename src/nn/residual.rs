//! Containers for what does not run one after the other.

use crate::{Source, Tensor};

use super::{Module, Visitor, container_name};

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
    pub fn with_shortcut(self, shortcut: impl Module + 'static) -> Self {
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
