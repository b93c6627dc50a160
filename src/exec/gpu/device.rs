//! An open GPU.

pub(super) mod adapter;
pub(super) mod fault;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etcetera::BaseStrategy;

use crate::kernel::KernelLimits;
use crate::{Error, Result};

use crate::exec::gpu::compile::pipelines::Pipelines;
use crate::exec::gpu::device::adapter::{AdapterInfo, AdapterKind, Selector, select};
use crate::exec::gpu::device::fault::{Faults, guarded};
use crate::exec::gpu::tune::tuner::Tuning;
use crate::exec::gpu::tune::tuning_cache::TuningCache;

/// How long to wait for a submission. Each takes a fraction of a second, and every GPU driver's watchdog acts
/// within a few seconds, so a GPU that does not finish in this time is lost. Software adapters have no watchdog,
/// and may just be slow, so they have no timeout.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

/// Which limits to open a device with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// All that the adapter offers.
    #[default]
    Adapter,
    /// Exactly what WebGPU guarantees everywhere, and no optional shader features.
    WebGpuDefaults,
}

/// How to open a device.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which limits to ask for.
    pub limits: Limits,
    /// Whether shaders check indices, divisors and loop counts as they run. Without, a kernel that
    /// indexes outside a buffer is undefined behaviour; with, loops can be many times slower.
    pub checks: bool,
    /// When trainings look for faster kernels.
    pub tuning: Tuning,
    /// The folder that keeps what they find; without one it is known to this device alone.
    pub cache: Option<PathBuf>,
}

/// All that the adapter offers, with checks; tuning in idle moments, and kept where `WGRAD_CACHE_DIR` says or else
/// in a folder `wgrad` of the user's cache folder. An empty `WGRAD_CACHE_DIR` keeps nothing.
impl Default for Options {
    fn default() -> Self {
        let cache = match std::env::var_os("WGRAD_CACHE_DIR") {
            Some(folder) => Some(PathBuf::from(folder)).filter(|f| !f.as_os_str().is_empty()),
            None => {
                let user = etcetera::choose_base_strategy().ok();
                user.map(|user| user.cache_dir().join("wgrad"))
            }
        };
        Options {
            limits: Limits::Adapter,
            checks: true,
            tuning: Tuning::Idle,
            cache,
        }
    }
}

/// An open GPU. Clones are the same device.
#[derive(Clone)]
pub struct GpuDevice(Arc<Inner>);

struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: AdapterInfo,
    name: String,
    checks: bool,
    /// How it was opened; not known of a host's.
    opened: Option<(Selector, Options)>,
    faults: Arc<Faults>,
    pipelines: Pipelines,
    cache: Mutex<TuningCache>,
    /// One thread at a time encodes and submits: some Intel drivers corrupt memory otherwise.
    submit_lock: Mutex<()>,
}

impl GpuDevice {
    /// Opens the adapter that `selector` picks, with all it offers and with checks.
    pub fn open(selector: &Selector) -> Result<Self> {
        Self::open_with(selector, &Options::default())
    }

