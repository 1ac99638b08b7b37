//! From TOML files to a [`Site`] that holds, or to a [`Report`] of everything that is wrong.
//!
//! Four steps, each of which goes on after a mistake:
//!
//! 1. [`tree`]: parse each file as far as it goes; join the files of a folder.
//! 2. [`structure`]: check the tree against the JSON Schema that the types in [`file`] generate;
//!    tell and cut what does not fit.
//! 3. Lay each device over its profile, key by key.
//! 4. [`resolve`]: fill the types and check what only makes sense together: references, ranges,
//!    limits, plans.
//!
//! This module reads configuration files and nothing else: no serial port, no socket, no
//! certificate, so that `wellhead check` says the same on a laptop as on the box. Only where a
//! serial port's name is a link it looks where that leads: two names of one port show on the box
//! alone.

mod file;
mod lookalike;
mod messages;
mod packages;
mod problem;
mod report;
mod resolve;
mod schema;
mod site;
mod structure;
mod text;
mod tree;

#[cfg(test)]
mod tests;

pub use packages::{Packages, component, own_manifest, read_package};
pub use problem::{Kind, Lang, Problem, UrlFault, Words};
pub use report::{Finding, Report, Severity, SourceFile};
pub use schema::{profile_schema, site_schema};
pub use site::{
    BacnetServer, Binding, Cache, Device, Fit, Gateway, Line, LogFormat, LogLevel, ModbusServer,
    Outputs, Plugin, Protocol, Room, Secret, SecretError, Site, Tls, UplinkSettings,
};
pub(crate) use text::duration_text;
pub use wellhead_manifest::duration;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use report::{Findings, Spot};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tree::{Data, Node, Place};

/// Where a gateway keeps its data unless the site says otherwise.
const DATA_DIR: &str = "/var/lib/wellhead";

/// Largest file that is read, in bytes. A map of 500 devices takes about one MiB.
const FILE_LEN_MAX: u64 = 4 << 20;

/// Folders with what came with the program.
#[derive(Debug, Clone, Default)]
pub struct Shipped {
    /// Device profiles.
    pub profiles: Vec<PathBuf>,
    /// Plugins.
    pub plugins: Vec<PathBuf>,
    /// Public keys that are trusted on this machine besides the gateway's own.
    pub trusted_keys: Vec<PathBuf>,
}

/// The folder of the keys whose plugins a gateway runs.
pub fn trusted_keys(data_dir: &Path) -> PathBuf {
    data_dir.join("trusted-keys")
}

/// The gateway's data folder of a site, whatever else is wrong with the site.
pub fn data_dir(path: &Path) -> Option<PathBuf> {
    let mut findings = Findings::default();
    let root = read_site(path, &mut findings)?;
    let base = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let gateway = root.get("gateway")?;
    match gateway.get("data_dir").map(|n| &n.data) {
        Some(Data::Text(dir)) => Some(base.join(dir)),
        None => Some(base.join(DATA_DIR)),
        Some(_) => None,
    }
}

/// Reads a site from a file, or from all `*.toml` of a folder, and checks all of it.
///
/// Profiles are searched in the folders that the site names, then in those that came with the
/// program; plugins among the installed ones, then those that came with the program.
///
/// # Errors
/// The report, if it holds at least one error. Otherwise the report beside the site holds
/// warnings only.
pub fn load(path: &Path, shipped: &Shipped) -> Result<(Site, Report), Report> {
    let mut findings = Findings::default();
    let site = read_site(path, &mut findings).and_then(|mut root| {
        structure::check(&mut root, "", &site_schema(), &mut findings);
        let base = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        let mut dirs = named_profile_dirs(&root, base);
        dirs.extend_from_slice(&shipped.profiles);
        lay_profiles_under(&mut root, &dirs, &mut findings);
        resolve::site(&root, base, &shipped.plugins, &mut findings)
    });
    match site {
        Some(site) if findings.errors() == 0 => Ok((site, findings.finish())),
        _ => Err(findings.finish()),
    }
}

