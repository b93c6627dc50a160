//! Line charts and a scatter chart as SVG; colours and type come from the page's style.
//!
//! Hovering needs no script: each epoch has an invisible strip, and the strip's group shows its
//! cross-hair, dots and numbers by CSS.

use std::fmt::Write as _;

use super::html::escape;
use crate::text::{is_share, metric, significant};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 42.0;
/// No more strips than this, however many epochs there are.
const STRIPS: usize = 160;

/// A chart of one quantity over the epochs.
pub struct Chart {
    /// The heading.
    pub title: String,
    /// The quantity's name, which decides its unit.
    pub metric: String,
    /// The lines; an empty one is left out.
    pub series: Vec<Series>,
    /// An epoch to mark as the best.
    pub mark: Option<usize>,
}

/// One line of a chart.
pub struct Series {
    name: &'static str,
    /// The CSS class that gives its colour.
    class: &'static str,
    points: Vec<(f64, f64)>,
}

impl Series {
    /// A line through `(epoch, value)`; a value that is not finite leaves a gap.
    pub fn new(name: &'static str, class: &'static str, points: Vec<(f64, f64)>) -> Series {
        Series {
            name,
            class,
            points,
        }
    }

    fn at(&self, epoch: f64) -> Option<f64> {
        self.points
            .iter()
            .find(|(e, _)| *e == epoch)
            .map(|(_, y)| *y)
    }
}

/// A range of values, and how it is spread over pixels.
#[derive(Debug, Clone, PartialEq)]
struct Axis {
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<f64>,
}

impl Axis {
    /// The axis for these values: logarithmic where they span more than 1.5 decades above zero and
    /// `may_log`.
    fn fit(values: impl Iterator<Item = f64>, may_log: bool, pieces: usize) -> Option<Axis> {
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
        // The range ends just outside the data, at ticks where one is near.
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

    /// 0 at the low end, 1 at the high end.
    fn place(&self, x: f64) -> f64 {
        if self.log {
            (x / self.low).ln() / (self.high / self.low).ln()
        } else {
            (x - self.low) / (self.high - self.low)
        }
    }
}

/// 1, 2 or 5 times a power of ten, at least about `rough`.
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

fn tick_text(metric: &str, x: f64) -> String {
    // A sum of steps is not quite a round number: 0.30000000000000004, or 1e-18 for 0.
    if is_share(metric) {
        format!("{}%", significant((x * 1e4).round() / 1e2, 4))
    } else if x.abs() < 1e-12 {
        "0".to_string()
    } else {
        significant(x, 4)
    }
}

impl Chart {
    /// The chart as a `<figure>`, with its legend.
    pub fn to_html(&self) -> String {
        let series: Vec<&Series> = self
            .series
            .iter()
            .filter(|s| !s.points.is_empty())
            .collect();
        let values = series.iter().flat_map(|s| s.points.iter().map(|p| p.1));
        let epochs = series.iter().flat_map(|s| s.points.iter().map(|p| p.0));
        // A learning rate's shape (cosine, steps) is known by its linear look.
        let may_log = !is_share(&self.metric) && self.metric != "lr";
        let (Some(y), Some(x)) = (Axis::fit(values, may_log, 4), epoch_axis(epochs)) else {
            return format!(
                "<figure class=\"chart\"><figcaption><h3>{}</h3></figcaption>\
                 <p class=\"empty\">No finite value to draw.</p></figure>",
                escape(&self.title)
            );
        };
        let plot = Plot { x, y };
        let mut svg = plot.frame(&self.metric);
        let _ = write!(
            svg,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">epoch</text>",
            WIDTH - RIGHT,
            HEIGHT - 6.0
        );
        if let Some(mark) = self.mark {
            self.draw_mark(&mut svg, &plot, mark as f64, &series);
        }
        for s in &series {
            draw_line(&mut svg, &plot, s);
        }
        self.draw_strips(&mut svg, &plot, &series);
        let scale = if plot.y.log {
            "<span class=\"scale\">log scale</span>"
        } else {
            ""
        };
        let label = self.describe(&series);
        format!(
            "<figure class=\"chart\"><figcaption><h3>{}{scale}</h3>{}</figcaption>\
             <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{svg}</svg></figure>",
            escape(&self.title),
            self.legend(&series),
            escape(&label)
        )
    }

