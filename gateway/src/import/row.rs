//! From one row to a point.

use super::Said;
use super::columns::{Column, Columns};
use super::profile::{Numbering, Settings};
use super::said::said;
use super::sheet::Row;
use super::words::{self, Address, Kind};
use wellhead_modbus::Table;
use wellhead_model::Unit;

/// A row that was understood.
pub(super) struct Point<'r> {
    pub(super) row: &'r Row,
    pub(super) id: String,
    pub(super) table: Table,
    pub(super) address: u16,
    pub(super) bit: Option<u8>,
    pub(super) kind: Option<Kind>,
    pub(super) order: Option<String>,
    pub(super) scale: Option<f64>,
    pub(super) offset: Option<f64>,
    pub(super) unit: Option<Unit>,
    /// Names of its values.
    pub(super) states: Vec<(i64, String)>,
    /// Texts for people: the name as it stood, and the description.
    pub(super) name: String,
    pub(super) description: String,
    pub(super) writable: bool,
}

/// One row and how it is to be read.
pub(super) struct Reader<'r, 's> {
    pub(super) row: &'r Row,
    pub(super) columns: &'s Columns,
    pub(super) numbering: Numbering,
    pub(super) settings: &'s Settings,
}

impl<'r> Reader<'r, '_> {
    fn cell(&self, column: Column) -> &'r str {
        self.columns.cell(self.row, column)
    }

    /// The point of the row. What is left out of it is told to `remark`, with whether the row is
    /// lost by that.
    pub(super) fn point(&self, remark: &mut impl FnMut(Said, bool)) -> Result<Point<'r>, Said> {
        if self.cell(Column::Address).is_empty() {
            return Err(said!("no address", "没有地址"));
        }
        let written = words::address(self.cell(Column::Address))?;
        let (table, address) = self.place(&written)?;
        let bit = self.bit(table, written.bit)?;
        let kind = self.kind(is_bits(table) || bit.is_some())?;
        let name = self.name()?;
        let order = self.order(kind.as_ref(), remark);
        let (scale, behind) = self.scale()?;
        let offset = self.offset()?;
        let unit = self.unit(behind, remark);
        let numeric = kind.as_ref().is_some_and(|k| k.word != "text");
        let (scale, offset) =
            (scale.filter(|s| numeric && *s != 1.0), offset.filter(|o| numeric && *o != 0.0));
        // What is scaled is measured, whatever the remark numbers.
        let measured = scale.is_some() || offset.is_some();
        let states = if measured { Vec::new() } else { self.states(name, kind.as_ref()) };
        Ok(Point {
            row: self.row,
            id: String::new(),
            table,
            address,
            bit,
            order: order.filter(|_| kind.as_ref().is_some_and(is_long)),
            scale,
            offset,
            unit: unit.filter(|_| numeric && states.is_empty()),
            states,
            kind,
            name: name.to_owned(),
            description: self.cell(Column::Description).to_owned(),
            writable: words::writable(self.cell(Column::Access))
                && !matches!(table, Table::Input | Table::Discrete),
        })
    }

    /// Table and address of it, by whatever says which table.
    fn place(&self, written: &Address) -> Result<(Table, u16), Said> {
        let (by_address, address) = words::place(written, self.numbering)?;
        let by_function = match self.cell(Column::Function) {
            "" => None,
            text => Some(words::table(text)?),
        };
        if let (Some(a), Some(f)) = (by_address, by_function)
            && a != f
        {
            let (a, f) = (key(a), key(f));
            return Err(said!(
                "the address names {a}, the function {f}",
                "地址为 {a}，功能码为 {f}"
            ));
        }
        let table = by_address.or(by_function).or(self.settings.table);
        let table = table.ok_or_else(|| {
            said!(
                "neither address nor function says which kind of register; give --table",
                "地址和功能码都未说明寄存器类型；请给出 --table"
            )
        })?;
        Ok((table, address))
    }

    fn bit(&self, table: Table, in_address: Option<u8>) -> Result<Option<u8>, Said> {
        let bit = match self.cell(Column::Bit) {
            "" => in_address,
            text => {
                let bit = text.trim_start_matches(['b', 'B', 'i', 't']).parse().ok();
                let bit = bit.filter(|b| *b < 16);
                Some(bit.ok_or_else(|| {
                    said!("`{text}` is no bit, 0 to 15", "`{text}` 不是位号，应为 0 到 15")
                })?)
            }
        };
        if is_bits(table) && bit.is_some() {
            return Err(said!(
                "a coil or discrete input has no further bits",
                "线圈和离散输入没有位号"
            ));
        }
        Ok(bit)
    }

    /// The type; none for a single bit, which needs none.
    fn kind(&self, is_bit: bool) -> Result<Option<Kind>, Said> {
        let length = match self.cell(Column::Length) {
            "" => None,
            text => Some(text.parse::<u8>().map_err(|_| {
                said!("`{text}` is no number of registers", "`{text}` 不是寄存器数量")
            })?),
        };
        let kind = match (self.cell(Column::Type), &self.settings.kind) {
            _ if is_bit => return Ok(None),
            ("", None) => {
                return Err(said!(
                    "no type; give --type for rows without one",
                    "没有数据类型；请用 --type 给出"
                ));
            }
            ("", Some(kind)) => words::kind(kind, length)?,
            (text, _) => words::kind(text, length)?,
        };
        if kind.word == "bool" {
            return Err(said!(
                "a single bit of a register; say which, in a column for the bit",
                "寄存器中的一位；请在位号列中说明是哪一位"
            ));
        }
        Ok(Some(kind))
    }

    fn name(&self) -> Result<&'r str, Said> {
        match (self.cell(Column::Name), self.cell(Column::Description)) {
            ("", "") => Err(said!("no name", "没有名称")),
            ("", description) => Ok(description),
            (name, _) => Ok(name),
        }
    }

    fn order(&self, kind: Option<&Kind>, remark: &mut impl FnMut(Said, bool)) -> Option<String> {
        match (self.cell(Column::Order), kind.and_then(|k| k.order)) {
            ("", Some(order)) => Some(order.to_owned()),
            ("", None) => self.settings.order.clone(),
            (text, _) => {
                let order = words::order(text);
                if order.is_none() {
                    let text = said!(
                        "order `{text}` is not understood and left out",
                        "字节序 `{text}` 无法识别，已略去"
                    );
                    remark(text, false);
                }
                order.map(str::to_owned)
            }
        }
    }

    /// The factor, and what is written behind it: most often the unit.
    fn scale(&self) -> Result<(Option<f64>, &'r str), Said> {
        match self.cell(Column::Scale) {
            "" | "-" | "/" | "无" => Ok((None, "")),
            text => words::scale(text).map(|(scale, behind)| (Some(scale), behind)),
        }
    }

    fn offset(&self) -> Result<Option<f64>, Said> {
        match self.cell(Column::Offset) {
            "" | "-" | "/" => Ok(None),
            text => {
                let number = text.replace(',', ".").parse().ok().filter(|f: &f64| f.is_finite());
                let number =
                    number.ok_or_else(|| said!("`{text}` is no offset", "`{text}` 不是偏移量"))?;
                Ok(Some(number))
            }
        }
    }

    fn unit(&self, behind_scale: &str, remark: &mut impl FnMut(Said, bool)) -> Option<Unit> {
        let wanted = match self.cell(Column::Unit) {
            "" => behind_scale,
            text => text,
        };
        unit(wanted).unwrap_or_else(|unknown| {
            let text = said!(
                "unit `{unknown}` is not known and left out",
                "单位 `{unknown}` 未知，已略去"
            );
            remark(text, false);
            None
        })
    }

    /// States that the remark or the name lists, if the type can hold all of them.
    fn states(&self, name: &str, kind: Option<&Kind>) -> Vec<(i64, String)> {
        let mut states = words::states(self.cell(Column::Description));
        if states.is_empty() {
            states = words::states(name);
        }
        if !states.iter().all(|(n, _)| holds(kind, *n)) {
            states.clear();
        }
        states
    }
}

