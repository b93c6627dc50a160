// Computes the indices of workgroups and invocations of a grid that is folded into three
// dimensions.

// Returns the index of the workgroup; size is @builtin(num_workgroups).
fn linear_group(group: vec3<u32>, size: vec3<u32>) -> u32 {
    return group.x + size.x * (group.y + size.y * group.z);
}