    /// The lines' names with their last values.
    fn legend(&self, series: &[&Series]) -> String {
        let mut out = String::from("<ul class=\"legend\">");
        for s in series {
            let last = s.points.last().map_or(f64::NAN, |p| p.1);
            let _ = write!(
                out,
                "<li class=\"{}\"><i></i>{} <b>{}</b></li>",
                s.class,
                s.name,
                metric(&self.metric, last)
            );
        }
        out.push_str("</ul>");
        out
    }

    /// The chart in words, for those who do not see it.
    fn describe(&self, series: &[&Series]) -> String {
        let mut out = format!("{} over the epochs", self.title);
        for s in series {
            if let (Some(first), Some(last)) = (s.points.first(), s.points.last()) {
                let _ = write!(
                    out,
                    "; {}: from {} to {}",
                    s.name,
                    metric(&self.metric, first.1),
                    metric(&self.metric, last.1)
                );
            }
        }
        out
    }

    fn draw_mark(&self, svg: &mut String, plot: &Plot, epoch: f64, series: &[&Series]) {
        let Some(s) = series.last() else { return };
        let Some(y) = s.at(epoch).filter(|y| y.is_finite()) else {
            return;
        };
        let (x, y) = (plot.px(epoch), plot.py(y));
        let _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>\
             <circle class=\"mark {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"><title>best epoch: {epoch}</title></circle>",
            HEIGHT - BOTTOM,
            s.class
        );
    }

    /// What shows when the pointer is over an epoch.
    fn draw_strips(&self, svg: &mut String, plot: &Plot, series: &[&Series]) {
        let Some(longest) = series.iter().max_by_key(|s| s.points.len()) else {
            return;
        };
        let every = longest.points.len().div_ceil(STRIPS).max(1);
        let chosen: Vec<f64> = longest.points.iter().step_by(every).map(|p| p.0).collect();
        for (i, &epoch) in chosen.iter().enumerate() {
            let x = plot.px(epoch);
            let before = i.checked_sub(1).and_then(|j| chosen.get(j));
            let left = before.map_or(LEFT, |e| (plot.px(*e) + x) / 2.0);
            let right = chosen
                .get(i + 1)
                .map_or(WIDTH - RIGHT, |e| (plot.px(*e) + x) / 2.0);
            let mut title = format!("epoch {epoch}");
            let mut text = format!("<tspan>epoch {epoch}</tspan>");
            let mut dots = String::new();
            for s in series {
                let Some(y) = s.at(epoch) else { continue };
                let value = metric(&self.metric, y);
                let _ = write!(title, "\n{}: {value}", s.name);
                let _ = write!(
                    text,
                    "<tspan dx=\"10\" class=\"{}\">{value}</tspan>",
                    s.class
                );
                if y.is_finite() {
                    let _ = write!(
                        dots,
                        "<circle class=\"{}\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\"/>",
                        s.class,
                        plot.py(y)
                    );
                }
            }
            let _ = write!(
                svg,
                "<g class=\"strip\"><title>{title}</title>\
                 <rect x=\"{left:.1}\" y=\"0\" width=\"{:.1}\" height=\"{:.1}\"/>\
                 <line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>{dots}\
                 <text x=\"{:.1}\" y=\"16\" text-anchor=\"end\">{text}</text></g>",
                (right - left).max(0.0),
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM,
                WIDTH - RIGHT
            );
        }
    }
}

/// Whole epochs, from the first to the last.
fn epoch_axis(epochs: impl Iterator<Item = f64>) -> Option<Axis> {
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
    // The first tick makes room where the second stands too near.
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

/// Two axes on the picture.
struct Plot {
    x: Axis,
    y: Axis,
}

impl Plot {
    fn px(&self, x: f64) -> f64 {
        LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT)
    }

    fn py(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM)
    }

    /// The grid and the ticks' texts.
    fn frame(&self, metric: &str) -> String {
        let mut svg = String::new();
        for (i, tick) in self.y.ticks.iter().enumerate() {
            let y = self.py(*tick);
            let class = if i == 0 { "base" } else { "grid" };
            let _ = write!(
                svg,
                "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                tick_text(metric, *tick)
            );
        }
        let bottom = HEIGHT - BOTTOM;
        for tick in &self.x.ticks {
            let x = self.px(*tick);
            let _ = write!(
                svg,
                "<line class=\"base\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom:.1}\" y2=\"{:.1}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 4.0,
                bottom + 18.0,
                tick_text("", *tick)
            );
        }
        svg
    }
}

