//! An open GPU.

pub(super) mod adapter;
pub(super) mod fault;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::kernel::KernelLimits;
use crate::{Error, Result};

use crate::exec::gpu::compile::pipelines::Pipelines;
use crate::exec::gpu::device::adapter::{AdapterInfo, AdapterKind, Selector, select};
use crate::exec::gpu::device::fault::{Faults, guarded};
use crate::exec::gpu::tune::tuner::Tuning;
use crate::exec::gpu::tune::tuning_cache::TuningCache;

/// The timeout of a submission. Each takes a fraction of a second, and the watchdog of every GPU
/// driver acts within a few seconds. So a GPU that does not finish in this time is lost. Software
/// adapters have no watchdog and may just be slow, so they have no timeout.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

/// The limits with which a device is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// All limits of the adapter.
    #[default]
    Adapter,
    /// Exactly WebGPU's default limits, and no optional shader features.
    WebGpuDefaults,
}

/// Options for opening a device.
#[derive(Clone, Debug)]
pub struct Options {
    /// The limits to request.
    pub limits: Limits,
    /// Whether shaders check indices, divisors and loop counts at run time. Without checks, a
    /// kernel that indexes outside a buffer is undefined behavior. With checks, loops can be many
    /// times slower.
    pub checks: bool,
    /// When training runs benchmark kernels.
    pub tuning: Tuning,
    /// The folder of the tuning cache. `None`: the results are only kept in memory.
    pub cache: Option<PathBuf>,
}

/// All limits of the adapter, checks, and tuning in idle moments. The tuning cache is in the folder
/// `WGRAD_CACHE_DIR`, or by default in `wgrad` in the user's cache folder. An empty
/// `WGRAD_CACHE_DIR` disables the cache file.
impl Default for Options {
    fn default() -> Self {
        Options {
            limits: Limits::Adapter,
            checks: true,
            tuning: Tuning::Idle,
            cache: crate::checkpoint::cache_folder(),
        }
    }
}

/// An open GPU. Clones share the device.
#[derive(Clone)]
pub struct GpuDevice(Arc<Inner>);

struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: AdapterInfo,
    name: String,
    checks: bool,
    /// How the device was opened; unknown for a host application's device.
    opened: Option<(Selector, Options)>,
    faults: Arc<Faults>,
    pipelines: Pipelines,
    cache: Mutex<TuningCache>,
    /// Only one thread at a time encodes and submits, because some Intel drivers corrupt memory
    /// otherwise.
    submit_lock: Mutex<()>,
}

impl GpuDevice {
    /// Opens the adapter that `selector` selects, with the default options.
    pub fn open(selector: &Selector) -> Result<Self> {
        Self::open_with(selector, &Options::default())
    }

    /// Opens the adapter that `selector` selects.
    pub fn open_with(selector: &Selector, options: &Options) -> Result<Self> {
        let (adapter, info) = select(selector)?;
        let (features, limits) = request(&adapter, options.limits);
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wgrad"),
            required_features: features,
            required_limits: limits,
            // Large buffers have their own memory in any case. The blocks for small buffers need
            // not be as large as those of a game.
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

    /// Opens another device on the same adapter with the same options. Returns `None` if that is
    /// not possible, or if the device belongs to a host application.
    pub(crate) fn open_again(&self) -> Option<Self> {
        let (selector, options) = self.0.opened.as_ref()?;
        let again = Self::open_with(selector, options).ok()?;
        (again.name() == self.name()).then_some(again)
    }

    /// Uses a device that belongs to the host application. It sets no callbacks and changes nothing
    /// on the device. A loss of the device is detected when the results of a run cannot be read.
    ///
    /// Kernels use the features and limits with which the device was opened: `SUBGROUP` and raised
    /// limits make them faster.
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

    /// The device's name with backend and kind, as in errors.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the adapter, with the features and limits with which the device was opened.
    pub fn info(&self) -> &AdapterInfo {
        &self.0.info
    }

    /// Returns the limits for kernels.
    pub fn kernel_limits(&self) -> KernelLimits {
        self.0.info.limits.clone()
    }

    /// Returns whether shaders check indices at run time.
    pub fn checks(&self) -> bool {
        self.0.checks
    }

    /// Returns wgpu's device and queue, for a program that also draws with them.
    pub fn wgpu(&self) -> (&wgpu::Device, &wgpu::Queue) {
        (&self.0.device, &self.0.queue)
    }

    /// Waits for the device's current work, and frees its memory. Later uses of the device return
    /// [`Error::DeviceLost`].
    pub fn destroy(&self) {
        self.0.faults.lose("it was destroyed");
        self.0.device.destroy();
        // wgpu frees the memory in the poll that finds no remaining work.
        let _ = self.wait(wgpu::PollType::Wait {
            submission_index: None,
            timeout: self.timeout(),
        });
    }

    /// Returns when training runs benchmark kernels: never on a host application's device, which
    /// has other work.
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

    /// Runs `f` and catches all errors. `bytes` is the number of bytes that it allocates, if any.
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

    /// Returns an error if the device is known to be lost, or if an error was not caught in a
    /// scope.
    pub(super) fn check(&self) -> Result<()> {
        self.0.faults.check(&self.0.name)
    }

    /// Marks the device as lost, and returns the error.
    pub(super) fn lost(&self, reason: &str) -> Error {
        self.0.faults.lose(reason);
        let lost = self.check().err();
        lost.unwrap_or_else(|| Error::DeviceLost {
            device: self.0.name.clone(),
            reason: reason.to_string(),
        })
    }

    /// Runs the callbacks of finished work. With a submission, waits until it has finished.
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
        // wgpu panics if the driver reports a lost device to a poll. This does not poison its
        // locks, and only drop is called on the device afterwards.
        let polled = catch_unwind(AssertUnwindSafe(|| self.0.device.poll(kind)));
        match polled {
            Ok(Ok(_)) => self.check(),
            Ok(Err(wgpu::PollError::Timeout)) => Err(self.lost("it did not respond for 120 s")),
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

/// Returns the features and limits to request.
fn request(adapter: &wgpu::Adapter, limits: Limits) -> (wgpu::Features, wgpu::Limits) {
    let tools = wgpu::Features::TIMESTAMP_QUERY
        | wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES
        | wgpu::Features::PIPELINE_CACHE;
    let shader = wgpu::Features::SHADER_F16 | wgpu::Features::SUBGROUP;
    if limits == Limits::WebGpuDefaults {
        return (adapter.features() & tools, wgpu::Limits::defaults());
    }
    let offered = adapter.limits();
    // Raises only the limits that compute uses, because some limits cost memory when they are
    // requested.
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
