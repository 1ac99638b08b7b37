//! What was found, as a site file or profile to edit.

use super::found::{Device, Found, Ids, Keys, Point};
use super::table::one_line;
use std::fmt::Write;

/// What a scan can't find out.
pub(super) struct Place {
    /// The broker's URL.
    pub(super) uplink: String,
}

/// A site with everything that can be read. No point of it is an output.
pub(super) fn site(found: &Found, place: &Place) -> String {
    let mut out = String::new();
    // Writing to a text can't fail.
    let _ = put_site(&mut out, found, place);
    out
}

fn put_site(out: &mut String, found: &Found, place: &Place) -> std::fmt::Result {
    writeln!(
        out,
        "# Found by `wellhead scan {}`. Edit it (names, what is of no use, how often it is read), then\n\
         # run `wellhead check` on it. Nothing in it is written to unless you make it an output.\n",
        found.protocol
    )?;
    let zone = jiff::tz::TimeZone::system();
    let zone = zone.iana_name().filter(|z| *z != "Etc/Unknown").unwrap_or("Etc/UTC");
    writeln!(out, "[site]")?;
    writeln!(out, "id = \"new-site\"  # stands in the topic: wellhead/v1/{{site}}/{{gateway}}")?;
    writeln!(out, "title = \"New site\"\ntitle_zh = \"新站点\"")?;
    writeln!(out, "timezone = {}  # of this machine", quoted(zone))?;
    writeln!(out, "\n[gateway]\nid = \"box1\"")?;
    writeln!(
        out,
        "data_dir = \"wellhead-data\"  # beside this file, for a trial; as a service \
         \"/var/lib/wellhead\""
    )?;
    writeln!(out, "\n[uplink.cloud]\nurl = {}", quoted(&place.uplink))?;
    if !place.uplink.starts_with("mqtts:") {
        writeln!(
            out,
            "# With TLS: url = \"mqtts://broker.example:8883\" and the authority's certificate, \
             ca = \"ca.pem\".\n# username = \"…\"\n# password_file = \"…\""
        )?;
    }
    writeln!(out, "\n[line.{}]", found.line)?;
    put_keys(out, &found.line_keys)?;
    for unclear in &found.unclear {
        writeln!(out, "# Unclear: {}", one_line(unclear))?;
    }
    let mut ids = Ids::default();
    for device in &found.devices {
        if device.is_readable() {
            put_device(out, found, device, &mut ids)?;
        } else {
            writeln!(out, "\n# Also found, without anything to read: {}", heading(device))?;
            if let Some(problem) = &device.problem {
                writeln!(out, "# {}", one_line(problem))?;
            }
        }
    }
    Ok(())
}

fn heading(device: &Device) -> String {
    let parts = [Some(&device.place), device.name.as_ref(), device.model.as_ref()];
    let parts: Vec<String> = parts.into_iter().flatten().map(|p| one_line(p)).collect();
    parts.join(", ")
}

fn put_device(out: &mut String, found: &Found, device: &Device, ids: &mut Ids) -> std::fmt::Result {
    let id = ids.give(&[device.name.as_deref()], &device.number, '-');
    writeln!(out, "\n# {}", heading(device))?;
    if let Some(problem) = &device.problem {
        writeln!(out, "# Not all of it could be read: {}", one_line(problem))?;
    }
    writeln!(out, "[device.{id}]")?;
    put_titles(out, device.name.as_deref(), None)?;
    writeln!(out, "line = {}", quoted(found.line))?;
    put_keys(out, &device.keys)?;
    for hint in &device.hints {
        writeln!(out, "# {}", one_line(hint))?;
    }
    put_points(out, &format!("device.{id}.point"), &device.points)
}

fn put_points(out: &mut String, above: &str, points: &[Point]) -> std::fmt::Result {
    let mut ids = Ids::default();
    for point in points.iter().filter(|p| !p.unread) {
        let id =
            ids.give(&[point.name.as_deref(), point.description.as_deref()], &point.number, '_');
        writeln!(out, "\n[{above}.{id}]  # {}", shown(point))?;
        put_titles(out, point.name.as_deref(), point.description.as_deref())?;
        writeln!(out, "{} = {}", point.key, point.address.toml())?;
        put_keys(out, &point.keys)?;
        for hint in &point.hints {
            writeln!(out, "# {}", one_line(hint))?;
        }
        if point.writable {
            writeln!(
                out,
                "# It takes commands. To let the gateway write it, say what is safe:\n\
                 # [{above}.{id}.output]\n# safe = …\n# limits = […, …]\n# watchdog = \"…\""
            )?;
        }
    }
    let mut unread = points.iter().filter(|p| p.unread).peekable();
    if unread.peek().is_some() {
        writeln!(out, "\n# Also there, and not read by the gateway as it stands:")?;
    }
    for point in unread {
        let name = point.name.as_deref().unwrap_or("");
        writeln!(out, "#   {} {}", point.place(), one_line(name))?;
    }
    Ok(())
}

/// What it showed when it was found.
fn shown(point: &Point) -> String {
    let unit = point.unit.as_deref().unwrap_or("");
    one_line(format!("{} {unit}", point.shown()).trim())
}

/// The name as it stood, in the language that it is in, and the description in the other if it is.
fn put_titles(out: &mut String, name: Option<&str>, description: Option<&str>) -> std::fmt::Result {
    let key = |text: &str| if is_chinese(text) { "title_zh" } else { "title" };
    let name = name.filter(|n| !n.trim().is_empty());
    if let Some(name) = name {
        writeln!(out, "{} = {}", key(name), quoted(name))?;
    }
    match description.filter(|d| !d.trim().is_empty() && Some(*d) != name) {
        Some(other) if name.is_none_or(|n| key(n) != key(other)) => {
            writeln!(out, "{} = {}", key(other), quoted(other))
        }
        Some(other) => writeln!(out, "# {}", one_line(other)),
        None => Ok(()),
    }
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'))
}

fn put_keys(out: &mut String, keys: &Keys) -> std::fmt::Result {
    keys.iter().try_for_each(|(key, value)| match value {
        toml::Value::String(text) => writeln!(out, "{key} = {}", quoted(text)),
        value => writeln!(out, "{key} = {value}"),
    })
}

fn quoted(text: &str) -> String {
    toml::Value::String(one_line(text)).to_string()
}

/// The registers of one device as a profile, whose id is the name of its file.
pub(super) fn profile(id: &str, device: &Device) -> String {
    let mut out = String::new();
    // Writing to a text can't fail.
    let _ = put_profile(&mut out, id, device);
    out
}

fn put_profile(out: &mut String, id: &str, device: &Device) -> std::fmt::Result {
    writeln!(
        out,
        "# Registers that answered `wellhead scan modbus`: {}.\n\
         # Put in names, types, scales and units from the maker's list, and then the list itself:\n\
         # `document`, `revision` and `source` in place of `generic`.\n",
        heading(device)
    )?;
    writeln!(out, "[profile]\nid = {}", quoted(id))?;
    let title = device.model.as_deref().or(device.name.as_deref()).unwrap_or(id);
    writeln!(out, "title = {}\ngeneric = true", quoted(title))?;
    put_points(out, "point", &device.points)
}