fn draw_line(svg: &mut String, plot: &Plot, s: &Series) {
    let mut path = String::new();
    let mut pen_down = false;
    for (x, y) in &s.points {
        // A value at or below zero has no place on a logarithmic axis.
        if !y.is_finite() || (plot.y.log && *y <= 0.0) {
            pen_down = false;
            continue;
        }
        let command = if pen_down { 'L' } else { 'M' };
        let _ = write!(path, "{command}{:.1} {:.1}", plot.px(*x), plot.py(*y));
        pen_down = true;
    }
    let _ = write!(svg, "<path class=\"line {}\" d=\"{path}\"/>", s.class);
    if s.points.len() <= 20 {
        for (x, y) in s.points.iter().filter(|p| p.1.is_finite()) {
            let _ = write!(
                svg,
                "<circle class=\"dot {}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.6\"/>",
                s.class,
                plot.px(*x),
                plot.py(*y)
            );
        }
    }
}

/// Targets against predictions, with the line on which they are equal.
pub fn scatter(target: &str, pairs: &[(f64, f64)]) -> String {
    /// More dots than this only blacken the page.
    const DOTS: usize = 2000;
    let all = pairs.iter().flat_map(|(a, p)| [*a, *p]);
    let Some(axis) = Axis::fit(all, false, 5) else {
        return String::new();
    };
    let plot = Plot {
        x: axis.clone(),
        y: axis,
    };
    let mut svg = plot.frame("");
    let _ = write!(
        svg,
        "<line class=\"mark\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\
         <text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">actual {}</text>\
         <text class=\"axis\" x=\"{LEFT}\" y=\"16\">predicted</text>",
        plot.px(plot.x.low),
        plot.py(plot.x.low),
        plot.px(plot.x.high),
        plot.py(plot.x.high),
        WIDTH - RIGHT,
        HEIGHT - 6.0,
        escape(target)
    );
    let every = pairs.len().div_ceil(DOTS).max(1);
    for (actual, predicted) in pairs.iter().step_by(every) {
        let _ = write!(
            svg,
            "<circle class=\"sample\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>actual {}, predicted {}</title></circle>",
            plot.px(*actual),
            plot.py(*predicted),
            significant(*actual, 4),
            significant(*predicted, 4)
        );
    }
    format!(
        "<figure class=\"chart\"><figcaption><h3>Predicted against actual</h3></figcaption>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Predictions against actual values\">{svg}</svg></figure>"
    )
}

