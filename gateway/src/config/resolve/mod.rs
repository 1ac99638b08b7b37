//! From the checked tree to the [`Site`]: defaults, references, and everything that only makes
//! sense together. Goes on after each mistake; whoever calls throws the site away if there was
//! one.

mod control;
mod device;
mod line;
mod modbus_server;
mod output;
mod place;
mod plugin;
mod point;
mod protocol;
mod server;
mod uplink;

use super::file::{CacheTable, GatewayTable, ProfileTable, Protocol, SimulationTable, SiteTable};
use super::packages::Packages;
use super::problem::Problem;
use super::report::{Findings, Spot};
use super::site::{Cache, Gateway, LogFormat, LogLevel, Site};
use super::structure::join_path;
use super::text::SizeText;
use super::tree::{Data, Node, Place};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A node with the path that leads to it.
pub(super) struct At<'a> {
    node: &'a Node,
    path: String,
}

impl<'a> At<'a> {
    fn new(node: &'a Node, path: &str) -> Self {
        Self { node, path: path.to_owned() }
    }

    fn child(&self, key: &str) -> Option<At<'a>> {
        self.node.get(key).map(|node| At { node, path: join_path(&self.path, key) })
    }

    /// The entries of a table, without those that were cut.
    fn entries(&self) -> impl Iterator<Item = (&'a str, At<'a>)> {
        let entries = self.node.table().into_iter().flatten();
        entries
            .filter(|(_, n)| !n.is_cut())
            .map(|(key, node)| (key.as_str(), At { node, path: join_path(&self.path, key) }))
    }

    /// At the value of a key; at the table itself if the key is missing.
    fn key(&self, key: &str) -> Spot {
        match self.child(key) {
            Some(child) => Spot::value(child.node, &child.path),
            None => Spot::missing(self.node, &self.path, key),
        }
    }

    fn here(&self) -> Spot {
        Spot::key(self.node, &self.path)
    }

    /// Whether a key was given, rightly or wrongly.
    fn has(&self, key: &str) -> bool {
        self.node.get(key).is_some()
    }

    /// Whether a key was given wrongly, which has been told.
    fn cut(&self, key: &str) -> bool {
        self.node.get(key).is_some_and(Node::is_cut)
    }

    fn read<T: DeserializeOwned>(&self, findings: &mut Findings) -> Option<T> {
        match T::deserialize(self.node.plain()?) {
            Ok(value) => Some(value),
            Err(e) => {
                // The structure check passes nothing that fails here, as a property test shows;
                // should it ever, the mistake is told all the same.
                findings.add(self.here(), Problem::Unfit { message: e.to_string() });
                None
            }
        }
    }
}

/// Builds the site of a checked tree. `base` is the folder that relative paths start from.
pub(super) fn site(
    root: &Node,
    base: &Path,
    shipped_plugins: &[PathBuf],
    findings: &mut Findings,
) -> Option<Site> {
    let root = At::new(root, "");
    let gateway = root.child("gateway").and_then(|at| gateway(&at, base, findings));
    let data_dir = gateway.as_ref().map_or(Path::new(crate::config::DATA_DIR), |g| &g.data_dir);
    let lines =
        root.child("line").map(|at| line::lines(&at, data_dir, findings)).unwrap_or_default();
    let mut outputs = Vec::new();
    let devices = root
        .child("device")
        .map(|at| device::devices(&at, &lines, false, &mut outputs, findings))
        .unwrap_or_default();
    if let Some(at) = root.child("device") {
        place::tell_shared(&at, &lines, &devices, findings);
    }
    let control = control::outputs(&root, &devices, outputs, findings);
    let uplinks =
        root.child("uplink").map(|at| uplink::uplinks(&at, base, findings)).unwrap_or_default();
    let plugins = root.child("plugin").map(|at| {
        let installed = gateway.iter().map(|g| g.data_dir.join("plugins"));
        let packages = Packages::new(installed.chain(shipped_plugins.iter().cloned()).collect());
        plugin::plugins(&at, &devices, base, &packages, findings)
    });
    let simulation = root
        .child("simulation")
        .map(|at| at.read::<SimulationTable>(findings).and_then(|t| t.room));
    let cache = root.child("cache").map_or(Some(CACHE), |at| cache(&at, findings));
    let site_at = root.child("site");
    let head = site_at.as_ref().and_then(|at| at.read::<SiteTable>(findings));
    if let (Some(at), Some(zone)) = (&site_at, head.as_ref().and_then(|h| h.timezone.as_ref()))
        && !is_timezone(zone)
    {
        findings.add(at.key("timezone"), Problem::BadTimezone { got: zone.clone() });
    }
    let no_devices =
        root.node.get("device").is_none_or(|d| d.table().is_some_and(|t| t.is_empty()));
    if let (true, Some(at)) = (no_devices, &site_at) {
        findings.add(at.here(), Problem::NoDevices);
    }
    if let Some(at) = root.child("line") {
        line::tell_unused(&at, root.child("device").as_ref(), findings);
        line::tell_too_slow(&at, &lines, &devices, findings);
    }
    let bacnet = root.child("server").and_then(|at| at.child("bacnet")).and_then(|at| {
        let site = head.as_ref().and_then(|h| h.id.as_deref())?;
        let around =
            server::Around { site, gateway: gateway.as_ref()?, devices: &devices, lines: &lines };
        server::bacnet(&at, &around, findings)
    });
    let modbus = root.child("server").and_then(|at| at.child("modbus")).and_then(|at| {
        let name = head.as_ref().and_then(|h| h.id.as_deref())?;
        let around = modbus_server::Around {
            site: name,
            gateway: gateway.as_ref()?,
            devices: &devices,
            plugins: plugins.as_deref().unwrap_or_default(),
        };
        modbus_server::server(&at, &around, findings)
    });
    let head = head?;
    let id = head.id?;
    let title = head.title.unwrap_or_else(|| id.clone());
    Some(Site {
        title_zh: head.title_zh.unwrap_or_else(|| title.clone()),
        title,
        id,
        timezone: head.timezone?,
        gateway: gateway?,
        cache: cache?,
        lines: lines.into_iter().filter_map(line::LineFound::whole).collect(),
        devices,
        plugins: plugins.unwrap_or_default(),
        simulation: simulation.flatten(),
        uplinks,
        control,
        bacnet,
        modbus,
    })
}

