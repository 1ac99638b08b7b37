//! Readings as the rules want them: a contact is believed for a while after its last good reading,
//! a process value only while it is good and not too old.

use wellhead_sdk::prelude::*;

use crate::unit::Contact;

/// Contacts of one role.
pub(crate) struct Contacts {
    list: Vec<Believed>,
}

struct Believed {
    source: Source,
    last: Option<bool>,
    age_ms: u32,
}

enum Source {
    Contact(Input<bool>),
    /// Made above so many kW.
    Power(Input<f64>, f64),
}

impl Source {
    fn read(&self, cx: &Tick<'_>) -> (Option<bool>, Duration) {
        match self {
            Self::Contact(input) => {
                let reading = cx.read(input);
                (reading.good(), reading.age())
            }
            Self::Power(input, least_kw) => {
                let reading = cx.read(input);
                (reading.good().map(|power_kw| power_kw > *least_kw), reading.age())
            }
        }
    }
}

impl Contacts {
    pub(crate) fn new(inputs: Vec<Input<bool>>) -> Self {
        Self::of(inputs.into_iter().map(Source::Contact))
    }

    /// Contacts, and for what has none its electric power.
    pub(crate) fn or_power(contacts: Vec<Input<bool>>, power: Vec<Input<f64>>, kw: f64) -> Self {
        let rest = power.into_iter().skip(contacts.len()).map(|input| Source::Power(input, kw));
        Self::of(contacts.into_iter().map(Source::Contact).chain(rest))
    }

    fn of(sources: impl Iterator<Item = Source>) -> Self {
        let believed = |source| Believed { source, last: None, age_ms: 0 };
        Self { list: sources.map(believed).collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Takes in what was read. One lost telegram is not a lost proof: the last good reading counts
    /// until it is older than `age_max_ms`.
    pub(crate) fn read(&mut self, cx: &Tick<'_>, age_max_ms: u32, dt_ms: u32) {
        for contact in &mut self.list {
            let (value, age) = contact.source.read(cx);
            if value.is_some() {
                contact.last = value;
                contact.age_ms = u32::try_from(millis(age)).unwrap_or(u32::MAX);
            } else {
                contact.age_ms = contact.age_ms.saturating_add(dt_ms);
            }
            if contact.age_ms > age_max_ms {
                contact.last = None;
            }
        }
    }

    pub(crate) fn get(&self, index: usize) -> Contact {
        match self.list.get(index).map(|contact| contact.last) {
            None => Contact::Absent,
            Some(None) => Contact::Unknown,
            Some(Some(false)) => Contact::Off,
            Some(Some(true)) => Contact::On,
        }
    }

    /// How many call, if there are any at all. One that cannot be read calls: heat too much costs
    /// less than a building frozen for want of a wire.
    pub(crate) fn calling(&self) -> Option<u8> {
        let calling = self.list.iter().filter(|contact| contact.last != Some(false)).count();
        (!self.list.is_empty()).then(|| u8::try_from(calling).unwrap_or(u8::MAX))
    }
}

/// A process value.
pub(crate) struct Value {
    input: Input<f64>,
}

impl Value {
    pub(crate) fn new(input: Input<f64>) -> Self {
        Self { input }
    }

    pub(crate) fn read(&self, cx: &Tick<'_>, age_max: Duration) -> Option<f64> {
        cx.read(&self.input).fresh(age_max)
    }
}