/// How far off the predictions are, and how often.
pub fn histogram(pairs: &[(f64, f64)]) -> String {
    let errors: Vec<f64> = pairs.iter().map(|(a, p)| p - a).collect();
    let pieces = ((errors.len() as f64).sqrt() as usize).clamp(5, 24);
    let Some(bounds) = Axis::fit(errors.iter().copied(), false, pieces) else {
        return String::new();
    };
    let bins = bounds.ticks.len().saturating_sub(1).max(1);
    let mut counts = vec![0usize; bins];
    for e in &errors {
        let bin = (bounds.place(*e) * bins as f64) as usize;
        if let Some(n) = counts.get_mut(bin.min(bins - 1)) {
            *n += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let Some(y) = Axis::fit([0.0, most.max(4) as f64].into_iter(), false, 4) else {
        return String::new();
    };
    let mut x = bounds.clone();
    let every = x.ticks.len().div_ceil(7);
    // Thinned so that zero, where there is one, keeps its tick.
    let zero = x.ticks.iter().position(|t| t.abs() < 1e-9).unwrap_or(0);
    let mut index = 0;
    x.ticks.retain(|_| {
        index += 1;
        (index - 1 + every - zero % every) % every == 0
    });
    let plot = Plot { x, y };
    let mut svg = plot.frame("");
    for (i, n) in counts.iter().enumerate() {
        let edge = |i: usize| bounds.low + (bounds.high - bounds.low) * i as f64 / bins as f64;
        let (left, right) = (plot.px(edge(i)), plot.px(edge(i + 1)));
        let top = plot.py(*n as f64);
        let _ = write!(
            svg,
            "<rect class=\"bin\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\">\
             <title>{n} off by {} to {}</title></rect>",
            left + 1.0,
            (right - left - 2.0).max(0.5),
            HEIGHT - BOTTOM - top,
            significant(edge(i), 3),
            significant(edge(i + 1), 3)
        );
    }
    if bounds.low <= 0.0 && bounds.high >= 0.0 {
        let x = plot.px(0.0);
        let _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>",
            HEIGHT - BOTTOM
        );
    }
    let _ = write!(
        svg,
        "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">predicted − actual</text>\
         <text class=\"axis\" x=\"{LEFT}\" y=\"16\">samples</text>",
        WIDTH - RIGHT,
        HEIGHT - 6.0
    );
    format!(
        "<figure class=\"chart\"><figcaption><h3>Errors</h3></figcaption>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"How often the predictions are how far off\">{svg}</svg></figure>"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_data() {
        let axis = Axis::fit([0.03, 2.31].into_iter(), false, 4).unwrap();
        assert_eq!((axis.low, axis.high), (0.0, 3.0));
        let axis = Axis::fit([0.91, 0.987].into_iter(), false, 4).unwrap();
        let texts: Vec<String> = axis
            .ticks
            .iter()
            .map(|t| tick_text("accuracy", *t))
            .collect();
        assert_eq!(texts, ["90%", "92%", "94%", "96%", "98%", "100%"]);
        let axis = Axis::fit([5.0, 5.0].into_iter(), false, 4).unwrap();
        assert!(axis.low < 5.0 && axis.high > 5.0);
        assert_eq!(Axis::fit([f64::NAN].into_iter(), true, 4), None);
    }

    #[test]
    fn a_wide_range_is_logarithmic() {
        let axis = Axis::fit([0.004, 2.3].into_iter(), true, 4).unwrap();
        assert!(axis.log);
        assert!(axis.low <= 0.004 && axis.high >= 2.3, "{axis:?}");
        let texts: Vec<String> = axis.ticks.iter().map(|t| tick_text("", *t)).collect();
        assert_eq!(texts, ["0.001", "0.01", "0.1", "1", "10"]);
        assert!((axis.place(0.1) - 0.5).abs() < 1e-9);
        for (low, high) in [(1e-12, 1.0), (1e-3, 0.2), (7.0, 500.0)] {
            let axis = Axis::fit([low, high].into_iter(), true, 4).unwrap();
            assert!(axis.low <= low && axis.high >= high, "{axis:?}");
            assert!((2..=9).contains(&axis.ticks.len()), "{axis:?}");
        }
    }

    #[test]
    fn epochs_are_whole() {
        assert_eq!(
            epoch_axis([1.0, 60.0].into_iter()).unwrap().ticks,
            [1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
        );
        let ticks = epoch_axis([1.0, 5.0].into_iter()).unwrap().ticks;
        assert_eq!(ticks, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(epoch_axis([1.0].into_iter()).unwrap().ticks, [1.0]);
    }

    #[test]
    fn gaps_single_points_and_nothing_are_drawn() {
        let chart = |points: Vec<(f64, f64)>| {
            Chart {
                title: "Loss".to_string(),
                metric: "loss".to_string(),
                series: vec![Series::new("training", "train", points)],
                mark: Some(1),
            }
            .to_html()
        };
        let gap = chart(vec![(1.0, 1.0), (2.0, f64::NAN), (3.0, 2.0), (4.0, 3.0)]);
        let path = gap.split("class=\"line train\" d=\"").nth(1).unwrap();
        let path = path.split('"').next().unwrap();
        assert_eq!(path.matches('M').count(), 2);
        assert_eq!(path.matches('L').count(), 1);
        assert!(chart(vec![(1.0, 0.0)]).contains("<circle class=\"dot train\""));
        assert!(chart(vec![(1.0, f64::INFINITY)]).contains("No finite value"));
        assert!(chart(vec![]).contains("No finite value"));
        let long = chart((0..10_000).map(|i| (i as f64, 1.0)).collect());
        assert!(long.matches("class=\"strip\"").count() <= STRIPS);
        for html in [gap, long] {
            for bad in ["NaN,", "\"NaN", "inf\"", "NaN\""] {
                assert!(!html.contains(bad), "{bad}");
            }
        }
    }
}
