//! Shapley values: how much each group of features contributes to one output of a model.

use std::ops::Range;

use crate::data::shuffle;
use crate::random::Stream;
use crate::{Error, Result};

/// The most groups with exact values, from all their subsets.
const MAX_EXACT: usize = 10;

/// The number of random orders of the groups, for more groups. Each is used forward and backward.
const ORDERS: usize = 16;

/// The most rows that the model computes at once.
const MAX_ROWS: usize = 1 << 16;

/// The Shapley values of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Shapley {
    /// The mean output over the background rows.
    pub base: f64,
    /// The output for the row: `base` plus all values.
    pub output: f64,
    /// The value of each group.
    pub values: Vec<f64>,
    /// Whether the values are exact, rather than estimated from random orders.
    pub exact: bool,
}

/// Returns the Shapley values of groups of features for one row (Shapley, 1953; Lundberg and Lee,
/// 2017). The output without a group is the mean over `background` rows that replace its features.
/// `model` returns one output for each of several rows.
///
/// The values are exact for up to 10 groups, as those of `shap.explainers.Exact`. For more groups
/// they are means over 32 orders of the groups, which still add up to the output.
///
/// # Errors
///
/// Returns an error if there are no groups or no background rows, and the errors of `model`.
///
/// # Example
/// ```
/// use wgrad::explain::shapley_values;
///
/// let product = |rows: &[f32]| Ok(rows.chunks(2).map(|r| f64::from(r[0] * r[1])).collect());
/// let values = shapley_values(&[0..1, 1..2], &[2.0, 3.0], &[0.0, 0.0], 0, product)?;
/// assert_eq!((values.base, values.output), (0.0, 6.0));
/// assert_eq!(values.values, [3.0, 3.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub fn shapley_values(
    groups: &[Range<usize>],
    row: &[f32],
    background: &[f32],
    seed: u64,
    mut model: impl FnMut(&[f32]) -> Result<Vec<f64>>,
) -> Result<Shapley> {
    let inside = |group: &Range<usize>| group.start <= group.end && group.end <= row.len();
    if groups.is_empty() || !groups.iter().all(inside) {
        let expected = format!("at least one range inside of {} features", row.len());
        return Err(Error::argument("groups", groups.len(), expected));
    }
    if background.is_empty() || !background.len().is_multiple_of(row.len()) {
        let expected = format!("rows of {} features, and at least one", row.len());
        return Err(Error::argument("background", background.len(), expected));
    }
    let mut game = Game {
        groups,
        row,
        background,
        model: &mut model,
    };
    match groups.len() <= MAX_EXACT {
        true => exact(&mut game),
        false => sampled(&mut game, seed),
    }
}

/// The coalitional game: the model's mean output with the features of some groups.
struct Game<'a> {
    groups: &'a [Range<usize>],
    row: &'a [f32],
    background: &'a [f32],
    model: &'a mut dyn FnMut(&[f32]) -> Result<Vec<f64>>,
}

impl Game<'_> {
    /// Returns the value of each coalition; a coalition says which groups are that of the row.
    fn values(&mut self, coalitions: &[Vec<bool>]) -> Result<Vec<f64>> {
        let rows = self.background.len() / self.row.len();
        let mut values = Vec::with_capacity(coalitions.len());
        for some in coalitions.chunks((MAX_ROWS / rows).max(1)) {
            let mut batch = Vec::with_capacity(some.len() * self.background.len());
            for coalition in some {
                let start = batch.len();
                batch.extend_from_slice(self.background);
                let block = batch.get_mut(start..).unwrap_or_default();
                for row in block.chunks_mut(self.row.len()) {
                    let members = self.groups.iter().zip(coalition).filter(|(_, is)| **is);
                    for (group, _) in members {
                        let pair = (row.get_mut(group.clone()), self.row.get(group.clone()));
                        if let (Some(to), Some(from)) = pair {
                            to.copy_from_slice(from);
                        }
                    }
                }
            }
            let outputs = (self.model)(&batch)?;
            if outputs.len() != some.len() * rows {
                let reason = format!("expected an output for each row, found {}", outputs.len());
                return Err(Error::model("the explained model", reason));
            }
            let means = outputs.chunks(rows);
            values.extend(means.map(|outputs| outputs.iter().sum::<f64>() / rows as f64));
        }
        Ok(values)
    }
}

fn exact(game: &mut Game) -> Result<Shapley> {
    let n = game.groups.len();
    let coalitions: Vec<Vec<bool>> = (0..1usize << n)
        .map(|bits| (0..n).map(|i| bits >> i & 1 == 1).collect())
        .collect();
    let values = game.values(&coalitions)?;
    let at = |bits: usize| values.get(bits).copied().unwrap_or(f64::NAN);
    let factorial = |k: usize| (1..=k).map(|i| i as f64).product::<f64>();
    let shapley = |i: usize| {
        let without = (0..1usize << n).filter(|bits| bits >> i & 1 == 0);
        let each = without.map(|bits| {
            let size = bits.count_ones() as usize;
            let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
            weight * (at(bits | 1 << i) - at(bits))
        });
        each.sum()
    };
    Ok(Shapley {
        base: at(0),
        output: at((1 << n) - 1),
        values: (0..n).map(shapley).collect(),
        exact: true,
    })
}

/// Means of the contributions in random orders, each forward and backward (Mitchell et al., 2022).
fn sampled(game: &mut Game, seed: u64) -> Result<Shapley> {
    let n = game.groups.len();
    let mut orders: Vec<Vec<u32>> = Vec::with_capacity(2 * ORDERS);
    for i in 0..ORDERS {
        let mut order: Vec<u32> = (0..n as u32).collect();
        shuffle(&mut order, Stream::new(seed).child(i as u64));
        orders.push(order.clone());
        order.reverse();
        orders.push(order);
    }
    let mut shapley = Shapley {
        base: 0.0,
        output: 0.0,
        values: vec![0.0; n],
        exact: false,
    };
    for order in &orders {
        let mut coalition = vec![false; n];
        let mut coalitions = vec![coalition.clone()];
        for group in order {
            if let Some(member) = coalition.get_mut(*group as usize) {
                *member = true;
            }
            coalitions.push(coalition.clone());
        }
        let values = game.values(&coalitions)?;
        for (group, pair) in order.iter().zip(values.windows(2)) {
            if let (Some(sum), [before, after]) = (shapley.values.get_mut(*group as usize), pair) {
                *sum += (after - before) / orders.len() as f64;
            }
        }
        shapley.base = values.first().copied().unwrap_or(f64::NAN);
        shapley.output = values.last().copied().unwrap_or(f64::NAN);
    }
    Ok(shapley)
}
