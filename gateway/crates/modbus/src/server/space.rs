//! Where things lie in one address space.

use super::EntrySpec;
use super::request::ILLEGAL_ADDRESS;
use crate::codec::Exception;
use crate::{PlanError, Table};

/// Registers (or a bit) that are read and written as a whole.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// First address.
    pub(super) start: u16,
    /// How many.
    pub(super) width: u16,
    /// What lies here: one value, or bits that share a register; none, a quality.
    pub(super) entries: Vec<usize>,
    /// Where its words stand in the space's own.
    pub(super) at: usize,
}

/// One address space: its cells by address, and what they show.
#[derive(Debug, Default)]
pub(super) struct Space {
    pub(super) cells: Vec<Cell>,
    pub(super) words: Vec<u16>,
}

impl Space {
    /// Puts entries and their quality registers in order.
    pub(super) fn new(table: Table, entries: &[EntrySpec], errors: &mut Vec<PlanError>) -> Self {
        let mut cells: Vec<Cell> = Vec::new();
        for (i, e) in entries.iter().enumerate().filter(|(_, e)| e.table == table) {
            let shared = |c: &&mut Cell| c.start == e.address && c.width == 1;
            match cells.iter_mut().find(shared) {
                Some(cell) if may_share(cell, e, entries) => cell.entries.push(i),
                _ => {
                    let (start, width) = (e.address, e.encoding.width());
                    cells.push(Cell { start, width, entries: vec![i], at: 0 });
                }
            }
        }
        for e in entries {
            if let Some(start) = e.quality.filter(|_| quality_table(e.table) == table) {
                cells.push(Cell { start, width: 1, entries: Vec::new(), at: 0 });
            }
        }
        cells.sort_by_key(|c| c.start);
        for pair in cells.windows(2) {
            let end = u32::from(pair[0].start) + u32::from(pair[0].width);
            if end > u32::from(pair[1].start) {
                errors.push(overlap(&pair[1], &pair[0], entries));
            }
        }
        let mut at = 0;
        for cell in &mut cells {
            cell.at = at;
            at += usize::from(cell.width);
        }
        Self { cells, words: vec![0; at] }
    }

    /// The cell that begins at an address.
    pub(super) fn cell(&self, address: u16) -> Option<&Cell> {
        let at = self.cells.binary_search_by_key(&address, |c| c.start).ok()?;
        self.cells.get(at)
    }

    /// The cells that fill a range, neither more nor less.
    pub(super) fn range(&self, address: u16, count: u16) -> Result<&[Cell], Exception> {
        let first = self.cells.binary_search_by_key(&address, |c| c.start);
        let first = first.map_err(|_| ILLEGAL_ADDRESS)?;
        let end = u32::from(address) + u32::from(count);
        let mut next = u32::from(address);
        for (n, cell) in self.cells[first..].iter().enumerate() {
            if u32::from(cell.start) != next {
                break;
            }
            next += u32::from(cell.width);
            if next == end {
                return Ok(&self.cells[first..=first + n]);
            }
        }
        Err(ILLEGAL_ADDRESS)
    }

    /// What the cells of one range show.
    pub(super) fn words_of(&self, cells: &[Cell]) -> &[u16] {
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else { return &[] };
        self.words.get(first.at..last.at + usize::from(last.width)).unwrap_or(&[])
    }
}

/// Where the quality of a point lies: with the function that also reads the point's own kind.
pub(super) fn quality_table(table: Table) -> Table {
    match table {
        Table::Input | Table::Discrete => Table::Input,
        Table::Holding | Table::Coil => Table::Holding,
    }
}

fn may_share(cell: &Cell, new: &EntrySpec, entries: &[EntrySpec]) -> bool {
    let Some(mine) = new.encoding.mask() else { return false };
    cell.entries.iter().all(|&i| entries[i].encoding.mask().is_some_and(|b| b & mine == 0))
}

fn overlap(cell: &Cell, other: &Cell, entries: &[EntrySpec]) -> PlanError {
    let name = |cell: &Cell| match cell.entries.first() {
        Some(&i) => format!("`{}`", entries[i].name),
        None => "a quality register".into(),
    };
    PlanError {
        point: cell.entries.first().map(|&i| entries[i].name.clone()),
        key: if cell.entries.is_empty() { "quality" } else { "address" },
        message: format!("{} at {} lies on {}", name(cell), cell.start, name(other)),
        hint: format!(
            "the next free address is {}",
            u32::from(other.start) + u32::from(other.width)
        ),
    }
}
