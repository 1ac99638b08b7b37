//! What a device holds: its list of objects, with names and units.

use crate::batch::{Abilities, Batch, Found, Want};
use crate::client::{Client, Failure, Peer};
use crate::wire::service::{IAm, property};
use crate::wire::{Reader, Value, unit, unit_name};
use crate::{ObjectId, ObjectType, Property, Timing};
use std::sync::Arc;
use wellhead_model::Unit;

/// A list longer than this is none.
const OBJECTS_MAX: u64 = 100_000;

/// Reads the list of a device's objects: whole if it comes whole, element by element if not, and
/// an error otherwise. It never returns a part of the list.
pub async fn object_list(
    client: &Arc<Client>,
    peer: Peer,
    timing: &Timing,
    device: u32,
) -> Result<Vec<ObjectId>, Failure> {
    let abilities = Abilities::ask(client, peer, timing, device).await?;
    object_list_with(client, peer, timing, device, abilities).await
}

async fn object_list_with(
    client: &Arc<Client>,
    peer: Peer,
    timing: &Timing,
    device: u32,
    abilities: Abilities,
) -> Result<Vec<ObjectId>, Failure> {
    let object = ObjectId { kind: ObjectType::DEVICE, instance: device };
    let element = |index| Property { id: property::OBJECT_LIST, index };
    let length = match client.read(peer, timing, object, element(Some(0))).await? {
        Value::Unsigned(n) if n <= OBJECTS_MAX => n as usize,
        _ => return Err(Failure::BadReply("a length of the object list that is none")),
    };
    // An element takes 5 bytes. Without segments a long list can't come whole.
    if abilities.segments || length * 5 + 24 < usize::from(abilities.max_apdu) {
        match client.read_raw(peer, timing, object, element(None)).await {
            Ok(content) => {
                let list = identifiers(&content)?;
                if list.len() == length {
                    return Ok(list);
                }
                tracing::warn!(%peer, length, came = list.len(), "Object list came in part");
            }
            Err(failure @ Failure::Unreachable(_)) => return Err(failure),
            // Whatever it was, one element may be what the device can do.
            Err(failure) => tracing::debug!(%peer, %failure, "Object list did not come whole"),
        }
    }
    let wants: Vec<Want> = (1..=length).map(|i| (object, element(Some(i as u32)))).collect();
    let mut found = Vec::new();
    Batch::new(peer, *timing, abilities, None).read(client, &wants, &mut found).await?;
    let mut list = Vec::with_capacity(length);
    for value in found {
        match value? {
            Value::Object(o) => list.push(o),
            _ => return Err(Failure::BadReply("an element of the object list that is none")),
        }
    }
    match client.read(peer, timing, object, element(Some(0))).await? {
        Value::Unsigned(n) if n == length as u64 => Ok(list),
        _ => Err(Failure::BadReply("the object list changed while it was read")),
    }
}

fn identifiers(content: &[u8]) -> Result<Vec<ObjectId>, Failure> {
    let mut reader = Reader::new(content);
    let mut list = Vec::new();
    while !reader.is_empty() {
        match Value::read(&mut reader)? {
            Value::Object(o) => list.push(o),
            _ => return Err(Failure::BadReply("an element of the object list that is none")),
        }
    }
    Ok(list)
}

/// A device that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundDevice {
    /// What it said of itself.
    pub i_am: IAm,
    /// Where it is.
    pub peer: Peer,
    /// Its name.
    pub name: Option<String>,
    /// Its vendor's name.
    pub vendor: Option<String>,
    /// Its model's name.
    pub model: Option<String>,
    /// Its objects, or why they could not be read.
    pub objects: Result<Vec<FoundObject>, Failure>,
}

/// An object that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundObject {
    /// Which.
    pub object: ObjectId,
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its unit, where the gateway has one for it.
    pub unit: Option<Unit>,
    /// Its unit by the standard's name, `degrees-celsius`; none for an object without.
    pub unit_name: Option<String>,
    /// Whether it takes commands by priority, as far as reading tells: nothing is written to find
    /// out.
    pub writable: bool,
}

/// Reads what one device holds. Nothing is ever written.
pub async fn look_at(client: &Arc<Client>, i_am: IAm, peer: Peer, timing: &Timing) -> FoundDevice {
    let device = ObjectId { kind: ObjectType::DEVICE, instance: i_am.device };
    let mut found =
        FoundDevice { i_am, peer, name: None, vendor: None, model: None, objects: Ok(Vec::new()) };
    let abilities = match Abilities::ask(client, peer, timing, i_am.device).await {
        Ok(abilities) => abilities,
        Err(failure) => {
            found.objects = Err(failure);
            return found;
        }
    };
    let mut batch = Batch::new(peer, *timing, abilities, None);
    let mut values = Vec::new();
    let plain = |id| Property { id, index: None };
    let names = [property::OBJECT_NAME, property::VENDOR_NAME, property::MODEL_NAME]
        .map(|id| (device, plain(id)));
    if let Err(failure) = batch.read(client, &names, &mut values).await {
        found.objects = Err(failure);
        return found;
    }
    let mut texts = values.drain(..).map(text);
    found.name = texts.next().flatten();
    found.vendor = texts.next().flatten();
    found.model = texts.next().flatten();
    drop(texts);
    let list = object_list_with(client, peer, timing, i_am.device, abilities).await;
    found.objects = match list {
        Ok(list) => objects(client, &mut batch, list).await,
        Err(failure) => Err(failure),
    };
    found
}

async fn objects(
    client: &Arc<Client>,
    batch: &mut Batch,
    list: Vec<ObjectId>,
) -> Result<Vec<FoundObject>, Failure> {
    const ASKED: [u32; 4] = [
        property::OBJECT_NAME,
        property::DESCRIPTION,
        property::UNITS,
        // Its first element is enough to see whether there is one.
        property::PRIORITY_ARRAY,
    ];
    let index = |id| (id == property::PRIORITY_ARRAY).then_some(1);
    let list: Vec<_> = list.into_iter().filter(|o| o.kind != ObjectType::DEVICE).collect();
    let wants: Vec<Want> =
        list.iter().flat_map(|o| ASKED.map(|id| (*o, Property { id, index: index(id) }))).collect();
    let mut values = Vec::new();
    batch.read(client, &wants, &mut values).await?;
    let mut values = values.into_iter();
    let mut next = || values.next().unwrap_or(Err(Failure::BadReply("too few values")));
    Ok(list
        .into_iter()
        .map(|object| {
            let (name, description) = (text(next()), text(next()));
            let units = match next() {
                Ok(Value::Enumerated(n)) => Some(n),
                _ => None,
            };
            FoundObject {
                object,
                name,
                description,
                unit: units.and_then(unit),
                unit_name: units.map(unit_name),
                writable: next().is_ok(),
            }
        })
        .collect())
}

fn text(found: Found) -> Option<String> {
    match found {
        Ok(Value::Text(text)) => Some(text),
        _ => None,
    }
}
