//! The Device object (clause 12.11): what a workstation reads first.

use super::object::{Held, KINDS, number, property_list};
use super::{Charset, DeviceInfo};
use crate::wire::service::{Segmentation, property as p};
use crate::wire::{Bits, Error, Value};
use crate::{ObjectId, ObjectType, Property};
use std::time::Duration;

/// The longest APDU that is taken and sent.
pub(super) const MAX_APDU: u16 = 1476;
/// How long an answer to a notification is waited for, and how often it is sent again.
pub(super) const APDU_TIMEOUT: Duration = Duration::from_secs(3);
pub(super) const APDU_RETRIES: u32 = 3;
/// How long an acknowledgement of segments is waited for.
pub(super) const SEGMENT_TIMEOUT: Duration = Duration::from_secs(2);
/// Answers may be sent in segments; requests are only taken whole.
pub(super) const SEGMENTATION: Segmentation = Segmentation::Transmit;
/// Vendor_Identifier. The project has none of its own; 0 is the committee's.
pub(super) const VENDOR: u16 = 0;
/// The revision of the standard whose properties the objects have (135-2012).
const REVISION: u64 = 14;

/// Executed services, by their place in BACnetServicesSupported: SubscribeCOV, ReadProperty,
/// ReadPropertyMultiple, WriteProperty, Who-Has, Who-Is, SubscribeCOVProperty.
const SERVICES: [usize; 7] = [5, 12, 14, 15, 33, 34, 38];
const SERVICES_KNOWN: usize = 41;
const KINDS_KNOWN: usize = 55;

pub(super) const REQUIRED: [u32; 20] = [
    p::OBJECT_IDENTIFIER,
    p::OBJECT_NAME,
    p::OBJECT_TYPE,
    number::SYSTEM_STATUS,
    p::VENDOR_NAME,
    number::VENDOR_IDENTIFIER,
    number::MODEL_NAME,
    number::FIRMWARE_REVISION,
    number::APPLICATION_SOFTWARE_VERSION,
    number::PROTOCOL_VERSION,
    number::PROTOCOL_REVISION,
    p::PROTOCOL_SERVICES_SUPPORTED,
    number::PROTOCOL_OBJECT_TYPES_SUPPORTED,
    p::OBJECT_LIST,
    p::MAX_APDU_LENGTH_ACCEPTED,
    p::SEGMENTATION_SUPPORTED,
    number::APDU_TIMEOUT,
    number::NUMBER_OF_APDU_RETRIES,
    number::DEVICE_ADDRESS_BINDING,
    number::DATABASE_REVISION,
];

pub(super) const OPTIONAL: [u32; 4] = [
    p::DESCRIPTION,
    number::MAX_SEGMENTS_ACCEPTED,
    number::APDU_SEGMENT_TIMEOUT,
    number::ACTIVE_COV_SUBSCRIPTIONS,
];

/// The Device object, ready to be asked.
pub(super) struct Device<'a> {
    pub(super) info: &'a DeviceInfo,
    pub(super) charset: Charset,
    /// All objects but the device itself.
    pub(super) objects: &'a [ObjectId],
    pub(super) revision: u16,
    /// Active_COV_Subscriptions, encoded.
    pub(super) subscriptions: &'a dyn Fn() -> Vec<u8>,
}

impl Device<'_> {
    /// The bytes of a property.
    pub(super) fn read(&self, property: Property) -> Result<Vec<u8>, Error> {
        let id = ObjectId { kind: ObjectType::DEVICE, instance: self.info.instance };
        let millis = |time: Duration| Value::Unsigned(time.as_millis() as u64);
        let text = |text: &str| self.charset.text(text);
        let bits = |set: &mut dyn Iterator<Item = usize>, len: usize| {
            let mut flags = vec![false; len];
            set.for_each(|at| flags[at] = true);
            Value::Bits(Bits::new(&flags))
        };
        let held = Held::One(match property.id {
            p::OBJECT_IDENTIFIER => Value::Object(id),
            p::OBJECT_NAME => text(&self.info.name),
            p::OBJECT_TYPE => Value::Enumerated(u32::from(ObjectType::DEVICE.0)),
            number::SYSTEM_STATUS => Value::Enumerated(0),
            p::VENDOR_NAME => text("Wellhead"),
            number::VENDOR_IDENTIFIER => Value::Unsigned(u64::from(VENDOR)),
            number::MODEL_NAME => text("Wellhead gateway"),
            number::FIRMWARE_REVISION | number::APPLICATION_SOFTWARE_VERSION => {
                text(env!("CARGO_PKG_VERSION"))
            }
            number::PROTOCOL_VERSION => Value::Unsigned(1),
            number::PROTOCOL_REVISION => Value::Unsigned(REVISION),
            p::PROTOCOL_SERVICES_SUPPORTED => bits(&mut SERVICES.into_iter(), SERVICES_KNOWN),
            number::PROTOCOL_OBJECT_TYPES_SUPPORTED => {
                let kinds = KINDS.into_iter().chain([ObjectType::DEVICE.0]);
                bits(&mut kinds.map(usize::from), KINDS_KNOWN)
            }
            p::OBJECT_LIST => {
                let all = std::iter::once(&id).chain(self.objects);
                return Held::Array(all.map(|o| Value::Object(*o)).collect()).read(property.index);
            }
            p::MAX_APDU_LENGTH_ACCEPTED => Value::Unsigned(u64::from(MAX_APDU)),
            p::SEGMENTATION_SUPPORTED => Value::Enumerated(SEGMENTATION.number()),
            number::MAX_SEGMENTS_ACCEPTED => Value::Unsigned(1),
            number::APDU_SEGMENT_TIMEOUT => millis(SEGMENT_TIMEOUT),
            number::APDU_TIMEOUT => millis(APDU_TIMEOUT),
            number::NUMBER_OF_APDU_RETRIES => Value::Unsigned(u64::from(APDU_RETRIES)),
            number::DATABASE_REVISION => Value::Unsigned(u64::from(self.revision)),
            p::DESCRIPTION => text(&self.info.description),
            number::DEVICE_ADDRESS_BINDING => return Held::List(Vec::new()).read(property.index),
            number::ACTIVE_COV_SUBSCRIPTIONS => {
                return Held::List((self.subscriptions)()).read(property.index);
            }
            number::PROPERTY_LIST => {
                return property_list(&REQUIRED, &OPTIONAL).read(property.index);
            }
            _ => return Err(super::object::error::UNKNOWN_PROPERTY),
        });
        held.read(property.index)
    }
}
