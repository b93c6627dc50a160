//! Charts of curves between 0 and 1 on both axes.

use std::fmt::Write as _;

use super::super::html::escape;
use super::axis::Axis;
use super::plot::Plot;
use super::{HEIGHT, LEFT, RIGHT, TOP, WIDTH};

/// The smallest distance of two points of a curve that are both drawn.
const MIN_DISTANCE: f64 = 0.006;

/// A chart of curves between 0 and 1.
pub struct Square {
    /// The heading.
    pub title: &'static str,
    /// The name of the horizontal axis.
    pub x: &'static str,
    /// The name of the vertical axis.
    pub y: &'static str,
    /// The name of the curves' values in the legend.
    pub value: &'static str,
    /// The curves.
    pub curves: Vec<Curve>,
    /// The ends of a dashed line to compare with.
    pub reference: Option<[(f64, f64); 2]>,
    /// Whether the points have dots.
    pub dots: bool,
}

/// A curve with its name and its value in the legend.
pub struct Curve {
    /// The number of its color.
    pub color: usize,
    /// The name.
    pub name: String,
    /// The points, in order.
    pub points: Vec<(f64, f64)>,
    /// The value.
    pub value: String,
}

impl Square {
    /// Renders the chart as a `<figure>`.
    pub fn to_html(&self) -> String {
        let axis = Axis {
            low: 0.0,
            high: 1.0,
            log: false,
            ticks: (0..=5).map(|i| f64::from(i) / 5.0).collect(),
        };
        let plot = Plot {
            x: axis.clone(),
            y: axis,
        };
        let mut svg = plot.frame("");
        if let Some([from, to]) = self.reference {
            let _ = write!(
                svg,
                "<line class=\"mark\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
                plot.px(from.0),
                plot.py(from.1),
                plot.px(to.0),
                plot.py(to.1)
            );
        }
        let mut legend = String::new();
        let mut label = format!("{}: {} by {}", self.title, self.y, self.x);
        for curve in &self.curves {
            let color = curve.color % 10;
            self.draw(&mut svg, &plot, curve);
            let _ = write!(
                legend,
                "<li class=\"c{color}\"><i></i>{} <b>{}</b></li>",
                escape(&curve.name),
                escape(&curve.value)
            );
            let _ = write!(label, "; {}: {} {}", curve.name, self.value, curve.value);
        }
        let _ = write!(
            svg,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <text class=\"axis\" x=\"{LEFT}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            HEIGHT - 6.0,
            self.x,
            TOP - 14.0,
            self.y
        );
        format!(
            "<figure class=\"chart\"><figcaption><h3>{}<span class=\"scale\">{}</span></h3>\
             <ul class=\"legend\">{legend}</ul></figcaption>\
             <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{svg}</svg></figure>",
            self.title,
            self.value,
            escape(&label)
        )
    }

    fn draw(&self, svg: &mut String, plot: &Plot, curve: &Curve) {
        let color = curve.color % 10;
        let points = thinned(&curve.points);
        let mut path = String::new();
        for (x, y) in &points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", plot.px(*x), plot.py(*y));
        }
        let _ = write!(svg, "<path class=\"line c{color}\" d=\"{path}\"/>");
        for (x, y) in points.iter().filter(|_| self.dots) {
            let _ = write!(
                svg,
                "<circle class=\"c{color}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{} {x:.3}, {} {y:.3}</title></circle>",
                plot.px(*x),
                plot.py(*y),
                self.x,
                self.y
            );
        }
    }
}

/// Returns the finite points of a curve, without those close to the one before.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite = |p: &&(f64, f64)| p.0.is_finite() && p.1.is_finite();
    let mut out: Vec<(f64, f64)> = Vec::new();
    let mut skipped = None;
    for (x, y) in points.iter().copied().filter(|p| finite(&p)) {
        let far = out
            .last()
            .is_none_or(|(a, b)| (x - a).abs() + (y - b).abs() >= MIN_DISTANCE);
        match far {
            true => {
                // The corner before a long step is kept.
                let corner = |(a, b): &(f64, f64)| (x - a).abs() + (y - b).abs() >= MIN_DISTANCE;
                out.extend(skipped.take().filter(corner));
                out.push((x, y));
            }
            false => skipped = Some((x, y)),
        }
    }
    out.extend(skipped);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_has_few_points_and_keeps_its_ends() {
        let points: Vec<(f64, f64)> = (0..=100_000)
            .map(|i| (f64::from(i) / 1e5, (f64::from(i) / 1e5).sqrt()))
            .collect();
        let thin = thinned(&points);
        assert!(thin.len() < 400, "{}", thin.len());
        assert_eq!((thin.first(), thin.last()), (points.first(), points.last()));
        let corner = [(0.0, 0.0), (0.005, 0.0), (0.005, 0.5)];
        assert_eq!(thinned(&corner), corner);
        assert_eq!(thinned(&[(f64::NAN, 0.0), (0.5, 0.5)]), [(0.5, 0.5)]);
    }
}
