//! Lines: serial ports, sockets, and where else devices are reached.

use super::At;
use super::protocol;
use crate::config::file::{FramingWord, LineTable, Protocol};
use crate::config::problem::Problem;
use crate::config::report::{Findings, Spot};
use crate::config::site::{Device, Line};
use crate::config::tree::Data;
use crate::registry::LineSetup;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wellhead_bacnet::{PortConfig, Registration};
use wellhead_driver::{LineConfig, Parity, SerialConfig, SerialMode, TcpConfig};
use wellhead_modbus::Framing;

/// What a line is, by the key that says where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortKind {
    Serial,
    Tcp,
    Bacnet,
    Sysfs,
    Gpio,
}

impl PortKind {
    const ALL: [Self; 5] = [Self::Serial, Self::Tcp, Self::Bacnet, Self::Sysfs, Self::Gpio];

    /// The key, which is its name in messages too.
    pub(super) fn word(self) -> &'static str {
        match self {
            PortKind::Serial => "serial",
            PortKind::Tcp => "tcp",
            PortKind::Bacnet => "bacnet",
            PortKind::Sysfs => "sysfs",
            PortKind::Gpio => "gpio",
        }
    }

    /// What can be spoken there.
    pub(super) fn protocols(self) -> &'static [Protocol] {
        match self {
            PortKind::Serial | PortKind::Tcp => {
                &[Protocol::Modbus, Protocol::Mbus, Protocol::Dlt645, Protocol::Cjt188]
            }
            PortKind::Bacnet => &[Protocol::Bacnet],
            PortKind::Sysfs => &[Protocol::Onewire, Protocol::Hwmon, Protocol::Iio],
            PortKind::Gpio => &[Protocol::Gpio],
        }
    }

    /// What is spoken there if nobody says it.
    pub(super) fn usual(self) -> Option<Protocol> {
        match self {
            PortKind::Serial | PortKind::Tcp => Some(Protocol::Modbus),
            PortKind::Bacnet => Some(Protocol::Bacnet),
            PortKind::Gpio => Some(Protocol::Gpio),
            PortKind::Sysfs => None,
        }
    }
}

/// A line as far as it could be read; devices may refer to it even if it is wrong.
pub(super) struct LineFound {
    pub(super) id: String,
    pub(super) kind: Option<PortKind>,
    pub(super) setup: Option<LineSetup>,
    /// Where it leads, however that was written.
    port: Option<String>,
    pub(super) framing: Framing,
    /// Of a serial line.
    pub(super) mode: Option<SerialMode>,
    /// Where counters on it keep their counts.
    pub(super) counts_dir: PathBuf,
}

impl LineFound {
    /// The line, if nothing was wrong.
    pub(super) fn whole(self) -> Option<Line> {
        Some(Line { id: self.id, setup: self.setup? })
    }

    /// The host that two lines may lead to; of any other line its own id.
    pub(super) fn reaches(&self) -> &str {
        match (&self.kind, &self.port) {
            (Some(PortKind::Tcp), Some(port)) => port,
            _ => &self.id,
        }
    }

    /// A line that takes any device, for checking profiles by themselves.
    pub(super) fn for_profiles() -> Self {
        Self {
            id: "any".into(),
            kind: None,
            setup: None,
            port: None,
            framing: Framing::Tcp,
            mode: None,
            counts_dir: PathBuf::new(),
        }
    }
}

