//! Reads many properties of one device in as few requests as it can take, and learns how many that
//! is.
//!
//! It begins with what the device says of itself: the longest APDU, and whether it knows
//! ReadPropertyMultiple. Answers are kept within one APDU, so that nothing depends on segments. A
//! request that is too much (the device aborts, or a large one stays unanswered while a small one
//! is not) is halved, down to one property at a time, and the smaller measure is kept. A property
//! that spoils a whole request by itself is asked for alone from then on.

use crate::client::{Client, Failure, MAX_APDU, Peer};
use crate::wire::service::{ReadAccess, ReadResult, Segmentation, property};
use crate::wire::{Value, error_code};
use crate::{ObjectId, ObjectType, Property, Timing};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use tokio::task::JoinSet;

/// A property of an object.
pub type Want = (ObjectId, Property);
/// Its value, or why there is none; a value that can't be read is a bad reply.
pub type Found = Result<Value, Failure>;

/// Bytes of a result besides its values.
const FRAME: usize = 8;
const REJECT_UNRECOGNIZED_SERVICE: u8 = 9;
const MISSING: Failure = Failure::BadReply("a property is missing in the reply");

/// What a device can do, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Longest APDU it takes, in bytes.
    pub max_apdu: u16,
    /// Whether it sends in segments.
    pub segments: bool,
    /// Whether it knows ReadPropertyMultiple.
    pub multiple: bool,
    /// Whether it knows SubscribeCOV.
    pub cov: bool,
    /// Whether it knows SubscribeCOVProperty.
    pub cov_property: bool,
}

impl Abilities {
    /// Asks the device. One that is another instance than `device` answers that it knows no such
    /// object, which is the error returned.
    pub async fn ask(
        client: &Client,
        peer: Peer,
        timing: &Timing,
        device: u32,
    ) -> Result<Self, Failure> {
        let object = ObjectId { kind: ObjectType::DEVICE, instance: device };
        let read = |id| client.read(peer, timing, object, Property { id, index: None });
        // Old and small devices: what each must be able to.
        let (max_apdu, segmentation) = match client.known(device).and_then(|k| k.i_am) {
            Some(i_am) => (i_am.max_apdu, i_am.segmentation),
            None => {
                let max_apdu = match known(read(property::MAX_APDU_LENGTH_ACCEPTED).await)? {
                    Some(Value::Unsigned(n)) => u16::try_from(n).unwrap_or(u16::MAX),
                    _ => 50,
                };
                let segmentation = match known(read(property::SEGMENTATION_SUPPORTED).await)? {
                    Some(Value::Enumerated(n)) => Segmentation::from_number(n),
                    _ => Segmentation::Neither,
                };
                (max_apdu, segmentation)
            }
        };
        // Without the list of its services, trying each is what is left.
        let bits = match known(read(property::PROTOCOL_SERVICES_SUPPORTED).await)? {
            Some(Value::Bits(bits)) => Some(bits),
            _ => None,
        };
        let service = |n| bits.as_ref().is_none_or(|b| b.get(n));
        Ok(Self {
            max_apdu: max_apdu.clamp(50, MAX_APDU),
            segments: segmentation.transmits(),
            multiple: service(14),
            cov: service(5),
            cov_property: service(38),
        })
    }
}

/// A property that a device may do without; only an unknown device is an error.
fn known(read: Result<Value, Failure>) -> Result<Option<Value>, Failure> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Error(e)) if e.code == error_code::UNKNOWN_OBJECT => Err(Failure::Error(e)),
        Err(failure) if failure.is_answer() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Reads from one device, and remembers how.
#[derive(Debug)]
pub struct Batch {
    peer: Peer,
    timing: Timing,
    budget: usize,
    multiple: bool,
    /// Most properties in one request.
    limit: usize,
    /// The most that were ever answered.
    proven: usize,
    alone: HashSet<Want>,
}

