//! The network of a forecast.

use super::series::Series;
use crate::Tensor;
use crate::nn::{Module, Visitor};

/// A network that predicts the difference from a naive forecast, in scaled units.
pub(in crate::run) struct Forecaster {
    pub network: Box<dyn Module>,
    pub series: Series,
}

impl Module for Forecaster {
    fn forward(&self, x: &Tensor) -> Tensor {
        let targets = self.series.scales.len();
        let first = x.shape().last() - targets;
        let mut naive = Vec::new();
        for target in 0..targets {
            let values = x.narrow(-1, first + target, 1);
            let mut step = 0;
            while step < self.series.horizon {
                let row = self.series.naive_row(step);
                // The rows up to the window's end, then again from the season's start.
                let rows = (self.series.window - row).min(self.series.horizon - step);
                naive.push(values.narrow(1, row, rows).flatten(1));
                step += rows;
            }
        }
        let naive: Vec<&Tensor> = naive.iter().collect();
        let naive = Tensor::concat(&naive, -1);
        if !self.series.difference {
            return self.network.forward(x) + naive;
        }
        let values = x.narrow(-1, first, targets);
        let last = values.narrow(1, self.series.window - 1, 1);
        let values = values - last;
        let relative = match first {
            0 => values,
            _ => Tensor::concat(&[&x.narrow(-1, 0, first), &values], -1),
        };
        self.network.forward(&relative) + naive
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.network.visit(visitor);
    }
}
