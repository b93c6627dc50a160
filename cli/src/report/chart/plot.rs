//! The frame of a chart: grid, ticks and tick labels.

use std::fmt::Write as _;

use crate::text::{is_share, significant};

use super::axis::Axis;
use super::{BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH};

/// The two axes of a chart.
pub(super) struct Plot {
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Plot {
    pub(super) fn px(&self, x: f64) -> f64 {
        LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT)
    }

    pub(super) fn py(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM)
    }

    /// Draws the grid and the tick labels.
    pub(super) fn frame(&self, metric: &str) -> String {
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

pub(super) fn tick_text(metric: &str, x: f64) -> String {
    // A sum of tick steps has rounding errors: 0.30000000000000004, or 1e-18 for 0.
    if is_share(metric) {
        format!("{}%", significant((x * 1e4).round() / 1e2, 4))
    } else if x.abs() < 1e-12 {
        "0".to_string()
    } else {
        significant(x, 4)
    }
}