/// Reads all lines. `data_dir` is the gateway's.
pub(super) fn lines(all: &At<'_>, data_dir: &Path, findings: &mut Findings) -> Vec<LineFound> {
    let mut ports: BTreeMap<String, String> = BTreeMap::new();
    let mut found: Vec<LineFound> = Vec::new();
    for (id, node) in all.node.table().into_iter().flatten() {
        let at = At::new(node, &crate::config::structure::join_path(&all.path, id));
        let table = if at.node.is_cut() { None } else { at.read::<LineTable>(findings) };
        let framing = match table.as_ref().map(|t| (t.framing, t.serial.is_some())) {
            Some((Some(FramingWord::Rtu), _) | (_, true)) => Framing::Rtu,
            _ => Framing::Tcp,
        };
        let kind = table.as_ref().and_then(|_| kind(&at, findings));
        let setup = table.zip(kind).and_then(|(t, kind)| setup(t, kind, &at, findings));
        let port = setup.as_ref().and_then(port);
        if let (Some(kind), Some(port)) = (kind, &port) {
            let taken = ports.get(port).or_else(|| {
                let bind = bacnet_bind(setup.as_ref()?)?;
                let other = |l: &&LineFound| l.setup.as_ref().and_then(bacnet_bind);
                let same = |l: &&LineFound| other(l).is_some_and(|other| one_socket(bind, other));
                found.iter().find(same).map(|l| &l.id)
            });
            match taken {
                // Modbus TCP keeps two sessions apart; nothing keeps two masters of a wire apart.
                Some(other) if kind == PortKind::Tcp && framing == Framing::Tcp => {
                    let other = other.clone();
                    findings.add(at.key(kind.word()), Problem::SameAddress { other });
                }
                Some(other) => {
                    let other = other.clone();
                    findings.add(at.key(kind.word()), Problem::SamePort { other });
                }
                None => drop(ports.insert(port.clone(), id.clone())),
            }
        }
        let mode = match &setup {
            Some(LineSetup::Stream(LineConfig::Serial(s))) => Some(s.mode),
            _ => None,
        };
        let (id, counts_dir) = (id.clone(), data_dir.join("counts"));
        found.push(LineFound { id, kind, setup, port, framing, mode, counts_dir });
    }
    found
}

/// Where a BACnet line listens.
fn bacnet_bind(setup: &LineSetup) -> Option<SocketAddr> {
    match setup {
        LineSetup::Bacnet(port) => Some(port.bind.into()),
        _ => None,
    }
}

/// Whether only one of two sockets of a kind can be had.
pub(super) fn one_socket(a: SocketAddr, b: SocketAddr) -> bool {
    // [::] takes IPv4 too.
    let takes = |all: IpAddr, one: IpAddr| all.is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    let (x, y) = (a.ip(), b.ip());
    a.port() == b.port() && a.port() != 0 && (x == y || takes(x, y) || takes(y, x))
}

/// What only one line may have.
fn port(setup: &LineSetup) -> Option<String> {
    match setup {
        // By whatever name: the links of `/dev/serial` lead to one port under several.
        LineSetup::Stream(LineConfig::Serial(s)) => {
            let path = s.path.canonicalize().unwrap_or_else(|_| s.path.clone());
            Some(path.display().to_string())
        }
        LineSetup::Stream(LineConfig::Tcp(t)) => Some(format!("{}:{}", one_name(&t.host), t.port)),
        LineSetup::Bacnet(port) => Some(port.bind.to_string()),
        LineSetup::Gpio(chip) => Some(chip.display().to_string()),
        // Files are read by as many as want to.
        LineSetup::Sysfs(_) => None,
    }
}

/// This machine has several names, and names have no case.
fn one_name(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let here = host.parse::<IpAddr>().map_or(host == "localhost", |ip| ip.is_loopback());
    if here { "localhost".into() } else { host }
}

/// Which port it is; tells if that is none or several, and of keys that are for others.
fn kind(at: &At<'_>, findings: &mut Findings) -> Option<PortKind> {
    let given: Vec<_> = PortKind::ALL.into_iter().filter(|k| at.has(k.word())).collect();
    let kind = match given.as_slice() {
        [kind] => *kind,
        [] => {
            findings.add(at.here(), Problem::NoPort);
            return None;
        }
        [first, second, ..] => {
            let (first, second) = (first.word(), second.word());
            findings.add(at.key(second), Problem::TwoPorts { first, second });
            return None;
        }
    };
    for (key, _) in protocol::port_keys().iter().filter(|(_, of)| !of.contains(&kind)) {
        if let Some(child) = at.child(key) {
            let (key, port) = ((*key).to_owned(), kind.word());
            findings.add(Spot::key(child.node, &child.path), Problem::KeyOfOtherPort { key, port });
        }
    }
    Some(kind)
}

fn setup(t: LineTable, kind: PortKind, at: &At<'_>, findings: &mut Findings) -> Option<LineSetup> {
    Some(match kind {
        PortKind::Serial => LineSetup::Stream(LineConfig::Serial(serial(t)?)),
        PortKind::Tcp => LineSetup::Stream(LineConfig::Tcp(tcp(t, at, findings)?)),
        PortKind::Bacnet => LineSetup::Bacnet(bacnet(t, at, findings)?),
        PortKind::Sysfs => LineSetup::Sysfs(PathBuf::from(t.sysfs?)),
        PortKind::Gpio => LineSetup::Gpio(PathBuf::from(t.gpio?)),
    })
}

