//! The demo's MQTT broker: rumqttd, on threads of its own, MQTT 5 only.
//!
//! rumqttd cannot be stopped once started; it ends with the process.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long the broker may take to open its port.
const START_MAX: Duration = Duration::from_secs(10);

/// Why there is no broker.
#[derive(Debug, Error)]
pub enum BrokerError {
    /// The port cannot be had.
    #[error("the MQTT broker cannot listen on {address}: {error}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// It did not open its port in time.
    #[error("the MQTT broker did not open {0} within 10 s; its log says why")]
    NotUp(SocketAddr),
}

/// Starts the broker and waits until it accepts connections; returns the address, whose port was
/// chosen when 0 was asked for.
///
/// # Errors
/// When the port cannot be had.
pub async fn start(address: SocketAddr) -> Result<SocketAddr, BrokerError> {
    // rumqttd only logs that it cannot bind; trying first turns that into an error.
    let failed = |error| BrokerError::Bind { address, error };
    let address =
        TcpListener::bind(address).and_then(|probe| probe.local_addr()).map_err(failed)?;
    std::thread::Builder::new()
        .name("mqtt-broker".to_owned())
        .spawn(move || {
            if let Err(error) = Broker::new(config(address)).start() {
                tracing::error!(%error, "MQTT broker ended");
            }
        })
        .map_err(failed)?;
    let up = timeout(START_MAX, async {
        while TcpStream::connect(address).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    up.await.map_err(|_| BrokerError::NotUp(address))?;
    Ok(address)
}

fn config(listen: SocketAddr) -> Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 10_000,
        max_payload_size: 1024 * 1024,
        max_inflight_count: 100,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings {
        name: "mqtt-5".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections,
    };
    Config {
        router: RouterConfig {
            max_connections: 100,
            max_outgoing_packet_count: 200,
            // 4 MB a topic at most: a demo keeps little.
            max_segment_size: 1024 * 1024,
            max_segment_count: 4,
            ..RouterConfig::default()
        },
        v5: Some(HashMap::from([("1".to_owned(), server)])),
        ..Config::default()
    }
}
