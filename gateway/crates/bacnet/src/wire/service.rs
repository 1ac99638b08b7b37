//! What the services carry (clauses 13, 15 and 16): parameters of requests and of their results,
//! both ways, for a client and for a server.

use super::Malformed;
use super::apdu::Error;
use super::tag::{self, Reader, Tag};
use super::value::{Value, object, object_bits};
use crate::{ObjectId, Property};

/// Numbers of confirmed services.
pub mod confirmed {
    /// ConfirmedCOVNotification.
    pub const COV_NOTIFICATION: u8 = 1;
    /// SubscribeCOV.
    pub const SUBSCRIBE_COV: u8 = 5;
    /// ReadProperty.
    pub const READ_PROPERTY: u8 = 12;
    /// ReadPropertyMultiple.
    pub const READ_PROPERTY_MULTIPLE: u8 = 14;
    /// WriteProperty.
    pub const WRITE_PROPERTY: u8 = 15;
    /// WritePropertyMultiple.
    pub const WRITE_PROPERTY_MULTIPLE: u8 = 16;
    /// SubscribeCOVProperty.
    pub const SUBSCRIBE_COV_PROPERTY: u8 = 28;
}

/// Numbers of unconfirmed services.
pub mod unconfirmed {
    /// I-Am.
    pub const I_AM: u8 = 0;
    /// I-Have.
    pub const I_HAVE: u8 = 1;
    /// UnconfirmedCOVNotification.
    pub const COV_NOTIFICATION: u8 = 2;
    /// Who-Has.
    pub const WHO_HAS: u8 = 7;
    /// Who-Is.
    pub const WHO_IS: u8 = 8;
}

/// Numbers of properties that every part of this crate knows.
pub mod property {
    #![expect(missing_docs, reason = "each is the standard's own name")]
    pub const ALL: u32 = 8;
    pub const COV_INCREMENT: u32 = 22;
    pub const DESCRIPTION: u32 = 28;
    pub const EVENT_STATE: u32 = 36;
    pub const MAX_APDU_LENGTH_ACCEPTED: u32 = 62;
    pub const MODEL_NAME: u32 = 70;
    pub const NUMBER_OF_STATES: u32 = 74;
    pub const OBJECT_IDENTIFIER: u32 = 75;
    pub const OBJECT_LIST: u32 = 76;
    pub const OBJECT_NAME: u32 = 77;
    pub const OBJECT_TYPE: u32 = 79;
    pub const OUT_OF_SERVICE: u32 = 81;
    pub const PRESENT_VALUE: u32 = 85;
    pub const PRIORITY_ARRAY: u32 = 87;
    pub const PROTOCOL_SERVICES_SUPPORTED: u32 = 97;
    pub const RELIABILITY: u32 = 103;
    pub const RELINQUISH_DEFAULT: u32 = 104;
    pub const REQUIRED: u32 = 105;
    pub const SEGMENTATION_SUPPORTED: u32 = 107;
    pub const STATE_TEXT: u32 = 110;
    pub const STATUS_FLAGS: u32 = 111;
    pub const OPTIONAL: u32 = 80;
    pub const UNITS: u32 = 117;
    pub const VENDOR_NAME: u32 = 121;
}

/// The array index that the standard's ReadRange of all elements leaves out.
fn write_property_reference(out: &mut Vec<u8>, property: Property, first: u8) {
    tag::context_unsigned(out, first, u64::from(property.id));
    if let Some(index) = property.index {
        tag::context_unsigned(out, first + 1, u64::from(index));
    }
}

fn read_property_reference(reader: &mut Reader<'_>, first: u8) -> Result<Property, Malformed> {
    let id = tag::unsigned32(reader.context(first)?)?;
    let index = reader.optional(first + 1)?.map(tag::unsigned32).transpose()?;
    Ok(Property { id, index })
}

fn write_object(out: &mut Vec<u8>, number: u8, object: ObjectId) {
    tag::context(out, number, &object_bits(object).to_be_bytes());
}

