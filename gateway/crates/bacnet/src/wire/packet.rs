//! BVLC and NPDU: how a message travels over UDP and through routers (annex J, clause 6).

use super::Malformed;
use bacnet_rs::datalink::bip::{BvlcFunction, BvlcHeader};
use bacnet_rs::network::{NetworkAddress, NetworkMessageType, Npdu};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Longest datagram of BACnet/IP: an APDU of 1476 bytes with the longest headers.
pub const DATAGRAM_MAX: usize = 1536;
/// The network number that means all networks.
pub const ALL_NETWORKS: u16 = 0xFFFF;

/// An address on a network behind a router; without bytes it is a broadcast there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Remote {
    /// Network number, 1 to 65534.
    pub network: u16,
    len: u8,
    mac: [u8; 7],
}

impl Remote {
    /// At most 7 bytes, as the standard's data links have.
    pub fn new(network: u16, mac: &[u8]) -> Result<Self, Malformed> {
        let mut bytes = [0; 7];
        let room =
            bytes.get_mut(..mac.len()).ok_or(Malformed("an address of more than 7 bytes"))?;
        room.copy_from_slice(mac);
        Ok(Self { network, len: mac.len() as u8, mac: bytes })
    }

    /// The address on that network.
    pub fn mac(&self) -> &[u8] {
        &self.mac[..usize::from(self.len).min(7)]
    }
}

impl std::fmt::Display for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.network)?;
        self.mac().iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// What a datagram is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A message to us alone.
    Unicast(&'a [u8]),
    /// A message to all on the sender's network.
    Broadcast(&'a [u8]),
    /// A broadcast that a BBMD passed on from its sender.
    Forwarded(SocketAddrV4, &'a [u8]),
    /// A foreign device asks us, as a BBMD, to broadcast.
    Distribute(&'a [u8]),
    /// What became of a request to a BBMD; 0 is success.
    Result(u16),
    /// A foreign device registers for so many seconds.
    Register(u16),
    /// Anything else that a BBMD is asked or answers.
    Management(u8),
}

impl<'a> Frame<'a> {
    /// Reads a datagram; its stated length must be its own.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, Malformed> {
        const SHORT: Malformed = Malformed("a BVLC message cut short");
        let header = BvlcHeader::decode(datagram).map_err(|_| Malformed("no BVLC message"))?;
        if usize::from(header.length) != datagram.len() {
            return Err(Malformed("a BVLC message of another length than it says"));
        }
        let body = datagram.get(4..).ok_or(SHORT)?;
        let number = || body.first_chunk().map(|b| u16::from_be_bytes(*b)).ok_or(SHORT);
        Ok(match header.function {
            BvlcFunction::OriginalUnicastNpdu => Frame::Unicast(body),
            BvlcFunction::OriginalBroadcastNpdu => Frame::Broadcast(body),
            BvlcFunction::DistributeBroadcastToNetwork => Frame::Distribute(body),
            BvlcFunction::ForwardedNpdu => {
                let ([a, b, c, d, p, q], npdu) = body.split_first_chunk::<6>().ok_or(SHORT)?;
                let from = Ipv4Addr::new(*a, *b, *c, *d);
                Frame::Forwarded(SocketAddrV4::new(from, u16::from_be_bytes([*p, *q])), npdu)
            }
            BvlcFunction::Result => Frame::Result(number()?),
            BvlcFunction::RegisterForeignDevice => Frame::Register(number()?),
            other => Frame::Management(other as u8),
        })
    }

    /// Writes a datagram. Of management messages only results and registrations are ever sent.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (function, body): (BvlcFunction, &[u8]) = match self {
            Frame::Unicast(npdu) => (BvlcFunction::OriginalUnicastNpdu, npdu),
            Frame::Broadcast(npdu) => (BvlcFunction::OriginalBroadcastNpdu, npdu),
            Frame::Distribute(npdu) => (BvlcFunction::DistributeBroadcastToNetwork, npdu),
            Frame::Forwarded(from, npdu) => {
                let length = (npdu.len() + 10) as u16;
                out.extend(BvlcHeader::new(BvlcFunction::ForwardedNpdu, length).encode());
                out.extend_from_slice(&from.ip().octets());
                out.extend_from_slice(&from.port().to_be_bytes());
                out.extend_from_slice(npdu);
                return;
            }
            Frame::Result(n) => (BvlcFunction::Result, &n.to_be_bytes()),
            Frame::Register(n) => (BvlcFunction::RegisterForeignDevice, &n.to_be_bytes()),
            Frame::Management(_) => (BvlcFunction::Result, &[0, 0x50]),
        };
        out.extend(BvlcHeader::new(function, (body.len() + 4) as u16).encode());
        out.extend_from_slice(body);
    }
}

