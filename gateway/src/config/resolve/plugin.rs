//! Plugins: which package, which points play its roles, with which parameters.
//!
//! Two rounds: first every plugin's manifest is read, so that one plugin may bind what another
//! publishes; then roles are bound and outputs shared out, one master each.

use super::At;
use crate::config::file::{GrantTable, PluginTable};
use crate::config::packages::{self, Packages};
use crate::config::problem::Problem;
use crate::config::report::{Findings, Spot};
use crate::config::site::{Binding, Device, Fit, Plugin};
use crate::config::structure::{join_path, nearest};
use crate::config::text::{duration_text, size_text};
use crate::config::tree::Data;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wellhead_control::Slot;
use wellhead_manifest::{Direction, Manifest, Published, Role};
use wellhead_model::{Class, DeviceId, Point, PointId, Reporting, Shape, Unit, Value};

const TTL_MAX: Duration = Duration::from_secs(15 * 60);

/// A plugin whose manifest could be read.
struct Found<'a> {
    id: DeviceId,
    at: At<'a>,
    table: PluginTable,
    source: PathBuf,
    manifest: Arc<Manifest>,
    points: Arc<[Point]>,
}

/// Reads all plugins.
pub(super) fn plugins(
    all: &At<'_>,
    devices: &[Device],
    base: &Path,
    packages: &Packages,
    findings: &mut Findings,
) -> Vec<Plugin> {
    let found: Vec<Found<'_>> = all
        .entries()
        .filter_map(|(id, at)| find(id, at, devices, base, packages, findings))
        .collect();
    let mut binder = Binder { devices, plugins: &found, taken: BTreeMap::new() };
    found.iter().filter_map(|f| plugin(f, &mut binder, findings)).collect()
}

fn find<'a>(
    id: &str,
    at: At<'a>,
    devices: &[Device],
    base: &Path,
    packages: &Packages,
    findings: &mut Findings,
) -> Option<Found<'a>> {
    let device_id = DeviceId::new(id).ok()?;
    let table: PluginTable = at.read(findings)?;
    if devices.iter().any(|d| d.id == device_id) {
        findings.add(at.here(), Problem::PluginNamedAsDevice);
    }
    let (key, source) = match (&table.package, &table.path) {
        (Some(_), Some(_)) => {
            findings.add(at.key("path"), Problem::PackageAndPath);
            return None;
        }
        (None, None) => {
            if !at.cut("package") && !at.cut("path") {
                findings.add(at.here(), Problem::NoPackage);
            }
            return None;
        }
        (None, Some(path)) => ("path", base.join(path)),
        (Some(name), None) => match packages.find(name) {
            Some(source) => ("package", source),
            None => {
                let names = packages.names();
                let problem = Problem::UnknownPackage {
                    got: name.clone(),
                    near: nearest(name, names.iter().map(String::as_str)),
                    searched: packages.searched(),
                };
                findings.add(at.key("package"), problem);
                return None;
            }
        },
    };
    match packages::manifest(&source) {
        Ok(manifest) => {
            let file = packages::component(&source, &manifest.name);
            if source.is_dir() && !file.is_file() && table.enabled.unwrap_or(true) {
                let (folder, file) = (source.display().to_string(), file.display().to_string());
                findings.add(at.key(key), Problem::NotBuilt { folder, file });
            }
            let points = manifest.values.iter().filter_map(|v| published(&device_id, &manifest, v));
            let points = points.collect();
            let manifest = Arc::new(manifest);
            Some(Found { id: device_id, at, table, source, manifest, points })
        }
        Err((error, error_zh)) => {
            let got = source.display().to_string();
            findings.add(at.key(key), Problem::BadPackage { got, error, error_zh });
            None
        }
    }
}