const CACHE: Cache = Cache { size_max: 512 << 20, reserve: 16 << 20 };

fn cache(at: &At<'_>, findings: &mut Findings) -> Option<Cache> {
    let table: CacheTable = at.read(findings)?;
    let size = |s: Option<SizeText>, default| s.map_or(default, |s| s.0);
    let cache = Cache {
        size_max: size(table.size_max, CACHE.size_max),
        reserve: size(table.reserve, CACHE.reserve),
    };
    if cache.reserve >= cache.size_max {
        let key = if at.has("reserve") { "reserve" } else { "size_max" };
        findings.add(at.key(key), Problem::ReserveTooLarge);
    }
    Some(cache)
}

fn gateway(at: &At<'_>, base: &Path, findings: &mut Findings) -> Option<Gateway> {
    let table: GatewayTable = at.read(findings)?;
    let metrics = table.metrics.and_then(|got| match got.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Some(address),
        Ok(_) => {
            findings.add(at.key("metrics"), Problem::MetricsNotLocal { got });
            None
        }
        Err(_) => {
            findings.add(at.key("metrics"), Problem::BadMetricsAddress { got });
            None
        }
    });
    Some(Gateway {
        id: table.id?,
        data_dir: base.join(table.data_dir.as_deref().unwrap_or(crate::config::DATA_DIR)),
        commands: table.commands.unwrap_or(false),
        log: table.log.unwrap_or(LogLevel::Info),
        log_format: table.log_format.unwrap_or(LogFormat::Text),
        metrics,
    })
}

/// By the database that the program carries, so that a laptop and the box say the same.
fn is_timezone(name: &str) -> bool {
    jiff::tz::db().get(name).is_ok()
}

/// Checks what a profile says about itself.
pub(super) fn profile_head(root: &Node, stem: &str, findings: &mut Findings) {
    let Some(at) = At::new(root, "").child("profile") else { return };
    let Some(table) = at.read::<ProfileTable>(findings) else { return };
    if let Some(got) = table.id
        && got != stem
    {
        findings.add(at.key("id"), Problem::ProfileName { got, file: format!("{stem}.toml") });
    }
    if table.generic == Some(true) {
        return;
    }
    let missing: Vec<String> = [
        ("vendor", table.vendor),
        ("document", table.document),
        ("revision", table.revision),
        ("source", table.source),
    ]
    .into_iter()
    .filter(|(key, value)| value.is_none() && !at.cut(key))
    .map(|(key, _)| format!("`{key}`"))
    .collect();
    if !missing.is_empty() {
        findings.add(at.here(), Problem::ProfileUnsourced { keys: missing.join(", ") });
    }
}

/// Checks a profile as if one device used all of it.
pub(super) fn profile_alone(profile: &Node, findings: &mut Findings) {
    let table = |entries| Node { place: Place::default(), data: Data::Table(entries) };
    let mut device = profile.get("device").cloned().unwrap_or_else(|| table(BTreeMap::new()));
    let id = match profile.get("profile").and_then(|p| p.get("id")).map(|n| &n.data) {
        Some(Data::Text(id)) => id.clone(),
        _ => "device".to_owned(),
    };
    let Data::Table(keys) = &mut device.data else { return };
    // A profile's outputs are checked where a site turns them on: only there is `safe` known.
    let mut points = profile.get("point").cloned().unwrap_or_else(|| table(BTreeMap::new()));
    if let Data::Table(points) = &mut points.data {
        for point in points.values_mut() {
            if let Data::Table(keys) = &mut point.data {
                keys.remove("output");
            }
        }
    }
    keys.insert("point".into(), points);
    let text = |t: &str| Node { place: Place::default(), data: Data::Text(t.into()) };
    keys.insert("line".into(), text("any"));
    let spoken = match keys.get("protocol").map(|n| &n.data) {
        Some(Data::Text(word)) => word.clone(),
        _ => Protocol::Modbus.word().to_owned(),
    };
    for (_, key, value) in protocol::IDENTITY.iter().filter(|(p, ..)| p.word() == spoken) {
        let data = match value {
            protocol::Value::Number(n) => Data::Int(*n),
            protocol::Value::Text(t) => Data::Text((*t).to_owned()),
        };
        keys.insert((*key).to_owned(), Node { place: Place::default(), data });
    }
    device.place = profile.get("profile").map(|p| p.place.clone()).unwrap_or_default();
    let devices = table(BTreeMap::from([(id, device)]));
    let lines = [line::LineFound::for_profiles()];
    device::devices(&At::new(&devices, "device"), &lines, true, &mut Vec::new(), findings);
}
