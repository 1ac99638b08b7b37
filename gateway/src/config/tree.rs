//! A configuration as written: a tree in which every key remembers where it stands.
//!
//! Files of one folder merge into one tree, and a profile merges under the devices that name it,
//! so that later checks look up one path and find the place of the text that decided.

use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Where a key and its value stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Position in the report's list of sources.
    pub(super) file: usize,
    /// Bytes of the key; of the header for a table.
    pub(super) key: Range<usize>,
    /// Bytes of the value.
    pub(super) value: Range<usize>,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) data: Data,
}

/// What TOML can hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Text(String),
    Int(i64),
    /// A whole number beyond 64 bits, as written.
    HugeInt(String),
    Float(f64),
    Bool(bool),
    Date,
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    /// Was wrong, has been told, and is treated as "given, but unknown" from then on.
    Cut,
}

/// A mistake in the syntax: the bytes and the parser's words.
pub(super) type SyntaxError = (Range<usize>, String);

/// Deepest nesting by dotted keys that is read. The parser itself bounds brackets only.
const DEPTH_MAX: usize = 64;

/// Reads TOML as far as it goes.
pub(super) fn parse(text: &str, file: usize) -> (Node, Vec<SyntaxError>) {
    if let Some(at) = too_deep(text) {
        let place = Place { file, ..Place::default() };
        let message = format!("a key with more than {DEPTH_MAX} parts");
        return (Node { place, data: Data::Cut }, vec![(at, message)]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let errors =
        errors.into_iter().map(|e| (e.span().unwrap_or(0..0), e.message().to_owned())).collect();
    let span = table.span();
    let data = Data::Table(entries(table.into_inner(), file));
    (Node { place: Place { file, key: 0..0, value: span }, data }, errors)
}

/// Finds a run of dots that could only be a very long key, or a text nobody needs.
fn too_deep(text: &str) -> Option<Range<usize>> {
    let (mut dots, mut start) = (0, 0);
    for (i, c) in text.bytes().enumerate() {
        match c {
            b'.' => dots += 1,
            b'\n' | b'=' | b',' | b'{' | b'#' => (dots, start) = (0, i + 1),
            _ => {}
        }
        if dots > DEPTH_MAX {
            return Some(start..i);
        }
    }
    None
}

fn entries(table: DeTable<'_>, file: usize) -> BTreeMap<String, Node> {
    table
        .into_iter()
        .map(|(key, value)| {
            let key_span = key.span();
            let value_span = value.span();
            let place = Place { file, key: key_span, value: value_span };
            (key.into_inner().into_owned(), node(value.into_inner(), place))
        })
        .collect()
}

fn node(value: DeValue<'_>, place: Place) -> Node {
    let data = match value {
        DeValue::Table(table) => Data::Table(entries(table, place.file)),
        // What the parser put in where it found nothing; it has told so.
        _ if place.value.is_empty() => Data::Cut,
        DeValue::String(s) => Data::Text(s.into_owned()),
        DeValue::Integer(i) => match i64::from_str_radix(i.as_str(), i.radix()) {
            Ok(n) => Data::Int(n),
            Err(_) => Data::HugeInt(i.as_str().to_owned()),
        },
        DeValue::Float(f) => Data::Float(f.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Data::Bool(b),
        DeValue::Datetime(_) => Data::Date,
        DeValue::Array(list) => Data::List(
            list.into_iter()
                .map(|item| {
                    let span = item.span();
                    let place = Place { file: place.file, key: span.clone(), value: span };
                    node(item.into_inner(), place)
                })
                .collect(),
        ),
    };
    Node { place, data }
}

impl Node {
    /// The entry of a table, also if it was cut.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.table().and_then(|t| t.get(key))
    }

    /// The entries, if this is a table.
    pub(super) fn table(&self) -> Option<&BTreeMap<String, Node>> {
        match &self.data {
            Data::Table(t) => Some(t),
            _ => None,
        }
    }

    /// Whether this was wrong and told.
    pub(super) fn is_cut(&self) -> bool {
        self.data == Data::Cut
    }

    /// As a plain value for deserialising, without what was cut.
    pub(super) fn plain(&self) -> Option<toml::Value> {
        Some(match &self.data {
            Data::Text(s) => toml::Value::String(s.clone()),
            Data::Int(i) => toml::Value::Integer(*i),
            Data::Float(f) => toml::Value::Float(*f),
            Data::Bool(b) => toml::Value::Boolean(*b),
            Data::List(l) => toml::Value::Array(l.iter().filter_map(Node::plain).collect()),
            Data::Table(t) => toml::Value::Table(
                t.iter().filter_map(|(k, n)| Some((k.clone(), n.plain()?))).collect(),
            ),
            Data::HugeInt(_) | Data::Date | Data::Cut => return None,
        })
    }
}

/// Adds the files of one site to each other. `clash` is told of keys that two files give:
/// their path, and both places.
pub(super) fn join(
    into: &mut Node,
    from: Node,
    path: &mut Vec<String>,
    clash: &mut impl FnMut(String, &Node, &Node),
) {
    let Data::Table(new) = from.data else { return };
    let Data::Table(old) = &mut into.data else {
        into.data = Data::Table(new);
        return;
    };
    for (key, value) in new {
        path.push(key.clone());
        match old.get_mut(&key) {
            None => drop(old.insert(key, value)),
            // Only the tables of tables are shared between files: one device, one file.
            Some(there) if path.len() == 1 && SHARED.contains(&key.as_str()) => {
                join(there, value, path, clash);
            }
            Some(there) => clash(path.join("."), &value, there),
        }
        path.pop();
    }
}

/// The tables by id to which every file of a folder may add.
const SHARED: [&str; 4] = ["line", "device", "uplink", "plugin"];

/// Keys of which one point has at most one; giving one takes the profile's other away.
const EXCLUSIVE: [&[&str]; 2] = [&["holding", "input", "coil", "discrete"], &["bit", "bits"]];

/// Lays `over` on `base`, key by key: what a device says on what its profile says.
pub(super) fn overlay(base: &Node, over: &Node) -> Node {
    let (Data::Table(b), Data::Table(o)) = (&base.data, &over.data) else { return over.clone() };
    let mut merged = b.clone();
    for group in EXCLUSIVE {
        if group.iter().any(|k| o.contains_key(*k)) {
            merged.retain(|k, _| !group.contains(&k.as_str()));
        }
    }
    for (key, value) in o {
        let value = match merged.get(key) {
            // Names of states are one thing: half of the old ones with half of the new mislead.
            Some(under) if key != "states" => overlay(under, value),
            _ => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    Node { place: over.place.clone(), data: Data::Table(merged) }
}
