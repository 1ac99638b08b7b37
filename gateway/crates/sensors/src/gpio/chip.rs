//! What the driver wants of a chip, and the kernel's chips.
//!
//! The kernel here may offer no simulated chip, so the driver is tested over an implementation in
//! memory; this file holds nothing but calls.

use super::{Bias, DeviceSpec, Pin, PointSpec};
use gpiocdev::Request;
use gpiocdev::line::{self, EdgeDetection, EdgeKind, Value};
use std::future::Future;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How the kernel shows whose lines these are.
const CONSUMER: &str = "wellhead";
/// Edges the kernel keeps for us; its own limit is 16 for each of 64 lines.
const KERNEL_EDGES_MAX: u32 = 1024;
/// Edges taken with one read.
const EDGES_AT_ONCE: usize = 16;

/// An edge of a line, in its logical sense: `active_low` is applied already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Line of the chip.
    pub(crate) line: u32,
    /// Whether the line became active.
    pub(crate) active: bool,
    /// How many edges of this line there were since it was opened, this one included; wraps.
    pub(crate) number: u32,
}

/// A chip that can give us lines.
pub(crate) trait Chip: Send + 'static {
    /// Lines while they are ours.
    type Lines: Lines;
    /// Takes all lines of a device at once, relays in their safe state.
    fn open(&mut self, spec: &DeviceSpec) -> Result<Self::Lines, String>;
}

/// Lines that are ours until this is dropped. Levels are logical.
pub(crate) trait Lines: Send + Sync + 'static {
    /// The level of a line.
    fn level(&self, line: u32) -> Result<bool, String>;
    /// Sets a relay.
    fn set(&self, line: u32, active: bool) -> Result<(), String>;
    /// Takes edges that wait into `out`, without waiting.
    fn take_edges(&self, out: &mut Vec<Edge>) -> Result<(), String>;
    /// Resolves when edges wait. Takes none, so dropping it loses none.
    fn edges_wait(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// The kernel's character device.
#[derive(Debug)]
pub(crate) struct Kernel;

/// Lines requested of the kernel.
#[derive(Debug)]
pub(crate) struct KernelLines {
    request: AsyncFd<Request>,
}

impl Chip for Kernel {
    type Lines = KernelLines;

    fn open(&mut self, spec: &DeviceSpec) -> Result<KernelLines, String> {
        let mut builder = Request::builder();
        builder.on_chip(&spec.chip).with_consumer(CONSUMER);
        builder.with_kernel_event_buffer_size(KERNEL_EDGES_MAX);
        for point in &spec.points {
            builder.with_line(point.line).from_line_config(&config(point));
        }
        let request = builder.request().map_err(|error| explain(spec, &error))?;
        Ok(KernelLines { request: watch(request).map_err(|e| e.to_string())? })
    }
}

#[expect(unsafe_code, reason = "tokio wants a promise that a type can't give")]
fn watch(request: Request) -> Result<AsyncFd<Request>, impl std::error::Error> {
    // SAFETY: a request owns one file from the moment it is made until it is dropped, and it is
    // never taken out of the `AsyncFd` or replaced there.
    unsafe { AsyncFd::register_with_interest(request, Interest::READABLE) }
}

fn config(point: &PointSpec) -> line::Config {
    let mut config = line::Config { active_low: point.active_low, ..line::Config::default() };
    let (pull, debounce, edges) = match point.pin {
        Pin::Relay { safe } => {
            config.direction = Some(line::Direction::Output);
            config.value = Some(value(safe));
            return config;
        }
        Pin::Input { bias, debounce } => (bias, debounce, EdgeDetection::BothEdges),
        Pin::Counter { bias, debounce } => (bias, debounce, EdgeDetection::RisingEdge),
    };
    config.direction = Some(line::Direction::Input);
    config.edge_detection = Some(edges);
    config.debounce_period = (!debounce.is_zero()).then_some(debounce);
    config.bias = match pull {
        Bias::AsIs => None,
        Bias::Disabled => Some(line::Bias::Disabled),
        Bias::PullUp => Some(line::Bias::PullUp),
        Bias::PullDown => Some(line::Bias::PullDown),
    };
    config
}

/// Names the line that is taken or missing, which the kernel's number does not.
fn explain(spec: &DeviceSpec, error: &gpiocdev::Error) -> String {
    let Ok(chip) = gpiocdev::Chip::from_path(&spec.chip) else { return error.to_string() };
    for point in &spec.points {
        match chip.line_info(point.line) {
            Ok(info) if info.used => {
                let by = if info.consumer.is_empty() { "the kernel" } else { &info.consumer };
                return format!("line {} (`{}`) is in use by {by}", point.line, point.name);
            }
            Ok(_) => {}
            Err(_) => return format!("the chip has no line {} (`{}`)", point.line, point.name),
        }
    }
    error.to_string()
}

fn value(active: bool) -> Value {
    if active { Value::Active } else { Value::Inactive }
}

impl Lines for KernelLines {
    fn level(&self, line: u32) -> Result<bool, String> {
        let value = self.request.get_ref().value(line).map_err(|e| e.to_string())?;
        Ok(value == Value::Active)
    }

    fn set(&self, line: u32, active: bool) -> Result<(), String> {
        self.request.get_ref().set_value(line, value(active)).map_err(|e| e.to_string())
    }

    fn take_edges(&self, out: &mut Vec<Edge>) -> Result<(), String> {
        let request = self.request.get_ref();
        let size = request.edge_event_u64_size();
        let mut room = vec![0; size * EDGES_AT_ONCE];
        // Reading would block if none waited: the file is not opened non-blocking.
        while request.has_edge_event().map_err(|e| e.to_string())? {
            let words =
                request.read_edge_events_into_slice(&mut room).map_err(|e| e.to_string())?;
            for event in room.get(..words).unwrap_or(&room).chunks_exact(size) {
                let event = request.edge_event_from_slice(event).map_err(|e| e.to_string())?;
                out.push(Edge {
                    line: event.offset,
                    active: event.kind == EdgeKind::Rising,
                    number: event.line_seqno,
                });
            }
        }
        Ok(())
    }

    async fn edges_wait(&self) -> Result<(), String> {
        loop {
            let mut guard = self.request.readable().await.map_err(|e| e.to_string())?;
            if self.request.get_ref().has_edge_event().map_err(|e| e.to_string())? {
                return Ok(());
            }
            guard.clear_ready();
        }
    }
}
