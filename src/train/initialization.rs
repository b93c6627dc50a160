//! Initialization: draws the initial values of variables, each from its own random stream.

use crate::graph::{Init, Variable};
use crate::random::Stream;
use crate::{Error, Result, Shape};

/// Returns the words of a variable's initial values.
pub(super) fn values(v: &Variable, random: &mut Stream) -> Result<Vec<u32>> {
    check(v)?;
    let n = v.shape().len();
    let values: Vec<f32> = match &v.init {
        Init::Constant(c) => vec![*c; n],
        Init::Uniform { bound } => (0..n)
            .map(|_| bound * (2.0 * random.uniform() - 1.0))
            .collect(),
        Init::Between { low, high } => (0..n)
            .map(|_| low + (high - low) * random.uniform())
            .collect(),
        Init::Normal { std } => (0..n).map(|_| std * random.normal()).collect(),
        Init::NormalAroundZeros { std, from, to } => (0..n)
            .map(|i| {
                let value = std * random.normal();
                if (*from..*to).contains(&i) {
                    0.0
                } else {
                    value
                }
            })
            .collect(),
        &Init::TruncatedNormal {
            mean,
            std,
            low,
            high,
        } => {
            if !(std > 0.0 && low < high && (low - high).is_finite()) {
                let reason = format!(
                    "cannot be drawn from a normal distribution of deviation {std} between {low} and {high}"
                );
                return Err(Error::model(&v.name, reason));
            }
            let (from, to) = (f64::from(low - mean), f64::from(high - mean));
            let std = f64::from(std);
            let draw = |_| mean + (std * truncated(from / std, to / std, random)) as f32;
            let values = (0..n).map(draw);
            values.map(|x| x.clamp(low, high)).collect()
        }
        Init::Orthogonal { gain } => {
            if v.shape().rank() < 2 {
                let reason = format!(
                    "expected at least 2 axes for an orthogonal weight, found {}",
                    v.shape()
                );
                return Err(Error::model(&v.name, reason));
            }
            orthogonal(v.shape(), *gain, random)
        }
        Init::Identity => {
            if v.shape().rank() < 2 {
                let reason = format!(
                    "expected at least 2 axes for an identity weight, found {}",
                    v.shape()
                );
                return Err(Error::model(&v.name, reason));
            }
            identity(v.shape())
        }
        Init::Values(values) if values.len() == n => values.to_vec(),
        Init::Values(values) => {
            let reason = format!(
                "has {} initial values for shape {}",
                values.len(),
                v.shape()
            );
            return Err(Error::model(&v.name, reason));
        }
        Init::Unset => return Err(Error::model(&v.name, "has no initial values")),
    };
    Ok(values.into_iter().map(f32::to_bits).collect())
}

/// Checks the settings of an initialization; values listed by the user are not checked.
fn check(v: &Variable) -> Result<()> {
    let numbers: &[(&str, f32)] = match v.init {
        Init::Constant(value) => &[("constant", value)],
        Init::Uniform { bound } => &[("bound", bound)],
        Init::Normal { std } | Init::NormalAroundZeros { std, .. } => {
            &[("standard deviation", std)]
        }
        Init::Between { low, high } => &[("least value", low), ("largest value", high)],
        Init::TruncatedNormal { mean, std, .. } => &[("mean", mean), ("standard deviation", std)],
        Init::Orthogonal { gain } => &[("gain", gain)],
        Init::Identity | Init::Values(_) | Init::Unset => &[],
    };
    let spread = |what: &str| ["bound", "standard deviation"].contains(&what);
    let wrong = |(what, value): &&(&str, f32)| !value.is_finite() || (spread(what) && *value < 0.0);
    match numbers.iter().find(wrong) {
        Some((what, value)) => {
            let expected = if spread(what) {
                "a number of at least 0"
            } else {
                "a finite number"
            };
            let what = format!("the {what} of the initial values of {}", v.name);
            Err(Error::argument(what, value, expected))
        }
        None => Ok(()),
    }
}

/// Draws a standard normal number between two bounds: a uniform candidate is accepted with the
/// probability of its density relative to the largest. This terminates quickly even far from 0.
fn truncated(from: f64, to: f64, random: &mut Stream) -> f64 {
    let nearest = 0f64.clamp(from, to);
    // If the bounds cut off little, rejecting normal numbers is faster.
    if from < -1.0 && to > 1.0 {
        loop {
            let x = f64::from(random.normal());
            if (from..=to).contains(&x) {
                return x;
            }
        }
    }
    // Beyond this the density is less than a billionth of the largest.
    let far = |bound: f64| bound.clamp(nearest - 7.0, nearest + 7.0);
    let (from, to) = (far(from), far(to));
    loop {
        let x = from + (to - from) * f64::from(random.uniform());
        let density = ((nearest * nearest - x * x) / 2.0).exp();
        if f64::from(random.uniform()) < density {
            return x;
        }
    }
}

