//! A device for tests, in this process, that misbehaves on command.

use crate::client::{Client, Peer};
use crate::wire::service::{
    CovNotification, IAm, ReadAccess, ReadProperty, ReadPropertyAck, ReadResult, Segmentation,
    SubscribeCov, WhoIs, WriteProperty, confirmed, property, unconfirmed,
};
use crate::wire::{Apdu, Bits, Content, Error, Frame, Packet, Remote, Value, error_code};
use crate::{ObjectId, ObjectType, PortConfig, Property, Timing};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::UdpSocket;

/// Long enough for any answer that comes at all.
pub(crate) const PATIENT: Timing =
    Timing { response_timeout: Duration::from_secs(20), retries: 0, in_flight_max: 4 };
/// For answers that never come.
pub(crate) const HASTY: Timing =
    Timing { response_timeout: Duration::from_millis(200), retries: 1, in_flight_max: 4 };

/// What the device does with a request instead of answering it.
pub(crate) type Twist = Box<dyn FnMut(&mut Model, &Apdu<'_>) -> Option<Vec<Vec<u8>>> + Send>;

/// What the device holds and how it behaves.
pub(crate) struct Model {
    pub(crate) instance: u32,
    pub(crate) values: BTreeMap<(ObjectId, Property), Value>,
    /// Knows ReadPropertyMultiple.
    pub(crate) multiple: bool,
    /// Does not answer at all.
    pub(crate) dead: bool,
    /// Requests so far, by service.
    pub(crate) asked: Vec<u8>,
    /// What subscribers asked for, the last of each object.
    pub(crate) subscriptions: Vec<SubscribeCov>,
    /// Sends no notification of its own accord upon a subscription.
    pub(crate) mute: bool,
    /// The last who asked.
    pub(crate) asker: Option<SocketAddrV4>,
    pub(crate) written: Vec<(ObjectId, Value, Option<u8>)>,
    pub(crate) twist: Option<Twist>,
}

/// A device with its socket.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) address: SocketAddrV4,
    pub(crate) model: Arc<Mutex<Model>>,
    socket: Arc<UdpSocket>,
}

pub(crate) fn object(text: &str) -> ObjectId {
    text.parse().unwrap()
}

pub(crate) fn plain(id: u32) -> Property {
    Property { id, index: None }
}

pub(crate) fn no_flags() -> Value {
    Value::Bits(Bits::new(&[false; 4]))
}

/// A client whose broadcasts reach one address.
pub(crate) async fn client(broadcast: SocketAddrV4) -> Arc<Client> {
    let bind = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let config = PortConfig { bind, broadcast: Ipv4Addr::LOCALHOST, foreign: None };
    let client = Client::open_to(config, broadcast);
    while client.local_address().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    client
}

