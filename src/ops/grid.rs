//! Grids: the distribution of a kernel's work over workgroups.

use crate::kernel::KernelLimits;

/// The invocations per workgroup of a kernel with one element per invocation.
pub(super) const LINEAR_WORKGROUP: u32 = 64;

/// Returns a grid with one invocation for each of `count` elements.
pub(super) fn linear(limits: &KernelLimits, count: usize) -> [u32; 3] {
    limits.fold((count as u64).div_ceil(u64::from(LINEAR_WORKGROUP)))
}

/// Returns the workgroup size for a kernel whose invocations have much to do. On a device that is a
/// CPU, it is one subgroup, so that few invocations keep all threads busy.
pub(super) fn long_workgroup(limits: &KernelLimits) -> u32 {
    match limits.software {
        true => row_workgroup(limits, LINEAR_WORKGROUP as usize),
        false => LINEAR_WORKGROUP,
    }
}

/// Returns the workgroup size for a kernel with a workgroup for each row of `columns` elements: a
/// power of two, as large as the row requires and the device allows, at most 256. On a device that
/// is a CPU, it is one subgroup, because the subgroups of a workgroup run one after the other
/// between barriers.
pub(super) fn row_workgroup(limits: &KernelLimits, columns: usize) -> u32 {
    let most = match limits.software {
        true => limits.subgroups.map_or(8, |(_, max)| max.min(8)),
        false => limits.invocations.min(256),
    };
    let wanted = u32::try_from(columns)
        .unwrap_or(u32::MAX)
        .clamp(1, most)
        .next_power_of_two();
    if wanted > most { wanted / 2 } else { wanted }
}
