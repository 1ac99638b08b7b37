//! The device itself, without a socket: datagrams in, datagrams and commands out.

use super::cov::{self, Subscriptions};
use super::device::{self, Device, MAX_APDU, SEGMENTATION, VENDOR};
use super::object::{self, Asked, Live, error};
use super::segments::{self, Acknowledged, Sending};
use super::{Charset, CommandRefused, DeviceInfo, ObjectSpec, Peer, Slots};
use crate::wire::service::{
    CovNotification, IAm, IHave, ReadAccess, ReadProperty, ReadPropertyAck, ReadResult, Sought,
    SubscribeCov, WhoHas, WhoIs, WriteProperty, confirmed, property as p, unconfirmed,
};
use crate::wire::{Apdu, Content, Error, Frame, Malformed, Packet, Value, abort_reason};
use crate::{ObjectId, ObjectType, Property};
use std::collections::HashMap;
use std::net::SocketAddrV4;
use std::sync::Arc;
use tokio::time::Instant;
use wellhead_model::Value as PointValue;

/// The longest answer that is put together; one question could ask for any amount.
const ANSWER_MAX: usize = 256 * 1024;
/// The instance that means the device that is asked, whichever it is.
const THIS_DEVICE: u32 = 4_194_303;
/// The lowest priority, which is meant where none is given.
const PRIORITY_LOWEST: u8 = 16;
/// Manual and automatic life safety are nobody's to write from here.
const PRIORITY_FIRST: u8 = 3;

const REJECT_INVALID_TAG: u8 = 4;
const REJECT_MISSING: u8 = 5;
const REJECT_SERVICE: u8 = 9;
const ABORT_OUT_OF_RESOURCES: u8 = 9;

/// A write that Control has to judge.
#[derive(Debug, PartialEq)]
pub struct Write {
    /// The object's place.
    pub index: usize,
    /// The value; `None` relinquishes.
    pub value: Option<PointValue>,
    /// 3 to 16.
    pub priority: u8,
}

/// What a confirmed request comes to.
enum Answer {
    Done,
    Result(Vec<u8>),
    Write(Write),
}

/// Why a confirmed request comes to nothing.
enum Failure {
    Error(Error),
    Reject(u8),
    Abort(u8),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error(error)
    }
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Failure::Reject(REJECT_INVALID_TAG)
    }
}

/// A request whose answer waits for Control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub(super) peer: Peer,
    pub(super) invoke: u8,
}

/// What a client takes.
#[derive(Clone, Copy)]
struct Room {
    apdu_max: usize,
    /// Segments, if it takes any.
    segments: Option<usize>,
}

/// The device. Time is handed in, and nothing waits.
pub struct Core {
    info: DeviceInfo,
    charset: Charset,
    specs: Vec<ObjectSpec>,
    ids: Vec<ObjectId>,
    places: HashMap<ObjectId, usize>,
    live: Vec<Live>,
    slots: Arc<dyn Slots>,
    revision: u16,
    subscriptions: Subscriptions,
    sending: Vec<Sending>,
    waiting: Vec<Waiting>,
    /// Datagrams to be sent, which the caller takes out.
    pub out: Vec<(SocketAddrV4, Vec<u8>)>,
    /// Writes to be judged, which the caller takes out and answers by [`Core::judged`].
    pub writes: Vec<(Waiting, Write)>,
}