/// Applies the Gram-Schmidt process to normal vectors, twice for each, in f64. The result is
/// uniform over all orthogonal matrices (Saxe, McClelland and Ganguli, 2014; Mezzadri, 2007).
fn orthogonal(shape: &Shape, gain: f32, random: &mut Stream) -> Vec<f32> {
    let rows = shape.first().copied().unwrap_or(0);
    let columns = shape.len() / rows.max(1);
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    while vectors.len() < count {
        let mut x: Vec<f64> = (0..length).map(|_| f64::from(random.normal())).collect();
        let before = dot(&x, &x).sqrt();
        for _ in 0..2 {
            for q in &vectors {
                let along = dot(&x, q);
                x.iter_mut().zip(q).for_each(|(x, q)| *x -= along * q);
            }
        }
        let norm = dot(&x, &x).sqrt();
        // A vector that is linearly dependent on the others is drawn again.
        if norm > 1e-6 * before {
            vectors.push(x.iter().map(|x| x / norm).collect());
        }
    }
    let gain = f64::from(gain);
    let element = |row: usize, column: usize| {
        let (vector, at) = if rows <= columns {
            (row, column)
        } else {
            (column, row)
        };
        let vector = vectors.get(vector).and_then(|v| v.get(at));
        vector.map_or(0.0, |x| (gain * x) as f32)
    };
    let all = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    all.map(|(row, column)| element(row, column)).collect()
}