fn enclosed(out: &mut Vec<u8>, number: u8, content: &[u8]) {
    tag::opening(out, number);
    out.extend_from_slice(content);
    tag::closing(out, number);
}

/// Asks for one property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadProperty {
    /// Whose.
    pub object: ObjectId,
    /// Which.
    pub property: Property,
}

impl ReadProperty {
    /// Writes the parameters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_object(out, 0, self.object);
        write_property_reference(out, self.property, 1);
    }

    /// Reads the parameters.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let object = object(reader.context(0)?)?;
        let property = read_property_reference(&mut reader, 1)?;
        reader.end()?;
        Ok(Self { object, property })
    }
}

/// The value of one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPropertyAck<'a> {
    /// Whose.
    pub object: ObjectId,
    /// Which.
    pub property: Property,
    /// The value or values, with their tags.
    pub value: &'a [u8],
}

impl<'a> ReadPropertyAck<'a> {
    /// Writes the result.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_object(out, 0, self.object);
        write_property_reference(out, self.property, 1);
        enclosed(out, 3, self.value);
    }

    /// Reads the result.
    pub fn decode(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let object = object(reader.context(0)?)?;
        let property = read_property_reference(&mut reader, 1)?;
        let value = reader.enclosed(3)?;
        reader.end()?;
        Ok(Self { object, property, value })
    }
}

/// Properties of one object, asked for in a ReadPropertyMultiple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAccess {
    /// Whose.
    pub object: ObjectId,
    /// Which; `property::ALL`, `REQUIRED` and `OPTIONAL` stand for many.
    pub properties: Vec<Property>,
}

impl ReadAccess {
    /// Writes the parameters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_object(out, 0, self.object);
        tag::opening(out, 1);
        for property in &self.properties {
            write_property_reference(out, *property, 0);
        }
        tag::closing(out, 1);
    }

    /// Reads the parameters of a whole request.
    pub fn decode_all(data: &[u8]) -> Result<Vec<Self>, Malformed> {
        let mut reader = Reader::new(data);
        let mut all = Vec::new();
        while !reader.is_empty() {
            let object = object(reader.context(0)?)?;
            let mut inside = Reader::new(reader.enclosed(1)?);
            let mut properties = Vec::new();
            while !inside.is_empty() {
                properties.push(read_property_reference(&mut inside, 0)?);
            }
            all.push(Self { object, properties });
        }
        Ok(all)
    }
}

/// One property's part of the result of a ReadPropertyMultiple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadResult<'a> {
    /// Whose.
    pub object: ObjectId,
    /// Which.
    pub property: Property,
    /// The value or values with their tags, or why there is none.
    pub value: Result<&'a [u8], Error>,
}

impl<'a> ReadResult<'a> {
    /// Reads a whole result and hands over each part in turn.
    pub fn decode_each(
        data: &'a [u8],
        mut each: impl FnMut(Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut reader = Reader::new(data);
        while !reader.is_empty() {
            let object = object(reader.context(0)?)?;
            let mut inside = Reader::new(reader.enclosed(1)?);
            while !inside.is_empty() {
                let property = read_property_reference(&mut inside, 2)?;
                let value = if inside.peek()? == Some(Tag::Opening(4)) {
                    Ok(inside.enclosed(4)?)
                } else {
                    Err(Error::read(&mut Reader::new(inside.enclosed(5)?))?)
                };
                each(Self { object, property, value })?;
            }
        }
        Ok(())
    }

    /// Reads a whole result.
    pub fn decode_all(data: &'a [u8]) -> Result<Vec<Self>, Malformed> {
        let mut all = Vec::new();
        Self::decode_each(data, |r| {
            all.push(r);
            Ok(())
        })?;
        Ok(all)
    }

    /// Writes the results of one object; all of `results` are its.
    pub fn encode_object(out: &mut Vec<u8>, object: ObjectId, results: &[ReadResult<'_>]) {
        write_object(out, 0, object);
        tag::opening(out, 1);
        for result in results {
            write_property_reference(out, result.property, 2);
            match result.value {
                Ok(value) => enclosed(out, 4, value),
                Err(error) => {
                    tag::opening(out, 5);
                    error.write(out);
                    tag::closing(out, 5);
                }
            }
        }
        tag::closing(out, 1);
    }
}

/// Writes one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteProperty<'a> {
    /// Whose.
    pub object: ObjectId,
    /// Which.
    pub property: Property,
    /// The value, with its tag; a Null relinquishes.
    pub value: &'a [u8],
    /// 1 to 16, for a commandable property.
    pub priority: Option<u8>,
}

impl<'a> WriteProperty<'a> {
    /// Writes the parameters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_object(out, 0, self.object);
        write_property_reference(out, self.property, 1);
        enclosed(out, 3, self.value);
        if let Some(priority) = self.priority {
            tag::context_unsigned(out, 4, u64::from(priority));
        }
    }

