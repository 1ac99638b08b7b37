//! What stands around one instance: its memory cap and the state its calls to the host work on.

use crate::effects::{ALARMS_MAX, AlarmChange, Effects, KvChange, Publication, Write, put};
use crate::engine::{Engine, cpu_time};
use crate::instance::{Binding, Seen};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wellhead_manifest::{Direction, Manifest, Shape};

/// Longest key of the plugin's store, in bytes.
pub(crate) const KEY_LEN_MAX: usize = 64;
/// Longest value of the plugin's store, in bytes.
pub(crate) const KV_VALUE_LEN_MAX: usize = 64 << 10;
/// Most keys of the plugin's store.
pub(crate) const KEYS_MAX: usize = 64;
/// Most that all values of the plugin's store take together, in bytes.
pub(crate) const KV_LEN_MAX: usize = 256 << 10;

/// Most elements of a table of functions: far more than a plugin of 4 MiB can fill with sense.
const TABLE_LEN_MAX: usize = 20_000;

/// Most that a plugin may hand over in one call, in bytes.
const HANDED_OVER_LEN_MAX: usize = 1 << 20;

/// The host's side of one instance.
pub(crate) struct Sandbox {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) bound: Vec<Bound>,
    pub(crate) zone: TimeZone,
    /// What the present call sees; nothing between two calls.
    pub(crate) seen: Seen,
    /// What the present call has asked for so far.
    pub(crate) asked: Effects,
    /// What it asked of its outputs, by binding.
    writes: Vec<Option<Write>>,
    /// What it shows; by value of the manifest.
    pub(crate) shown: Vec<Option<Publication>>,
    kv: BTreeMap<String, Vec<u8>>,
    alarms: BTreeSet<String>,
    pub(crate) memory: MemoryCap,
    /// How long the present call may compute.
    length: Duration,
    /// Until when, by [`cpu_time`]; none before somebody looked at the clock.
    deadline: Option<Duration>,
}

/// A binding with what the manifest says of its role.
pub(crate) struct Bound {
    pub(crate) binding: Binding,
    /// Position in the manifest's roles.
    pub(crate) role: usize,
    pub(crate) direction: Direction,
    pub(crate) shape: Shape,
}

/// Set as the error of a call that ran too long.
#[derive(Debug, thiserror::Error)]
#[error("it was still computing when its time was over")]
pub(crate) struct TimeIsOver;

impl Sandbox {
    pub(crate) fn new(
        manifest: Arc<Manifest>,
        bound: Vec<Bound>,
        zone: TimeZone,
        kv: BTreeMap<String, Vec<u8>>,
    ) -> Self {
        let shown = vec![None; manifest.values.len()];
        let writes = vec![None; bound.len()];
        let memory_max = usize::try_from(manifest.limits.memory).unwrap_or(usize::MAX);
        Self {
            manifest,
            bound,
            zone,
            seen: Seen::default(),
            asked: Effects::default(),
            writes,
            shown,
            kv,
            alarms: BTreeSet::new(),
            memory: MemoryCap { max: memory_max, used: 0, refused: false },
            length: Duration::ZERO,
            deadline: None,
        }
    }

    /// A store around it, with all limits set.
    pub(crate) fn into_store(self, engine: &Engine) -> Store<Sandbox> {
        let mut store = Store::new(engine.wasmtime(), self);
        store.limiter(|s| &mut s.memory);
        store.set_hostcall_fuel(HANDED_OVER_LEN_MAX);
        store.epoch_deadline_callback(|mut cx| {
            let now = cpu_time();
            let sandbox = cx.data_mut();
            // A call that is not metered has as long again from this first look.
            let deadline = *sandbox.deadline.get_or_insert(now + sandbox.length);
            let left = deadline.saturating_sub(now);
            if left.is_zero() {
                Err(TimeIsOver.into())
            } else {
                Ok(UpdateDeadline::Continue(Engine::beats(left)))
            }
        });
        store
    }

    /// Gets ready for a call of at most `length`.
    pub(crate) fn begin(&mut self, started: Option<Duration>, length: Duration) {
        self.length = length;
        self.deadline = started.map(|started| started + length);
        self.asked = Effects::default();
        self.memory.refused = false;
    }

