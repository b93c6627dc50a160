// Rows of which each is one invocation's own, on a CPU that plays a GPU: nothing waits for anything.

// The invocation's row.
fn row_number(group: vec3<u32>, size: vec3<u32>, lane: u32) -> u32 {
    return linear_group(group, size) * WG + lane;
}

fn first_column(lane: u32) -> u32 { return 0u; }

// Columns from one that an invocation works on to its next.
fn column_step() -> u32 { return 1u; }

// Whether the invocation writes what a row has one of.
fn speaks(lane: u32) -> bool { return true; }

fn row_sum(lane: u32, value: f32) -> f32 { return value; }

fn row_max(lane: u32, value: f32) -> f32 { return value; }