/// A message of the network layer: where from, where to, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Where it goes beyond the local network; `None` is the local network.
    pub to: Option<Remote>,
    /// Where it came from beyond the router that sent it.
    pub from: Option<Remote>,
    /// Whether its sender waits for an answer.
    pub expects_reply: bool,
    /// What it carries.
    pub content: Content<'a>,
}

/// What a network message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<'a> {
    /// An APDU.
    Apdu(&'a [u8]),
    /// Asks for the router to one network, or to any.
    WhoIsRouter(Option<u16>),
    /// Its sender is a router to these networks.
    IAmRouter(Vec<u16>),
    /// A router can't deliver.
    Reject {
        /// Why: 1 no route, 2 busy, 3 unknown message, 4 too long.
        reason: u8,
        /// The network that can't be reached.
        network: u16,
    },
    /// Another message of the network layer.
    Other(u8),
}

impl<'a> Packet<'a> {
    /// An APDU to a device.
    pub fn apdu(to: Option<Remote>, expects_reply: bool, apdu: &'a [u8]) -> Self {
        Self { to, from: None, expects_reply, content: Content::Apdu(apdu) }
    }

    /// Reads one.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        const SHORT: Malformed = Malformed("an NPDU cut short");
        let (npdu, at) = Npdu::decode(bytes).map_err(|_| Malformed("no NPDU"))?;
        let remote = |a: &NetworkAddress| Remote::new(a.network, &a.address);
        let from = npdu.source.as_ref().map(remote).transpose()?;
        if from.is_some_and(|f| f.mac().is_empty() || f.network == ALL_NETWORKS || f.network == 0) {
            return Err(Malformed("an NPDU from no single sender"));
        }
        let body = bytes.get(at..).ok_or(SHORT)?;
        let content =
            if npdu.is_network_message() { network_message(body)? } else { Content::Apdu(body) };
        Ok(Self {
            to: npdu.destination.as_ref().map(remote).transpose()?,
            from,
            expects_reply: npdu.control.expecting_reply,
            content,
        })
    }

    /// Writes it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut npdu = Npdu::new();
        let address = |r: &Remote| NetworkAddress::new(r.network, r.mac().to_vec());
        npdu.control.expecting_reply = self.expects_reply;
        npdu.control.network_message = !matches!(self.content, Content::Apdu(_));
        if let Some(to) = &self.to {
            npdu.set_destination(address(to));
        }
        if let Some(from) = &self.from {
            npdu.set_source(address(from));
        }
        out.extend(npdu.encode());
        let kind = |t: NetworkMessageType| t as u8;
        match &self.content {
            Content::Apdu(apdu) => out.extend_from_slice(apdu),
            Content::WhoIsRouter(network) => {
                out.push(kind(NetworkMessageType::WhoIsRouterToNetwork));
                out.extend(network.iter().flat_map(|n| n.to_be_bytes()));
            }
            Content::IAmRouter(networks) => {
                out.push(kind(NetworkMessageType::IAmRouterToNetwork));
                out.extend(networks.iter().flat_map(|n| n.to_be_bytes()));
            }
            Content::Reject { reason, network } => {
                out.extend([kind(NetworkMessageType::RejectMessageToNetwork), *reason]);
                out.extend(network.to_be_bytes());
            }
            Content::Other(n) => out.push(*n),
        }
    }
}

fn network_message<'a>(body: &[u8]) -> Result<Content<'a>, Malformed> {
    const SHORT: Malformed = Malformed("a network message cut short");
    let (kind, rest) = body.split_first().ok_or(SHORT)?;
    Ok(match NetworkMessageType::try_from(*kind) {
        Ok(NetworkMessageType::WhoIsRouterToNetwork) => {
            Content::WhoIsRouter(rest.first_chunk().map(|n| u16::from_be_bytes(*n)))
        }
        Ok(NetworkMessageType::IAmRouterToNetwork) => {
            let (networks, odd) = rest.as_chunks::<2>();
            if !odd.is_empty() {
                return Err(SHORT);
            }
            Content::IAmRouter(networks.iter().map(|n| u16::from_be_bytes(*n)).collect())
        }
        Ok(NetworkMessageType::RejectMessageToNetwork) => {
            let [reason, high, low] = *rest.first_chunk().ok_or(SHORT)?;
            Content::Reject { reason, network: u16::from_be_bytes([high, low]) }
        }
        _ => Content::Other(*kind),
    })
}
