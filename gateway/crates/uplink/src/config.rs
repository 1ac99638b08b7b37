//! What an uplink needs to know, and where its secrets come from.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Text that must not appear in a log: its `Debug` shows nothing and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Source);

#[derive(Clone, PartialEq, Eq)]
enum Source {
    Text(String),
    File(PathBuf),
}

impl Secret {
    /// Takes a secret that is already at hand.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Source::Text(text.into()))
    }

    /// The first line of a file, which is read anew for each connection: one that is corrected or
    /// replaced is taken without a restart.
    pub fn in_file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// Reads an environment variable.
    pub fn from_env(name: &str) -> Result<Self, ConfigError> {
        match std::env::var(name) {
            Ok(text) if !text.is_empty() => Ok(Self::new(text)),
            _ => Err(ConfigError::EmptySecret(format!("environment variable {name}"))),
        }
    }

    pub(crate) fn reveal(&self) -> Result<String, ConfigError> {
        let path = match &self.0 {
            Source::Text(text) => return Ok(text.clone()),
            Source::File(path) => path,
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::File { path: path.clone(), error })?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(line.to_owned()),
            _ => Err(ConfigError::EmptySecret(path.display().to_string())),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who the gateway is to the broker.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// User name; not secret, it may appear in logs.
    pub username: String,
    /// Password.
    pub password: Secret,
}

/// Encryption. The system's own list of authorities is not used: a plant room trusts the one
/// authority that its operator names.
#[derive(Debug, Clone)]
pub struct TlsConfig {
    /// PEM file with the authorities that may have signed the broker's certificate.
    pub ca_file: PathBuf,
    /// PEM files with the gateway's own certificate chain and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// One uplink. Several may stand side by side, each with its own root and cache directory.
#[derive(Debug, Clone)]
pub struct UplinkConfig {
    /// Name of this uplink within the gateway; part of logs.
    pub name: String,
    /// Broker's host name or address.
    pub host: String,
    /// Broker's port; 1883 in clear, 8883 with TLS.
    pub port: u16,
    /// Encryption, if any.
    pub tls: Option<TlsConfig>,
    /// MQTT client id, the same at every start: `wellhead-{site}-{gateway}-{uplink}`.
    pub client_id: String,
    /// Login, if the broker wants one.
    pub credentials: Option<Credentials>,
    /// Topic root: `wellhead/v1/{site}/{gateway}`, without a slash at the end.
    pub root: String,
    /// MQTT keep-alive; at least 5 s.
    pub keep_alive: Duration,
    /// Bytes of unacknowledged batches held in memory at most; beyond, the oldest is dropped and
    /// told. 256 KiB at least.
    pub window_bytes: usize,
    /// Publishes in flight at most, 1 to 1024; the broker may ask for less.
    pub inflight_max: u16,
    /// Whether to listen on `cmd`. Off unless the operator asked for it.
    pub commands: bool,
    /// Program version as told in `status`.
    pub version: String,
}

impl UplinkConfig {
    /// The defaults for a broker: no TLS, no login, 30 s keep-alive, 8 MiB window, 256 in flight,
    /// commands off.
    pub fn new(host: &str, port: u16, site: &str, gateway: &str, name: &str) -> Self {
        Self {
            name: name.into(),
            host: host.into(),
            port,
            tls: None,
            client_id: format!("wellhead-{site}-{gateway}-{name}"),
            credentials: None,
            root: format!("wellhead/v1/{site}/{gateway}"),
            keep_alive: Duration::from_secs(30),
            window_bytes: 8 << 20,
            inflight_max: 256,
            commands: false,
            version: String::new(),
        }
    }

    /// Checks what can be checked without a network.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.host.is_empty() {
            return Err(ConfigError::Host);
        }
        if self.client_id.is_empty() {
            return Err(ConfigError::ClientId);
        }
        if self.root.is_empty()
            || self.root.len() > 512
            || self.root.starts_with('$')
            || self.root.ends_with('/')
            || self.root.contains(['+', '#', '\0'])
        {
            return Err(ConfigError::Root(self.root.clone()));
        }
        // rumqttc panics below 5 s, and the wire holds 16 bits of seconds.
        if !(5..=65_535).contains(&self.keep_alive.as_secs()) {
            return Err(ConfigError::KeepAlive(self.keep_alive));
        }
        if self.window_bytes < WINDOW_BYTES_MIN {
            return Err(ConfigError::Window(self.window_bytes));
        }
        if !(1..=1024).contains(&self.inflight_max) {
            return Err(ConfigError::Inflight(self.inflight_max));
        }
        Ok(())
    }
}

/// A batch has at most [`crate::BATCH_BYTES_MAX`] bytes and the window must hold several.
const WINDOW_BYTES_MIN: usize = 256 * 1024;

/// What is wrong with an [`UplinkConfig`] or a file it names.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message is its own description")]
pub enum ConfigError {
    #[error("the broker's host is empty")]
    Host,
    #[error("the MQTT client id is empty")]
    ClientId,
    #[error(
        "`{0}` can't be a topic root: 1 to 512 bytes, no `+`, `#`, `$` in front or `/` at the end"
    )]
    Root(String),
    #[error("keep-alive must be between 5 and 65535 s, not {0:?}")]
    KeepAlive(Duration),
    #[error("window_bytes must be at least 262144, not {0}")]
    Window(usize),
    #[error("inflight_max must be between 1 and 1024, not {0}")]
    Inflight(u16),
    #[error("can't read {path}: {error}")]
    File { path: PathBuf, error: std::io::Error },
    #[error("{0} holds no password")]
    EmptySecret(String),
    #[error("{path} holds no {what}; it must be a PEM file")]
    Pem { path: PathBuf, what: &'static str },
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows() {
        let config = UplinkConfig {
            credentials: Some(Credentials {
                username: "gw".into(),
                password: Secret::new("hunter2"),
            }),
            ..UplinkConfig::new("h", 1883, "s", "g", "main")
        };
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("Secret(…)"), "{shown}");
    }

    #[test]
    fn a_password_file_is_read_each_time_and_an_empty_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, "\n").unwrap();
        let secret = Secret::in_file(&path);
        assert!(matches!(secret.reveal(), Err(ConfigError::EmptySecret(_))));
        std::fs::write(&path, "geheim\n").unwrap();
        assert_eq!(secret.reveal().unwrap(), "geheim");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(secret.reveal(), Err(ConfigError::File { .. })));
    }

    #[test]
    fn settings_that_would_break_the_link_are_refused() {
        let good = UplinkConfig::new("h", 1883, "s", "g", "main");
        assert!(good.check().is_ok());
        let bad: [fn(&mut UplinkConfig); 7] = [
            |c| c.host.clear(),
            |c| c.client_id.clear(),
            |c| c.root = "a/#".into(),
            |c| c.root = "a/".into(),
            |c| c.keep_alive = Duration::from_secs(4),
            |c| c.window_bytes = 1000,
            |c| c.inflight_max = 0,
        ];
        for (i, spoil) in bad.iter().enumerate() {
            let mut c = good.clone();
            spoil(&mut c);
            assert!(c.check().is_err(), "{i}");
        }
    }
}
