//! A BACnet device as a [`Driver`].

mod check;
mod cov;
mod held;
#[cfg(test)]
mod tests;
mod value;

pub use check::{SpecProblem, check};

use crate::batch::{Abilities, Batch, Found, Want};
use crate::client::{Client, CovTold, Failure, Peer};
use crate::wire::service::{SubscribeCov, WriteProperty, property};
use crate::wire::{Value as Wire, error_code, error_meaning, unit, unit_name};
use crate::{DeviceSpec, ObjectId, PointSpec, Property};
use cov::{Need, Subscription};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use value::{Flags, Kind, outcome};
use wellhead_driver::{
    DeviceError, Driver, Group, Line, Notice, Outcome, Readback, Readings, Write,
};
use wellhead_model::{PointIndex, Reason};

/// One device: its groups, what was learned of it, and its subscriptions.
///
/// Points of one period form a group, read together. A point with a working subscription is left
/// out of its group's polls except for its check, so its outcome is missing there; it comes by
/// [`Driver::unasked`].
#[derive(Debug)]
pub struct BacnetDriver {
    spec: DeviceSpec,
    client: Arc<Client>,
    groups: Vec<Group>,
    /// Positions in `spec.points` of each group, by object.
    members: Vec<Vec<usize>>,
    /// By position; `None` for a point without.
    subscriptions: Vec<Option<Subscription>>,
    /// By position: the type that its property was read in.
    kinds: Vec<Option<Kind>>,
    link: Option<Link>,
    /// Found out before, and still true of the same device.
    limit: Option<u16>,
    found: Vec<Found>,
}

/// What was learned of the device at one address.
#[derive(Debug)]
struct Link {
    peer: Peer,
    abilities: Abilities,
    batch: Batch,
    told: mpsc::Receiver<CovTold>,
    /// Objects without Status_Flags.
    flagless: HashSet<ObjectId>,
    /// Groups whose units were asked for.
    units_known: Vec<bool>,
}

