//! Services of one device, each checked to answer what was asked.

use super::{Client, Failure, Peer, Subscriber};
use crate::wire::Value;
use crate::wire::service::{
    CovNotification, ReadAccess, ReadProperty, ReadPropertyAck, SubscribeCov, WriteProperty,
    confirmed, property,
};
use crate::{ObjectId, ObjectType, Property, Timing};
use tokio::sync::mpsc;

/// A change that a device told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whose.
    pub object: ObjectId,
    /// Properties and their values, with tags.
    pub values: Vec<(Property, Vec<u8>)>,
}

impl Told {
    pub(super) fn of(told: &CovNotification<'_>) -> Self {
        let values = told.values.iter().map(|(p, v)| (*p, v.to_vec())).collect();
        Self { object: told.object, values }
    }
}

impl Client {
    /// Reads one property; returns its value or values, with tags.
    pub async fn read_raw(
        &self,
        peer: Peer,
        timing: &Timing,
        object: ObjectId,
        property: Property,
    ) -> Result<Vec<u8>, Failure> {
        let mut request = Vec::new();
        ReadProperty { object, property }.encode(&mut request);
        let result = self.request(peer, timing, confirmed::READ_PROPERTY, &request).await?;
        let ack = ReadPropertyAck::decode(&result)?;
        // A device asked for its object "any" answers with its own.
        let any = object.kind == ObjectType::DEVICE && object.instance == 0x3F_FFFF;
        let same = ack.object == object || any && ack.object.kind == object.kind;
        if !same || ack.property != property {
            return Err(Failure::BadReply("the value of another property"));
        }
        Ok(ack.value.to_vec())
    }

    /// Reads one property that holds one value.
    pub async fn read(
        &self,
        peer: Peer,
        timing: &Timing,
        object: ObjectId,
        property: Property,
    ) -> Result<Value, Failure> {
        Ok(Value::only(&self.read_raw(peer, timing, object, property).await?)?)
    }

    /// Reads many properties in one request; the result is read by
    /// [`ReadResult`](crate::wire::service::ReadResult).
    pub async fn read_multiple(
        &self,
        peer: Peer,
        timing: &Timing,
        wanted: &[ReadAccess],
    ) -> Result<Vec<u8>, Failure> {
        let mut request = Vec::new();
        wanted.iter().for_each(|w| w.encode(&mut request));
        self.request(peer, timing, confirmed::READ_PROPERTY_MULTIPLE, &request).await
    }

    /// Writes one property, encoded as its value is: `Null` relinquishes the priority. Requests are
    /// never segmented: one that is longer than the device takes (`max_apdu` bytes) is not sent.
    pub async fn write(
        &self,
        peer: Peer,
        timing: &Timing,
        max_apdu: u16,
        write: &WriteProperty<'_>,
    ) -> Result<(), Failure> {
        /// Bytes of a request before its parameters.
        const HEAD: usize = 4;
        let mut request = Vec::new();
        write.encode(&mut request);
        let (len, max) = (request.len() + HEAD, usize::from(max_apdu));
        if len > max {
            return Err(Failure::TooLong { len, max });
        }
        self.request(peer, timing, confirmed::WRITE_PROPERTY, &request).await.map(drop)
    }

    /// Subscribes to changes, renews the subscription, or ends it. Notifications come to whoever
    /// called [`Client::subscriber`] with the same process identifier.
    pub async fn subscribe(
        &self,
        peer: Peer,
        timing: &Timing,
        subscription: &SubscribeCov,
    ) -> Result<(), Failure> {
        let mut request = Vec::new();
        subscription.encode(&mut request);
        self.request(peer, timing, subscription.service(), &request).await.map(drop)
    }

    /// Takes notifications of a device at `peer` from now on. `process` is the number that its
    /// subscriptions carry; a later subscriber of the same number takes this one's place.
    pub fn subscriber(&self, process: u32, device: u32, peer: Peer) -> mpsc::Receiver<Told> {
        /// Notifications that may wait to be taken; beyond, confirmed ones come again later and
        /// unconfirmed ones are lost until the next check poll.
        const TOLD_MAX: usize = 256;
        let (to, told) = mpsc::channel(TOLD_MAX);
        let mut state = self.state();
        state.subscribers.retain(|_, s| !s.to.is_closed());
        state.subscribers.insert(process, Subscriber { device, peer, to });
        told
    }

    /// Whether the device at `peer` says that it is instance `device`.
    pub async fn is_device(&self, peer: Peer, device: u32, timing: &Timing) -> bool {
        let object = ObjectId { kind: ObjectType::DEVICE, instance: device };
        let property = Property { id: property::OBJECT_IDENTIFIER, index: None };
        self.read(peer, timing, object, property).await == Ok(Value::Object(object))
    }
}