/// A published value as a point of the plugin's own device.
fn published(device: &DeviceId, manifest: &Manifest, value: &Published) -> Option<Point> {
    // It may be published each period; a plugin that no longer does so is noticed after three.
    let stale_after = manifest.period * 3;
    Some(Point {
        device: device.clone(),
        id: PointId::new(&value.name).ok()?,
        title: value.title.en.as_str().into(),
        title_zh: value.title.zh.as_str().into(),
        unit: value.unit.as_deref().and_then(|u| Unit::parse(u).ok()),
        class: match value.class {
            wellhead_manifest::Class::Measurement => Class::Measurement,
            wellhead_manifest::Class::Status => Class::Status,
            wellhead_manifest::Class::Setpoint => Class::Setpoint,
            wellhead_manifest::Class::Counter => Class::Counter,
        },
        shape: shape(value.shape),
        states: Arc::default(),
        range: None,
        rollover: None,
        period: manifest.period,
        reporting: Reporting {
            deadband: Some(0.0),
            interval_min: Duration::ZERO,
            interval_max: stale_after.max(Duration::from_secs(60)),
            stale_after: stale_after.max(Duration::from_secs(10)),
        },
        output: None,
    })
}

fn shape(shape: wellhead_manifest::Shape) -> Shape {
    match shape {
        wellhead_manifest::Shape::Bool => Shape::Bool,
        wellhead_manifest::Shape::Int => Shape::Int,
        wellhead_manifest::Shape::Float => Shape::Float,
        wellhead_manifest::Shape::Text => Shape::Text,
    }
}

fn plugin(found: &Found<'_>, binder: &mut Binder<'_>, findings: &mut Findings) -> Option<Plugin> {
    let Found { at, table, manifest, .. } = found;
    let before = findings.errors();
    let slot = match table.slot {
        None => Slot::PLUGIN,
        Some(got) => match Slot::new(u64::from(got)) {
            Ok(slot) if slot != Slot::MINIMUM_TIME && slot != Slot::OPERATOR => slot,
            _ => {
                findings.add(at.key("slot"), Problem::SlotNotForPlugins { got });
                Slot::PLUGIN
            }
        },
    };
    let bindings = bindings(found, binder, findings);
    let settings = settings(found, findings);
    let (memory, deadline) = limits(manifest, at.child("grant").as_ref(), findings);
    let ttl = table.ttl.map_or((manifest.period * 3).min(TTL_MAX), |t| t.0);
    if ttl < manifest.period && bindings.iter().any(|b| b.output) {
        let (ttl, period) = (duration_text(ttl), duration_text(manifest.period));
        let spot = if at.has("ttl") { at.key("ttl") } else { at.here() };
        findings.add(spot, Problem::LapsesBetweenCalls { ttl, period });
    }
    if findings.errors() > before {
        return None;
    }
    Some(Plugin {
        id: found.id.clone(),
        source: found.source.clone(),
        manifest: Arc::clone(manifest),
        enabled: table.enabled.unwrap_or(true),
        shadow: table.shadow.unwrap_or(false),
        slot,
        ttl,
        memory,
        deadline,
        bindings,
        settings: settings?,
        points: Arc::clone(&found.points),
    })
}

/// Least of what the site grants; a plugin that asks for more is refused with the line that would
/// grant it.
fn limits(manifest: &Manifest, at: Option<&At<'_>>, findings: &mut Findings) -> (u64, Duration) {
    let asks = manifest.limits;
    let table: Option<GrantTable> = at.and_then(|at| at.read(findings));
    let (Some(at), Some(table)) = (at, table) else { return (asks.memory, asks.deadline) };
    let memory = table.memory.map_or(asks.memory, |m| m.0);
    if memory < asks.memory {
        let asks = size_text(asks.memory);
        findings.add(at.key("memory"), Problem::GrantTooSmall { what: "memory", asks });
    }
    let deadline = table.deadline.map_or(asks.deadline, |d| d.0);
    if deadline < asks.deadline {
        let asks = duration_text(asks.deadline);
        findings.add(at.key("deadline"), Problem::GrantTooSmall { what: "deadline", asks });
    }
    (memory, deadline)
}

