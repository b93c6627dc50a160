//! Axes: round ticks, and the positions of values.

/// A range of values and its scale: linear or logarithmic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) log: bool,
    pub(super) ticks: Vec<f64>,
}

impl Axis {
    /// Fits an axis to the values. It is logarithmic if `may_log` is set and all values are
    /// positive and span more than 1.5 decades.
    pub(super) fn fit(
        values: impl Iterator<Item = f64>,
        may_log: bool,
        pieces: usize,
    ) -> Option<Axis> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in values.filter(|x| x.is_finite()) {
            low = low.min(x);
            high = high.max(x);
        }
        if low > high {
            return None;
        }
        if may_log && low > 0.0 && high / low > 30.0 {
            return Some(Axis::logarithmic(low, high));
        }
        if low >= 0.0 && low < 0.4 * high {
            low = 0.0;
        }
        if low == high {
            let around = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            low -= around;
            high += around;
        }
        let step = nice_step((high - low) / pieces as f64);
        low = (low / step).floor() * step;
        high = (high / step - 1e-9).ceil() * step;
        let n = ((high - low) / step).round() as usize;
        let ticks = (0..=n).map(|i| low + i as f64 * step).collect();
        Some(Axis {
            low,
            high,
            log: false,
            ticks,
        })
    }

    fn logarithmic(low: f64, high: f64) -> Axis {
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let every = (last - first).div_euclid(5).max(1);
        let within: &[f64] = if last - first <= 3 {
            &[1.0, 3.0]
        } else {
            &[1.0]
        };
        let mut ticks = Vec::new();
        for exponent in (first..=last).filter(|e| (e - first) % every == 0) {
            ticks.extend(within.iter().map(|m| m * 10f64.powi(exponent)));
        }
        // The range ends at ticks just outside the data, if there are any.
        let low = ticks.iter().copied().rfind(|t| *t <= low).unwrap_or(low);
        let high = ticks.iter().copied().find(|t| *t >= high).unwrap_or(high);
        ticks.retain(|t| (low..=high).contains(t));
        Axis {
            low,
            high,
            log: true,
            ticks,
        }
    }

    /// Returns the position of a value: 0 at the low end, 1 at the high end.
    pub(super) fn place(&self, x: f64) -> f64 {
        if self.log {
            (x / self.low).ln() / (self.high / self.low).ln()
        } else {
            (x - self.low) / (self.high - self.low)
        }
    }
}

/// Returns 1, 2, 5 or 10 times a power of ten, rounded up from `rough`.
fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let m = rough / power;
    let nice = if m <= 1.0 {
        1.0
    } else if m <= 2.0 {
        2.0
    } else if m <= 5.0 {
        5.0
    } else {
        10.0
    };
    nice * power
}

/// Fits an axis to whole epochs, from the first to the last.
pub(super) fn epoch_axis(epochs: impl Iterator<Item = f64>) -> Option<Axis> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for e in epochs {
        low = low.min(e);
        high = high.max(e);
    }
    if low > high {
        return None;
    }
    let step = nice_step((high - low) / 6.0).max(1.0);
    let mut ticks = vec![low];
    let mut tick = (low / step).floor() * step + step;
    while tick <= high {
        ticks.push(tick);
        tick += step;
    }
    // Removes the second tick if it is too close to the first.
    if let [first, second, ..] = ticks.as_slice()
        && second - first < 0.6 * step
    {
        ticks.remove(1);
    }
    if low == high {
        (low, high) = (low - 0.5, high + 0.5);
    }
    Some(Axis {
        low,
        high,
        log: false,
        ticks,
    })
}
