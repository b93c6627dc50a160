//! A profile as a trace, for chrome://tracing and <https://ui.perfetto.dev>.
//!
//! The format is JSON, "Trace Event Format" (Google, 2016): complete events, `"ph": "X"`, with
//! their start and duration in microseconds, on two tracks. The track of the device contains the
//! steps of each run inside the run, and that of the host its phases.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Result;
use crate::checkpoint::write_atomically;
use crate::exec::{Span, Timeline};

use super::{Profile, StepProfile};

/// The ids of the tracks.
const HOST: u32 = 1;
const DEVICE: u32 = 2;

impl Profile {
    /// Returns all timed runs as a trace. The device's steps are placed between the submission and
    /// the end of the wait, because the offset of its clock from the host's is unknown, unless the
    /// host timed the steps.
    pub fn trace(&self) -> String {
        let mut events = vec![
            named("process_name", HOST, "wgrad"),
            named("thread_name", HOST, "host"),
            named("thread_name", DEVICE, &self.device),
        ];
        for (number, (began, timeline)) in self.runs.iter().enumerate() {
            self.run(&mut events, number, *began, timeline);
        }
        let trace = json!({
            "displayTimeUnit": "ms",
            "otherData": {
                "device": self.device,
                "clock": self.clock.to_string(),
                "gflop_per_s": self.roofline.flops / 1e9,
                "gb_per_s": self.roofline.bandwidth / 1e9,
                "batch": self.batch,
            },
            "traceEvents": events,
        });
        trace.to_string()
    }

    /// Writes [`Profile::trace`] to a file, completely or not at all.
    pub fn write_trace(&self, path: impl AsRef<Path>) -> Result<()> {
        write_atomically(path.as_ref(), self.trace().as_bytes())
    }

    fn run(&self, events: &mut Vec<Value>, number: usize, began: Duration, timeline: &Timeline) {
        let at = |span: Span| Span {
            start: began + span.start,
            ..span
        };
        let whole = |spans: &[Span]| {
            let start = spans.iter().map(|s| s.start).min().unwrap_or_default();
            let end = spans.iter().map(|s| s.end()).max().unwrap_or_default();
            Span::between(start, end)
        };
        let name = format!("training step {number}");
        let host: Vec<Span> = timeline.host.iter().map(|(_, span)| *span).collect();
        events.push(complete(&name, HOST, at(whole(&host)), json!({})));
        for (phase, span) in &timeline.host {
            events.push(complete(phase.name(), HOST, at(*span), json!({})));
        }
        events.push(complete(
            &name,
            DEVICE,
            at(whole(&timeline.steps)),
            json!({}),
        ));
        for (i, (step, span)) in self.steps.iter().zip(&timeline.steps).enumerate() {
            events.push(complete(&step.label, DEVICE, at(*span), about(i, step)));
        }
    }
}

/// Returns the details of a step's event.
fn about(number: usize, step: &StepProfile) -> Value {
    json!({
        "step": number,
        "phase": step.phase_name(),
        "layer": step.scope,
        "source": step.source.to_string(),
        "kernels": step.kernels,
        "flops": step.flops,
        "bytes": step.bytes,
    })
}

fn complete(name: &str, track: u32, span: Span, args: Value) -> Value {
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    json!({
        "name": name, "ph": "X", "pid": 1, "tid": track,
        "ts": micros(span.start), "dur": micros(span.length), "args": args,
    })
}

fn named(what: &str, track: u32, name: &str) -> Value {
    json!({"name": what, "ph": "M", "pid": 1, "tid": track, "args": {"name": name}})
}
