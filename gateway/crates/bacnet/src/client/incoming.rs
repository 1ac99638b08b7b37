//! What comes in: each datagram to whom it concerns.

use super::directory::Shown;
use super::services::Told as CovTold;
use super::transactions::Verdict;
use super::{Client, Failure, Heard, Peer, State};
use crate::Timing;
use crate::wire::service::{CovNotification, IAm, IHave, confirmed, unconfirmed};
use crate::wire::{Apdu, Content, Error, Frame, Malformed, Packet, error_code};
use std::net::SocketAddrV4;
use std::sync::Arc;
use tokio::time::Instant;

/// What a BBMD answers to a broadcast of somebody it does not know.
const DISTRIBUTE_NAK: u16 = 0x60;
const REJECT_UNRECOGNIZED_SERVICE: u8 = 9;
/// The class of error codes about services.
const CLASS_SERVICES: u16 = 5;

impl Client {
    /// Takes one datagram. Returns what its sender waits for.
    pub(super) fn incoming(
        self: &Arc<Self>,
        from: SocketAddrV4,
        datagram: &[u8],
    ) -> Option<(Peer, Apdu<'static>)> {
        let mut state = self.state();
        state.told.counts.received += 1;
        match self.sort(&mut state, from, datagram) {
            Ok(reply) => reply,
            Err(why) => {
                state.told.counts.malformed += 1;
                tracing::trace!(%from, %why, "No BACnet message");
                None
            }
        }
    }

    fn sort(
        self: &Arc<Self>,
        state: &mut State,
        from: SocketAddrV4,
        datagram: &[u8],
    ) -> Result<Option<(Peer, Apdu<'static>)>, Malformed> {
        let (via, npdu) = match Frame::decode(datagram)? {
            Frame::Unicast(npdu) => (from, npdu),
            Frame::Broadcast(npdu) => {
                state.told.broadcast(Instant::now());
                (from, npdu)
            }
            Frame::Forwarded(origin, npdu) => {
                state.told.broadcast(Instant::now());
                (origin, npdu)
            }
            Frame::Result(code) => {
                self.bbmd_answered(state, from, code);
                return Ok(None);
            }
            // We are no BBMD.
            Frame::Distribute(_) | Frame::Register(_) | Frame::Management(_) => return Ok(None),
        };
        let packet = Packet::decode(npdu)?;
        let to_all = |to: crate::wire::Remote| to.network == crate::wire::ALL_NETWORKS;
        if packet.to.is_some_and(|to| !to_all(to)) {
            // On its way through a router, which we are not.
            return Ok(None);
        }
        let peer = Peer { via, remote: packet.from };
        match packet.content {
            Content::Apdu(apdu) => self.apdu(state, peer, &Apdu::decode(apdu)?),
            Content::IAmRouter(networks) => {
                for network in networks {
                    if state.directory.router(network).is_some() {
                        state.directory.add_router(network, via);
                    }
                    state.heard(&Heard::Router(network, via));
                }
                Ok(None)
            }
            Content::Reject { reason, network } => {
                let why = match reason {
                    1 => "has no route to it",
                    2 => "is too busy for it",
                    4 => "can't send a message of this length to it",
                    _ => "can't deliver to it",
                };
                let failure = Failure::Unreachable(format!("network {network}: {via} {why}"));
                let behind =
                    |p: &Peer| p.via == via && p.remote.is_some_and(|r| r.network == network);
                state.transactions.fail(behind, &failure);
                state.directory.remove_router(network, via);
                Ok(None)
            }
            Content::WhoIsRouter(_) | Content::Other(_) => Ok(None),
        }
    }

    fn bbmd_answered(&self, state: &mut State, from: SocketAddrV4, code: u16) {
        if self.config.foreign.as_ref().is_none_or(|f| f.bbmd != from) {
            return;
        }
        if code == DISTRIBUTE_NAK {
            self.forgotten.notify_one();
        } else if let Some(registering) = state.registering.take() {
            // It may have come too late.
            let _ = registering.send(code);
        }
    }

