//! Prints measurements.

use wgrad::data::Dataset;
use wgrad::train::{Profiling, Trainer};
use wgrad::{Fit, Result};

/// How measurements are printed.
pub struct Report {
    /// Whether to print one JSON object per line instead of text.
    pub json: bool,
    /// The device's name.
    pub device: String,
    /// The element type of saved activations.
    pub precision: wgrad::DType,
    /// The memory limit of a training in MiB.
    pub memory_limit: Option<u64>,
    /// Whether to print the profile of a training step.
    pub profile: bool,
    /// Whether to print the hash of the weights after 20 steps.
    pub weights: bool,
}

impl Report {
    /// Applies the memory limit, if there is one.
    pub fn limited(&self, fit: Fit) -> Fit {
        match self.memory_limit {
            Some(limit) => fit.memory_limit(limit << 20),
            None => fit,
        }
    }

    /// Prints the median, the minimum and the maximum of `samples`.
    pub fn emit(&self, workload: &str, metric: &str, samples: &[f64], loss: Option<(f64, f64)>) {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let median = if n % 2 == 1 {
            sorted[n / 2]
        } else {
            (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0
        };
        let (min, max) = (sorted[0], sorted[n - 1]);
        if self.json {
            let (first, last) = loss.map_or((None, None), |(a, b)| (Some(a), Some(b)));
            let line = serde_json::json!({
                "peer": "wgrad", "version": env!("CARGO_PKG_VERSION"), "device": self.device,
                "precision": self.precision.to_string(), "workload": workload, "metric": metric, "value": median, "runs": n,
                "median": median, "min": min, "max": max, "loss_first": first, "loss_last": last,
            });
            println!("{line}");
        } else {
            let loss = loss
                .map(|(a, b)| format!("  loss {a:.4} -> {b:.4}"))
                .unwrap_or_default();
            println!("{workload:<16} {metric:<18} {median:>12.3}  [{min:.3} .. {max:.3}]{loss}");
        }
    }

    /// With `--profile`, prints the profile of a training step, and with `--weights` the hash of
    /// the weights after 20 steps. Returns whether it printed one of them. Each step of the plan is
    /// timed separately.
    pub fn profiled(&self, trainer: &mut Trainer, set: &Dataset, batch: usize) -> Result<bool> {
        if self.profile {
            let profiling = Profiling::runs(20).batch_size(batch).wall_clock();
            println!("{}", trainer.profile(set, profiling)?);
        }
        if self.weights {
            trainer.begin(set, Fit::epochs(3).batch_size(batch))?;
            for _ in 0..20 {
                trainer.step()?;
            }
            println!("{}", trainer.weights_sha256()?);
        }
        Ok(self.profile || self.weights)
    }

    /// Prints the peak of the process's resident memory, on systems with `/proc`.
    pub fn memory(&self, workload: &str) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|l| l.starts_with("VmHWM"));
        let kib = line
            .and_then(|l| l.split_whitespace().nth(1))
            .and_then(|v| v.parse::<f64>().ok());
        if let Some(kib) = kib {
            self.emit(workload, "peak_rss_mib", &[kib / 1024.0], None);
        }
    }
}