    /// Opens the adapter that `selector` picks.
    pub fn open_with(selector: &Selector, options: &Options) -> Result<Self> {
        let (adapter, info) = select(selector)?;
        let (features, limits) = request(&adapter, options.limits);
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wgrad"),
            required_features: features,
            required_limits: limits,
            // Large buffers get memory of their own either way; the blocks for small ones need not
            // be as large as a game's.
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) = opened.map_err(|e| Error::Gpu {
            device: info.to_string(),
            what: "opening the device".to_string(),
            reason: e.to_string(),
        })?;
        let faults = Arc::new(Faults::default());
        faults.clone().install(&device);
        Self::new(
            device,
            queue,
            Some((selector.clone(), options.clone())),
            faults,
        )
    }

    /// One more device on the same adapter, opened in the same way. `None` where that cannot be: a host's
    /// device is the host's to open.
    pub(crate) fn open_again(&self) -> Option<Self> {
        let (selector, options) = self.0.opened.as_ref()?;
        let again = Self::open_with(selector, options).ok()?;
        (again.name() == self.name()).then_some(again)
    }

    /// Uses a device that belongs to the host application. Installs no callbacks and changes
    /// nothing on it; whether it is lost shows when a run's results cannot be read.
    ///
    /// Kernels use what the device was opened with: `SUBGROUP` and raised limits make them faster.
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self> {
        Self::new(device, queue, None, Arc::new(Faults::default()))
    }

    fn new(
        device: wgpu::Device,
        queue: wgpu::Queue,
        opened: Option<(Selector, Options)>,
        faults: Arc<Faults>,
    ) -> Result<Self> {
        let info = AdapterInfo::new(&device.adapter_info(), device.features(), &device.limits());
        let name = info.to_string();
        let pipelines = Pipelines::new(&device, &name)?;
        let submit_lock = Mutex::new(());
        let checks = opened.as_ref().is_none_or(|(_, options)| options.checks);
        let cache = opened
            .as_ref()
            .and_then(|(_, options)| options.cache.as_deref());
        let cache = Mutex::new(TuningCache::load(cache, &info, checks));
        let inner = Inner {
            device,
            queue,
            info,
            name,
            checks,
            opened,
            faults,
            pipelines,
            cache,
            submit_lock,
        };
        Ok(GpuDevice(Arc::new(inner)))
    }

    /// The device's name with backend and kind, as errors give it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The adapter, with the features and limits that the device was opened with.
    pub fn info(&self) -> &AdapterInfo {
        &self.0.info
    }

    /// What the device offers to kernels.
    pub fn kernel_limits(&self) -> KernelLimits {
        self.0.info.limits.clone()
    }

    /// Whether shaders check indices as they run.
    pub fn checks(&self) -> bool {
        self.0.checks
    }

    /// The device and its queue in wgpu's own types, for a program that draws with them as well.
    pub fn wgpu(&self) -> (&wgpu::Device, &wgpu::Queue) {
        (&self.0.device, &self.0.queue)
    }

    /// Gives the device's memory back, once what it is working on has finished; waits for that.
    /// What uses the device afterwards gets [`Error::DeviceLost`].
    pub fn destroy(&self) {
        self.0.faults.lose("it was destroyed");
        self.0.device.destroy();
        // wgpu frees the memory in the poll that finds nothing left to do.
        let _ = self.wait(wgpu::PollType::Wait {
            submission_index: None,
            timeout: self.timeout(),
        });
    }

    /// When trainings look for faster kernels: on a host's device never, which has other things to do.
    pub fn tuning(&self) -> Tuning {
        let opened = self.0.opened.as_ref();
        opened.map_or(Tuning::Off, |(_, options)| options.tuning)
    }

    pub(super) fn tuning_cache(&self) -> MutexGuard<'_, TuningCache> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pipelines(&self) -> &Pipelines {
        &self.0.pipelines
    }

    /// Locks encoding and submission.
    pub(super) fn submit_lock(&self) -> MutexGuard<'_, ()> {
        self.0
            .submit_lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` with all errors caught. `bytes` is what it allocates, if anything.
    pub(super) fn guarded<T>(
        &self,
        what: &str,
        bytes: u64,
        f: impl FnOnce(&wgpu::Device) -> T,
    ) -> Result<T> {
        guarded(&self.0.device, &self.0.name, what, bytes, || {
            f(&self.0.device)
        })
    }

    /// An error if the device is known to be lost, or an error went by uncaught.
    pub(super) fn check(&self) -> Result<()> {
        self.0.faults.check(&self.0.name)
    }

    /// Remembers that the device is lost, and says so.
    pub(super) fn lost(&self, reason: &str) -> Error {
        self.0.faults.lose(reason);
        let lost = self.check().err();
        lost.unwrap_or_else(|| Error::DeviceLost {
            device: self.0.name.clone(),
            reason: reason.to_string(),
        })
    }

    /// Runs the callbacks of finished work; with a submission, waits until that has finished.
    pub(super) fn poll(&self, until: Option<&wgpu::SubmissionIndex>) -> Result<()> {
        let kind = until.map_or(wgpu::PollType::Poll, |index| wgpu::PollType::Wait {
            submission_index: Some(index.clone()),
            timeout: self.timeout(),
        });
        self.wait(kind)
    }

    fn timeout(&self) -> Option<Duration> {
        (self.0.info.kind != AdapterKind::Software).then_some(WAIT_TIMEOUT)
    }

    fn wait(&self, kind: wgpu::PollType) -> Result<()> {
        // wgpu panics where the driver reports a lost device to a poll. Its locks are not poisoned
        // by that, and nothing but drop is called on the device afterwards.
        let polled = catch_unwind(AssertUnwindSafe(|| self.0.device.poll(kind)));
        match polled {
            Ok(Ok(_)) => self.check(),
            Ok(Err(wgpu::PollError::Timeout)) => Err(self.lost("it did not answer for 120 s")),
            Ok(Err(wgpu::PollError::WrongSubmissionIndex(..))) => {
                Err(self.lost("it refused a submission"))
            }
            Err(_) => Err(self.lost("the driver reported it while working")),
        }
    }
}

impl fmt::Debug for GpuDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GpuDevice").field(&self.0.name).finish()
    }
}

/// What to ask the adapter for.
fn request(adapter: &wgpu::Adapter, limits: Limits) -> (wgpu::Features, wgpu::Limits) {
    let tools = wgpu::Features::TIMESTAMP_QUERY
        | wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES
        | wgpu::Features::PIPELINE_CACHE;
    let shader = wgpu::Features::SHADER_F16 | wgpu::Features::SUBGROUP;
    if limits == Limits::WebGpuDefaults {
        return (adapter.features() & tools, wgpu::Limits::defaults());
    }
    let offered = adapter.limits();
    // Only what compute uses is raised: some limits cost memory just by being asked for.
    let mut asked = wgpu::Limits::defaults().or_worse_values_from(&offered);
    asked.max_storage_buffers_per_shader_stage = offered.max_storage_buffers_per_shader_stage;
    asked.max_storage_buffer_binding_size = offered.max_storage_buffer_binding_size;
    asked.max_buffer_size = offered.max_buffer_size;
    asked.max_compute_workgroup_storage_size = offered.max_compute_workgroup_storage_size;
    asked.max_compute_invocations_per_workgroup = offered.max_compute_invocations_per_workgroup;
    asked.max_compute_workgroup_size_x = offered.max_compute_workgroup_size_x;
    asked.max_compute_workgroup_size_y = offered.max_compute_workgroup_size_y;
    asked.max_compute_workgroup_size_z = offered.max_compute_workgroup_size_z;
    asked.max_compute_workgroups_per_dimension = offered.max_compute_workgroups_per_dimension;
    asked.max_buffers_and_acceleration_structures_per_shader_stage =
        offered.max_buffers_and_acceleration_structures_per_shader_stage;
    asked.min_uniform_buffer_offset_alignment = offered.min_uniform_buffer_offset_alignment;
    asked.min_storage_buffer_offset_alignment = offered.min_storage_buffer_offset_alignment;
    (adapter.features() & (tools | shader), asked)
}
