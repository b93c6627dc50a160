// Rows with a workgroup each, and reductions over its lanes. WG is the kernel's override.

// Returns the row of the workgroup.
fn row_number(group: vec3<u32>, size: vec3<u32>, lane: u32) -> u32 {
    return linear_group(group, size);
}

fn first_column(lane: u32) -> u32 { return lane; }

// The distance between the columns of an invocation.
fn column_step() -> u32 { return WG; }

// Returns whether the invocation writes the single values of a row.
fn speaks(lane: u32) -> bool { return lane == 0u; }

var<workgroup> row_lanes: array<f32, WG>;

// Returns the sum over all lanes, in every lane. All lanes must call it.
fn row_sum(lane: u32, value: f32) -> f32 {
    row_lanes[lane] = value;
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half { row_lanes[lane] += row_lanes[lane + half]; }
    }
    workgroupBarrier();
    let total = row_lanes[0];
    // The next reduction must not write before all lanes have read.
    workgroupBarrier();
    return total;
}

// Returns the maximum over all lanes, in every lane. All lanes must call it.
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
