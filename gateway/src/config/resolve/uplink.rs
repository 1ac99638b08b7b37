//! Uplinks: brokers and how to log in.

use super::At;
use super::line::host_name;
use crate::config::file::UplinkTable;
use crate::config::problem::{Problem, UrlFault};
use crate::config::report::Findings;
use crate::config::site::{Secret, Tls, UplinkSettings};
use std::path::Path;
use std::time::Duration;

pub(super) fn uplinks(all: &At<'_>, base: &Path, findings: &mut Findings) -> Vec<UplinkSettings> {
    all.entries().filter_map(|(id, at)| uplink(id, &at, base, findings)).collect()
}

fn uplink(id: &str, at: &At<'_>, base: &Path, findings: &mut Findings) -> Option<UplinkSettings> {
    let t: UplinkTable = at.read(findings)?;
    if at.has("password_file") && at.has("password_env") {
        findings.add(at.key("password_env"), Problem::TwoPasswords);
    }
    for key in ["password_file", "password_env"] {
        if at.has(key) && !at.has("username") {
            findings.add(at.key(key), Problem::PasswordWithoutUser);
        }
    }
    if at.has("client_cert") != at.has("client_key") {
        let key = if at.has("client_cert") { "client_cert" } else { "client_key" };
        findings.add(at.key(key), Problem::CertificateWithoutKey);
    }
    let address = t.url.as_deref().and_then(|url| match broker(url) {
        Ok(address) => Some(address),
        Err(problem) => {
            findings.add(at.key("url"), problem);
            None
        }
    });
    let (host, port, tls) = address?;
    if !tls {
        for key in ["ca", "client_cert", "client_key"].into_iter().filter(|k| at.has(k)) {
            findings.add(at.key(key), Problem::TlsKeyWithoutTls { key: key.to_owned() });
        }
    }
    // A plant room trusts the one authority that its operator names, not the system's long list.
    if tls && !at.has("ca") {
        findings.add(at.key("url"), Problem::Missing { key: "ca".into() });
    }
    let path = |p: Option<String>| p.map(|p| base.join(p));
    let password_file = path(t.password_file).map(Secret::File);
    Some(UplinkSettings {
        id: id.to_owned(),
        host,
        port,
        tls: tls
            .then(|| Tls { ca: path(t.ca), client: path(t.client_cert).zip(path(t.client_key)) }),
        username: t.username,
        password: password_file.or_else(|| t.password_env.map(Secret::Env)),
        inflight_max: t.inflight_max.unwrap_or(100),
        window: t.window.map_or(8 << 20, |s| s.0),
        keep_alive: t.keep_alive.map_or(Duration::from_secs(30), |d| d.0),
    })
}

/// Host, port, and whether TLS, of `mqtt://host:1883` or `mqtts://host:8883`.
fn broker(url: &str) -> Result<(String, u16, bool), Problem> {
    // First of all: no other message may repeat it.
    if url.contains('@') {
        return Err(Problem::UrlWithPassword);
    }
    let fault = |why| Problem::BadUrl { got: url.to_owned(), why };
    let (scheme, rest) = url.split_once("://").ok_or_else(|| fault(UrlFault::Scheme))?;
    let (tls, default) = match scheme {
        "mqtt" => (false, 1883),
        "mqtts" => (true, 8883),
        _ => return Err(fault(UrlFault::Scheme)),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        return Err(fault(UrlFault::Path));
    }
    // The last colon parts the port, unless it is inside the brackets of an IPv6 address.
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let port = port.parse().ok().filter(|p| *p != 0);
            (host, port.ok_or_else(|| fault(UrlFault::Port))?)
        }
        _ => (rest, default),
    };
    let host = host_name(host).ok_or_else(|| fault(UrlFault::Host))?;
    Ok((host, port, tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brokers_address_is_taken_apart() {
        let ok = |h: &str, p, tls| Ok((h.to_owned(), p, tls));
        assert_eq!(broker("mqtt://broker"), ok("broker", 1883, false));
        assert_eq!(broker("mqtts://10.0.0.1:443/"), ok("10.0.0.1", 443, true));
        assert_eq!(broker("mqtt://[::1]"), ok("::1", 1883, false));
        assert_eq!(broker("mqtt://[::1]:18830"), ok("::1", 18830, false));
        assert_eq!(broker("mqtt://u:p@h"), Err(Problem::UrlWithPassword));
        for bad in [
            "broker:1883",
            "http://h",
            "mqtt://",
            "mqtt://:1883",
            "mqtt://h:0",
            "mqtt://h:x",
            "mqtt://h/path",
            "mqtt://a b",
        ] {
            assert!(broker(bad).is_err(), "{bad}");
        }
    }
}