    /// Reads the parameters.
    pub fn decode(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let object = object(reader.context(0)?)?;
        let property = read_property_reference(&mut reader, 1)?;
        let value = reader.enclosed(3)?;
        let priority = read_priority(&mut reader, 4)?;
        reader.end()?;
        Ok(Self { object, property, value, priority })
    }

    /// Reads the parameters of a WritePropertyMultiple.
    pub fn decode_all(data: &'a [u8]) -> Result<Vec<Self>, Malformed> {
        let mut reader = Reader::new(data);
        let mut all = Vec::new();
        while !reader.is_empty() {
            let object = object(reader.context(0)?)?;
            let mut inside = Reader::new(reader.enclosed(1)?);
            while !inside.is_empty() {
                let property = read_property_reference(&mut inside, 0)?;
                let value = inside.enclosed(2)?;
                let priority = read_priority(&mut inside, 3)?;
                all.push(Self { object, property, value, priority });
            }
        }
        Ok(all)
    }
}

fn read_priority(reader: &mut Reader<'_>, number: u8) -> Result<Option<u8>, Malformed> {
    let Some(content) = reader.optional(number)? else { return Ok(None) };
    match u8::try_from(tag::unsigned(content)?) {
        Ok(p @ 1..=16) => Ok(Some(p)),
        _ => Err(Malformed("a priority that is not 1 to 16")),
    }
}

/// Asks to be told of changes of an object, or of one property.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubscribeCov {
    /// The subscriber's own number, returned in each notification.
    pub process: u32,
    /// Whose changes.
    pub object: ObjectId,
    /// Confirmed or not; `None`, with no lifetime, ends the subscription.
    pub confirmed: Option<bool>,
    /// How long, in seconds; 0 is for ever.
    pub lifetime: Option<u32>,
    /// Which property; SubscribeCOVProperty carries one, SubscribeCOV none.
    pub property: Option<Property>,
    /// Smallest change, of SubscribeCOVProperty.
    pub increment: Option<f32>,
}

impl SubscribeCov {
    /// Which service carries it.
    pub fn service(&self) -> u8 {
        if self.property.is_some() {
            confirmed::SUBSCRIBE_COV_PROPERTY
        } else {
            confirmed::SUBSCRIBE_COV
        }
    }