fn settings(
    found: &Found<'_>,
    findings: &mut Findings,
) -> Option<Vec<(String, wellhead_manifest::Setting)>> {
    let at = found.at.child("parameter");
    let given = match at.as_ref().and_then(|at| at.node.plain()) {
        Some(toml::Value::Table(given)) => given,
        _ => toml::Table::new(),
    };
    match found.manifest.settings(&given) {
        Ok(settings) => Some(settings),
        Err(problems) => {
            for p in problems {
                // `windows[2].from`: the place of the parameter itself is near enough.
                let name = p.key.split(['[', '.']).next().unwrap_or_default();
                let spot = match &at {
                    Some(at) => at.key(name),
                    None => found.at.key("parameter"),
                };
                let message = Box::new((p.message, p.message_zh));
                let hint = Box::new(p.hint.zip(p.hint_zh));
                findings.add(spot, Problem::ParameterWrong { key: p.key, message, hint });
            }
            None
        }
    }
}

fn bindings(found: &Found<'_>, binder: &mut Binder<'_>, findings: &mut Findings) -> Vec<Binding> {
    let roles = &found.manifest.roles;
    let at = found.at.child("role");
    for (given, role_at) in at.iter().flat_map(At::entries) {
        if !roles.iter().any(|r| r.name == given) {
            let names = || roles.iter().map(|r| r.name.as_str());
            let problem = Problem::UnknownRole {
                got: given.to_owned(),
                near: nearest(given, names()),
                known: names().collect::<Vec<_>>().join(", "),
            };
            findings.add(role_at.here(), problem);
        }
    }
    let mut bindings = Vec::new();
    for role in roles {
        let given = found.table.role.get(&role.name).map(|names| names.list());
        let cut = at.as_ref().is_some_and(|at| at.cut(&role.name)) || found.at.cut("role");
        let Some(names) = given.filter(|names| !names.is_empty()) else {
            if role.required && !cut {
                let problem = Problem::RoleMissing {
                    role: role.name.clone(),
                    title: role.title.en.clone(),
                    title_zh: role.title.zh.clone(),
                };
                findings.add(found.at.here(), problem);
            }
            continue;
        };
        let Some(role_at) = at.as_ref().and_then(|at| at.child(&role.name)) else { continue };
        if names.len() > role.many as usize {
            let (role, most, got) = (role.name.clone(), role.many as usize, names.len());
            findings.add(role_at.here(), Problem::RoleTooMany { role, most, got });
            continue;
        }
        for (i, name) in names.iter().enumerate() {
            let spot = || match &role_at.node.data {
                Data::List(items) if items.len() > i => {
                    Spot::value(&items[i], &join_path(&found.at.path, "role"))
                }
                _ => Spot::value(role_at.node, &role_at.path),
            };
            match binder.bind(found, role, i, name) {
                Ok(binding) => bindings.push(binding),
                Err(problem) => findings.add(spot(), problem),
            }
        }
    }
    bindings
}

/// Knows every point, and who writes which output.
struct Binder<'a> {
    devices: &'a [Device],
    plugins: &'a [Found<'a>],
    taken: BTreeMap<String, String>,
}

