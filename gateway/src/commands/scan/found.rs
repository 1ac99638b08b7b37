//! What a scan found, in terms of a site file: the same for every protocol.

use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// Keys of a table in a site file, in the order in which they are written.
pub(super) type Keys = Vec<(&'static str, toml::Value)>;

/// What a scan came to.
pub(super) struct Found {
    /// The command's own word: `bacnet`.
    pub(super) protocol: &'static str,
    /// Id of the line in a site file.
    pub(super) line: &'static str,
    /// The line's keys.
    pub(super) line_keys: Keys,
    pub(super) devices: Vec<Device>,
    /// What was heard and could not be understood, and other trouble of the line as a whole.
    pub(super) unclear: Vec<String>,
}

/// A device that answered.
#[derive(Default)]
pub(super) struct Device {
    /// Where it is, for people.
    pub(super) place: String,
    /// What it calls itself.
    pub(super) name: Option<String>,
    /// Maker and model, or what else it says it is.
    pub(super) model: Option<String>,
    /// What its id is made of if its name can't be.
    pub(super) number: String,
    /// How a site file reaches it.
    pub(super) keys: Keys,
    /// Remarks for the one who edits the file.
    pub(super) hints: Vec<String>,
    pub(super) points: Vec<Point>,
    /// Why it could not be read, or not all of it.
    pub(super) problem: Option<String>,
}

/// A value of a device.
#[derive(Default)]
pub(super) struct Point {
    /// The key of its address: `object`, `record`, `sensor`.
    pub(super) key: &'static str,
    pub(super) address: Address,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    /// Its value now, or why there is none.
    pub(super) value: Option<Result<Json, String>>,
    /// Its unit, as the device's protocol calls it.
    pub(super) unit: Option<String>,
    /// What its id is made of if its name can't be.
    pub(super) number: String,
    /// Keys besides its address.
    pub(super) keys: Keys,
    /// Remarks for the one who edits the file.
    pub(super) hints: Vec<String>,
    /// The gateway can't read it as it stands.
    pub(super) unread: bool,
    /// It takes commands, as far as reading tells.
    pub(super) writable: bool,
}

/// A text, or the number of a register.
pub(super) enum Address {
    Text(String),
    Register(u16),
}

impl Default for Address {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Address {
    pub(super) fn toml(&self) -> toml::Value {
        match self {
            Address::Text(text) => toml::Value::String(text.clone()),
            Address::Register(n) => toml::Value::Integer(i64::from(*n)),
        }
    }
}

/// A text as a value of a key.
pub(super) fn text(text: impl ToString) -> toml::Value {
    toml::Value::String(text.to_string())
}

impl Found {
    /// Whether something answered, and all of it was understood.
    pub(super) fn is_whole(&self) -> bool {
        !self.devices.is_empty()
            && self.unclear.is_empty()
            && self.devices.iter().all(|d| d.problem.is_none())
    }

    pub(super) fn json(&self) -> Json {
        let devices: Vec<Json> = self.devices.iter().map(Device::json).collect();
        json!({ "protocol": self.protocol, "devices": devices, "unclear": self.unclear })
    }
}

impl Device {
    /// Whether a site file can have it.
    pub(super) fn is_readable(&self) -> bool {
        self.points.iter().any(|p| !p.unread)
    }

    fn json(&self) -> Json {
        let points: Vec<Json> = self.points.iter().map(Point::json).collect();
        let keys: serde_json::Map<String, Json> =
            self.keys.iter().map(|(key, value)| ((*key).into(), json!(value))).collect();
        json!({
            "place": self.place,
            "name": self.name,
            "model": self.model,
            "keys": keys,
            "problem": self.problem,
            "points": points,
        })
    }
}

impl Point {
    /// The address as the table shows it.
    pub(super) fn place(&self) -> String {
        match &self.address {
            Address::Text(text) => text.clone(),
            Address::Register(n) => format!("{} {n}", self.key),
        }
    }

    /// Its value for people; a dash without one.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            None => "–".into(),
            Some(Ok(Json::String(text))) => text.clone(),
            Some(Ok(value)) => value.to_string(),
            Some(Err(why)) => format!("– ({why})"),
        }
    }

    fn json(&self) -> Json {
        let (value, problem) = match &self.value {
            Some(Ok(value)) => (value.clone(), None),
            Some(Err(why)) => (Json::Null, Some(why)),
            None => (Json::Null, None),
        };
        let address = match &self.address {
            Address::Text(text) => json!(text),
            Address::Register(n) => json!(n),
        };
        json!({
            self.key: address,
            "name": self.name,
            "description": self.description,
            "value": value,
            "unit": self.unit,
            "problem": problem,
            "writable": self.writable,
        })
    }
}

/// Ids that were given, so that none is given twice.
#[derive(Default)]
pub(super) struct Ids(BTreeSet<String>);

impl Ids {
    /// An id of the letters and digits of the first of these names that is in ASCII letters, or of
    /// the number: a few letters in a Chinese name are rarely what a thing is called.
    pub(super) fn give(&mut self, names: &[Option<&str>], number: &str, between: char) -> String {
        let foreign = |c: char| c.is_alphabetic() && !c.is_ascii();
        let telling = |name: &str| {
            let id = (!name.contains(foreign)).then(|| plain(name, between));
            id.filter(|id| id.bytes().any(|b| b.is_ascii_lowercase()))
        };
        let first = names.iter().flatten().find_map(|name| telling(name));
        let first = first.unwrap_or_else(|| plain(number, between));
        let mut id = first.clone();
        let mut n = 1;
        while !self.0.insert(id.clone()) {
            n += 1;
            id = format!("{first}{between}{n}");
        }
        id
    }
}

fn plain(name: &str, between: char) -> String {
    /// Short enough for a number behind it.
    const LEN_MAX: usize = 48;
    let mut id = String::new();
    for c in name.chars().take(LEN_MAX) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => id.push(c),
            _ if id.is_empty() || id.ends_with(between) => {}
            _ => id.push(between),
        }
    }
    id.trim_end_matches(between).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wellhead_model::PointId;

    #[test]
    fn ids_are_the_names_letters_or_the_number_and_never_given_twice() {
        let mut ids = Ids::default();
        let mut give = |name: &str| {
            let id = ids.give(&[Some(name), None], "analog-input:3", '_');
            assert!(PointId::new(&id).is_ok(), "{id}");
            id
        };
        assert_eq!(give("AHU-1.Supply Temp"), "ahu_1_supply_temp");
        assert_eq!(give("Flow m³/h"), "flow_m_h");
        assert_eq!(give("供水温度"), "analog_input_3");
        assert_eq!(give("运行 mode"), "analog_input_3_2");
        assert_eq!(give("ahu 1 supply temp"), "ahu_1_supply_temp_2");
        assert_eq!(give("Wärme"), "analog_input_3_3");
        assert_eq!(give("42"), "analog_input_3_4");
        assert!(give(&"a".repeat(200)).len() <= 64);
        let described = ids.give(&[Some("供水温度"), Some("Supply temp.")], "analog-input:3", '_');
        assert_eq!(described, "supply_temp", "the description says it in ASCII");
    }
}
