//! Between a plugin's roles and the site's points: readings go in with the role's unit and words,
//! writes come out with the point's. Knows no bus and no time, so that `simulate` goes the same
//! way as the gateway.

use crate::config::{self, Fit};
use std::time::Duration;
use wellhead_control::{Held, OutputId, Slot};
use wellhead_model::{Quality, Reason, Value};
use wellhead_plugin_host::{Holder, Reading, Seen};

/// What one call of a plugin sees: its bindings in order, frozen.
#[derive(Debug, Default)]
pub struct View(Seen);

impl View {
    /// Nothing to see yet, for as many bindings.
    pub fn new(bindings: usize) -> Self {
        let unread =
            Reading { value: None, quality: Quality::Bad(Reason::NotPolled), age: Duration::ZERO };
        Self(Seen { readings: vec![unread; bindings], holders: vec![Holder::Nobody; bindings] })
    }

    /// What a binding's point shows, in the point's unit.
    pub fn show(
        &mut self,
        binding: usize,
        fit: &Fit,
        value: Option<&Value>,
        quality: Quality,
        age: Duration,
    ) {
        let Some(reading) = self.0.readings.get_mut(binding) else { return };
        let seen = value.filter(|_| quality.has_value()).and_then(|v| fit.to_role(v));
        // A state that the role has no word for is no value, whatever the device thinks of it.
        let quality = match (&seen, quality.has_value()) {
            (None, true) => Quality::Bad(Reason::UnknownState),
            _ => quality,
        };
        *reading = Reading { value: seen, quality, age };
    }

    /// What was recorded of a call.
    pub fn recorded(readings: Vec<Reading>, holders: Vec<Holder>) -> Self {
        Self(Seen { readings, holders })
    }

    /// To be lent to a plugin.
    pub fn seen(&mut self) -> &mut Seen {
        &mut self.0
    }

    /// By binding.
    pub fn readings(&self) -> &[Reading] {
        &self.0.readings
    }

    /// By binding.
    pub fn holders(&self) -> &[Holder] {
        &self.0.holders
    }

    /// Who decides a binding's output.
    pub fn hold(&mut self, binding: usize, holder: Holder) {
        if let Some(held) = self.0.holders.get_mut(binding) {
            *held = holder;
        }
    }
}

/// Who decides an output, as the plugin `me` is to see it.
pub fn holder(control: &wellhead_control::Control, output: OutputId, me: &str) -> Holder {
    use wellhead_control::Holder as Decides;
    match control.holder(output) {
        Decides::Nobody => Holder::Nobody,
        Decides::Writer { source, .. } if source == me => Holder::ThisPlugin,
        Decides::Writer { slot, source } if slot < Slot::MINIMUM_TIME => {
            Holder::Protection(source.into())
        }
        Decides::Writer { slot: Slot::OPERATOR | Slot::REMOTE, .. } => Holder::Operator,
        Decides::Writer { source, .. } => Holder::Other(source.into()),
        Decides::Held(Held::Local | Held::LocalUnknown | Held::Returning) => Holder::Local,
        Decides::Held(Held::Interlock(id)) => Holder::Protection(control.interlock_name(id)),
        Decides::Held(held) => Holder::Protection(held.code().into()),
    }
}

/// What the site decides of a plugin, as its host wants it, with nothing saved.
pub fn setup(plugin: &config::Plugin, zone: &jiff::tz::TimeZone) -> wellhead_plugin_host::Setup {
    wellhead_plugin_host::Setup {
        bindings: bindings(plugin),
        settings: plugin.settings.clone(),
        zone: zone.clone(),
        saved: None,
        kv: Default::default(),
    }
}

fn bindings(plugin: &config::Plugin) -> Vec<wellhead_plugin_host::Binding> {
    let one = |b: &config::Binding| wellhead_plugin_host::Binding {
        role: b.role.clone(),
        index: b.index,
        granted: b.output,
    };
    plugin.bindings.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wellhead_model::Unit;

    #[test]
    fn a_plugin_sees_its_own_unit_and_never_a_value_that_is_not_believed() {
        let unit = |u| Unit::parse(u).unwrap();
        let fit = Fit::Units(unit("°F"), unit("°C"));
        let mut view = View::new(2);
        assert_eq!(view.readings()[0].quality, Quality::Bad(Reason::NotPolled));
        let age = Duration::from_secs(3);
        view.show(0, &fit, Some(&Value::Int(212)), Quality::Good, age);
        let reading = view.readings()[0].clone();
        assert_eq!(
            (reading.value, reading.quality, reading.age),
            (Value::float(100.0), Quality::Good, age)
        );
        view.show(0, &fit, Some(&Value::Int(212)), Quality::Stale(Reason::Aged), age);
        assert_eq!(view.readings()[0].value, None);
        let switch = Fit::Switch(["off".into(), "on".into()]);
        view.show(1, &switch, Some(&Value::Text("hand".into())), Quality::Good, age);
        assert_eq!(view.readings()[1].quality, Quality::Bad(Reason::UnknownState));
    }
}
