//! Tests of axes and charts.

#![allow(clippy::unwrap_used)]

use super::plot::tick_text;
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
