// Rows with an invocation each, for software adapters: no barriers are needed.

// Returns the row of the invocation.
fn row_number(group: vec3<u32>, size: vec3<u32>, lane: u32) -> u32 {
    return linear_group(group, size) * WG + lane;
}

fn first_column(lane: u32) -> u32 { return 0u; }

// The distance between the columns of an invocation.
fn column_step() -> u32 { return 1u; }

// Returns whether the invocation writes the single values of a row.
fn speaks(lane: u32) -> bool { return true; }

fn row_sum(lane: u32, value: f32) -> f32 { return value; }

fn row_max(lane: u32, value: f32) -> f32 { return value; }
