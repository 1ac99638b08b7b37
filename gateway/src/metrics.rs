//! Figures for Prometheus, on loopback: text format 0.0.4 over HTTP.

use crate::admin::{Desk, PluginView, UplinkView};
use crate::hub::{DeviceStats, Latest};
use std::fmt::Write;
use std::net::SocketAddr;
use wellhead_control::Count;
use wellhead_model::{DeviceId, Mono};

/// Every figure there is; nothing else may be exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    DeviceUp,
    DeviceAge,
    DeviceLatency,
    DevicePolls,
    DeviceWrites,
    OutputStarts,
    Alarms,
    DevicePoints,
    PointAge,
    PluginUp,
    PluginCalls,
    PluginSeconds,
    PluginSecondsMax,
    PluginFaults,
    PluginStarts,
    PluginMemory,
    ClockSynced,
    UplinkConnected,
    UplinkWaiting,
    UplinkDelivered,
    UplinkRefused,
    UplinkDropped,
    CacheBatches,
    CacheSamples,
    CacheBytes,
    CacheBytesMax,
    CacheHoursLeft,
}

impl Metric {
    /// Name, kind and meaning.
    fn about(self) -> (&'static str, &'static str, &'static str) {
        use Metric as M;
        match self {
            M::DeviceUp => ("wellhead_device_up", "gauge", "1 while the device answers"),
            M::DeviceAge => ("wellhead_device_age_seconds", "gauge", "Since its last answer"),
            M::DeviceLatency => {
                ("wellhead_device_latency_seconds", "gauge", "How long its last answer took")
            }
            M::DevicePolls => ("wellhead_device_polls_total", "counter", "Polls by their result"),
            M::DeviceWrites => {
                ("wellhead_point_writes_total", "counter", "Values written to a point")
            }
            M::OutputStarts => (
                "wellhead_output_starts_total",
                "counter",
                "Times that a write took an output away from its safe value",
            ),
            M::Alarms => ("wellhead_alarms_active", "gauge", "Alarms active now"),
            M::DevicePoints => {
                ("wellhead_device_points", "gauge", "Points of the device by their quality")
            }
            M::PointAge => (
                "wellhead_device_oldest_point_age_seconds",
                "gauge",
                "Since the last good reading of its longest unread point",
            ),
            M::PluginUp => ("wellhead_plugin_up", "gauge", "1 while the plugin runs"),
            M::PluginCalls => ("wellhead_plugin_calls_total", "counter", "Calls of the plugin"),
            M::PluginSeconds => {
                ("wellhead_plugin_cpu_seconds_total", "counter", "CPU time of all its calls")
            }
            M::PluginSecondsMax => {
                ("wellhead_plugin_cpu_seconds_max", "gauge", "CPU time of its longest call")
            }
            M::PluginFaults => ("wellhead_plugin_faults_total", "counter", "Its calls that failed"),
            M::PluginStarts => ("wellhead_plugin_starts_total", "counter", "Times it was started"),
            M::PluginMemory => {
                ("wellhead_plugin_memory_bytes", "gauge", "Memory that the plugin has")
            }
            M::ClockSynced => {
                ("wellhead_clock_synchronised", "gauge", "1 while the wall clock is synchronised")
            }
            M::UplinkConnected => ("wellhead_uplink_connected", "gauge", "1 while connected"),
            M::UplinkWaiting => {
                ("wellhead_uplink_waiting_batches", "gauge", "Batches in memory, unacknowledged")
            }
            M::UplinkDelivered => {
                ("wellhead_uplink_delivered_total", "counter", "Batches acknowledged")
            }
            M::UplinkRefused => {
                ("wellhead_uplink_refused_total", "counter", "Batches refused by the broker")
            }
            M::UplinkDropped => {
                ("wellhead_uplink_dropped_samples_total", "counter", "Samples lost, told as gaps")
            }
            M::CacheBatches => ("wellhead_cache_batches", "gauge", "Batches held on disk"),
            M::CacheSamples => ("wellhead_cache_samples", "gauge", "Samples held on disk"),
            M::CacheBytes => ("wellhead_cache_bytes", "gauge", "Disk space used"),
            M::CacheBytesMax => ("wellhead_cache_bytes_max", "gauge", "Disk space allowed"),
            M::CacheHoursLeft => {
                ("wellhead_cache_hours_left", "gauge", "Hours that fit at the present rate")
            }
        }
    }
}

/// Text under construction; each metric is announced once, with its samples behind it.
#[derive(Default)]
struct Page(String);

