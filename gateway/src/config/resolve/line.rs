//! Lines: serial ports and sockets.

use super::At;
use crate::config::file::{FramingWord, LineTable, ParityWord};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::site::Line;
use crate::config::tree::Data;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use wellhead_driver::{LineConfig, Parity, SerialConfig, SerialMode, TcpConfig};
use wellhead_modbus::Framing;

/// A line as far as it could be read; devices may refer to it even if it is wrong.
pub(super) struct LineFound {
    pub(super) id: String,
    pub(super) config: Option<LineConfig>,
    pub(super) framing: Framing,
}

impl LineFound {
    /// The line, if nothing was wrong.
    pub(super) fn whole(self) -> Option<Line> {
        Some(Line { id: self.id, config: self.config? })
    }

    /// A line that takes any unit, for checking profiles by themselves.
    pub(super) fn for_profiles() -> Self {
        Self { id: "any".into(), config: None, framing: Framing::Tcp }
    }
}

/// Keys that say something about one kind of port only.
const OF_TCP: [&str; 3] = ["framing", "connect_timeout", "close_when_idle"];
const OF_SERIAL: [&str; 5] = ["baud", "parity", "data_bits", "stop_bits", "rs485"];

pub(super) fn lines(all: &At<'_>, findings: &mut Findings) -> Vec<LineFound> {
    let mut ports: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for (id, at) in
        all.node.table().into_iter().flatten().map(|(id, node)| {
            (id, At::new(node, &crate::config::structure::join_path(&all.path, id)))
        })
    {
        let table = if at.node.is_cut() { None } else { at.read::<LineTable>(findings) };
        let framing = match table.as_ref().map(|t| (t.framing, t.serial.is_some())) {
            Some((Some(FramingWord::Rtu), _) | (_, true)) => Framing::Rtu,
            _ => Framing::Tcp,
        };
        let config = table.and_then(|t| line(t, &at, findings));
        let port = match &config {
            Some(LineConfig::Serial(s)) => Some(("serial", s.path.display().to_string())),
            Some(LineConfig::Tcp(t)) => Some(("tcp", format!("{}:{}", t.host, t.port))),
            None => None,
        };
        if let Some((key, port)) = port {
            match ports.get(&port) {
                // Modbus TCP keeps two sessions apart; nothing keeps two masters of a wire apart.
                Some(other) if framing == Framing::Tcp => {
                    findings.add(at.key(key), Problem::SameAddress { other: other.clone() });
                }
                Some(other) => {
                    findings.add(at.key(key), Problem::SamePort { other: other.clone() });
                }
                None => drop(ports.insert(port, id.clone())),
            }
        }
        found.push(LineFound { id: id.clone(), config, framing });
    }
    found
}

fn line(t: LineTable, at: &At<'_>, findings: &mut Findings) -> Option<LineConfig> {
    let (of_other, port) = match (at.has("serial"), at.has("tcp")) {
        (true, true) => {
            findings.add(at.key("tcp"), Problem::TwoPorts);
            return None;
        }
        (false, false) => {
            findings.add(at.here(), Problem::NoPort);
            return None;
        }
        (true, false) => (OF_TCP.as_slice(), "serial"),
        (false, true) => (OF_SERIAL.as_slice(), "tcp"),
    };
    for &key in of_other {
        if let Some(child) = at.child(key) {
            let spot = crate::config::report::Spot::key(child.node, &child.path);
            findings.add(spot, Problem::KeyOfOtherPort { key: key.to_owned(), port });
        }
    }
    if let Some(path) = t.serial {
        return Some(LineConfig::Serial(SerialConfig {
            path: PathBuf::from(path),
            mode: SerialMode {
                baud: t.baud.unwrap_or(9600),
                data_bits: t.data_bits.unwrap_or(8),
                parity: match t.parity {
                    Some(ParityWord::None) => Parity::None,
                    Some(ParityWord::Odd) => Parity::Odd,
                    Some(ParityWord::Even) | None => Parity::Even,
                },
                stop_bits: t.stop_bits.unwrap_or(1),
            },
            rs485: t.rs485.unwrap_or(false),
        }));
    }
    let got = t.tcp?;
    let Some((host, port)) = host_and_port(&got) else {
        findings.add(at.key("tcp"), Problem::BadTcpAddress { got });
        return None;
    };
    Some(LineConfig::Tcp(TcpConfig {
        host,
        port,
        connect_timeout: t.connect_timeout.map_or(Duration::from_secs(3), |d| d.0),
        close_when_idle: t.close_when_idle.unwrap_or(false),
    }))
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