impl BacnetDriver {
    /// A driver for a device, on a port that it shares with others.
    pub fn new(spec: DeviceSpec, client: Arc<Client>) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut order: Vec<usize> = (0..spec.points.len()).collect();
        order.sort_by_key(|&i| {
            let p = &spec.points[i];
            (p.period, p.object, p.property)
        });
        for i in order {
            let point = &spec.points[i];
            match (groups.last_mut(), members.last_mut()) {
                (Some(group), Some(members)) if group.period == point.period => {
                    group.points.push(point.index);
                    members.push(i);
                }
                _ => {
                    groups.push(Group { period: point.period, points: vec![point.index] });
                    members.push(vec![i]);
                }
            }
        }
        let now = Instant::now();
        let subscription = |p: &PointSpec| p.cov.map(|cov| Subscription::new(cov, now));
        Self {
            subscriptions: spec.points.iter().map(subscription).collect(),
            kinds: spec.points.iter().map(|p| Kind::of_object(p.object, p.property)).collect(),
            limit: spec.properties_max,
            spec,
            client,
            groups,
            members,
            link: None,
            found: Vec::new(),
        }
    }

    fn target(&self) -> String {
        match &self.link {
            Some(link) => format!("BACnet device {} at {}", self.spec.instance, link.peer),
            None => format!("BACnet device {}", self.spec.instance),
        }
    }

    fn error(&self, failure: Failure) -> DeviceError {
        failure.device_error(&self.target())
    }

    /// Finds the device and learns what it can, unless it is where it was.
    async fn connect(&mut self) -> Result<(), DeviceError> {
        if let Some(link) = &self.link {
            let here = self.client.known(self.spec.instance).is_none_or(|k| k.peer == link.peer);
            if here {
                return Ok(());
            }
            self.disconnect();
        }
        let (timing, instance) = (self.spec.timing, self.spec.instance);
        let learned = async {
            let peer = self.client.locate(instance, self.spec.address.as_ref(), &timing).await?;
            let abilities = Abilities::ask(&self.client, peer, &timing, instance).await?;
            Ok((peer, abilities))
        }
        .await;
        let (peer, abilities) = match learned {
            Ok(learned) => learned,
            Err(failure) => return Err(self.error(failure)),
        };
        self.link = Some(Link {
            peer,
            abilities,
            batch: Batch::new(peer, timing, abilities, self.limit),
            // The instance is unique among the devices of a port, and the same after a restart:
            // subscriptions of an earlier run are taken over and not doubled.
            told: self.client.subscriber(instance + 1, instance, peer),
            flagless: HashSet::new(),
            units_known: vec![false; self.groups.len()],
        });
        Ok(())
    }

    fn disconnect(&mut self) {
        self.link = None;
        self.subscriptions.iter_mut().flatten().for_each(Subscription::reset);
    }

    /// What a failure of the whole device means for what was learned of it.
    async fn lost(&mut self, failure: Failure) -> DeviceError {
        let error = self.error(failure);
        self.subscriptions.iter_mut().flatten().for_each(Subscription::reset);
        if matches!(error, DeviceError::Unreachable { .. }) {
            self.disconnect();
        }
        if self.spec.address.is_none() {
            // It may have moved; the answer is heard by the directory.
            let _ = self.client.seek(self.spec.instance).await;
        }
        error
    }

    async fn read_group(&mut self, group: usize, out: &mut Readings) -> Result<(), Failure> {
        let Self { spec, client, subscriptions, kinds, link, found, members, .. } = self;
        let (Some(link), Some(members)) = (link.as_mut(), members.get(group)) else {
            return Ok(());
        };
        subscribe(spec, client, link, subscriptions, members, out).await?;
        let now = Instant::now();
        let due: Vec<usize> = members
            .iter()
            .copied()
            .filter(|&i| subscriptions[i].as_ref().is_none_or(|s| s.must_read(now)))
            .collect();
        let mut wants: Vec<Want> = Vec::with_capacity(due.len() * 2);
        for &i in &due {
            let point = &spec.points[i];
            for want in wanted(point, link).into_iter().flatten() {
                // Several points may share an object; its wants stand together.
                if !wants.iter().rev().take_while(|w| w.0 == want.0).any(|w| *w == want) {
                    wants.push(want);
                }
            }
        }
        link.batch.read(client, &wants, found).await?;
        let mut results: Vec<(usize, Outcome, Flags)> = Vec::with_capacity(due.len());
        let mut faulty: Vec<Want> = Vec::new();
        for &i in &due {
            let point = &spec.points[i];
            let [value, flags] = wanted(point, link);
            let value = value.map_or(&MISSING, |want| of(&wants, found, want));
            let flags = match flags.map(|want| of(&wants, found, want)) {
                Some(Ok(bits)) => Flags::of(Some(bits)),
                Some(Err(Failure::Error(e))) if e.code == error_code::UNKNOWN_PROPERTY => {
                    link.flagless.insert(point.object);
                    Flags::default()
                }
                _ => Flags::default(),
            };
            if let Ok(value) = value {
                kinds[i] = kinds[i].or(Kind::of_value(value));
            }
            let want = (point.object, plain(property::RELIABILITY));
            if flags.fault && !faulty.contains(&want) {
                faulty.push(want);
            }
            results.push((i, reading(point, value), flags));
        }
        let mut why = Vec::new();
        if !faulty.is_empty() {
            link.batch.read(client, &faulty, &mut why).await?;
        }
        for (i, outcome, flags) in results {
            let point = &spec.points[i];
            let reliability = flags.fault.then(|| {
                let want = (point.object, plain(property::RELIABILITY));
                match of(&faulty, &why, want) {
                    Ok(Wire::Enumerated(n)) => Some(u8::try_from(*n).unwrap_or(u8::MAX)),
                    _ => None,
                }
            });
            let outcome = flags.judge(outcome, reliability.flatten());
            if let Some(subscription) = &mut subscriptions[i]
                && subscription.was_read(&outcome, now)
            {
                let text = format!(
                    "{}: `{}` changed without a notification; it is subscribed to again",
                    spec.name, point.name
                );
                out.notices.push(Notice { code: "cov_lost", text });
            }
            out.outcomes.push((point.index, outcome));
        }
        Ok(())
    }

    /// Asks for the units of a group's objects, once.
    async fn read_units(&mut self, group: usize, out: &mut Readings) -> Result<(), Failure> {
        let Self { spec, client, link, found, members, .. } = self;
        let (Some(link), Some(members)) = (link.as_mut(), members.get(group)) else {
            return Ok(());
        };
        if link.units_known.get(group).is_none_or(|known| *known) {
            return Ok(());
        }
        let measured = |p: &PointSpec| {
            p.property == Property::PRESENT_VALUE
                && p.conversion.is_plain()
                && p.conversion.states.is_empty()
                && matches!(p.object.kind.0, 0..=2 | 23 | 24 | 45 | 46 | 48)
        };
        let with: Vec<usize> =
            members.iter().copied().filter(|&i| measured(&spec.points[i])).collect();
        let wants: Vec<Want> =
            with.iter().map(|&i| (spec.points[i].object, plain(property::UNITS))).collect();
        if !wants.is_empty() {
            link.batch.read(client, &wants, found).await?;
        }
        if let Some(known) = link.units_known.get_mut(group) {
            *known = true;
        }
        for (i, found) in with.into_iter().zip(found.iter()) {
            let (point, Ok(Wire::Enumerated(number))) = (&spec.points[i], found) else { continue };
            match (point.unit, unit(*number)) {
                (None, Some(unit)) => out.units.push((point.index, unit)),
                (Some(ours), theirs) if theirs.is_some_and(|theirs| theirs != ours) => {
                    let text = format!(
                        "{}: `{}` is configured in {ours}, but the device says {}",
                        spec.name,
                        point.name,
                        unit_name(*number)
                    );
                    out.notices.push(Notice { code: "unit_differs", text });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn position(&self, index: PointIndex) -> Result<usize, DeviceError> {
        self.spec.points.iter().position(|p| p.index == index).ok_or_else(|| {
            let name = &self.spec.name;
            DeviceError::Unencodable(format!("`{name}` has no point number {}", index.0))
        })
    }

    async fn put(&mut self, i: usize, value: &Wire) -> Result<(), DeviceError> {
        let (point, timing) = (&self.spec.points[i], &self.spec.timing);
        let Some(link) = &self.link else { return Err(DeviceError::BadReply("no device")) };
        let PointSpec { object, property, priority, .. } = *point;
        let value = value.bytes();
        let write = WriteProperty { object, property, value: &value, priority };
        let max_apdu = link.abilities.max_apdu;
        match self.client.write(link.peer, timing, max_apdu, &write).await {
            Ok(()) => Ok(()),
            // Nothing was sent.
            Err(failure @ Failure::TooLong { .. }) => {
                let text = format!("`{}` can't be written: {failure}", point.name);
                Err(DeviceError::Unencodable(text))
            }
            Err(failure) if failure.is_answer() => Err(self.error(failure)),
            Err(failure) => Err(self.lost(failure).await),
        }
    }

    /// What stands at a point's own priority; `None` if nothing does, or the device won't say.
    async fn slot(&self, i: usize) -> Option<Outcome> {
        let (point, timing) = (&self.spec.points[i], &self.spec.timing);
        let index = Some(u32::from(point.priority.unwrap_or(PRIORITY_LAST)));
        let slot = Property { id: property::PRIORITY_ARRAY, index };
        let link = self.link.as_ref()?;
        match self.client.read(link.peer, timing, point.object, slot).await {
            Ok(Wire::Null) | Err(_) => None,
            found => Some(reading(point, &found)),
        }
    }

    async fn read_back(&mut self, i: usize) -> Outcome {
        let Self { spec, client, link, .. } = self;
        let point = &spec.points[i];
        let Some(link) = link.as_mut() else { return Outcome::Bad(Reason::NoReply) };
        let wants: Vec<Want> = wanted(point, link).into_iter().flatten().collect();
        let mut found = Vec::new();
        match link.batch.read(client, &wants, &mut found).await {
            Ok(()) => {
                let value = found.first().unwrap_or(&MISSING);
                let flags = Flags::of(found.get(1).and_then(|f| f.as_ref().ok()));
                flags.judge(reading(point, value), None)
            }
            Err(failure) => Outcome::Bad(self.error(failure).reason()),
        }
    }

    /// Takes a notification; whether it held a point's value.
    fn notified(&mut self, told: &CovTold, out: &mut Readings) -> bool {
        let value_of = |property| {
            let (_, content) = told.values.iter().find(|(p, _)| *p == property)?;
            Some(Wire::only(content))
        };
        let flags = match value_of(plain(property::STATUS_FLAGS)) {
            Some(Ok(bits)) => Flags::of(Some(&bits)),
            _ => Flags::default(),
        };
        let now = Instant::now();
        let mut any = false;
        for (point, subscription) in self.spec.points.iter().zip(&mut self.subscriptions) {
            let Some(subscription) = subscription.as_mut().filter(|_| point.object == told.object)
            else {
                continue;
            };
            let Some(value) = value_of(point.property) else { continue };
            let outcome = flags.judge(reading(point, &value.map_err(Failure::from)), None);
            subscription.notified(&outcome, now);
            out.outcomes.push((point.index, outcome));
            any = true;
        }
        any
    }
}

impl Driver for BacnetDriver {
    fn groups(&self) -> &[Group] {
        &self.groups
    }

    async fn poll(
        &mut self,
        _line: &mut Line,
        group: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        let before = out.outcomes.len();
        self.connect().await?;
        let result = match self.read_group(group, out).await {
            Ok(()) => self.read_units(group, out).await,
            failed => failed,
        };
        if let Err(failure) = result {
            out.outcomes.truncate(before);
            return Err(self.lost(failure).await);
        }
        self.client.take_notices(self.spec.instance, &mut out.notices);
        Ok(())
    }

    /// Writes at the point's priority. What is read back may differ although the write was
    /// acknowledged, since a higher priority may rule.
    async fn write(&mut self, _line: &mut Line, write: &Write) -> Result<Readback, DeviceError> {
        let i = self.position(write.point)?;
        let raw = self.spec.points[i].conversion.raw(&write.value)?;
        self.connect().await?;
        if self.kinds[i].is_none() {
            // No list says what type it is; the device itself does.
            let (point, timing) = (&self.spec.points[i], &self.spec.timing);
            let Some(link) = &self.link else { return Err(DeviceError::BadReply("no device")) };
            match self.client.read(link.peer, timing, point.object, point.property).await {
                Ok(value) => self.kinds[i] = Kind::of_value(&value),
                Err(failure) => return Err(self.error(failure)),
            }
        }
        let name = &self.spec.points[i].name;
        let value = match self.kinds[i] {
            Some(kind) => kind.encode(name, &raw)?,
            None => {
                let text = format!("`{name}` holds nothing that can be written");
                return Err(DeviceError::Unencodable(text));
            }
        };
        self.put(i, &value).await?;
        if !write.readback {
            return Ok(Readback::Acknowledged);
        }
        Ok(Readback::Read(self.read_back(i).await))
    }

    /// Writes Null at the point's priority, so that the next lower one rules.
    async fn relinquish(
        &mut self,
        _line: &mut Line,
        point: PointIndex,
        readback: bool,
    ) -> Result<Readback, DeviceError> {
        let i = self.position(point)?;
        self.connect().await?;
        self.put(i, &Wire::Null).await?;
        let stands = if readback { self.slot(i).await } else { None };
        Ok(stands.map_or(Readback::Acknowledged, Readback::Read))
    }

    async fn unasked(&mut self, out: &mut Readings) {
        loop {
            let told = match &mut self.link {
                Some(link) => link.told.recv().await,
                None => None,
            };
            let Some(told) = told else { return std::future::pending().await };
            let mut any = self.notified(&told, out);
            while let Some(told) = self.link.as_mut().and_then(|l| l.told.try_recv().ok()) {
                any |= self.notified(&told, out);
            }
            if any {
                return;
            }
        }
    }
}

/// Where a write without a priority stands.
const PRIORITY_LAST: u8 = 16;

static MISSING: Found = Err(Failure::BadReply("a property is missing in the reply"));

fn plain(id: u32) -> Property {
    Property { id, index: None }
}

/// What is read for a point: its property, and the flags of its present value.
fn wanted(point: &PointSpec, link: &Link) -> [Option<Want>; 2] {
    let present = point.property.id == property::PRESENT_VALUE;
    let flags = present && !link.flagless.contains(&point.object);
    [
        Some((point.object, point.property)),
        flags.then_some((point.object, plain(property::STATUS_FLAGS))),
    ]
}

/// What was found for a want, among wants that are sorted by object.
fn of<'a>(wants: &[Want], found: &'a [Found], want: Want) -> &'a Found {
    let first = wants.partition_point(|w| w.0 < want.0);
    let its = wants.iter().skip(first).take_while(|w| w.0 == want.0);
    match its.zip(found.iter().skip(first)).find(|(w, _)| **w == want) {
        Some((_, found)) => found,
        None => &MISSING,
    }
}

/// A point's value, or why there is none.
fn reading(point: &PointSpec, found: &Found) -> Outcome {
    match found {
        Ok(value) => outcome(point, value),
        Err(Failure::Error(e)) => Outcome::Bad(match e.code {
            error_code::UNKNOWN_OBJECT
            | error_code::UNKNOWN_PROPERTY
            | error_code::INVALID_ARRAY_INDEX
            | error_code::PROPERTY_IS_NOT_AN_ARRAY => Reason::IllegalAddress,
            _ => Failure::Error(*e).device_error(error_meaning(e.code)).reason(),
        }),
        Err(Failure::BadReply(_)) => Outcome::Bad(Reason::Undecodable),
        Err(failure) => Outcome::Bad(failure.clone().device_error("").reason()),
    }
}

/// Asks for and renews what is due of a group's subscriptions.
async fn subscribe(
    spec: &DeviceSpec,
    client: &Client,
    link: &Link,
    subscriptions: &mut [Option<Subscription>],
    members: &[usize],
    out: &mut Readings,
) -> Result<(), Failure> {
    for &i in members {
        let (point, Some(subscription)) = (&spec.points[i], &mut subscriptions[i]) else {
            continue;
        };
        let refused = match subscription.need(Instant::now()) {
            Need::Nothing => continue,
            Need::Silent => Some(("cov_silent", "no notification comes".to_owned())),
            Need::Subscribe => ask(spec, client, link, point, subscription).await?,
        };
        if let Some((code, why)) = refused {
            let text = format!(
                "{}: can't follow changes of `{}`: {why}; it is polled every {} s",
                spec.name,
                point.name,
                point.period.as_secs_f64()
            );
            out.notices.push(Notice { code, text });
        }
    }
    Ok(())
}

async fn ask(
    spec: &DeviceSpec,
    client: &Client,
    link: &Link,
    point: &PointSpec,
    subscription: &mut Subscription,
) -> Result<Option<(&'static str, String)>, Failure> {
    let cov = subscription.cov;
    let present = point.property == Property::PRESENT_VALUE;
    let mut by_property = !subscription.plain && (cov.increment.is_some() || !present);
    loop {
        let able = if by_property { link.abilities.cov_property } else { link.abilities.cov };
        let lifetime = cov.lifetime.max(Duration::from_secs(1)).as_secs();
        let request = SubscribeCov {
            process: spec.instance + 1,
            object: point.object,
            confirmed: Some(cov.confirmed),
            lifetime: Some(u32::try_from(lifetime).unwrap_or(u32::MAX)),
            property: by_property.then_some(point.property),
            #[expect(clippy::cast_possible_truncation, reason = "REAL is what the standard has")]
            increment: cov.increment.filter(|_| by_property).map(|i| i as f32),
        };
        let failure = if able {
            match client.subscribe(link.peer, &spec.timing, &request).await {
                Ok(()) => {
                    subscription.plain = cov.increment.is_some() && !by_property;
                    subscription.subscribed(Instant::now());
                    return Ok(None);
                }
                Err(failure) if failure.is_answer() => failure.to_string(),
                Err(failure) => return Err(failure),
            }
        } else {
            "the device says that it can't".to_owned()
        };
        // The object's own increment is better than none.
        if by_property && present {
            by_property = false;
            continue;
        }
        subscription.refused(Instant::now());
        return Ok(Some(("cov_refused", failure)));
    }
}
