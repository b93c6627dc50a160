// The mean and the reciprocal deviation of a row, for normalizations. The kernel defines x_at(i),
// the element i of x.

// mean is 0 if centred is 0; rstd = 1 / sqrt(mean of (x - mean)^2 + eps). All lanes must call it.
struct Spread { mean: f32, rstd: f32 }

fn row_spread(lane: u32, start: u32, columns: u32, centred: u32, eps: f32) -> Spread {
    let n = f32(columns);
    var mean = 0.0;
    if centred != 0u {
        var total = 0.0;
        for (var j = first_column(lane); j < columns; j += column_step()) { total += x_at(start + j); }
        mean = row_sum(lane, total) / n;
    }
    var squares = 0.0;
    for (var j = first_column(lane); j < columns; j += column_step()) {
        let d = x_at(start + j) - mean;
        squares = fma(d, d, squares);
    }
    return Spread(mean, 1.0 / sqrt(row_sum(lane, squares) / n + eps));
}
