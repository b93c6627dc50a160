//! Charts as SVG, with colors and fonts from the page's style.
//!
//! Hovering needs no script: each epoch has an invisible strip. CSS shows the crosshair, the dots
//! and the numbers of the strip under the pointer.

mod axis;
mod pairs;
mod plot;
mod square;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::html::escape;
use crate::text::{is_share, metric};

use axis::{Axis, epoch_axis};
pub use pairs::{histogram, residuals, scatter};
use plot::Plot;
pub use square::{Curve, Square};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 42.0;
/// The largest number of lines whose values are shown on hover.
const MOST_VALUES: usize = 4;
/// The largest number of strips, also for more epochs.
const STRIPS: usize = 160;

/// A chart of one quantity over the epochs.
pub struct Chart {
    /// The heading.
    pub title: String,
    /// The name of the quantity, which determines its unit.
    pub metric: String,
    /// The lines; empty ones are omitted.
    pub series: Vec<Series>,
    /// An epoch to mark as the best.
    pub mark: Option<usize>,
}

/// One line of a chart.
pub struct Series {
    name: String,
    /// The CSS class for its color.
    class: &'static str,
    points: Vec<(f64, f64)>,
}

impl Series {
    /// Creates a line through `(epoch, value)`. A value that is not finite leaves a gap.
    pub fn new(name: &str, class: &'static str, points: Vec<(f64, f64)>) -> Series {
        Series {
            name: name.to_string(),
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

impl Chart {
    /// Renders the chart as a `<figure>` with a legend.
    pub fn to_html(&self) -> String {
        let series: Vec<&Series> = self
            .series
            .iter()
            .filter(|s| !s.points.is_empty())
            .collect();
        let values = series.iter().flat_map(|s| s.points.iter().map(|p| p.1));
        let epochs = series.iter().flat_map(|s| s.points.iter().map(|p| p.0));
        if let Some(constant) = self.constant(&series) {
            return constant;
        }
        // The shape of a learning rate (cosine, steps) is recognized on a linear scale.
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

    /// Renders a sentence in place of a curve if no value ever changes.
    fn constant(&self, series: &[&Series]) -> Option<String> {
        let constant = |s: &&Series| match s.points.as_slice() {
            [first, _, ..] => s.points.iter().all(|p| p.1 == first.1),
            _ => false,
        };
        if series.is_empty() || !series.iter().all(constant) {
            return None;
        }
        let values: Vec<String> = series
            .iter()
            .filter_map(|s| {
                Some(format!(
                    "{} {}",
                    s.name,
                    metric(&self.metric, s.points.first()?.1)
                ))
            })
            .collect();
        Some(format!(
            "<figure class=\"chart\"><figcaption><h3>{}</h3></figcaption>\
             <p class=\"empty\">{} in every epoch</p></figure>",
            escape(&self.title),
            escape(&values.join(", "))
        ))
    }

    /// Renders the names of the lines with their last values.
    fn legend(&self, series: &[&Series]) -> String {
        let mut out = String::from("<ul class=\"legend\">");
        for s in series {
            let last = s.points.last().map_or(f64::NAN, |p| p.1);
            let _ = write!(
                out,
                "<li class=\"{}\"><i></i>{} <b>{}</b></li>",
                s.class,
                escape(&s.name),
                metric(&self.metric, last)
            );
        }
        out.push_str("</ul>");
        out
    }

    /// Describes the chart in words, for screen readers.
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

    /// Draws the invisible strips with what they show on hover.
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
                let _ = write!(title, "\n{}: {value}", escape(&s.name));
                // More values would not fit.
                if series.len() <= MOST_VALUES {
                    let _ = write!(
                        text,
                        "<tspan dx=\"10\" class=\"{}\">{value}</tspan>",
                        s.class
                    );
                }
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

fn draw_line(svg: &mut String, plot: &Plot, s: &Series) {
    let mut path = String::new();
    let mut pen_down = false;
    for (x, y) in &s.points {
        // A logarithmic axis has no place for values of zero or less.
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
