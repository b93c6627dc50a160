//! All trials, on as many threads as help.
//!
//! A GPU in software compiles a kernel when it first runs, on one core, while all else that was handed to the
//! same device waits. So there each thread has a device of its own, opened like the first, and takes the next
//! trial when it is done with one. What comes out is in the order of the trials, whoever examined them.
//!
//! Why not on other GPUs: their drivers compile when a pipeline is made, which goes by threads anyhow, and
//! users have a single device at work, which is what is to be seen.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::{Device, Error, Result};

use super::examine::{Found, examine};
use super::trial::Trial;

/// Threads at most: each has a device, with memory of its own.
const MOST: usize = 4;

/// Shaders are parsed by recursion, as deep as they are nested.
const STACK: usize = 8 << 20;

/// Examines the trials; `progress` hears how many are done. Only a lost device is an error.
pub(super) fn examine_all(
    device: &Device,
    trials: &[Trial],
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Found>> {
    let mut devices = others(device);
    if devices.is_empty() {
        let one_by_one = (1..).zip(trials).map(|(done, trial)| {
            let found = examine(device, trial, &|_| ())?;
            progress(done);
            Ok(found)
        });
        return one_by_one.collect();
    }
    devices.push(device.clone());
    together(&devices, trials, progress)
}

/// With a thread for each device.
fn together(
    devices: &[Device],
    trials: &[Trial],
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Found>> {
    let mut all: Vec<Option<Found>> = trials.iter().map(|_| None).collect();
    let next = AtomicUsize::new(0);
    let work = |device: &Device, sender: mpsc::Sender<(usize, Result<Found>)>| {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(trial) = trials.get(at) else { break };
            // Nobody listens any more once a device was lost.
            if sender.send((at, examine(device, trial, &|_| ()))).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        for device in devices {
            let (work, sender) = (&work, sender.clone());
            let builder = thread::Builder::new().stack_size(STACK);
            // Where there is no thread to be had, the others do the work.
            let _ = builder.spawn_scoped(scope, move || work(device, sender));
        }
        drop(sender);
        for (done, (at, found)) in (1..).zip(receiver) {
            if let Some(place) = all.get_mut(at) {
                *place = Some(found?);
            }
            progress(done);
        }
        Ok(())
    })?;
    let missing = || Error::internal("the doctor", "no thread examined a trial");
    let all = all.into_iter().map(|found| found.ok_or_else(missing));
    all.collect()
}

/// Devices besides this one, opened in the same way. None where that does not help or cannot be.
fn others(device: &Device) -> Vec<Device> {
    let Some(gpu) = device.as_gpu().filter(|_| device.kernel_limits().software) else {
        return Vec::new();
    };
    let threads = thread::available_parallelism().map_or(1, |n| n.get().min(MOST));
    let again = (1..threads).map_while(|_| gpu.open_again());
    again.map(Device::from_gpu).collect()
}