fn is_bits(table: Table) -> bool {
    matches!(table, Table::Coil | Table::Discrete)
}

/// Whether a state may have this number; without a type it is that of a bit.
fn holds(kind: Option<&Kind>, number: i64) -> bool {
    match kind.map(|k| k.word) {
        None => (0..=1).contains(&number),
        Some("i16") => i16::try_from(number).is_ok(),
        Some("u16") => u16::try_from(number).is_ok(),
        Some("i32") => i32::try_from(number).is_ok(),
        Some("u32") => u32::try_from(number).is_ok(),
        Some(_) => false,
    }
}

fn is_long(kind: &Kind) -> bool {
    !matches!(kind.word, "i16" | "u16") && (kind.word != "bcd" || kind.length.unwrap_or(1) > 1)
}

/// Units that only maps use.
fn unit(text: &str) -> Result<Option<Unit>, String> {
    let text = text.trim_matches(['(', ')', '[', ']', ' ']);
    let known = match text {
        "" | "-" | "--" | "/" | "无" | "N/A" | "n/a" | "none" => return Ok(None),
        "摄氏度" | "度" | "deg C" | "deg.C" | "° C" | "ºC" => "°C",
        "kW.h" | "kW·h" | "KW.h" | "kwh" | "度电" | "千瓦时" => "kWh",
        "kw" | "千瓦" => "kW",
        "安" | "安培" => "A",
        "伏" | "伏特" => "V",
        "赫兹" | "HZ" | "hz" => "Hz",
        "m^3/h" | "立方米/小时" | "方/时" => "m³/h",
        "m^3" | "立方米" => "m³",
        "小时" => "h",
        "分钟" | "分" => "min",
        "秒" => "s",
        "Mpa" | "mpa" | "MPA" | "兆帕" => "MPa",
        "千帕" => "kPa",
        other => other,
    };
    Unit::parse(known).map(Some).map_err(|_| text.to_owned())
}

pub(super) fn key(table: Table) -> &'static str {
    match table {
        Table::Holding => "holding",
        Table::Input => "input",
        Table::Coil => "coil",
        Table::Discrete => "discrete",
    }
}
