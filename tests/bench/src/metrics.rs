//! What the gateway tells of itself, read as Prometheus reads it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

/// The page of the gateway whose metrics are at this loopback port.
///
/// # Errors
/// When it does not answer.
pub fn page(port: u16) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("metrics")?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

/// The samples of a metric whose labels hold `labels`.
pub fn samples<'a>(page: &'a str, name: &'a str, labels: &'a str) -> impl Iterator<Item = f64> {
    page.lines()
        .filter_map(move |line| line.strip_prefix(name)?.strip_prefix('{')?.split_once('}'))
        .filter(move |(found, _)| found.contains(labels))
        .filter_map(|(_, value)| value.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_found_by_name_and_label() {
        let page = "# HELP points x\npoints{device=\"a\",quality=\"good\"} 20\n\
                    points{device=\"b\",quality=\"good\"} 19\n\
                    points{device=\"b\",quality=\"bad\"} 1\npoints_other{quality=\"good\"} 7\n";
        let good: Vec<f64> = samples(page, "points", "quality=\"good\"").collect();
        assert_eq!(good, [20.0, 19.0]);
    }
}
