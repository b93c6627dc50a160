//! Embeddings of some columns of a table.

use super::{Module, Parameter, Visitor};
use crate::graph::Init;
use crate::{DType, Tensor};

/// The standard deviation of the initial vectors.
const STD: f32 = 0.01;

/// A column of indices, and the table of vectors for them.
struct Column {
    at: usize,
    width: usize,
    weight: Parameter,
}

/// Replaces features that are indices by vectors of a table for each column, as embeddings of the
/// categories of a table. The other features come first, in their order, and then the vectors.
///
/// Input `[.., features]`, output `[.., features - columns + the widths of all vectors]`. The
/// parameters are `0.weight`, `1.weight` and so on, `[indices, width]`.
///
/// # Example
/// ```
/// use wgrad::nn::ColumnEmbeddings;
/// use wgrad::prelude::*;
///
/// // The second of three features is an index below 100.
/// let embed = ColumnEmbeddings::new().column(1, 100, 8);
/// let set = Dataset::from_arrays(vec![0.5, 7.0, 1.5], [3], Targets::classes(vec![0], 2))?;
/// let net = nn::Sequential::new().add(embed).add(nn::Linear::new(10, 2));
/// let mut trainer = Trainer::new(net).compile(&Device::cpu(), &set)?;
/// assert_eq!(trainer.predict(&set)?.shape, [1, 2].into());
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Default)]
pub struct ColumnEmbeddings {
    columns: Vec<Column>,
}

impl ColumnEmbeddings {
    /// Creates the layer without columns, which returns its input.
    pub fn new() -> Self {
        ColumnEmbeddings::default()
    }

    /// Embeds the feature at position `at`, an index below `indices`, in `width` features. Columns
    /// are given in the order of their positions.
    pub fn column(self, at: usize, indices: usize, width: usize) -> Self {
        self.with(
            at,
            width,
            Parameter::new([indices, width], Init::Normal { std: STD }),
        )
    }

    /// Embeds a column like [`column`](ColumnEmbeddings::column), of a category whose last two
    /// indices stand for missing and for new names. Their vectors are 0 until they are trained, so
    /// a name that never occurred in training has no effect.
    pub fn category(self, at: usize, indices: usize, width: usize) -> Self {
        let init = Init::NormalAroundZeros {
            std: STD,
            from: indices.saturating_sub(2).saturating_mul(width),
            to: indices.saturating_mul(width),
        };
        self.with(at, width, Parameter::new([indices, width], init))
    }

    fn with(mut self, at: usize, width: usize, weight: Parameter) -> Self {
        self.columns.push(Column { at, width, weight });
        self
    }

    /// Returns the number of features of the output, for an input of this many.
    pub fn output_width(&self, features: usize) -> usize {
        let vectors: usize = self.columns.iter().map(|c| c.width).sum();
        features.saturating_sub(self.columns.len()) + vectors
    }

    /// Returns the usual width of the vectors of this many names: `1.6 n^0.56`, and at most 600,
    /// the rule of fastai (`emb_sz_rule`).
    pub fn usual_width(names: usize) -> usize {
        let width = (1.6 * (names as f64).powf(0.56)).round() as usize;
        width.clamp(1, 600)
    }
}

impl Module for ColumnEmbeddings {
    fn forward(&self, x: &Tensor) -> Tensor {
        let features = x.shape().last();
        let outer: Vec<usize> = x
            .shape()
            .dims()
            .iter()
            .rev()
            .skip(1)
            .rev()
            .copied()
            .collect();
        let (mut parts, mut start) = (Vec::new(), 0);
        for column in &self.columns {
            if column.at > start {
                parts.push(x.narrow(-1, start, column.at - start));
            }
            start = column.at + 1;
        }
        if start < features {
            parts.push(x.narrow(-1, start, features - start));
        }
        for column in &self.columns {
            let indices = x.narrow(-1, column.at, 1).reshape(outer.as_slice());
            let weight = column.weight.tensor(x);
            parts.push(weight.gather(&indices.cast(DType::U32)));
        }
        match parts.as_slice() {
            [one] => one.clone(),
            parts => Tensor::concat(&parts.iter().collect::<Vec<_>>(), -1),
        }
    }

    fn visit(&self, visitor: &mut Visitor) {
        for (i, column) in self.columns.iter().enumerate() {
            visitor.parameter(&format!("{i}.weight"), &column.weight);
        }
    }
}