impl Batch {
    /// For a device of these abilities; `limit` is the most properties in one request, if the
    /// configuration says.
    pub fn new(peer: Peer, timing: Timing, abilities: Abilities, limit: Option<u16>) -> Self {
        Self {
            peer,
            timing,
            budget: usize::from(abilities.max_apdu).saturating_sub(FRAME),
            multiple: abilities.multiple,
            limit: limit.map_or(usize::MAX, |n| usize::from(n.max(1))),
            proven: 0,
            alone: HashSet::new(),
        }
    }

    /// Most properties that it asks for in one request; `None` while it has met no bound.
    pub fn limit(&self) -> Option<usize> {
        if self.multiple { Some(self.limit).filter(|l| *l < usize::MAX) } else { Some(1) }
    }

    /// Reads all of `wants`; `found` gets one entry for each, in order. The error is of the device
    /// as a whole: it can't be reached or does not answer.
    pub async fn read(
        &mut self,
        client: &Arc<Client>,
        wants: &[Want],
        found: &mut Vec<Found>,
    ) -> Result<(), Failure> {
        found.clear();
        found.resize(wants.len(), Err(MISSING));
        let mut waiting = self.cut(wants, 0..wants.len());
        // Whether anything was answered in this call.
        let mut alive = false;
        while !waiting.is_empty() {
            let answers = self.ask(client, wants, std::mem::take(&mut waiting)).await;
            alive |= answers.iter().any(|(_, a)| match a {
                Ok(_) => true,
                Err(failure) => failure.is_answer(),
            });
            for (range, answer) in answers {
                let failure = match answer {
                    Ok(reply) => match fill(wants, &range, reply, found) {
                        Ok(()) => {
                            self.proven = self.proven.max(range.len());
                            continue;
                        }
                        Err(failure) => failure,
                    },
                    Err(failure) => failure,
                };
                let small = range.len() == 1;
                match failure {
                    Failure::Unreachable(_) => return Err(failure),
                    Failure::NoReply(_) if !alive && (small || range.len() <= self.proven) => {
                        return Err(failure);
                    }
                    Failure::NoReply(_) if !small => {
                        if !alive {
                            let Some(want) = wants.get(range.start) else { continue };
                            let (object, property) = *want;
                            match client.read(self.peer, &self.timing, object, property).await {
                                Ok(_) => {}
                                Err(f) if f.is_answer() => {}
                                Err(f) => return Err(f),
                            }
                            alive = true;
                        }
                        waiting.extend(self.halve(wants, &range));
                    }
                    Failure::Reject(REJECT_UNRECOGNIZED_SERVICE) if self.multiple && !small => {
                        self.multiple = false;
                        waiting.extend(self.cut(wants, range));
                    }
                    ref f if f.is_too_much() && !small => {
                        waiting.extend(self.halve(wants, &range));
                    }
                    _ if small => {
                        if let (Some(want), Some(place)) =
                            (wants.get(range.start), found.get_mut(range.start))
                        {
                            if self.multiple {
                                self.alone.insert(*want);
                            }
                            *place = Err(failure);
                        }
                    }
                    // One of them spoils the others.
                    _ => {
                        let half = range.start + range.len() / 2;
                        waiting.extend([range.start..half, half..range.end]);
                    }
                }
            }
        }
        Ok(())
    }

    /// Less at a time from now on.
    fn halve(&mut self, wants: &[Want], range: &Range<usize>) -> Vec<Range<usize>> {
        self.limit = self.limit.min((range.len() / 2).max(1));
        tracing::info!(peer = %self.peer, properties = self.limit, "Device takes less at a time");
        self.cut(wants, range.clone())
    }

