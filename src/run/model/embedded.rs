//! Embeddings of the categories of a table, before the network.

use crate::Tensor;
use crate::nn::{ColumnEmbeddings, Module, Visitor};
use crate::run::preprocessing::Preprocessing;

/// Returns the embeddings of the categories that are stored as indices; `None` without any.
pub fn embeddings(preprocessing: &Preprocessing) -> Option<ColumnEmbeddings> {
    let preprocessor = preprocessing.table.as_ref()?.preprocessor.as_ref()?;
    let mut embeddings = None;
    for group in preprocessor.feature_groups() {
        if let Some(indices) = group.indices {
            let width = ColumnEmbeddings::usual_width(indices);
            let others = embeddings.unwrap_or_else(ColumnEmbeddings::new);
            embeddings = Some(others.category(group.range.start, indices, width));
        }
    }
    embeddings
}

/// A network whose input has embeddings in place of the indices of categories. The parameters of
/// the embeddings are `columns.0.weight` and so on, those of the network keep their names.
pub struct Embedded {
    pub embeddings: ColumnEmbeddings,
    pub network: Box<dyn Module>,
}

impl Module for Embedded {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.network.forward(&self.embeddings.forward(x))
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("columns", &self.embeddings);
        self.network.visit(visitor);
    }
}
