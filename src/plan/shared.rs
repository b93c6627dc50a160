//! The shared memory of several plans of which only one runs at a time.

use super::{BufferPlan, BufferRole};

/// The buffers that some plans share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shared {
    /// The role and size of each buffer.
    pub buffers: Vec<(BufferRole, u64)>,
    /// By plan and its own buffer: the index into `buffers`.
    pub indices: Vec<Vec<usize>>,
}

impl Shared {
    /// Pairs the largest buffer of one plan with the largest of another, and so on. No other
    /// pairing takes fewer bytes.
    pub fn new(plans: &[&[BufferPlan]]) -> Self {
        let mut buffers: Vec<(BufferRole, u64)> = Vec::new();
        let mut indices: Vec<Vec<usize>> = plans.iter().map(|p| vec![0; p.len()]).collect();
        for role in BufferRole::ALL {
            let first = buffers.len();
            for (plan, indices) in plans.iter().zip(&mut indices) {
                let of_role = plan.iter().enumerate().filter(|(_, b)| b.role == role);
                let mut order: Vec<(usize, u64)> = of_role.map(|(i, b)| (i, b.bytes)).collect();
                order.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
                for (rank, (i, bytes)) in order.into_iter().enumerate() {
                    match buffers.get_mut(first + rank) {
                        Some(buffer) => buffer.1 = buffer.1.max(bytes),
                        None => buffers.push((role, bytes)),
                    }
                    if let Some(at) = indices.get_mut(i) {
                        *at = first + rank;
                    }
                }
            }
        }
        Shared { buffers, indices }
    }

    /// Returns the bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.buffers.iter().map(|(_, bytes)| bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_share_largest_with_largest() {
        let plan = |role, sizes: &[u64]| -> Vec<BufferPlan> {
            sizes
                .iter()
                .map(|&bytes| BufferPlan { bytes, role })
                .collect()
        };
        let mut a = plan(BufferRole::Activations, &[16, 64, 32]);
        a.extend(plan(BufferRole::Results, &[256]));
        let b = plan(BufferRole::Activations, &[128, 16]);
        let shared = Shared::new(&[&a, &b]);
        let bytes: Vec<u64> = shared.buffers.iter().map(|s| s.1).collect();
        assert_eq!(bytes, [128, 32, 16, 256]);
        assert_eq!(shared.indices, [vec![2, 0, 1, 3], vec![0, 1]]);
        assert_eq!(shared.bytes(), 432);
    }
}
