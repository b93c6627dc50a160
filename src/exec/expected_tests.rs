use super::*;

const INF: f64 = f64::INFINITY;

/// Compares one element with the expected one. Returns the error.
fn error(got: f64, want: f64, allowed: f64) -> Option<f64> {
    let node = NodeId(0);
    let value = Array::new([1], vec![want]);
    let expected = Expected {
        node,
        value,
        allowed: vec![allowed],
    };
    expected
        .furthest(&Array::new([1], vec![got]))
        .map(|d| d.error)
}

#[test]
fn an_infinite_element_equals_only_itself() {
    assert_eq!(error(INF, INF, f64::NAN), Some(0.0));
    assert_eq!(error(-INF, -INF, INF), Some(0.0));
    let largest = f64::from(f32::MAX);
    for (got, want) in [
        (largest, INF),
        (-INF, INF),
        (f64::NAN, INF),
        (-largest, -INF),
        (0.0, -INF),
    ] {
        assert_eq!(error(got, want, INF), Some(INF), "{got} for {want}");
    }
    assert_eq!(error(INF, 1.0, 1e-6), Some(INF));
}

#[test]
fn infinite_elements_leave_the_tolerance_of_others_finite() {
    let x = Array::new([4], vec![-INF, 2.0, -3.0, INF]);
    assert_eq!(x.max_abs(), 3.0);
    assert_eq!(Array::new([1], vec![INF]).max_abs(), 0.0);
    let tolerance = Tolerance { abs: 0.1, rel: 0.1 };
    assert_eq!(nudge(-INF, tolerance, true), -INF);
    assert_eq!(nudge(INF, tolerance, false), INF);
}