/// Checks one profile by itself.
///
/// # Errors
/// The report, if it holds at least one error. Otherwise the report returned holds warnings only.
pub fn check_profile(path: &Path) -> Result<Report, Report> {
    let mut findings = Findings::default();
    if let Some(profile) = read_profile(path, &profile_schema(), &mut findings) {
        // A device that has it all on a line of its own, so that every check of a site is made.
        resolve::profile_alone(&profile, &mut findings);
    }
    let failed = findings.errors() > 0;
    let report = findings.finish();
    if failed { Err(report) } else { Ok(report) }
}

fn read_site(path: &Path, findings: &mut Findings) -> Option<Node> {
    if !path.is_dir() {
        return read(path, findings);
    }
    let files = match toml_files(path) {
        Ok(files) => files,
        Err(error) => {
            let (file, error) = (path.display().to_string(), error.to_string());
            findings.add(Spot::nowhere(), Problem::Unreadable { file, error });
            return None;
        }
    };
    let mut whole: Option<Node> = None;
    for file in &files {
        let Some(part) = read(file, findings) else { continue };
        let Some(whole) = &mut whole else {
            whole = Some(part);
            continue;
        };
        let mut clashes = Vec::new();
        tree::join(whole, part, &mut Vec::new(), &mut |key, new, old| {
            clashes.push((Spot::key(new, &key), findings.whereabouts(old), key));
        });
        for (spot, first, key) in clashes {
            findings.add(spot, Problem::GivenTwice { key, first });
        }
    }
    if files.is_empty() {
        let folder = path.display().to_string();
        findings.add(Spot::nowhere(), Problem::NoFiles { folder });
    }
    whole
}

/// The files of a site's folder, in the order of their names.
fn toml_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads and parses one file; tells what is wrong with its syntax.
fn read(path: &Path, findings: &mut Findings) -> Option<Node> {
    let name = path.display().to_string();
    let bytes = match read_bounded(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let limit = format!("{} MiB", FILE_LEN_MAX >> 20);
            findings.add(Spot::nowhere(), Problem::TooLarge { file: name, limit });
            return None;
        }
        Err(error) => {
            let error = error.to_string();
            findings.add(Spot::nowhere(), Problem::Unreadable { file: name, error });
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Some(parse(name, text, findings)),
        Ok(text) => {
            not_utf8(name, text.as_bytes(), 0, findings);
            None
        }
        Err(e) => {
            not_utf8(name, e.as_bytes(), e.utf8_error().valid_up_to(), findings);
            None
        }
    }
}

/// Tells of the first line that is no UTF-8, and shows it as its encoding has it.
fn not_utf8(name: String, bytes: &[u8], at: usize, findings: &mut Findings) {
    // Of a file that is no text at all a piece is shown, and nothing that moves a cursor.
    const SHOWN: usize = 120;
    let plain = |line: &str| -> String {
        line.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect()
    };
    let encoding = match (bytes, Encoding::for_bom(bytes)) {
        // UTF-16 without its mark: every second byte of ASCII is zero.
        ([0, ..], None) => UTF_16BE,
        ([_, 0, ..], None) => UTF_16LE,
        _ => crate::import::guess_encoding(bytes),
    };
    let text: Vec<String> = encoding.decode(bytes).0.lines().map(plain).collect();
    let before = bytes.iter().take(at).filter(|b| **b == b'\n').count();
    let start = text.iter().take(before).map(|line| line.len() + 1).sum();
    let length = text.get(before).map_or(0, String::len);
    let file = findings.file(name, text.join("\n"));
    let (line, encoding) = (before + 1, encoding.name());
    let spot = Spot::bytes(file, start..start + length);
    findings.add(spot, Problem::NotUtf8 { line, encoding });
}

