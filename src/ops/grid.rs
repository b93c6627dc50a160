//! Grids: how kernels spread their work over workgroups.

use crate::kernel::KernelLimits;

/// Invocations in a workgroup of a kernel that gives each invocation its own element.
pub(super) const LINEAR_WORKGROUP: u32 = 64;

/// A grid of one invocation for each of `count` elements.
pub(super) fn linear(limits: &KernelLimits, count: usize) -> [u32; 3] {
    limits.fold((count as u64).div_ceil(u64::from(LINEAR_WORKGROUP)))
}

/// The workgroup size for a kernel that gives each invocation much to do: on a device that is a CPU one subgroup,
/// so that few invocations keep all its threads busy.
pub(super) fn long_workgroup(limits: &KernelLimits) -> u32 {
    match limits.software {
        true => row_workgroup(limits, LINEAR_WORKGROUP as usize),
        false => LINEAR_WORKGROUP,
    }
}

/// The workgroup size for a kernel that gives each row of `columns` elements a workgroup: a power
/// of two, as large as the row needs and the device allows, at most 256. On a device that is a CPU,
/// one subgroup: its invocations run one after the other otherwise, in turns at each barrier.
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