impl Core {
    /// A device with these objects, of which no two may [clash](super::clash).
    pub fn new(
        info: DeviceInfo,
        charset: Charset,
        specs: Vec<ObjectSpec>,
        slots: Arc<dyn Slots>,
    ) -> Self {
        let ids: Vec<ObjectId> = specs.iter().map(ObjectSpec::id).collect();
        let places = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
        let live = vec![Live::UNREAD; specs.len()];
        let revision = revision(&specs);
        Self {
            info,
            charset,
            specs,
            ids,
            places,
            live,
            slots,
            revision,
            subscriptions: Subscriptions::default(),
            sending: Vec::new(),
            waiting: Vec::new(),
            out: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// Takes what a point shows now. A value that is gone leaves the last one standing, under the
    /// flags that say so.
    pub fn update(&mut self, index: usize, shown: Live) {
        let Some(live) = self.live.get_mut(index) else { return };
        live.quality = shown.quality;
        if shown.value.is_some() {
            live.value = shown.value;
        }
    }

    /// Announces the device to its network.
    pub(super) fn announce(&mut self, broadcast: SocketAddrV4) {
        let mut apdu = Vec::new();
        self.i_am().encode(&mut apdu);
        let mut bytes = Vec::new();
        Apdu::Unconfirmed { service: unconfirmed::I_AM, data: &apdu }.encode(&mut bytes);
        let mut npdu = Vec::new();
        Packet::apdu(None, false, &bytes).encode(&mut npdu);
        let mut datagram = Vec::new();
        Frame::Broadcast(&npdu).encode(&mut datagram);
        self.out.push((broadcast, datagram));
    }

    fn i_am(&self) -> IAm {
        let device = self.info.instance;
        IAm { device, max_apdu: MAX_APDU, segmentation: SEGMENTATION, vendor: VENDOR }
    }

    /// Takes a datagram.
    pub fn receive(&mut self, from: SocketAddrV4, datagram: &[u8], now: Instant) {
        let Ok(frame) = Frame::decode(datagram) else { return };
        let (npdu, sender, broadcast) = match frame {
            Frame::Unicast(npdu) => (npdu, from, false),
            Frame::Broadcast(npdu) => (npdu, from, true),
            Frame::Forwarded(origin, npdu) => (npdu, origin, true),
            // No BBMD: who takes us for one is told so (annex J.2.1).
            Frame::Register(_) => return self.refuse(from, 0x30),
            Frame::Distribute(_) => return self.refuse(from, 0x60),
            Frame::Result(_) | Frame::Management(_) => return,
        };
        let Ok(packet) = Packet::decode(npdu) else { return };
        // No router: what is meant for another network is not for us.
        if packet.to.is_some_and(|to| to.network != crate::wire::ALL_NETWORKS) {
            return;
        }
        let Content::Apdu(apdu) = packet.content else { return };
        let peer = Peer { address: sender, remote: packet.from };
        let Ok(apdu) = Apdu::decode(apdu) else { return };
        self.apdu(peer, broadcast, apdu, now);
    }

    fn refuse(&mut self, to: SocketAddrV4, result: u16) {
        let mut datagram = Vec::new();
        Frame::Result(result).encode(&mut datagram);
        self.out.push((to, datagram));
    }

    fn apdu(&mut self, peer: Peer, broadcast: bool, apdu: Apdu<'_>, now: Instant) {
        match apdu {
            Apdu::Unconfirmed { service, data } => self.unconfirmed(peer, service, data),
            // A confirmed request has one receiver (clause 5.4.5).
            Apdu::Confirmed { .. } if broadcast => {}
            Apdu::Confirmed { invoke, segment: Some(_), .. } => {
                let reason = abort_reason::SEGMENTATION_NOT_SUPPORTED;
                self.send(peer, false, &Apdu::Abort { server: true, invoke, reason });
            }
            Apdu::Confirmed {
                invoke,
                service,
                accepts_segments,
                max_segments,
                max_apdu,
                data,
                ..
            } => {
                // A repetition of what is being answered.
                let busy = |w: &Waiting| w.peer == peer && w.invoke == invoke;
                let under_way = |s: &Sending| s.peer == peer && s.invoke == invoke;
                if self.waiting.iter().any(busy) || self.sending.iter().any(under_way) {
                    return;
                }
                let segments = accepts_segments.then(|| segments_of(max_segments));
                let apdu_max = usize::from(max_apdu.clamp(50, MAX_APDU));
                let room = Room { apdu_max, segments };
                let answer = self.confirmed(peer, service, data, now);
                self.answer(peer, invoke, service, room, answer, now);
                self.notify(now);
            }
            Apdu::SegmentAck { server: false, invoke, number, window, .. } => {
                self.segment_ack(peer, invoke, number, window, now);
            }
            Apdu::Abort { server: false, invoke, .. } => {
                self.sending.retain(|s| s.peer != peer || s.invoke != invoke);
            }
            Apdu::SimpleAck { invoke, .. }
            | Apdu::Error { invoke, .. }
            | Apdu::Reject { invoke, .. }
            | Apdu::Abort { invoke, .. } => {
                self.subscriptions.answered(peer, invoke);
                self.notify(now);
            }
            Apdu::ComplexAck { .. } | Apdu::SegmentAck { .. } => {}
        }
    }

    fn unconfirmed(&mut self, peer: Peer, service: u8, data: &[u8]) {
        let mut out = Vec::new();
        let service = match service {
            unconfirmed::WHO_IS => {
                let Ok(who) = WhoIs::decode(data) else { return };
                if !who.means(self.info.instance) {
                    return;
                }
                self.i_am().encode(&mut out);
                unconfirmed::I_AM
            }
            unconfirmed::WHO_HAS => {
                let Ok(who) = WhoHas::decode(data) else { return };
                let Some(have) = self.have(&who) else { return };
                have.encode(&mut out);
                unconfirmed::I_HAVE
            }
            _ => return,
        };
        // To the asker alone, which the standard allows: it costs the others nothing.
        self.send(peer, false, &Apdu::Unconfirmed { service, data: &out });
    }

    fn have(&self, who: &WhoHas) -> Option<IHave> {
        let device = self.info.instance;
        if !(WhoIs { range: who.range }).means(device) {
            return None;
        }
        let own = ObjectId { kind: ObjectType::DEVICE, instance: device };
        let (object, name) = match &who.sought {
            Sought::Object(id) if *id == own => (own, &self.info.name),
            Sought::Object(id) => (*id, &self.specs.get(*self.places.get(id)?)?.name),
            Sought::Name(name) if *name == self.info.name => (own, name),
            Sought::Name(name) => {
                let at = self.specs.iter().position(|s| s.name == *name)?;
                (*self.ids.get(at)?, name)
            }
        };
        Some(IHave { device, object, name: name.clone() })
    }

    fn confirmed(
        &mut self,
        peer: Peer,
        service: u8,
        data: &[u8],
        now: Instant,
    ) -> Result<Answer, Failure> {
        let known = [
            confirmed::READ_PROPERTY,
            confirmed::READ_PROPERTY_MULTIPLE,
            confirmed::WRITE_PROPERTY,
            confirmed::SUBSCRIBE_COV,
            confirmed::SUBSCRIBE_COV_PROPERTY,
        ];
        if data.is_empty() && known.contains(&service) {
            return Err(Failure::Reject(REJECT_MISSING));
        }
        match service {
            confirmed::READ_PROPERTY => {
                let ReadProperty { object, property } = ReadProperty::decode(data)?;
                let (object, value) = self.read(object, property, now)?;
                let mut out = Vec::new();
                ReadPropertyAck { object, property, value: &value }.encode(&mut out);
                Ok(Answer::Result(out))
            }
            confirmed::READ_PROPERTY_MULTIPLE => self.read_many(data, now),
            confirmed::WRITE_PROPERTY => self.write(data, now),
            confirmed::SUBSCRIBE_COV | confirmed::SUBSCRIBE_COV_PROPERTY => {
                let subscribe = SubscribeCov::decode(data)?;
                if subscribe.service() != service {
                    return Err(Failure::Reject(REJECT_MISSING));
                }
                self.subscribe(peer, &subscribe, now)
            }
            _ => Err(Failure::Reject(REJECT_SERVICE)),
        }
    }

    /// The object that is meant, and a property of it.
    fn read(
        &self,
        object: ObjectId,
        property: Property,
        now: Instant,
    ) -> Result<(ObjectId, Vec<u8>), Error> {
        if object.kind == ObjectType::DEVICE {
            let own = ObjectId { kind: ObjectType::DEVICE, instance: self.info.instance };
            if object != own && object.instance != THIS_DEVICE {
                return Err(error::UNKNOWN_OBJECT);
            }
            let subscriptions = || self.subscriptions.encode(&self.ids, now);
            let device = Device {
                info: &self.info,
                charset: self.charset,
                objects: &self.ids,
                revision: self.revision,
                subscriptions: &subscriptions,
            };
            return Ok((own, device.read(property)?));
        }
        let asked = self.asked(self.place(object)?).ok_or(error::UNKNOWN_OBJECT)?;
        Ok((object, asked.read(property)?))
    }

    fn place(&self, object: ObjectId) -> Result<usize, Error> {
        self.places.get(&object).copied().ok_or(error::UNKNOWN_OBJECT)
    }

    fn asked(&self, index: usize) -> Option<Asked<'_>> {
        Some(Asked {
            spec: self.specs.get(index)?,
            live: self.live.get(index)?,
            index,
            slots: &*self.slots,
            charset: self.charset,
        })
    }

    fn read_many(&self, data: &[u8], now: Instant) -> Result<Answer, Failure> {
        let mut out = Vec::new();
        for ReadAccess { mut object, properties } in ReadAccess::decode_all(data)? {
            let mut values = Vec::new();
            let mut size = out.len();
            for property in properties {
                for property in self.meant(object, property) {
                    let value = self.read(object, property, now).map(|(_, value)| value);
                    size += value.as_ref().map_or(8, Vec::len) + 8;
                    values.push((property, value));
                    if size > ANSWER_MAX {
                        return Err(Failure::Abort(ABORT_OUT_OF_RESOURCES));
                    }
                }
            }
            if object.kind == ObjectType::DEVICE && object.instance == THIS_DEVICE {
                object.instance = self.info.instance;
            }
            let results: Vec<ReadResult<'_>> = values
                .iter()
                .map(|(property, value)| {
                    let value = value.as_deref().map_err(|e| *e);
                    ReadResult { object, property: *property, value }
                })
                .collect();
            ReadResult::encode_object(&mut out, object, &results);
        }
        Ok(Answer::Result(out))
    }

    /// The properties that are meant: ALL, REQUIRED and OPTIONAL stand for many.
    fn meant(&self, object: ObjectId, property: Property) -> Vec<Property> {
        let (required, optional) = match self.places.get(&object).and_then(|i| self.specs.get(*i)) {
            Some(spec) => object::properties(spec),
            None if object.kind == ObjectType::DEVICE => {
                (device::REQUIRED.to_vec(), device::OPTIONAL.to_vec())
            }
            // Asked all the same, so that the answer says that there is no such object.
            None => return vec![property],
        };
        let many = match property.id {
            p::ALL => [required, optional].concat(),
            p::REQUIRED => required,
            p::OPTIONAL => optional,
            _ => return vec![property],
        };
        many.into_iter().map(|id| Property { id, index: None }).collect()
    }

    fn write(&self, data: &[u8], now: Instant) -> Result<Answer, Failure> {
        let WriteProperty { object, property, value, priority } = WriteProperty::decode(data)?;
        let own = ObjectId { kind: ObjectType::DEVICE, instance: self.info.instance };
        let index = match self.place(object) {
            Ok(index) => Some(index),
            Err(_) if object == own => None,
            Err(error) => return Err(error.into()),
        };
        // A property that is not there is told apart from one that can't be written.
        let whole = Property { id: property.id, index: None };
        let readable = self.read(object, whole, now);
        if readable.is_err_and(|e| e == error::UNKNOWN_PROPERTY) {
            return Err(error::UNKNOWN_PROPERTY.into());
        }
        let (Some(index), p::PRESENT_VALUE) = (index, property.id) else {
            return Err(error::DENIED.into());
        };
        let Some(spec) = self.specs.get(index) else { return Err(error::UNKNOWN_OBJECT.into()) };
        if property.index.is_some() {
            return Err(error::NOT_AN_ARRAY.into());
        }
        let priority = priority.unwrap_or(PRIORITY_LOWEST);
        if spec.commanded.is_none() || priority < PRIORITY_FIRST {
            return Err(error::DENIED.into());
        }
        let value = match Value::only(value)? {
            Value::Null => None,
            value => Some(spec.command(&value)?),
        };
        if let (Some((min, max)), Some(given)) =
            (spec.limits, value.as_ref().and_then(PointValue::as_f64))
            && !(min..=max).contains(&given)
        {
            return Err(error::OUT_OF_RANGE.into());
        }
        Ok(Answer::Write(Write { index, value, priority }))
    }

    fn subscribe(&mut self, peer: Peer, s: &SubscribeCov, now: Instant) -> Result<Answer, Failure> {
        let index = self.place(s.object)?;
        if let Some(property) = s.property {
            let told = [p::PRESENT_VALUE, p::STATUS_FLAGS, p::RELIABILITY, p::OUT_OF_SERVICE];
            let asked = self.asked(index).ok_or(error::UNKNOWN_OBJECT)?;
            match asked.read(property) {
                Err(e) if e != error::NO_VALUE => return Err(e.into()),
                _ if !told.contains(&property.id) => return Err(error::NOT_COV.into()),
                _ => {}
            }
        }
        let key = (peer, s.process, index, s.property);
        let Some(confirmed) = s.confirmed else {
            // Neither kind nor lifetime: it ends.
            if s.lifetime.is_some() {
                return Err(Failure::Reject(REJECT_MISSING));
            }
            self.subscriptions.cancel(key);
            return Ok(Answer::Done);
        };
        let increment = s.increment.map(f64::from).filter(|i| i.is_finite() && *i >= 0.0);
        if s.increment.is_some() && increment.is_none() {
            return Err(error::OUT_OF_RANGE.into());
        }
        let until = cov::until(s.lifetime.unwrap_or(0), now);
        if !self.subscriptions.subscribe(key, confirmed, until, increment) {
            tracing::warn!(subscriptions = self.subscriptions.len(), "Too many BACnet subscribers");
            return Err(error::NO_ROOM.into());
        }
        Ok(Answer::Done)
    }

    fn answer(
        &mut self,
        peer: Peer,
        invoke: u8,
        service: u8,
        room: Room,
        answer: Result<Answer, Failure>,
        now: Instant,
    ) {
        let apdu = match answer {
            Ok(Answer::Done) => Apdu::SimpleAck { invoke, service },
            Ok(Answer::Result(data)) => {
                return self.result(peer, invoke, service, room, data, now);
            }
            Ok(Answer::Write(write)) => {
                let waiting = Waiting { peer, invoke };
                self.waiting.push(waiting);
                self.writes.push((waiting, write));
                return;
            }
            Err(Failure::Error(error)) => Apdu::Error { invoke, service, error },
            Err(Failure::Reject(reason)) => Apdu::Reject { invoke, reason },
            Err(Failure::Abort(reason)) => Apdu::Abort { server: true, invoke, reason },
        };
        self.send(peer, false, &apdu);
    }

    fn result(
        &mut self,
        peer: Peer,
        invoke: u8,
        service: u8,
        room: Room,
        data: Vec<u8>,
        now: Instant,
    ) {
        // Header of an answer that fits: type, invoke id, service.
        if data.len() + 3 <= room.apdu_max {
            let apdu = Apdu::ComplexAck { invoke, service, segment: None, data: &data };
            return self.send(peer, false, &apdu);
        }
        let count = data.len().div_ceil(room.apdu_max - segments::HEAD);
        let reason = match room.segments {
            None => abort_reason::SEGMENTATION_NOT_SUPPORTED,
            Some(most) if count > most => abort_reason::BUFFER_OVERFLOW,
            Some(_) if self.sending.len() >= segments::MAX => ABORT_OUT_OF_RESOURCES,
            Some(_) => {
                let mut sending = Sending::new(peer, invoke, service, data, room.apdu_max, now);
                self.send_window(&mut sending, now);
                self.sending.push(sending);
                return;
            }
        };
        self.send(peer, false, &Apdu::Abort { server: true, invoke, reason });
    }

    fn send_window(&mut self, sending: &mut Sending, now: Instant) {
        let peer = sending.peer;
        sending.send(now, |apdu| self.send(peer, true, apdu));
    }

    fn segment_ack(&mut self, peer: Peer, invoke: u8, number: u8, window: u8, now: Instant) {
        let own = |s: &Sending| s.peer == peer && s.invoke == invoke;
        let Some(at) = self.sending.iter().position(own) else { return };
        let mut sending = self.sending.swap_remove(at);
        match sending.acknowledged(number, window) {
            Acknowledged::Whole => return,
            Acknowledged::Next => self.send_window(&mut sending, now),
            Acknowledged::Late => {}
        }
        self.sending.push(sending);
    }

    /// Control has judged a write.
    pub fn judged(&mut self, waiting: Waiting, result: Result<(), CommandRefused>) {
        self.waiting.retain(|w| *w != waiting);
        let (invoke, service) = (waiting.invoke, confirmed::WRITE_PROPERTY);
        let refused = |error| Apdu::Error { invoke, service, error };
        let apdu = match result {
            Ok(()) => Apdu::SimpleAck { invoke, service },
            Err(CommandRefused::Denied) => refused(error::DENIED),
            Err(CommandRefused::OutOfRange) => refused(error::OUT_OF_RANGE),
            Err(CommandRefused::Busy) => refused(error::BUSY),
            Err(CommandRefused::Failed) => refused(error::FAILED),
        };
        self.send(waiting.peer, false, &apdu);
    }

    /// Tells subscribers what has changed.
    pub(super) fn notify(&mut self, now: Instant) {
        let due = self.subscriptions.due(|index| (&self.live[index], self.specs[index].increment));
        for at in due {
            let Some(s) = self.subscriptions.at(at) else { continue };
            let (peer, confirmed, index) = (s.peer, s.confirmed, s.index);
            let Some(asked) = self.asked(index) else { continue };
            let properties = match s.property {
                None => vec![Property::PRESENT_VALUE, STATUS_FLAGS],
                Some(property) if property == STATUS_FLAGS => vec![property],
                Some(property) => vec![property, STATUS_FLAGS],
            };
            let read = |property: &Property| Some((*property, asked.read(*property).ok()?));
            let values: Vec<(Property, Vec<u8>)> = properties.iter().filter_map(read).collect();
            let notification = CovNotification {
                process: s.process,
                device: self.info.instance,
                object: self.ids[index],
                time_remaining: s.remaining(now),
                values: values.iter().map(|(property, v)| (*property, v.as_slice())).collect(),
            };
            let mut data = Vec::new();
            notification.encode(&mut data);
            if confirmed {
                // Too many under way to one subscriber: this one waits for an answer.
                let Some(invoke) = self.subscriptions.invoke(peer) else { continue };
                let mut bytes = Vec::new();
                Apdu::Confirmed {
                    invoke,
                    service: confirmed::COV_NOTIFICATION,
                    accepts_segments: false,
                    max_segments: 0,
                    max_apdu: MAX_APDU,
                    segment: None,
                    data: &data,
                }
                .encode(&mut bytes);
                self.send_bytes(peer, true, &bytes);
                self.subscriptions.fly(at, invoke, bytes, now);
            } else {
                let service = unconfirmed::COV_NOTIFICATION;
                self.send(peer, false, &Apdu::Unconfirmed { service, data: &data });
            }
            let live = &self.live[index];
            self.subscriptions.told(at, live);
        }
    }

    /// Does what time asks for; returns when to come back.
    pub fn tick(&mut self, now: Instant) -> Option<Instant> {
        self.subscriptions.expire(now);
        let mut again = Vec::new();
        self.subscriptions.overdue(now, |peer, bytes| again.push((peer, bytes.to_vec())));
        for (peer, bytes) in again {
            self.send_bytes(peer, true, &bytes);
        }
        for mut sending in std::mem::take(&mut self.sending) {
            if sending.deadline <= now {
                if !sending.try_again() {
                    continue;
                }
                self.send_window(&mut sending, now);
            }
            self.sending.push(sending);
        }
        self.notify(now);
        let sending = self.sending.iter().map(|s| s.deadline).min();
        [sending, self.subscriptions.deadline()].into_iter().flatten().min()
    }

    fn send(&mut self, peer: Peer, expects_reply: bool, apdu: &Apdu<'_>) {
        let mut bytes = Vec::new();
        apdu.encode(&mut bytes);
        self.send_bytes(peer, expects_reply, &bytes);
    }

    fn send_bytes(&mut self, peer: Peer, expects_reply: bool, apdu: &[u8]) {
        let mut npdu = Vec::with_capacity(apdu.len() + 16);
        Packet::apdu(peer.remote, expects_reply, apdu).encode(&mut npdu);
        let mut datagram = Vec::with_capacity(npdu.len() + 4);
        Frame::Unicast(&npdu).encode(&mut datagram);
        self.out.push((peer.address, datagram));
    }

    /// Subscriptions at present.
    #[cfg(test)]
    pub(super) fn subscribers(&self) -> usize {
        self.subscriptions.len()
    }
}

const STATUS_FLAGS: Property = Property { id: p::STATUS_FLAGS, index: None };

/// Most segments of an answer, by the code in the request's header (clause 20.1.2.4).
fn segments_of(code: u8) -> usize {
    match code {
        1..=6 => 1 << code,
        _ => usize::MAX,
    }
}

/// Database_Revision: another whenever objects come, go or change their names.
fn revision(specs: &[ObjectSpec]) -> u16 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut take = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    };
    for spec in specs {
        take(&crate::wire::object_bits(spec.id()).to_be_bytes());
        take(spec.name.as_bytes());
        take(&[0]);
    }
    (hash ^ (hash >> 16) ^ (hash >> 32) ^ (hash >> 48)) as u16
}
