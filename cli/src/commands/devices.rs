//! `wgrad devices`: lists the adapters with their limits and features.

use serde::Serialize;
use wgrad::Device;
use wgrad::device::AdapterInfo;

use crate::failure::Failure;
use crate::output::Output;
use crate::text::{bytes, count, wrap};

/// The start of an adapter's further lines.
const INDENT: &str = "     ";

/// An adapter, as a JSON event.
#[derive(Serialize)]
struct Adapter<'a> {
    index: usize,
    name: &'a str,
    kind: String,
    backend: &'a str,
    driver: &'a str,
    driver_info: &'a str,
    vendor: u32,
    device: u32,
    f16: bool,
    subgroups: Option<(u32, u32)>,
    timestamps: bool,
    limits: Limits,
}

/// The limits of an adapter, in bytes or counts.
#[derive(Serialize)]
struct Limits {
    buffer_bytes: u64,
    binding_bytes: u64,
    storage_buffers: u32,
    workgroup_bytes: u32,
    invocations: u32,
    workgroups: u32,
}

/// Lists the adapters.
pub fn run(output: &mut Output) -> Result<(), Failure> {
    let adapters = Device::adapters()?;
    let auto = Device::auto()?;
    let chosen = auto.as_gpu().map(|gpu| gpu.info());
    if adapters.is_empty() {
        output.say("found no GPU; on Linux, check that a Vulkan driver is installed");
    }
    let width = adapters.iter().map(|a| a.name.len()).max().unwrap_or(0);
    for (index, adapter) in adapters.iter().enumerate() {
        let mark = if chosen == Some(adapter) { "*" } else { " " };
        let line = format!(
            "{mark} {index}  {:width$}  {}, {}, {} {}",
            adapter.name, adapter.kind, adapter.backend, adapter.driver, adapter.driver_info
        );
        output.say(&wrap(&line, INDENT));
        output.say(&wrap(&format!("{INDENT}{}", offers(adapter)), INDENT));
        output.event("adapter", &event(index, adapter));
    }
    let (name, why) = (auto.name(), auto.why());
    output.say("");
    output.say(&wrap(&format!("auto selects {name}: {why}"), ""));
    let verdict = match (&chosen, adapters.len()) {
        (Some(_), _) => {
            "wgrad trains on this GPU; `wgrad doctor` checks that it computes correctly"
        }
        (None, 0) => "wgrad trains on the CPU",
        (None, _) => "wgrad trains on the CPU, unless --device names another device",
    };
    output.say(verdict);
    output.event(
        "done",
        &serde_json::json!({
            "adapters": adapters.len(),
            "auto": { "device": name, "why": why },
        }),
    );
    Ok(())
}

/// Returns the limits and features of an adapter as one line.
fn offers(adapter: &AdapterInfo) -> String {
    let l = &adapter.limits;
    let mut parts = vec![
        format!("buffers of up to {}", bytes(l.buffer_bytes)),
        format!("bindings of up to {}", bytes(l.binding_bytes)),
        format!("{} storage buffers per shader", l.storage_buffers),
        format!(
            "workgroups of up to {} invocations",
            count(u64::from(l.invocations))
        ),
        format!(
            "{} of workgroup memory",
            bytes(u64::from(l.workgroup_bytes))
        ),
    ];
    if let Some((low, high)) = adapter.subgroups {
        parts.push(match low == high {
            true => format!("subgroups of {low}"),
            false => format!("subgroups of {low} to {high}"),
        });
    }
    if adapter.f16 {
        parts.push("f16".to_string());
    }
    if adapter.timestamps {
        parts.push("timestamps".to_string());
    }
    parts.join(", ")
}

fn event(index: usize, adapter: &AdapterInfo) -> Adapter<'_> {
    let l = &adapter.limits;
    Adapter {
        index,
        name: &adapter.name,
        kind: adapter.kind.to_string(),
        backend: &adapter.backend,
        driver: &adapter.driver,
        driver_info: &adapter.driver_info,
        vendor: adapter.vendor,
        device: adapter.device,
        f16: adapter.f16,
        subgroups: adapter.subgroups,
        timestamps: adapter.timestamps,
        limits: Limits {
            buffer_bytes: l.buffer_bytes,
            binding_bytes: l.binding_bytes,
            storage_buffers: l.storage_buffers,
            workgroup_bytes: l.workgroup_bytes,
            invocations: l.invocations,
            workgroups: l.workgroups,
        },
    }
}
