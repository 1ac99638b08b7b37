//! Registers and names that a map has twice.

use super::Said;
use super::row::{Point, key};
use super::said::said;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use wellhead_modbus::Table;

/// The rows so far, by what only one of them should have.
#[derive(Default)]
pub(super) struct Rows {
    places: HashMap<(Table, u16, Option<u8>), (u64, String)>,
    names: HashMap<String, u64>,
}

impl Rows {
    /// What a point has in common with one before it that it should not. Both stay:
    /// which of them is right, a person sees.
    pub(super) fn add(&mut self, point: &Point<'_>) -> Option<Said> {
        let Point { row, id, name, table, address, bit, .. } = point;
        let named = match self.names.entry(name.clone()) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(free) => {
                free.insert(row.line);
                None
            }
        };
        match self.places.entry((*table, *address, *bit)) {
            Entry::Occupied(first) => {
                let (line, other) = first.get();
                let table = key(*table);
                let bit = bit.map_or_else(String::new, |bit| format!(".{bit}"));
                return Some(said!(
                    "{table} {address}{bit} is `{other}` of line {line} already; both are kept",
                    "{table} {address}{bit} 在第 {line} 行已是 `{other}`；两者均保留"
                ));
            }
            Entry::Vacant(free) => drop(free.insert((row.line, name.clone()))),
        }
        let line = named?;
        Some(said!(
            "`{name}` is the name of line {line} too; this one becomes `{id}`",
            "`{name}` 与第 {line} 行同名；此处记为 `{id}`"
        ))
    }
}
