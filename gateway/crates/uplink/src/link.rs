//! One MQTT connection: rumqttc as transport, and the matching of acknowledgements.
//!
//! A connection is never mended. After any error a new client and event loop start clean, and
//! what was in flight is sent again from our own window; rumqttc's own resending is not used.

use crate::config::{ConfigError, UplinkConfig};
use crate::core::Outbound;
use crate::tls;
use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, LastWill, PubAckReason, PublishProperties};
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use std::collections::VecDeque;
use std::sync::Arc;

/// Largest packet taken from the broker: a command of 4 KiB with its topic and properties. It is
/// announced in CONNECT, so that a broker drops a larger one instead of ending the connection.
const INCOMING_BYTES_MAX: u32 = 16 * 1024;
/// Requests beside publishes: the subscription and the disconnect.
const REQUESTS_BESIDE: usize = 8;
/// To connect, TLS and CONNACK included, in seconds.
const CONNECT_SECONDS: u64 = 5;

/// What stays the same over all connections of an uplink.
pub(crate) struct Dialer {
    config: UplinkConfig,
    will: Bytes,
}

impl Dialer {
    pub(crate) fn new(config: &UplinkConfig, will: Bytes) -> Result<Self, ConfigError> {
        let dialer = Self { config: config.clone(), will };
        // What is wrong with these files is best said at the start, when somebody looks.
        dialer.tls()?;
        Ok(dialer)
    }

    fn tls(&self) -> Result<Option<Arc<rustls::ClientConfig>>, ConfigError> {
        self.config.tls.as_ref().map(tls::client).transpose()
    }

    /// A new client and event loop; nothing is sent before the loop is polled. Password and
    /// certificates are read anew each time, as an operator may have mended them.
    pub(crate) fn dial(&self) -> Result<(Link, EventLoop), ConfigError> {
        let c = &self.config;
        let mut o = MqttOptions::new(&c.client_id, &c.host, c.port);
        o.set_keep_alive(c.keep_alive);
        o.set_clean_start(true);
        o.set_connection_timeout(CONNECT_SECONDS);
        o.set_max_packet_size(Some(INCOMING_BYTES_MAX));
        o.set_outgoing_inflight_upper_limit(c.inflight_max);
        let status = format!("{}/status", c.root);
        o.set_last_will(LastWill::new(status, self.will.to_vec(), QoS::AtLeastOnce, true, None));
        if let Some(login) = &c.credentials {
            o.set_credentials(&login.username, login.password.reveal()?);
        }
        if let Some(tls) = self.tls()? {
            o.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
        }
        let cap = usize::from(c.inflight_max) + REQUESTS_BESIDE;
        let (client, mut events) = AsyncClient::new(o, cap);
        let mut network = rumqttc::NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(CONNECT_SECONDS);
        events.options.set_network_options(network);
        Ok((Link::new(client), events))
    }
}

/// The sending side of one connection.
pub(crate) struct Link {
    client: AsyncClient,
    /// Tokens handed to rumqttc and not numbered yet. It works requests off in order, so the
    /// next packet id it reports belongs to the front.
    unnumbered: VecDeque<u64>,
    /// Tokens by packet id; 0 is none.
    numbered: Vec<u64>,
}

impl Link {
    fn new(client: AsyncClient) -> Self {
        Self { client, unnumbered: VecDeque::new(), numbered: Vec::new() }
    }

    /// Hands a publish to rumqttc. `false` if it takes no more: the connection is ending.
    pub(crate) fn publish(&mut self, out: Outbound) -> bool {
        let Outbound { token, topic, payload, retain, correlation } = out;
        let qos = QoS::AtLeastOnce;
        let sent = match correlation {
            None => self.client.try_publish(topic, qos, retain, payload),
            Some(_) => {
                let properties =
                    PublishProperties { correlation_data: correlation, ..Default::default() };
                self.client.try_publish_with_properties(topic, qos, retain, payload, properties)
            }
        };
        if sent.is_ok() {
            self.unnumbered.push_back(token);
        }
        sent.is_ok()
    }

    /// Asks for a topic. A command published as retained keeps its flag, so that it can be
    /// refused at its first delivery too.
    pub(crate) fn subscribe(&self, topic: &str) -> bool {
        let filter = Filter {
            path: topic.to_owned(),
            qos: QoS::AtLeastOnce,
            preserve_retain: true,
            ..Default::default()
        };
        self.client.try_subscribe_many([filter]).is_ok()
    }

    /// Says goodbye, so that the broker keeps the will to itself.
    pub(crate) fn disconnect(&self) -> bool {
        self.client.try_disconnect().is_ok()
    }

    /// rumqttc put the next publish on the wire under this packet id.
    pub(crate) fn numbered(&mut self, pkid: u16) {
        let i = usize::from(pkid);
        if self.numbered.len() <= i {
            self.numbered.resize(i + 1, 0);
        }
        if let Some(token) = self.unnumbered.pop_front() {
            self.numbered[i] = token;
        }
    }

    /// The token of an acknowledged packet id.
    pub(crate) fn acknowledged(&mut self, pkid: u16) -> Option<u64> {
        let slot = self.numbered.get_mut(usize::from(pkid))?;
        let token = std::mem::take(slot);
        (token != 0).then_some(token)
    }
}

/// The reason of a negative acknowledgement.
pub(crate) fn refusal(reason: PubAckReason) -> Option<&'static str> {
    match reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => None,
        PubAckReason::UnspecifiedError => Some("unspecified_error"),
        PubAckReason::ImplementationSpecificError => Some("implementation_specific_error"),
        PubAckReason::NotAuthorized => Some("not_authorized"),
        PubAckReason::TopicNameInvalid => Some("topic_name_invalid"),
        PubAckReason::PacketIdentifierInUse => Some("packet_identifier_in_use"),
        PubAckReason::QuotaExceeded => Some("quota_exceeded"),
        PubAckReason::PayloadFormatInvalid => Some("payload_format_invalid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(token: u64) -> Outbound {
        let topic = "t".to_owned();
        Outbound { token, topic, payload: Bytes::new(), retain: false, correlation: None }
    }

    #[test]
    fn acknowledgements_find_their_publish_in_any_order() {
        let c = UplinkConfig::new("localhost", 1883, "s", "g", "main");
        let (mut link, _events) = Dialer::new(&c, Bytes::new()).unwrap().dial().unwrap();
        for token in [11, 12, 13] {
            assert!(link.publish(outbound(token)));
        }
        for pkid in [1, 2, 3] {
            link.numbered(pkid);
        }
        assert_eq!(link.acknowledged(2), Some(12));
        assert_eq!(link.acknowledged(1), Some(11));
        assert_eq!(link.acknowledged(1), None, "once only");
        assert_eq!(link.acknowledged(9), None, "never sent");
        assert!(link.publish(outbound(14)));
        link.numbered(1);
        assert_eq!(link.acknowledged(1), Some(14), "packet ids are reused");
        assert_eq!(link.acknowledged(3), Some(13));
    }

    #[test]
    fn a_full_request_queue_is_noticed() {
        let mut c = UplinkConfig::new("localhost", 1883, "s", "g", "main");
        c.inflight_max = 1;
        let (mut link, _events) = Dialer::new(&c, Bytes::new()).unwrap().dial().unwrap();
        let taken = (1..100).take_while(|t| link.publish(outbound(*t))).count();
        assert_eq!(taken, 1 + REQUESTS_BESIDE);
    }
}
