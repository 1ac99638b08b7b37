//! What others see of the outputs: who decides each, what stands in its slots.

use super::{Control, Slot, lock};
use std::sync::Arc;
use wellhead_control::{Count, Held, OutputId, OutputSetup};
use wellhead_model::Value;

/// Who decides an output at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Nobody: it is at its safe value, or was never touched.
    Nobody,
    /// A writer.
    Writer {
        /// Its slot.
        slot: Slot,
        /// Its name.
        source: String,
    },
    /// A person at the device.
    Local,
    /// An interlock, by its name.
    Interlock(String),
    /// Another rule, by its word: `minimum_off`, `restart_delay` …
    Rule(&'static str),
}

impl Control {
    /// What stands in the sixteen slots of an output, and whose it is; nothing where there is no
    /// such output.
    pub fn slots(&self, point: &str) -> [Option<(Arc<str>, Value)>; 16] {
        let core = lock(&self.core);
        let mut slots = [const { None }; 16];
        let Ok(output) = self.output(&core, point) else { return slots };
        for (slot, source, value) in core.judge.claims(output) {
            if let Some(place) = slots.get_mut(usize::from(slot.number()) - 1) {
                *place = Some((Arc::from(source), value.clone()));
            }
        }
        slots
    }

    /// Who decides an output, as the plugin `me` is to see it; `None` if it is no output.
    pub fn seen_by(&self, point: &str, me: &str) -> Option<wellhead_plugin_host::Holder> {
        let core = lock(&self.core);
        let output = self.output(&core, point).ok()?;
        Some(crate::plugins::holder(&core.judge, output, me))
    }

    /// Who decides an output at present; `None` if it is no output.
    pub fn holder(&self, point: &str) -> Option<Holder> {
        let core = lock(&self.core);
        let output = self.output(&core, point).ok()?;
        Some(match core.judge.holder(output) {
            wellhead_control::Holder::Nobody => Holder::Nobody,
            wellhead_control::Holder::Writer { slot, source } => {
                Holder::Writer { slot, source: source.to_owned() }
            }
            wellhead_control::Holder::Held(Held::Local) => Holder::Local,
            wellhead_control::Holder::Held(Held::Interlock(id)) => {
                Holder::Interlock(core.judge.interlock_name(id).to_string())
            }
            wellhead_control::Holder::Held(held) => Holder::Rule(held.code()),
        })
    }

    /// What each output had since the start, by name.
    pub fn counts(&self) -> Vec<(String, Count)> {
        let core = lock(&self.core);
        let count = |(i, o): (u32, &OutputSetup)| (o.name(), core.judge.count(OutputId(i)));
        (0u32..).zip(&core.judge.setup().outputs).map(count).collect()
    }
}