    /// Writes the parameters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        tag::context_unsigned(out, 0, u64::from(self.process));
        write_object(out, 1, self.object);
        if let Some(confirmed) = self.confirmed {
            tag::context(out, 2, &[u8::from(confirmed)]);
        }
        if let Some(lifetime) = self.lifetime {
            tag::context_unsigned(out, 3, u64::from(lifetime));
        }
        if let Some(property) = self.property {
            tag::opening(out, 4);
            write_property_reference(out, property, 0);
            tag::closing(out, 4);
            if let Some(increment) = self.increment {
                tag::context(out, 5, &increment.to_be_bytes());
            }
        }
    }

    /// Reads the parameters of either service.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let process = tag::unsigned32(reader.context(0)?)?;
        let object = object(reader.context(1)?)?;
        let confirmed =
            reader.optional(2)?.map(|c| tag::unsigned(c).map(|n| n != 0)).transpose()?;
        let lifetime = reader.optional(3)?.map(tag::unsigned32).transpose()?;
        let (mut property, mut increment) = (None, None);
        if reader.peek()? == Some(Tag::Opening(4)) {
            let mut inside = Reader::new(reader.enclosed(4)?);
            property = Some(read_property_reference(&mut inside, 0)?);
            inside.end()?;
            increment = match reader.optional(5)? {
                None => None,
                Some(content) => Some(f32::from_be_bytes(
                    content.try_into().map_err(|_| Malformed("an increment that is no REAL"))?,
                )),
            };
        }
        reader.end()?;
        Ok(Self { process, object, confirmed, lifetime, property, increment })
    }
}

/// One property of a notification, its value with tags.
pub type CovValue<'a> = (Property, &'a [u8]);

/// Tells a subscriber of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovNotification<'a> {
    /// The subscriber's own number.
    pub process: u32,
    /// Instance of the device that tells.
    pub device: u32,
    /// Whose change.
    pub object: ObjectId,
    /// Seconds until the subscription ends; 0 is never.
    pub time_remaining: u32,
    /// Properties and their values.
    pub values: Vec<CovValue<'a>>,
}

impl<'a> CovNotification<'a> {
    /// Writes the parameters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        tag::context_unsigned(out, 0, u64::from(self.process));
        write_object(out, 1, ObjectId { kind: crate::ObjectType::DEVICE, instance: self.device });
        write_object(out, 2, self.object);
        tag::context_unsigned(out, 3, u64::from(self.time_remaining));
        tag::opening(out, 4);
        for (property, value) in &self.values {
            write_property_reference(out, *property, 0);
            enclosed(out, 2, value);
        }
        tag::closing(out, 4);
    }

    /// Reads the parameters.
    pub fn decode(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let process = tag::unsigned32(reader.context(0)?)?;
        let device = device_instance(object(reader.context(1)?)?)?;
        let object = object(reader.context(2)?)?;
        let time_remaining = tag::unsigned32(reader.context(3)?)?;
        let mut inside = Reader::new(reader.enclosed(4)?);
        reader.end()?;
        let mut values = Vec::new();
        while !inside.is_empty() {
            let property = read_property_reference(&mut inside, 0)?;
            values.push((property, inside.enclosed(2)?));
            read_priority(&mut inside, 3)?;
        }
        Ok(Self { process, device, object, time_remaining, values })
    }
}

/// Asks which devices there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WhoIs {
    /// First and last instance asked for; all without.
    pub range: Option<(u32, u32)>,
}

impl WhoIs {
    /// Whether `instance` is meant.
    pub fn means(&self, instance: u32) -> bool {
        self.range.is_none_or(|(low, high)| (low..=high).contains(&instance))
    }

    /// Writes the parameters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if let Some((low, high)) = self.range {
            tag::context_unsigned(out, 0, u64::from(low));
            tag::context_unsigned(out, 1, u64::from(high));
        }
    }

    /// Reads the parameters.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let range = read_range(&mut reader)?;
        reader.end()?;
        Ok(Self { range })
    }
}

fn read_range(reader: &mut Reader<'_>) -> Result<Option<(u32, u32)>, Malformed> {
    let Some(low) = reader.optional(0)? else { return Ok(None) };
    Ok(Some((tag::unsigned32(low)?, tag::unsigned32(reader.context(1)?)?)))
}

/// Whether a device takes and sends messages in segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the standard's own names")]
pub enum Segmentation {
    Both,
    Transmit,
    Receive,
    Neither,
}

impl Segmentation {
    /// Its number on the wire.
    pub fn number(self) -> u32 {
        match self {
            Segmentation::Both => 0,
            Segmentation::Transmit => 1,
            Segmentation::Receive => 2,
            Segmentation::Neither => 3,
        }
    }