impl Device {
    pub(crate) async fn start(instance: u32) -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let std::net::SocketAddr::V4(address) = socket.local_addr().unwrap() else { panic!() };
        let me = ObjectId { kind: ObjectType::DEVICE, instance };
        let services: Vec<bool> = (0..40).map(|n| [5, 12, 14, 15, 38].contains(&n)).collect();
        let values = BTreeMap::from([
            ((me, plain(property::OBJECT_IDENTIFIER)), Value::Object(me)),
            ((me, plain(property::MAX_APDU_LENGTH_ACCEPTED)), Value::Unsigned(1476)),
            ((me, plain(property::SEGMENTATION_SUPPORTED)), Value::Enumerated(3)),
            ((me, plain(property::PROTOCOL_SERVICES_SUPPORTED)), Value::Bits(Bits::new(&services))),
        ]);
        let model = Model {
            instance,
            values,
            multiple: true,
            dead: false,
            asked: Vec::new(),
            subscriptions: Vec::new(),
            mute: false,
            asker: None,
            written: Vec::new(),
            twist: None,
        };
        let device = Self { address, model: Arc::new(Mutex::new(model)), socket };
        let served = device.clone();
        tokio::spawn(async move {
            let mut buf = [0; 1600];
            while let Ok((n, from)) = served.socket.recv_from(&mut buf).await {
                let std::net::SocketAddr::V4(from) = from else { continue };
                let replies = served.model().take(from, &buf[..n]);
                for reply in replies {
                    served.send(from, &reply).await;
                }
            }
        });
        device
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer::ip(self.address)
    }

    /// Gives an object a present value, and status flags that are all clear.
    pub(crate) fn put(&self, name: &str, value: Value) {
        let mut model = self.model();
        model.values.insert((object(name), Property::PRESENT_VALUE), value);
        model.values.insert((object(name), plain(property::STATUS_FLAGS)), no_flags());
    }

    pub(crate) fn flag(&self, name: &str, flags: [bool; 4]) {
        let flags = Value::Bits(Bits::new(&flags));
        self.model().values.insert((object(name), plain(property::STATUS_FLAGS)), flags);
    }

    pub(crate) fn twist(
        &self,
        twist: impl FnMut(&mut Model, &Apdu<'_>) -> Option<Vec<Vec<u8>>> + Send + 'static,
    ) {
        self.model().twist = Some(Box::new(twist));
    }

    /// Sends an APDU from the device's address.
    pub(crate) async fn send(&self, to: SocketAddrV4, apdu: &[u8]) {
        self.socket.send_to(&datagram(None, apdu), to).await.unwrap();
    }

    /// Sends any datagram from the device's address.
    pub(crate) async fn send_datagram(&self, to: SocketAddrV4, datagram: &[u8]) {
        self.socket.send_to(datagram, to).await.unwrap();
    }

    /// Notifies whoever subscribed to an object of its value now.
    pub(crate) async fn notify(&self, name: &str) {
        let (to, apdu) = {
            let model = self.model();
            let found = model.subscriptions.iter().find(|s| s.object == object(name));
            let subscription = *found.expect("nobody subscribed");
            (model.asker.unwrap(), model.notification(&subscription))
        };
        self.send(to, &apdu).await;
    }

    pub(crate) fn i_am(&self) -> Vec<u8> {
        i_am(self.model().instance)
    }
}

pub(crate) fn i_am(device: u32) -> Vec<u8> {
    let mut data = Vec::new();
    IAm { device, max_apdu: 1476, segmentation: Segmentation::Neither, vendor: 999 }
        .encode(&mut data);
    encode(&Apdu::Unconfirmed { service: unconfirmed::I_AM, data: &data })
}

pub(crate) fn encode(apdu: &Apdu<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    apdu.encode(&mut out);
    out
}

/// A datagram with an APDU in it, from behind a router if `from` says so.
pub(crate) fn datagram(from: Option<Remote>, apdu: &[u8]) -> Vec<u8> {
    let (mut npdu, mut out) = (Vec::new(), Vec::new());
    Packet { to: None, from, expects_reply: false, content: Content::Apdu(apdu) }.encode(&mut npdu);
    Frame::Unicast(&npdu).encode(&mut out);
    out
}

impl Model {
    fn take(&mut self, from: SocketAddrV4, bytes: &[u8]) -> Vec<Vec<u8>> {
        let npdu = match Frame::decode(bytes) {
            Ok(Frame::Unicast(npdu) | Frame::Broadcast(npdu)) => npdu,
            _ => return Vec::new(),
        };
        let Content::Apdu(apdu) = Packet::decode(npdu).unwrap().content else { return Vec::new() };
        let apdu = Apdu::decode(apdu).unwrap();
        if let Some(mut twist) = self.twist.take() {
            let twisted = twist(self, &apdu);
            self.twist.get_or_insert(twist);
            if let Some(replies) = twisted {
                return replies;
            }
        }
        if self.dead {
            return Vec::new();
        }
        self.answer(from, &apdu)
    }