fn serial(t: LineTable) -> Option<SerialConfig> {
    Some(SerialConfig {
        path: PathBuf::from(t.serial?),
        mode: SerialMode {
            baud: t.baud.unwrap_or(9600),
            data_bits: t.data_bits.unwrap_or(8),
            parity: t.parity.map_or(Parity::Even, protocol::parity),
            stop_bits: t.stop_bits.unwrap_or(1),
        },
        rs485: t.rs485.unwrap_or(false),
    })
}

fn tcp(t: LineTable, at: &At<'_>, findings: &mut Findings) -> Option<TcpConfig> {
    let got = t.tcp?;
    let Some((host, port)) = host_and_port(&got) else {
        findings.add(at.key("tcp"), Problem::BadTcpAddress { got });
        return None;
    };
    Some(TcpConfig {
        host,
        port,
        connect_timeout: t.connect_timeout.map_or(Duration::from_secs(3), |d| d.0),
        close_when_idle: t.close_when_idle.unwrap_or(false),
    })
}

fn bacnet(t: LineTable, at: &At<'_>, findings: &mut Findings) -> Option<PortConfig> {
    let mut address = |key: &'static str, got: Option<String>| {
        let got = got?;
        let parsed = got.parse::<SocketAddrV4>().ok();
        if parsed.is_none() {
            findings.add(at.key(key), Problem::BadBacnetAddress { got });
        }
        parsed
    };
    let bind = address("bacnet", t.bacnet);
    let bbmd = address("bbmd", t.bbmd);
    let broadcast = match t.broadcast {
        None => Some(Ipv4Addr::BROADCAST),
        Some(got) => {
            let parsed = got.parse().ok();
            if parsed.is_none() {
                findings.add(at.key("broadcast"), Problem::BadBroadcast { got });
            }
            parsed
        }
    };
    if at.has("bbmd_ttl") && !at.has("bbmd") {
        findings.add(at.key("bbmd_ttl"), Problem::Missing { key: "bbmd".into() });
    }
    let ttl = t.bbmd_ttl.map_or(Duration::from_secs(300), |d| d.0);
    let foreign = bbmd.map(|bbmd| Registration { bbmd, ttl });
    Some(PortConfig { bind: bind?, broadcast: broadcast?, foreign })
}

/// Takes `host:port` or `[v6]:port` apart.
pub(super) fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host_name(host)?;
    let port = port.parse().ok().filter(|p| *p != 0)?;
    Some((host, port))
}

/// A host name or address; an IPv6 address loses its brackets.
pub(super) fn host_name(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().ok().map(|_| inner.to_owned());
    }
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!text.is_empty() && text.chars().all(name)).then(|| text.to_owned())
}

/// Warns of serial lines too slow for what their devices are asked.
pub(super) fn tell_too_slow(
    at: &At<'_>,
    lines: &[LineFound],
    devices: &[Device],
    findings: &mut Findings,
) {
    for (i, line) in lines.iter().enumerate() {
        let Some(LineSetup::Stream(LineConfig::Serial(port))) = &line.setup else { continue };
        let on_it = devices.iter().filter(|d| d.line == i);
        let share: f64 = on_it.map(|d| d.spec.share(port.mode)).sum();
        if let (true, Some(at)) = (share > 1.0, at.child(&line.id)) {
            let percent = (share * 100.0).ceil() as u64;
            findings.add(at.here(), Problem::LineTooSlow { percent });
        }
    }
}

/// Warns of lines that no device names.
pub(super) fn tell_unused(lines: &At<'_>, devices: Option<&At<'_>>, findings: &mut Findings) {
    let devices = devices.and_then(|d| d.node.table());
    // Where a device was cut, nobody knows which line it named.
    let mut used = Vec::new();
    for device in devices.into_iter().flat_map(BTreeMap::values) {
        match device.get("line").map(|n| &n.data) {
            Some(Data::Text(line)) => used.push(line.as_str()),
            _ => return,
        }
    }
    for (id, at) in lines.entries() {
        if !used.is_empty() && !used.contains(&id) {
            findings.add(at.here(), Problem::LineUnused { line: id.to_owned() });
        }
    }
}