fn identity(shape: &Shape) -> Vec<f32> {
    let mut values = vec![0.0; shape.len()];
    let &[rows, columns, ref kernel @ ..] = shape.dims() else {
        return values;
    };
    let size: usize = kernel.iter().product();
    let middle = kernel.iter().fold(0, |at, n| at * n + n / 2);
    for i in 0..rows.min(columns) {
        if let Some(value) = values.get_mut((i * columns + i) * size + middle) {
            *value = 1.0;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Meta, Role};
    use crate::nn::init;
    use crate::{DType, Source};

    fn drawn(shape: &[usize], init: Init) -> Vec<f64> {
        let variable = Variable {
            name: "weight".to_string(),
            meta: Meta::new(Shape::from(shape), DType::F32),
            role: Role::Parameter,
            init,
            source: Source::caller(),
        };
        let words = || values(&variable, &mut Stream::new(3)).unwrap();
        assert_eq!(words(), words());
        words()
            .into_iter()
            .map(|w| f64::from(f32::from_bits(w)))
            .collect()
    }

    /// Mean, standard deviation, minimum, maximum.
    fn moments(x: &[f64]) -> [f64; 4] {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        let least = x.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        [mean, variance.sqrt(), least, largest]
    }

    #[track_caller]
    fn near(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance, "{got}, not {want}");
    }

    const SHAPE: [usize; 2] = [200, 250];

    #[test]
    fn distributions_have_their_moments_and_bounds() {
        // 50,000 numbers: a mean is off by 0.005 deviations, five of these are allowed.
        for (init, mean, std, bounds) in [
            (init::zeros(), 0.0, 0.0, (0.0, 0.0)),
            (init::ones(), 1.0, 0.0, (1.0, 1.0)),
            (init::constant(0.25), 0.25, 0.0, (0.25, 0.25)),
            (
                init::uniform(-1.0, 3.0),
                1.0,
                4.0 / 12f64.sqrt(),
                (-1.0, 3.0),
            ),
            (init::normal(0.5, 2.0), 0.5, 2.0, (-12.0, 13.0)),
            // Within two deviations of the mean: 0.8796 of the deviation is left.
            (
                init::truncated_normal(1.0, 0.5, 0.0, 2.0),
                1.0,
                0.5 * 0.879_626,
                (0.0, 2.0),
            ),
            // Half of one: mean sqrt(2 / pi), deviation sqrt(1 - 2 / pi).
            (
                init::truncated_normal(0.0, 1.0, 0.0, 50.0),
                0.797_885,
                0.602_810,
                (0.0, 8.0),
            ),
            // The far tail: the mean is 5.18650, the deviation 0.17884.
            (
                init::truncated_normal(0.0, 1.0, 5.0, 50.0),
                5.186_504,
                0.178_84,
                (5.0, 13.0),
            ),
            (
                init::xavier_uniform(200, 250, 1.0),
                0.0,
                (2.0f64 / 450.0).sqrt(),
                (-0.1155, 0.1155),
            ),
            (
                init::xavier_normal(200, 250, 2.0),
                0.0,
                2.0 * (2.0f64 / 450.0).sqrt(),
                (-1.0, 1.0),
            ),
            (
                init::kaiming_uniform(250, 1.5),
                0.0,
                1.5 / 250f64.sqrt(),
                (-0.1644, 0.1644),
            ),
            (
                init::kaiming_normal(250, 1.0),
                0.0,
                1.0 / 250f64.sqrt(),
                (-0.5, 0.5),
            ),
            (
                init::lecun_uniform(250),
                0.0,
                1.0 / 250f64.sqrt(),
                (-0.1096, 0.1096),
            ),
            (
                init::lecun_normal(250),
                0.0,
                1.0 / 250f64.sqrt(),
                (-0.144, 0.144),
            ),
        ] {
            let text = format!("{init:?}");
            let [got, deviation, least, largest] = moments(&drawn(&SHAPE, init));
            let allowed = 5.0 * std / 50_000f64.sqrt();
            assert!(
                (got - mean).abs() <= allowed,
                "{text}: mean {got}, not {mean}"
            );
            assert!(
                (deviation - std).abs() <= 1.5 * allowed,
                "{text}: deviation {deviation}, not {std}"
            );
            assert!(
                least >= bounds.0 && largest <= bounds.1,
                "{text}: {least} to {largest}"
            );
        }
    }

    #[test]
    fn the_shorter_sides_vectors_are_orthogonal() {
        for (shape, gain) in [
            (&[7, 7][..], 1.0f32),
            (&[3, 9], 2.0),
            (&[65, 4], 0.5),
            (&[4, 3, 3, 3], 1.0),
            (&[1, 1], 1.0),
            (&[2, 0], 1.0),
        ] {
            let q = drawn(shape, init::orthogonal(gain));
            let rows = shape[0];
            let columns = q.len() / rows;
            let wide = rows <= columns;
            let count = rows.min(columns);
            let at = |i: usize, k: usize| {
                if wide {
                    q[i * columns + k]
                } else {
                    q[k * columns + i]
                }
            };
            for i in 0..count {
                for j in 0..count {
                    let dot: f64 = (0..rows.max(columns)).map(|k| at(i, k) * at(j, k)).sum();
                    let want = if i == j { f64::from(gain * gain) } else { 0.0 };
                    near(dot, want, 1e-6 * f64::from(gain * gain).max(1.0));
                }
            }
        }
    }

    #[test]
    fn the_identity_keeps_what_it_is_given() {
        assert_eq!(
            drawn(&[2, 3], init::identity()),
            [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        );
        let kernels = drawn(&[2, 2, 3], init::identity());
        assert_eq!(kernels, [0., 1., 0., 0., 0., 0., 0., 0., 0., 0., 1., 0.]);
        assert_eq!(drawn(&[1, 1, 3, 3], init::identity())[4], 1.0);
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        let error = |shape: &[usize], init: Init| {
            let variable = Variable {
                name: "w".to_string(),
                meta: Meta::new(Shape::from(shape), DType::F32),
                role: Role::Parameter,
                init,
                source: Source::caller(),
            };
            values(&variable, &mut Stream::new(0))
                .unwrap_err()
                .to_string()
        };
        let text = error(&[3], init::orthogonal(1.0));
        assert!(text.contains("2 axes for an orthogonal weight"), "{text}");
        let text = error(&[], init::identity());
        assert!(text.contains("2 axes for an identity weight"), "{text}");
        let text = error(&[3], init::truncated_normal(0.0, 1.0, 2.0, 1.0));
        assert!(text.contains("between 2 and 1"), "{text}");
    }

    #[test]
    fn gains_and_fans_are_pytorchs() {
        use init::Gain;
        for (gain, want) in [
            (Gain::Linear, 1.0),
            (Gain::Sigmoid, 1.0),
            (Gain::Tanh, 5.0 / 3.0),
            (Gain::Relu, 2f64.sqrt()),
            (Gain::LeakyRelu(0.2), (2.0f64 / 1.04).sqrt()),
            (Gain::Selu, 0.75),
        ] {
            near(f64::from(gain.value()), want, 1e-7);
        }
        assert_eq!(init::fans(&[5, 7]), (7, 5));
        assert_eq!(init::fans(&[8, 4, 3, 2]), (24, 48));
        assert_eq!(init::fans(&[9]), (9, 9));
    }
}