    /// What an honest device answers.
    pub(crate) fn answer(&mut self, from: SocketAddrV4, apdu: &Apdu<'_>) -> Vec<Vec<u8>> {
        match apdu {
            Apdu::Unconfirmed { service: unconfirmed::WHO_IS, data } => {
                let asked = WhoIs::decode(data).unwrap().means(self.instance);
                if asked { vec![i_am(self.instance)] } else { Vec::new() }
            }
            Apdu::Confirmed { invoke, service, data, .. } => {
                self.asked.push(*service);
                self.asker = Some(from);
                let mut replies = Vec::new();
                let mut result = Vec::new();
                let reply = match self.serve(*service, data, &mut result, &mut replies) {
                    Ok(true) => Apdu::ComplexAck {
                        invoke: *invoke,
                        service: *service,
                        segment: None,
                        data: &result,
                    },
                    Ok(false) => Apdu::SimpleAck { invoke: *invoke, service: *service },
                    Err(Some(error)) => Apdu::Error { invoke: *invoke, service: *service, error },
                    Err(None) => Apdu::Reject { invoke: *invoke, reason: 9 },
                };
                replies.insert(0, encode(&reply));
                replies
            }
            _ => Vec::new(),
        }
    }

    fn value(&self, object: ObjectId, property: Property) -> Result<&Value, Error> {
        self.values.get(&(object, property)).ok_or_else(|| {
            if self.values.keys().any(|(o, _)| *o == object) {
                Error { class: 2, code: error_code::UNKNOWN_PROPERTY }
            } else {
                Error { class: 1, code: error_code::UNKNOWN_OBJECT }
            }
        })
    }

    fn serve(
        &mut self,
        service: u8,
        data: &[u8],
        result: &mut Vec<u8>,
        more: &mut Vec<Vec<u8>>,
    ) -> Result<bool, Option<Error>> {
        match service {
            confirmed::READ_PROPERTY => {
                let ReadProperty { object, property } = ReadProperty::decode(data).unwrap();
                let value = self.value(object, property).map_err(Some)?.bytes();
                ReadPropertyAck { object, property, value: &value }.encode(result);
                Ok(true)
            }
            confirmed::READ_PROPERTY_MULTIPLE if self.multiple => {
                for access in ReadAccess::decode_all(data).unwrap() {
                    let object = access.object;
                    let values: Vec<_> = access
                        .properties
                        .iter()
                        .map(|p| (*p, self.value(object, *p).map(Value::bytes)))
                        .collect();
                    let results: Vec<_> = values
                        .iter()
                        .map(|(property, v)| ReadResult {
                            object,
                            property: *property,
                            value: v.as_deref().map_err(|e| *e),
                        })
                        .collect();
                    ReadResult::encode_object(result, object, &results);
                }
                Ok(true)
            }
            confirmed::WRITE_PROPERTY => {
                let write = WriteProperty::decode(data).unwrap();
                let value = Value::only(write.value).unwrap();
                self.written.push((write.object, value.clone(), write.priority));
                if value != Value::Null {
                    self.values.insert((write.object, write.property), value);
                }
                Ok(false)
            }
            confirmed::SUBSCRIBE_COV | confirmed::SUBSCRIBE_COV_PROPERTY => {
                let subscription = SubscribeCov::decode(data).unwrap();
                self.subscriptions.retain(|s| s.object != subscription.object);
                self.subscriptions.push(subscription);
                if !self.mute {
                    more.push(self.notification(&subscription));
                }
                Ok(false)
            }
            _ => Err(None),
        }
    }

    pub(crate) fn notification(&self, subscription: &SubscribeCov) -> Vec<u8> {
        let property = subscription.property.unwrap_or(Property::PRESENT_VALUE);
        let object = subscription.object;
        let value = self.value(object, property).unwrap().bytes();
        let flags = self.value(object, plain(property::STATUS_FLAGS)).unwrap().bytes();
        let mut data = Vec::new();
        CovNotification {
            process: subscription.process,
            device: self.instance,
            object,
            time_remaining: subscription.lifetime.unwrap_or(0),
            values: vec![(property, &value), (plain(property::STATUS_FLAGS), &flags)],
        }
        .encode(&mut data);
        if subscription.confirmed == Some(true) {
            encode(&Apdu::Confirmed {
                invoke: 77,
                service: confirmed::COV_NOTIFICATION,
                accepts_segments: false,
                max_segments: 0,
                max_apdu: 480,
                segment: None,
                data: &data,
            })
        } else {
            encode(&Apdu::Unconfirmed { service: unconfirmed::COV_NOTIFICATION, data: &data })
        }
    }
}