    /// Cuts a range into requests whose answers fit.
    fn cut(&self, wants: &[Want], range: Range<usize>) -> Vec<Range<usize>> {
        let mut cuts: Vec<Range<usize>> = Vec::new();
        let mut room = 0;
        let mut last: Option<Want> = None;
        for at in range {
            let Some(want) = wants.get(at) else { break };
            let same = last.is_some_and(|(object, _)| object == want.0);
            let alone = !self.alone.is_empty()
                && (self.alone.contains(want) || last.is_some_and(|l| self.alone.contains(&l)));
            let size = value_size(want);
            let takes = if same { size } else { size + 7 };
            last = Some(*want);
            match cuts.last_mut() {
                Some(cut) if self.multiple && !alone && cut.len() < self.limit && takes <= room => {
                    cut.end = at + 1;
                    room -= takes;
                }
                _ => {
                    cuts.push(at..at + 1);
                    room = self.budget.saturating_sub(size + 7);
                }
            }
        }
        cuts
    }

    /// Asks for each range; more than one side by side.
    async fn ask(
        &self,
        client: &Arc<Client>,
        wants: &[Want],
        ranges: Vec<Range<usize>>,
    ) -> Vec<(Range<usize>, Result<Reply, Failure>)> {
        if let [range] = &ranges[..] {
            let request = Request::new(wants.get(range.clone()).unwrap_or_default());
            let answer = request.send(client, self.peer, &self.timing).await;
            return vec![(range.clone(), answer)];
        }
        let mut on_their_way = JoinSet::new();
        for range in ranges {
            let request = Request::new(wants.get(range.clone()).unwrap_or_default());
            let (client, peer, timing) = (Arc::clone(client), self.peer, self.timing);
            on_their_way.spawn(async move { (range, request.send(&client, peer, &timing).await) });
        }
        let mut answers = on_their_way.join_all().await;
        answers.sort_by_key(|(range, _)| range.start);
        answers
    }
}

/// About how many bytes a property takes in a result.
fn value_size(want: &Want) -> usize {
    let value = match want.1.id {
        property::STATUS_FLAGS => 7,
        property::OBJECT_NAME | property::DESCRIPTION => 44,
        _ if want.0.kind.0 == 46 => 15,
        _ => 10,
    };
    value + if want.1.index.is_some() { 3 } else { 0 }
}

enum Request {
    One(Want),
    Many(Vec<ReadAccess>),
}

enum Reply {
    One(Value),
    Many(Vec<u8>),
}

impl Request {
    fn new(wants: &[Want]) -> Self {
        if let [want] = wants {
            return Request::One(*want);
        }
        let mut all: Vec<ReadAccess> = Vec::with_capacity(wants.len());
        for (object, property) in wants {
            match all.last_mut() {
                Some(access) if access.object == *object => access.properties.push(*property),
                _ => all.push(ReadAccess { object: *object, properties: vec![*property] }),
            }
        }
        Request::Many(all)
    }

    async fn send(self, client: &Client, peer: Peer, timing: &Timing) -> Result<Reply, Failure> {
        match self {
            Request::One((object, property)) => {
                client.read(peer, timing, object, property).await.map(Reply::One)
            }
            Request::Many(all) => client.read_multiple(peer, timing, &all).await.map(Reply::Many),
        }
    }
}

/// Puts each value of a reply where it belongs; what was not asked for is passed over.
fn fill(
    wants: &[Want],
    range: &Range<usize>,
    reply: Reply,
    found: &mut [Found],
) -> Result<(), Failure> {
    let reply = match reply {
        Reply::One(value) => {
            if let Some(place) = found.get_mut(range.start) {
                *place = Ok(value);
            }
            return Ok(());
        }
        Reply::Many(reply) => reply,
    };
    // Results come in the order of the request, nearly always.
    let mut at = range.start;
    ReadResult::decode_each(&reply, |result| {
        let want = (result.object, result.property);
        let rest = at..range.end;
        let place = rest.chain(range.start..at).find(|&i| wants.get(i) == Some(&want));
        if let Some(place) = place
            && let Some(found) = found.get_mut(place)
        {
            at = place + 1;
            *found = match result.value {
                Ok(content) => Value::only(content).map_err(Failure::from),
                Err(error) => Err(Failure::Error(error)),
            };
        }
        Ok(())
    })?;
    Ok(())
}
