//! The demo's MQTT broker: rumqttd, on threads of its own, MQTT 5 only.
//!
//! What the gateway's uplink relies on was tried against rumqttd 0.20 and is tested in
//! `tests/broker.rs`: QoS 1 both ways in order, retained messages and their removal, last will
//! (retained too), take-over by a client of the same name, and response topic, correlation data,
//! user properties and content type passed on. It is a broker for demos all the same: it keeps
//! everything in memory and at most 4 MB a topic, and it cannot be stopped once started; it ends
//! with the process.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
        while greet(address).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    up.await.map_err(|_| BrokerError::NotUp(address))?;
    Ok(address)
}

/// Connects as an MQTT 5 client and leaves again in good order; a bare connection would be logged
/// as an error.
async fn greet(address: SocketAddr) -> io::Result<()> {
    const CLIENT: &[u8] = b"wellhead-plant";
    let mut connect = vec![0x10, 13 + CLIENT.len() as u8];
    connect.extend(b"\x00\x04MQTT\x05\x02\x00\x0a\x00\x00");
    connect.push(CLIENT.len() as u8);
    connect.extend(CLIENT);
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&connect).await?;
    // CONNACK whole: closing with bytes unread would reset the connection.
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    stream.read_exact(&mut vec![0; usize::from(head[1])]).await?;
    stream.write_all(&[0xE0, 0]).await
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