impl Page {
    fn metric(&mut self, metric: Metric, samples: impl IntoIterator<Item = (String, f64)>) {
        let (name, kind, help) = metric.about();
        let mut announced = false;
        for (labels, value) in samples {
            if !announced {
                let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
                announced = true;
            }
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let mut text = String::from("{");
    for (i, (key, value)) in pairs.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(text, "{comma}{key}=\"{value}\"");
    }
    text.push('}');
    text
}

/// The page as it is now.
pub fn page(desk: &Desk) -> String {
    let running = desk.plugins();
    let now = desk.hub.clock().now();
    let mut page = Page::default();
    devices(&mut page, &desk.hub.snapshot(), now.mono);
    let counts = desk.control.counts();
    let each = |n: fn(&Count) -> u64| {
        counts.iter().map(move |(point, c)| (labels(&[("point", point)]), n(c) as f64))
    };
    page.metric(Metric::DeviceWrites, each(|c| c.writes));
    page.metric(Metric::OutputStarts, each(|c| c.starts));
    plugins(&mut page, &running);
    page.metric(Metric::Alarms, [(String::new(), desk.hub.alarms().len() as f64)]);
    let synced = f64::from(u8::from(now.synced));
    page.metric(Metric::ClockSynced, [(String::new(), synced)]);
    uplinks(&mut page, &(desk.uplinks)());
    page.0
}

type Device = (DeviceId, DeviceStats, Vec<Latest>);

fn devices(page: &mut Page, devices: &[Device], now: Mono) {
    let each = |f: &dyn Fn(&DeviceStats, &[Latest]) -> Option<f64>| -> Vec<(String, f64)> {
        let one = |(id, stats, points): &Device| {
            Some((labels(&[("device", id.as_str())]), f(stats, points)?))
        };
        devices.iter().filter_map(one).collect()
    };
    let up = |s: &DeviceStats, _: &[Latest]| Some(f64::from(u8::from(s.is_up())));
    page.metric(Metric::DeviceUp, each(&up));
    page.metric(Metric::DeviceAge, each(&|s, _| Some(now.since(s.last_answer?).as_secs_f64())));
    page.metric(
        Metric::DeviceLatency,
        each(&|s, _| s.last_answer.map(|_| s.latency.as_secs_f64())),
    );
    page.metric(
        Metric::PointAge,
        each(&|_, points| {
            let oldest = points.iter().filter_map(|p| p.age).max()?;
            Some(oldest.as_secs_f64())
        }),
    );
    let polls = devices.iter().flat_map(|(id, s, _)| {
        let results = [
            ("answered", s.answered),
            ("no_reply", s.silent),
            ("bad_reply", s.garbled),
            ("refused", s.refused),
            ("unreachable", s.unreachable),
        ];
        results.map(|(r, n)| (labels(&[("device", id.as_str()), ("result", r)]), n as f64))
    });
    page.metric(Metric::DevicePolls, polls);
    let points = devices.iter().flat_map(|(id, _, points)| {
        ["good", "uncertain", "stale", "bad", "manual"].map(|word| {
            let n = points.iter().filter(|p| p.quality.word() == word).count();
            (labels(&[("device", id.as_str()), ("quality", word)]), n as f64)
        })
    });
    page.metric(Metric::DevicePoints, points);
}

fn plugins(page: &mut Page, plugins: &[PluginView]) {
    let mut each = |metric: Metric, f: &dyn Fn(&PluginView) -> f64| {
        let one = |p: &PluginView| (labels(&[("plugin", &p.plugin)]), f(p));
        page.metric(metric, plugins.iter().map(one));
    };
    each(Metric::PluginUp, &|p| f64::from(u8::from(p.state == "running")));
    each(Metric::PluginCalls, &|p| p.calls as f64);
    each(Metric::PluginSeconds, &|p| p.cpu_ms / 1000.0);
    each(Metric::PluginSecondsMax, &|p| p.cpu_max_ms / 1000.0);
    each(Metric::PluginFaults, &|p| p.faults as f64);
    each(Metric::PluginStarts, &|p| p.starts as f64);
    each(Metric::PluginMemory, &|p| p.memory as f64);
}

fn uplinks(page: &mut Page, uplinks: &[UplinkView]) {
    let mut each = |metric: Metric, f: &dyn Fn(&UplinkView) -> Option<f64>| {
        let one = |u: &UplinkView| Some((labels(&[("uplink", &u.uplink)]), f(u)?));
        page.metric(metric, uplinks.iter().filter_map(one));
    };
    each(Metric::UplinkConnected, &|u| Some(f64::from(u8::from(u.connected))));
    each(Metric::UplinkWaiting, &|u| Some(u.waiting as f64));
    each(Metric::UplinkDelivered, &|u| Some(u.delivered as f64));
    each(Metric::UplinkRefused, &|u| Some(u.refused as f64));
    each(Metric::UplinkDropped, &|u| Some(u.dropped as f64));
    each(Metric::CacheBatches, &|u| Some(u.cache.batches as f64));
    each(Metric::CacheSamples, &|u| Some(u.cache.samples as f64));
    each(Metric::CacheBytes, &|u| Some(u.cache.bytes as f64));
    each(Metric::CacheBytesMax, &|u| Some(u.cache.bytes_max as f64));
    each(Metric::CacheHoursLeft, &|u| u.cache.hours_left);
}

/// Serves `GET /metrics` until dropped.
pub async fn serve(address: SocketAddr, desk: Desk) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    let page = move || async move {
        let kind = [(axum::http::header::CONTENT_TYPE, "text/plain; version=0.0.4")];
        (kind, page(&desk))
    };
    let app = axum::Router::new().route("/metrics", axum::routing::get(page));
    axum::serve(listener, app).await
}
