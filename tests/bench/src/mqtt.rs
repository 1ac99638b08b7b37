//! The few MQTT 3.1.1 packets the floor and the subscriber need, made by hand: a library's own work
//! must not be part of what is measured.

use anyhow::{Context, Result, bail};

/// CONNECT without keep-alive. A clean session forgets what was queued for `client_id`.
#[must_use]
pub fn connect(client_id: &str, clean_session: bool) -> Vec<u8> {
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, u8::from(clean_session) << 1, 0, 0];
    push_string(&mut body, client_id);
    packet(0x10, &body)
}

/// SUBSCRIBE to one filter at QoS 1.
#[must_use]
pub fn subscribe(filter: &str) -> Vec<u8> {
    let mut body = vec![0, 1];
    push_string(&mut body, filter);
    body.push(1);
    packet(0x82, &body)
}

/// PUBACK of one packet id.
#[must_use]
pub fn puback(id: u16) -> [u8; 4] {
    let [high, low] = id.to_be_bytes();
    [0x40, 2, high, low]
}

/// A QoS 1 PUBLISH with room for `payload_len` bytes at its end, to be filled in place and sent
/// again and again.
#[derive(Debug)]
pub struct Publish {
    bytes: Vec<u8>,
    payload_at: usize,
}

impl Publish {
    /// The packet with an empty payload of fixed length.
    #[must_use]
    pub fn new(topic: &str, payload_len: usize) -> Self {
        let mut body = Vec::new();
        push_string(&mut body, topic);
        body.extend([0, 0]);
        body.resize(body.len() + payload_len, 0);
        let bytes = packet(0x32, &body);
        let payload_at = bytes.len() - payload_len;
        Self { bytes, payload_at }
    }

    /// The bytes to send, with this packet id and payload.
    ///
    /// # Panics
    /// When `payload` has another length than the packet was made for.
    pub fn fill(&mut self, id: u16, payload: &[u8]) -> &[u8] {
        self.bytes[self.payload_at - 2..self.payload_at].copy_from_slice(&id.to_be_bytes());
        self.bytes[self.payload_at..].copy_from_slice(payload);
        &self.bytes
    }
}

/// What a broker sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The answer to CONNECT: 0 is accepted.
    ConnAck(u8),
    /// The answer to SUBSCRIBE: the granted QoS, 128 for refused.
    SubAck(u8),
    /// A message; `id` is absent at QoS 0. `dup`: the broker has sent it before.
    Publish {
        /// Topic name.
        topic: &'a str,
        /// Packet id to acknowledge.
        id: Option<u16>,
        /// Sent before on this hop.
        dup: bool,
        /// The message itself.
        payload: &'a [u8],
    },
    /// Anything else, of no interest here.
    Other,
}

/// The first whole packet of `input` and its length in bytes, or `None` while it is incomplete.
///
/// # Errors
/// When the bytes are not MQTT.
pub fn next(input: &[u8]) -> Result<Option<(Packet<'_>, usize)>> {
    let Some((body_at, body_len)) = remaining_length(input)? else { return Ok(None) };
    let end = body_at + body_len;
    let Some(body) = input.get(body_at..end) else { return Ok(None) };
    let first = input[0];
    let found = match first >> 4 {
        2 => Packet::ConnAck(*body.get(1).context("CONNACK too short")?),
        9 => Packet::SubAck(*body.get(2).context("SUBACK too short")?),
        3 => read_publish(first, body)?,
        _ => Packet::Other,
    };
    Ok(Some((found, end)))
}

fn read_publish(first: u8, body: &[u8]) -> Result<Packet<'_>> {
    let (len, rest) = body.split_first_chunk::<2>().context("PUBLISH without topic")?;
    let (topic, rest) = rest
        .split_at_checked(usize::from(u16::from_be_bytes(*len)))
        .context("PUBLISH topic cut short")?;
    let (id, payload) = if first & 0x06 == 0 {
        (None, rest)
    } else {
        let (id, rest) = rest.split_first_chunk::<2>().context("PUBLISH without packet id")?;
        (Some(u16::from_be_bytes(*id)), rest)
    };
    let topic = std::str::from_utf8(topic).context("topic is not UTF-8")?;
    Ok(Packet::Publish { topic, id, dup: first & 0x08 != 0, payload })
}

/// Where the body begins and how long it is.
fn remaining_length(input: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut len = 0;
    for at in 1..=4 {
        let Some(&byte) = input.get(at) else { return Ok(None) };
        len |= usize::from(byte & 0x7f) << (7 * (at - 1));
        if byte & 0x80 == 0 {
            return Ok(Some((at + 1, len)));
        }
    }
    bail!("not MQTT: remaining length runs past four bytes")
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut len = body.len();
    loop {
        let more = len > 0x7f;
        out.push((len & 0x7f) as u8 | u8::from(more) << 7);
        len >>= 7;
        if !more {
            break;
        }
    }
    out.extend(body);
    out
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u16).to_be_bytes());
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filled_publish_reads_back_with_id_and_payload() {
        let payload = [7_u8; 200];
        let mut publish = Publish::new("bench/floor/d001", payload.len());
        let bytes = publish.fill(513, &payload).to_vec();
        let expected = Packet::Publish {
            topic: "bench/floor/d001",
            id: Some(513),
            dup: false,
            payload: &payload,
        };
        assert_eq!(next(&bytes).unwrap(), Some((expected, bytes.len())));
    }

    #[test]
    fn packet_cut_anywhere_is_incomplete_not_wrong() {
        let bytes = Publish::new("t", 300).fill(1, &[1; 300]).to_vec();
        for cut in 0..bytes.len() {
            assert_eq!(next(&bytes[..cut]).unwrap(), None, "cut at {cut}");
        }
    }

    #[test]
    fn two_packets_in_one_read_are_taken_one_by_one() {
        let bytes = [[0x20, 2, 0, 0].as_slice(), &[0x90, 3, 0, 1, 1]].concat();
        let (first, len) = next(&bytes).unwrap().unwrap();
        assert_eq!((first, len), (Packet::ConnAck(0), 4));
        assert_eq!(next(&bytes[len..]).unwrap(), Some((Packet::SubAck(1), 5)));
    }

    #[test]
    fn endless_length_is_refused() {
        assert!(next(&[0x30, 0xff, 0xff, 0xff, 0xff, 0x01]).is_err());
    }
}