impl Binder<'_> {
    fn bind(
        &mut self,
        found: &Found<'_>,
        role: &Role,
        index: usize,
        name: &str,
    ) -> Result<Binding, Problem> {
        let (device, point) =
            name.split_once('/').ok_or_else(|| Problem::BadPointName { got: name.to_owned() })?;
        if device == found.id.as_str() {
            return Err(Problem::OwnValue { got: name.to_owned() });
        }
        let point = self.point(device, point).ok_or_else(|| self.unknown(name))?;
        let output = role.direction == Direction::Output;
        if output {
            if point.output.is_none() {
                return Err(Problem::RoleReadOnly { point: name.to_owned() });
            }
            let master = format!("{}.{}", found.id, role.name);
            if let Some(other) = self.taken.insert(name.to_owned(), master) {
                return Err(Problem::OutputTaken { point: name.to_owned(), other });
            }
        }
        Ok(Binding {
            role: role.name.clone(),
            index: u32::try_from(index).unwrap_or(u32::MAX),
            output,
            device: point.device.clone(),
            point: point.id.clone(),
            fit: fit(&point, role, name)?,
        })
    }

    fn point(&self, device: &str, point: &str) -> Option<Point> {
        let points = self
            .devices
            .iter()
            .map(|d| (&d.id, &d.points))
            .chain(self.plugins.iter().map(|p| (&p.id, &p.points)));
        let (_, points) = points.into_iter().find(|(id, _)| id.as_str() == device)?;
        points.iter().find(|p| p.id.as_str() == point).cloned()
    }

    fn unknown(&self, got: &str) -> Problem {
        let devices = self.devices.iter().flat_map(|d| d.points.iter());
        let plugins = self.plugins.iter().flat_map(|p| p.points.iter());
        let names: Vec<String> =
            devices.chain(plugins).map(|p| format!("{}/{}", p.device, p.id)).collect();
        let near = nearest(got, names.iter().map(String::as_str));
        Problem::UnknownPoint { got: got.to_owned(), near }
    }
}

/// How the point's values become the role's, if they can.
fn fit(point: &Point, role: &Role, name: &str) -> Result<Fit, Problem> {
    let wants = shape(role.shape);
    if let (Shape::Bool, [(0, off), (1, on)]) = (wants, &*point.states) {
        return Ok(Fit::Switch([Arc::clone(off), Arc::clone(on)]));
    }
    let same = match wants {
        Shape::Float => matches!(point.shape, Shape::Int | Shape::Float) && point.states.is_empty(),
        Shape::Int => point.shape == Shape::Int && point.states.is_empty(),
        Shape::Bool => point.shape == Shape::Bool,
        Shape::Text => point.shape == Shape::Text || !point.states.is_empty(),
    };
    if !same {
        let got = if point.states.is_empty() { point.shape.word() } else { "a state" };
        return Err(Problem::RoleShape {
            point: name.to_owned(),
            got,
            role: role.name.clone(),
            wants: wants.word(),
        });
    }
    let Some(symbol) = role.unit.as_deref() else { return Ok(Fit::Same) };
    let (name, role, wants) = (name.to_owned(), role.name.clone(), symbol.to_owned());
    let Some(from) = point.unit else {
        return Err(Problem::RoleUnitMissing { point: name, role, wants });
    };
    let got = from.symbol().to_owned();
    let unlike = Problem::RoleUnit { point: name, got, role, wants };
    let Ok(to) = Unit::parse(symbol) else { return Err(unlike) };
    match from.convert(1.0, to) {
        None => Err(unlike),
        Some(_) if from == to => Ok(Fit::Same),
        Some(_) => Ok(Fit::Units(from, to)),
    }
}

impl Fit {
    /// A value of the point as the role sees it; none if it can't be seen so.
    pub fn to_role(&self, value: &Value) -> Option<Value> {
        match self {
            Fit::Same => Some(value.clone()),
            Fit::Units(from, to) => Value::float(from.convert(value.as_f64()?, *to)?),
            Fit::Switch([off, on]) => match value {
                Value::Text(t) if t == on => Some(Value::Bool(true)),
                Value::Text(t) if t == off => Some(Value::Bool(false)),
                _ => None,
            },
        }
    }

    /// A value of the role as the point takes it.
    pub fn to_point(&self, value: &Value) -> Option<Value> {
        match self {
            Fit::Same => Some(value.clone()),
            Fit::Units(from, to) => Value::float(to.convert(value.as_f64()?, *from)?),
            Fit::Switch([off, on]) => match value {
                Value::Bool(b) => Some(Value::Text(Arc::clone(if *b { on } else { off }))),
                _ => None,
            },
        }
    }
}