    /// The call ended well: what it asked for holds from now on.
    pub(crate) fn commit(&mut self) -> Effects {
        let effects = std::mem::take(&mut self.asked);
        for write in &effects.writes {
            if let Some(standing) = self.writes.get_mut(write.binding) {
                *standing = write.value.is_some().then(|| write.clone());
            }
        }
        for publication in &effects.values {
            if let Some(shown) = self.shown.get_mut(publication.value) {
                *shown = Some(publication.clone());
            }
        }
        for KvChange { key, value } in &effects.kv {
            match value {
                Some(value) => self.kv.insert(key.clone(), value.clone()),
                None => self.kv.remove(key),
            };
        }
        for change in &effects.alarms {
            match change {
                AlarmChange::Raised { code, .. } => self.alarms.insert(code.clone()),
                AlarmChange::Cleared { code } => self.alarms.remove(code),
            };
        }
        effects
    }

    /// What the plugin asks of an output as of this moment of the call.
    pub(crate) fn standing(&self, binding: usize) -> Option<Write> {
        let asked = self.asked.writes.iter().find(|write| write.binding == binding);
        let write = asked.or(self.writes.get(binding)?.as_ref())?;
        write.value.is_some().then(|| write.clone())
    }

    pub(crate) fn kv_get(&self, key: &str) -> Option<Vec<u8>> {
        match self.asked.kv.iter().find(|c| c.key == key) {
            Some(change) => change.value.clone(),
            None => self.kv.get(key).cloned(),
        }
    }

    pub(crate) fn kv_set(&mut self, key: String, value: Vec<u8>) -> Result<(), String> {
        if key.is_empty() || key.len() > KEY_LEN_MAX {
            return Err(format!("a key has 1 to {KEY_LEN_MAX} bytes, not {}", key.len()));
        }
        if value.len() > KV_VALUE_LEN_MAX {
            return Err(format!(
                "a value has at most {KV_VALUE_LEN_MAX} bytes, not {}",
                value.len()
            ));
        }
        let known = self.kv.contains_key(&key) || self.asked.kv.iter().any(|c| c.key == key);
        // Keys that this call deletes still count, so that the store is within its bounds whatever
        // the order of changes.
        let new = self.asked.kv.iter().filter(|c| !self.kv.contains_key(&c.key)).count();
        if !known && self.kv.len() + new >= KEYS_MAX {
            return Err(format!("the store has {KEYS_MAX} keys at most; delete one first"));
        }
        // What this call deletes or replaces still counts here too.
        let asked = self.asked.kv.iter().filter(|c| c.key != key).filter_map(|c| c.value.as_ref());
        let kept = self.kv.iter().filter(|(k, _)| **k != key).map(|(_, v)| v);
        let len = kept.chain(asked).map(Vec::len).sum::<usize>() + value.len();
        if len > KV_LEN_MAX {
            return Err(format!(
                "the store holds {KV_LEN_MAX} bytes at most; this would make {len}"
            ));
        }
        let change = KvChange { key, value: Some(value) };
        self.kv_change(change);
        Ok(())
    }

    pub(crate) fn kv_delete(&mut self, key: String) {
        if self.kv.contains_key(&key) || self.asked.kv.iter().any(|c| c.key == key) {
            self.kv_change(KvChange { key, value: None });
        }
    }

    fn kv_change(&mut self, change: KvChange) {
        let key = change.key.clone();
        put(&mut self.asked.kv, change, |old| old.key == key);
    }

    /// Keeps a change of an alarm; false if there are too many.
    pub(crate) fn alarm_change(&mut self, change: AlarmChange) -> bool {
        let code = change.code();
        let known = self.asked.alarms.iter().any(|c| c.code() == code);
        let new = self.asked.alarms.iter().filter(|c| !self.alarms.contains(c.code())).count();
        let raises = matches!(change, AlarmChange::Raised { .. }) && !self.alarms.contains(code);
        if !known
            && (self.asked.alarms.len() == ALARMS_MAX
                || (raises && self.alarms.len() + new >= ALARMS_MAX))
        {
            return false;
        }
        let code = code.to_owned();
        put(&mut self.asked.alarms, change, |old| old.code() == code);
        true
    }
}

/// Holds an instance's memories and tables within bounds.
pub(crate) struct MemoryCap {
    /// Bytes.
    pub(crate) max: usize,
    /// Bytes of linear memory, over all memories.
    pub(crate) used: usize,
    /// Whether more was asked for than there is. What follows is most often a trap.
    pub(crate) refused: bool,
}

impl ResourceLimiter for MemoryCap {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > self.max {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_LEN_MAX)
    }

    // A component of one core module has up to two more instances and tables, its adapters.
    fn instances(&self) -> usize {
        8
    }

    fn tables(&self) -> usize {
        4
    }

    fn memories(&self) -> usize {
        2
    }
}