fn parse(name: String, text: String, findings: &mut Findings) -> Node {
    let (root, errors, look_alikes) = lookalike::parse(&text, findings.next_file());
    let file = findings.file(name, text);
    for (span, got, meant) in look_alikes {
        findings.add(Spot::bytes(file, span), Problem::LookAlike { got, meant });
    }
    for (span, message) in errors {
        findings.add(Spot::bytes(file, span), Problem::Syntax { message });
    }
    root
}

fn read_bounded(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_LEN_MAX {
        return Ok(None);
    }
    Ok(Some(bytes))
}

/// Reads one profile and checks its structure.
fn read_profile(path: &Path, schema: &Value, findings: &mut Findings) -> Option<Node> {
    let mut root = read(path, findings)?;
    structure::check(&mut root, "", schema, findings);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    resolve::profile_head(&root, &stem, findings);
    Some(root)
}

fn named_profile_dirs(root: &Node, base: &Path) -> Vec<PathBuf> {
    let named = root.get("gateway").and_then(|g| g.get("profiles"));
    let Some(Data::List(items)) = named.map(|n| &n.data) else { return Vec::new() };
    let dir = |n: &Node| match &n.data {
        Data::Text(t) => Some(base.join(t)),
        _ => None,
    };
    items.iter().filter_map(dir).collect()
}

/// Replaces each device by itself laid over the profile that it names.
fn lay_profiles_under(root: &mut Node, dirs: &[PathBuf], findings: &mut Findings) {
    let Data::Table(sections) = &mut root.data else { return };
    let Some(Data::Table(devices)) = sections.get_mut("device").map(|d| &mut d.data) else {
        return;
    };
    let schema = profile_schema();
    let mut profiles: BTreeMap<String, Option<Node>> = BTreeMap::new();
    for (id, device) in devices {
        let Some(named) = device.get("profile") else { continue };
        let Data::Text(name) = named.data.clone() else { continue };
        let profile = profiles.entry(name.clone()).or_insert_with(|| {
            let found = dirs.iter().map(|d| d.join(format!("{name}.toml"))).find(|p| p.is_file());
            if found.is_none() {
                let path = structure::join_path(&structure::join_path("device", id), "profile");
                findings.add(Spot::value(named, &path), unknown_profile(name, dirs));
            }
            found.and_then(|p| read_profile(&p, &schema, findings))
        });
        match profile {
            Some(profile) => *device = over_profile(device, profile),
            // Without its profile nothing can be said about the device's points.
            None => device.data = Data::Cut,
        }
    }
}

fn unknown_profile(got: String, dirs: &[PathBuf]) -> Problem {
    let names: Vec<String> = dirs
        .iter()
        .filter_map(|d| toml_files(d).ok())
        .flatten()
        .filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned()))
        .collect();
    let near = structure::nearest(&got, names.iter().map(String::as_str));
    let searched = dirs.iter().map(|d| d.display().to_string()).collect::<Vec<_>>().join(", ");
    Problem::UnknownProfile { got, near, searched }
}

/// The device's own words over its profile's. A point is an output only where the site says so.
fn over_profile(device: &Node, profile: &Node) -> Node {
    let empty = || Node { place: Place::default(), data: Data::Table(BTreeMap::new()) };
    let mut under = profile.get("device").cloned().unwrap_or_else(empty);
    if let (Data::Table(keys), Some(points)) = (&mut under.data, profile.get("point")) {
        keys.insert("point".into(), points.clone());
    }
    let mut merged = tree::overlay(&under, device);
    let Data::Table(keys) = &mut merged.data else { return merged };
    let Some(Data::Table(points)) = keys.get_mut("point").map(|p| &mut p.data) else {
        return merged;
    };
    for (id, point) in points {
        let own = device.get("point").and_then(|p| p.get(id)).and_then(|p| p.get("output"));
        if let (None, Data::Table(keys)) = (own, &mut point.data) {
            keys.remove("output");
        }
    }
    merged
}
