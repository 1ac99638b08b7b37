//! Which serial port or TCP connection is scanned.

use super::duration;
use super::found::{Keys, text};
use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use wellhead_driver::{Line, LineConfig, Parity, SerialConfig, SerialMode, TcpConfig};

/// A serial port or a TCP connection.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true))]
pub(super) struct Stream {
    /// A host, or a converter to a serial line: HOST:PORT
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port, group = "where")]
    tcp: Option<(String, u16)>,
    /// A serial port, best by a stable name: /dev/serial/by-id/…
    #[arg(long, value_name = "PATH", group = "where")]
    pub(super) serial: Option<PathBuf>,
    /// Speed of the serial port: by default 9600 for Modbus, 2400 for meters
    #[arg(long)]
    baud: Option<u32>,
    /// Parity bit of the serial port
    #[arg(long, default_value = "even")]
    parity: ParityWord,
    /// Longest wait for each answer; what nobody answers takes this long
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    pub(super) wait: Duration,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ParityWord {
    None,
    Even,
    Odd,
}

fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("`{text}` is no address; write 192.168.1.20:502");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    match port.parse() {
        Ok(port) if port != 0 && !host.is_empty() => Ok((host.to_owned(), port)),
        _ => Err(wrong()),
    }
}

impl Stream {
    /// The line, which opens with the first question.
    pub(super) fn line(&self, baud_usual: u32) -> Line {
        Line::new(match (&self.tcp, &self.serial) {
            (Some((host, port)), _) => LineConfig::Tcp(TcpConfig {
                host: host.clone(),
                port: *port,
                connect_timeout: Duration::from_secs(3),
                close_when_idle: false,
            }),
            (None, path) => LineConfig::Serial(SerialConfig {
                path: path.clone().unwrap_or_default(),
                mode: SerialMode {
                    baud: self.baud.unwrap_or(baud_usual),
                    data_bits: 8,
                    parity: match self.parity {
                        ParityWord::None => Parity::None,
                        ParityWord::Even => Parity::Even,
                        ParityWord::Odd => Parity::Odd,
                    },
                    stop_bits: 1,
                },
                rs485: false,
            }),
        })
    }

    /// The line in a site file.
    pub(super) fn keys(&self, baud_usual: u32) -> Keys {
        match (&self.tcp, &self.serial) {
            (Some((host, port)), _) => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                vec![("tcp", text(format!("{host}:{port}")))]
            }
            (None, path) => {
                let path = path.clone().unwrap_or_default();
                let baud = self.baud.unwrap_or(baud_usual);
                let parity = match self.parity {
                    ParityWord::None => "none",
                    ParityWord::Even => "even",
                    ParityWord::Odd => "odd",
                };
                vec![
                    ("serial", text(path.display())),
                    ("baud", toml::Value::Integer(i64::from(baud))),
                    ("parity", text(parity)),
                ]
            }
        }
    }
}