    /// From its number; what is unknown is taken for none.
    pub fn from_number(number: u32) -> Self {
        match number {
            0 => Segmentation::Both,
            1 => Segmentation::Transmit,
            2 => Segmentation::Receive,
            _ => Segmentation::Neither,
        }
    }

    /// Whether it sends in segments.
    pub fn transmits(self) -> bool {
        matches!(self, Segmentation::Both | Segmentation::Transmit)
    }
}

/// A device tells that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IAm {
    /// Its instance.
    pub device: u32,
    /// Longest APDU it takes, in bytes.
    pub max_apdu: u16,
    /// Whether it segments.
    pub segmentation: Segmentation,
    /// Its vendor's number.
    pub vendor: u16,
}

impl IAm {
    /// Writes the parameters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let kind = crate::ObjectType::DEVICE;
        Value::Object(ObjectId { kind, instance: self.device }).write(out);
        Value::Unsigned(u64::from(self.max_apdu)).write(out);
        Value::Enumerated(self.segmentation.number()).write(out);
        Value::Unsigned(u64::from(self.vendor)).write(out);
    }

    /// Reads the parameters.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let mut next = || Value::read(&mut reader);
        let (device, max, segmentation, vendor) = (next()?, next()?, next()?, next()?);
        match (device, max, segmentation, vendor) {
            (
                Value::Object(device),
                Value::Unsigned(max),
                Value::Enumerated(segmentation),
                Value::Unsigned(vendor),
            ) => Ok(Self {
                device: device_instance(device)?,
                max_apdu: u16::try_from(max).unwrap_or(u16::MAX),
                segmentation: Segmentation::from_number(segmentation),
                vendor: u16::try_from(vendor).unwrap_or(u16::MAX),
            }),
            _ => Err(Malformed("an I-Am with other parameters")),
        }
    }
}

fn device_instance(object: ObjectId) -> Result<u32, Malformed> {
    if object.kind == crate::ObjectType::DEVICE && object.instance < 4_194_303 {
        Ok(object.instance)
    } else {
        Err(Malformed("a device that is none"))
    }
}

/// An object by its identifier or by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// By its identifier.
    Object(ObjectId),
    /// By its name.
    Name(String),
}

/// Asks who has an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoHas {
    /// First and last device instance asked; all without.
    pub range: Option<(u32, u32)>,
    /// The object.
    pub sought: Sought,
}

impl WhoHas {
    /// Writes the parameters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        WhoIs { range: self.range }.encode(out);
        match &self.sought {
            Sought::Object(o) => write_object(out, 2, *o),
            Sought::Name(name) => tag::context(out, 3, &super::text::encode(name)),
        }
    }

    /// Reads the parameters.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let range = read_range(&mut reader)?;
        let sought = match reader.optional(2)? {
            Some(content) => Sought::Object(object(content)?),
            None => Sought::Name(super::text::decode(reader.context(3)?)?),
        };
        reader.end()?;
        Ok(Self { range, sought })
    }
}

/// A device tells that it has an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IHave {
    /// The device's instance.
    pub device: u32,
    /// The object.
    pub object: ObjectId,
    /// Its name.
    pub name: String,
}

impl IHave {
    /// Writes the parameters.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let kind = crate::ObjectType::DEVICE;
        Value::Object(ObjectId { kind, instance: self.device }).write(out);
        Value::Object(self.object).write(out);
        Value::Text(self.name.clone()).write(out);
    }

    /// Reads the parameters.
    pub fn decode(data: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(data);
        let mut next = || Value::read(&mut reader);
        match (next()?, next()?, next()?) {
            (Value::Object(device), Value::Object(object), Value::Text(name)) => {
                Ok(Self { device: device_instance(device)?, object, name })
            }
            _ => Err(Malformed("an I-Have with other parameters")),
        }
    }
}
