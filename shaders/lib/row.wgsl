// Reductions over the lanes of a workgroup that works on one row. WG is the kernel's override.

var<workgroup> row_lanes: array<f32, WG>;

// The sum of all lanes' values, in every lane. All lanes must call it.
fn row_sum(lane: u32, value: f32) -> f32 {
    row_lanes[lane] = value;
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half { row_lanes[lane] += row_lanes[lane + half]; }
    }
    workgroupBarrier();
    let total = row_lanes[0];
    // The next reduction must not write before everyone has read.
    workgroupBarrier();
    return total;
}

// The largest of all lanes' values, in every lane. All lanes must call it.
fn row_max(lane: u32, value: f32) -> f32 {
    row_lanes[lane] = value;
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half { row_lanes[lane] = max(row_lanes[lane], row_lanes[lane + half]); }
    }
    workgroupBarrier();
    let largest = row_lanes[0];
    workgroupBarrier();
    return largest;
}
