// Numbers workgroups and invocations of a grid that is folded into three dimensions.

// The workgroup's number, where size is @builtin(num_workgroups).
fn linear_group(group: vec3<u32>, size: vec3<u32>) -> u32 {
    return group.x + size.x * (group.y + size.y * group.z);
}
