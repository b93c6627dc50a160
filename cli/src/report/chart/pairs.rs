//! Charts of targets and predictions.

use std::fmt::Write as _;

use super::super::html::escape;
use crate::text::significant;

use super::axis::Axis;
use super::plot::Plot;
use super::{BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH};

/// The largest number of dots; more would overlap.
const DOTS: usize = 2000;

/// The largest number of dots with their numbers on hover.
const NUMBERED: usize = 200;

/// Draws dots, with their numbers on hover if there are few.
fn draw_dots(svg: &mut String, plot: &Plot, points: &[(f64, f64)], names: (&str, &str)) {
    if points.len() <= NUMBERED {
        for (x, y) in points {
            let _ = write!(
                svg,
                "<circle class=\"sample\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{} {}, {} {}</title></circle>",
                plot.px(*x),
                plot.py(*y),
                names.0,
                significant(*x, 4),
                names.1,
                significant(*y, 4)
            );
        }
        return;
    }
    // A line without length and with round ends is a dot, in a tenth of the text.
    svg.push_str("<path class=\"samples\" d=\"");
    let every = points.len().div_ceil(DOTS).max(1);
    for (x, y) in points.iter().step_by(every) {
        let _ = write!(svg, "M{:.1} {:.1}h0", plot.px(*x), plot.py(*y));
    }
    svg.push_str("\"/>");
}

/// Draws residuals (predicted minus actual) against predictions.
pub fn residuals(pairs: &[(f64, f64)]) -> String {
    let points: Vec<(f64, f64)> = pairs.iter().map(|(a, p)| (*p, p - a)).collect();
    let x = Axis::fit(points.iter().map(|p| p.0), false, 5);
    let y = Axis::fit(points.iter().map(|p| p.1).chain([0.0]), false, 4);
    let (Some(x), Some(y)) = (x, y) else {
        return String::new();
    };
    let plot = Plot { x, y };
    let mut svg = plot.frame("");
    let zero = plot.py(0.0);
    let _ = write!(
        svg,
        "<line class=\"mark\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{zero:.1}\" y2=\"{zero:.1}\"/>\
         <text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">predicted</text>\
         <text class=\"axis\" x=\"{LEFT}\" y=\"16\">predicted − actual</text>",
        WIDTH - RIGHT,
        WIDTH - RIGHT,
        HEIGHT - 6.0
    );
    draw_dots(&mut svg, &plot, &points, ("predicted", "residual"));
    format!(
        "<figure class=\"chart\"><figcaption><h3>Residuals against predictions</h3></figcaption>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Residuals against predictions\">{svg}</svg></figure>"
    )
}

/// Draws targets against predictions, with the line on which they are equal.
pub fn scatter(target: &str, pairs: &[(f64, f64)]) -> String {
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
    let names = ("actual", "predicted");
    draw_dots(&mut svg, &plot, pairs, names);
    format!(
        "<figure class=\"chart\"><figcaption><h3>Predicted against actual</h3></figcaption>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Predictions against actual values\">{svg}</svg></figure>"
    )
}

/// Draws a histogram of the prediction errors.
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
    // Ticks are thinned such that zero keeps its tick.
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
             <title>{n} with errors from {} to {}</title></rect>",
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
         aria-label=\"Histogram of the prediction errors\">{svg}</svg></figure>"
    )
}
