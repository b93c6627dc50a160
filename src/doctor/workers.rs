//! Runs the trials, on worker threads where that is faster.
//!
//! A software adapter compiles a kernel when it first runs, on one core. All other work on the same
//! device waits meanwhile. So each worker opens its own device, like the first one, and takes the
//! next trial when it has finished one. The results are in the order of the trials.
//!
//! Other GPUs use no workers. Their drivers compile on several threads when a pipeline is created,
//! and the doctor checks the device that users run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::exec::workers;
use crate::{Device, Error, Result};

use super::examine::{Found, examine};
use super::trial::Trial;

/// Runs the trials and calls `progress` with the number of finished ones. Returns an error only if
/// a device is lost.
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

/// Runs the trials with a worker for each device.
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
            // The receiver is gone if a device was lost.
            if sender.send((at, examine(device, trial, &|_| ()))).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        for device in devices {
            let (work, sender) = (&work, sender.clone());
            // If a worker cannot start, the others do its work.
            let _ = workers::spawn(scope, move || work(device, sender));
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

/// Opens further devices like this one. Returns none if workers are not faster or the device cannot
/// be opened again.
fn others(device: &Device) -> Vec<Device> {
    let Some(gpu) = device.as_gpu().filter(|_| device.kernel_limits().software) else {
        return Vec::new();
    };
    let again = (1..workers::count()).map_while(|_| gpu.open_again());
    again.map(Device::from_gpu).collect()
}