    fn apdu(
        self: &Arc<Self>,
        state: &mut State,
        peer: Peer,
        apdu: &Apdu<'_>,
    ) -> Result<Option<(Peer, Apdu<'static>)>, Malformed> {
        let reply = match apdu {
            Apdu::Unconfirmed { service: unconfirmed::I_AM, data } => {
                self.i_am(state, IAm::decode(data)?, peer);
                None
            }
            Apdu::Unconfirmed { service: unconfirmed::I_HAVE, data } => {
                state.heard(&Heard::IHave(IHave::decode(data)?, peer));
                None
            }
            Apdu::Unconfirmed { service: unconfirmed::COV_NOTIFICATION, data } => {
                state.notification(peer, &CovNotification::decode(data)?);
                None
            }
            Apdu::Unconfirmed { .. } => None,
            Apdu::Confirmed { invoke, service, segment: None, data, .. }
                if *service == confirmed::COV_NOTIFICATION =>
            {
                let (invoke, service) = (*invoke, *service);
                match state.notification(peer, &CovNotification::decode(data)?) {
                    Notified::Taken => Some(Apdu::SimpleAck { invoke, service }),
                    // It ends its subscription then.
                    Notified::Unknown => {
                        let code = error_code::UNKNOWN_SUBSCRIPTION;
                        let error = Error { class: CLASS_SERVICES, code };
                        Some(Apdu::Error { invoke, service, error })
                    }
                    // Unanswered, it comes again.
                    Notified::Full => None,
                }
            }
            Apdu::Confirmed { invoke, .. } => {
                Some(Apdu::Reject { invoke: *invoke, reason: REJECT_UNRECOGNIZED_SERVICE })
            }
            reply => match state.transactions.take(peer, reply, Instant::now()) {
                Verdict::Taken => None,
                Verdict::Reply(answer) => Some(answer),
                Verdict::Stray => {
                    state.told.counts.strays += 1;
                    None
                }
            },
        };
        Ok(reply.map(|apdu| (peer, apdu)))
    }

    fn i_am(self: &Arc<Self>, state: &mut State, i_am: IAm, from: Peer) {
        state.heard(&Heard::IAm(i_am, from));
        let Some(known) = state.directory.heard(i_am, from) else { return };
        let client = Arc::downgrade(self);
        tokio::spawn(async move {
            let Some(client) = client.upgrade() else { return };
            client.check(i_am, known, from).await;
        });
    }

    /// Asks both addresses of a device that says it is at another than the known one.
    async fn check(self: &Arc<Self>, i_am: IAm, known: Peer, from: Peer) {
        let timing = Timing { in_flight_max: 1, ..Timing::default() };
        let device = i_am.device;
        let (old, new) = tokio::join!(
            self.is_device(known, device, &timing),
            self.is_device(from, device, &timing)
        );
        let shown = match (old, new) {
            (true, true) => Shown::Duplicate,
            (false, true) => Shown::Moved,
            (_, false) => Shown::Nothing,
        };
        let mut state = self.state();
        let followed = state.directory.checked(i_am, from, shown);
        let (code, text) = match shown {
            Shown::Nothing => return,
            Shown::Duplicate => (
                "duplicate_instance",
                format!("two devices are instance {device}: at {known}, which is used, and {from}"),
            ),
            Shown::Moved if followed => {
                ("device_moved", format!("device {device} has moved from {known} to {from}"))
            }
            Shown::Moved => (
                "device_elsewhere",
                format!("device {device} is configured at {known} but answers at {from} only"),
            ),
        };
        state.told.tell(Some(device), code, text);
    }
}

enum Notified {
    Taken,
    Unknown,
    Full,
}

impl State {
    fn heard(&mut self, heard: &Heard) {
        // One that does not keep up misses some; those gone are removed with the next.
        self.listeners.iter().for_each(|l| drop(l.try_send(heard.clone())));
    }

    fn notification(&mut self, peer: Peer, told: &CovNotification<'_>) -> Notified {
        let subscriber = self.subscribers.get(&told.process);
        let Some(subscriber) =
            subscriber.filter(|s| s.device == told.device && s.peer == peer && !s.to.is_closed())
        else {
            self.told.counts.notifications_dropped += 1;
            return Notified::Unknown;
        };
        match subscriber.to.try_send(CovTold::of(told)) {
            Ok(()) => Notified::Taken,
            Err(_) => {
                self.told.counts.notifications_dropped += 1;
                Notified::Full
            }
        }
    }
}
