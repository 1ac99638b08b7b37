//! The sixteen priorities of an output.

use std::sync::Arc;
use wellhead_model::{Mono, Value};

/// A priority: 1 is the highest, 16 the lowest. The numbers are those of BACnet (ASHRAE 135,
/// clause 19.2), the meaning of the free ones is this gateway's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u8);

/// A number that is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no slot {0}; slots are 1 (first) to 16 (last)")]
pub struct SlotError(pub u64);

impl Slot {
    /// A person makes the plant safe, past every minimum time.
    pub const MANUAL_SAFETY: Slot = Slot(1);
    /// Automatic life safety.
    pub const AUTOMATIC_SAFETY: Slot = Slot(2);
    /// Protection of equipment.
    pub const PROTECTION: Slot = Slot(5);
    /// Minimum on and off times. Control's own: nobody else can write it.
    pub const MINIMUM_TIME: Slot = Slot(6);
    /// A person at the box: `wellhead write`.
    pub const OPERATOR: Slot = Slot(8);
    /// A command over MQTT.
    pub const REMOTE: Slot = Slot(10);
    /// Plugins.
    pub const PLUGIN: Slot = Slot(14);
    /// The last.
    pub const LOWEST: Slot = Slot(16);

    /// The slot of this number.
    ///
    /// # Errors
    /// If it is not 1 to 16.
    pub fn new(number: u64) -> Result<Self, SlotError> {
        match u8::try_from(number) {
            Ok(n @ 1..=16) => Ok(Slot(n)),
            _ => Err(SlotError(number)),
        }
    }

    /// Its number, 1 to 16.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its name for people, in English.
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "manual life safety",
            2 => "automatic life safety",
            5 => "protection",
            6 => "minimum on/off time",
            8 => "operator",
            10 => "remote command",
            14 => "plugins",
            16 => "lowest",
            _ => "free",
        }
    }

    /// Its name for people, in Chinese.
    pub fn name_zh(self) -> &'static str {
        match self.0 {
            1 => "人工生命安全",
            2 => "自动生命安全",
            5 => "设备保护",
            6 => "最短启停时间",
            8 => "操作员",
            10 => "远程命令",
            14 => "插件",
            16 => "最低",
            _ => "空闲",
        }
    }

    /// Whether it may move an output to safe inside its minimum times.
    pub(crate) fn protects(self) -> bool {
        self < Slot::MINIMUM_TIME
    }
}

/// What a writer put into a slot.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) source: Arc<str>,
    /// Changes with every renewal; its room is reused.
    pub(crate) why: String,
    pub(crate) value: Value,
    pub(crate) expires: Mono,
    /// A command of its own, which its sender answers for in the audit trail.
    pub(crate) once: bool,
    /// What stood here before, until it is known how the command ended.
    pub(crate) before: Option<Box<Claim>>,
}

impl Claim {
    fn is_of(&self, source: &str, why: &str) -> bool {
        *self.source == *source && self.why == why
    }

    /// It and what it displaced, newest first.
    fn find_mut(&mut self, source: &str, why: &str) -> Option<&mut Claim> {
        if self.is_of(source, why) {
            return Some(self);
        }
        self.before.as_deref_mut()?.find_mut(source, why)
    }

    /// Takes a displaced one out; those before it move up.
    fn take_before(&mut self, gone: &impl Fn(&Claim) -> bool) {
        while let Some(before) = self.before.take_if(|before| gone(before)) {
            self.before = before.before;
        }
        if let Some(before) = &mut self.before {
            before.take_before(gone);
        }
    }

    /// It stands again, and what becomes of it is for the audit trail to say.
    fn returned(self) -> Self {
        Self { once: false, ..self }
    }
}

/// The slots of one output that are not empty, the first first: one or two of the sixteen.
#[derive(Debug, Default)]
pub(crate) struct Slots(Vec<(Slot, Claim)>);

impl Slots {
    /// Where a slot is, or would be.
    fn place(&self, slot: Slot) -> Result<usize, usize> {
        self.0.binary_search_by_key(&slot, |(s, _)| *s)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Claim> {
        self.place(slot).ok().map(|i| &self.0[i].1)
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Claim> {
        self.place(slot).ok().map(|i| &mut self.0[i].1)
    }

    /// Puts a claim into a slot, in place of what is there.
    pub(crate) fn put(&mut self, slot: Slot, claim: Claim) {
        match self.place(slot) {
            Ok(i) => self.0[i].1 = claim,
            Err(i) => self.0.insert(i, (slot, claim)),
        }
    }

    /// Empties a slot.
    pub(crate) fn take(&mut self, slot: Slot) -> Option<Claim> {
        self.place(slot).ok().map(|i| self.0.remove(i).1)
    }

    /// The lowest number that is not empty.
    pub(crate) fn winner(&self) -> Option<(Slot, &Claim)> {
        self.iter().next()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Claim)> {
        self.0.iter().map(|(slot, claim)| (*slot, claim))
    }

    /// Takes the first claim that `gone` says yes to; what it displaced returns.
    pub(crate) fn take_if(&mut self, gone: impl Fn(&Claim) -> bool) -> Option<(Slot, Claim)> {
        let i = self.0.iter_mut().position(|(_, claim)| {
            claim.take_before(&gone);
            gone(claim)
        })?;
        Some((self.0[i].0, self.remove(i)))
    }

    /// Takes a claim out; what it displaced returns.
    fn remove(&mut self, i: usize) -> Claim {
        match self.0[i].1.before.take() {
            Some(before) => std::mem::replace(&mut self.0[i].1, before.returned()),
            None => self.0.remove(i).1,
        }
    }

    /// A command is done: what it displaced does not return.
    pub(crate) fn confirm(&mut self, slot: Slot, source: &str, why: &str) {
        let claim = self.get_mut(slot).and_then(|c| c.find_mut(source, why));
        if let Some(claim) = claim {
            claim.before = None;
        }
    }

    /// A command failed: what it displaced returns. Gives the command's claim if it stood.
    pub(crate) fn withdraw(&mut self, slot: Slot, source: &str, why: &str) -> Option<Claim> {
        let i = self.place(slot).ok()?;
        let claim = &mut self.0[i].1;
        claim.take_before(&|c| c.is_of(source, why));
        claim.is_of(source, why).then(|| self.remove(i))
    }

    /// When the first of them lapses.
    pub(crate) fn first_expiry(&self) -> Option<Mono> {
        self.iter().map(|(_, claim)| claim.expires).min()
    }
}
