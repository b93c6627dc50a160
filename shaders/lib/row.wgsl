// Rows of which each has a workgroup, and reductions over its lanes. WG is the kernel's override.

// The workgroup's row.
fn row_number(group: vec3<u32>, size: vec3<u32>, lane: u32) -> u32 {
    return linear_group(group, size);
}

fn first_column(lane: u32) -> u32 { return lane; }

// Columns from one that an invocation works on to its next.
fn column_step() -> u32 { return WG; }

// Whether the invocation writes what a row has one of.
fn speaks(lane: u32) -> bool { return lane == 0u; }

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
