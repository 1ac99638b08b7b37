//! Which column is what.

use super::profile::Remark;
use super::said::said;
use super::sheet::Row;
use super::{Said, words};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The register's address.
    Address,
    /// What the value is called.
    Name,
    /// A sentence about it.
    Description,
    /// How it lies in its registers.
    Type,
    /// What it is measured in.
    Unit,
    /// value = raw × this.
    Scale,
    /// value = raw × scale + this.
    Offset,
    /// Whether it may be written.
    Access,
    /// Function code or kind of register.
    Function,
    /// Number of registers.
    Length,
    /// One bit of a register.
    Bit,
    /// Order of bytes.
    Order,
}

/// Rows at the top in which the header is looked for, below a vendor's title.
const HEADER_WITHIN: usize = 20;

/// Each column with its word on the command line, and the headers that vendors give it, without
/// spaces and signs. More telling headers come first.
const KNOWN: [(Column, &str, &[&str]); 12] = [
    (
        Column::Address,
        "address",
        &[
            "modbusaddress",
            "registeraddress",
            "regaddress",
            "dataaddress",
            "address",
            "addr",
            "regaddr",
            "registerno",
            "registernumber",
            "register",
            "reg",
            "寄存器地址",
            "modbus地址",
            "通讯地址",
            "参数地址",
            "数据地址",
            "点地址",
            "地址",
            "寄存器",
        ],
    ),
    (
        Column::Name,
        "name",
        &[
            "parametername",
            "pointname",
            "signalname",
            "tagname",
            "name",
            "parameter",
            "signal",
            "point",
            "tag",
            "variable",
            "symbol",
            "item",
            "参数名称",
            "点位名称",
            "变量名称",
            "数据名称",
            "信号名称",
            "名称",
            "参数",
            "点名",
            "变量",
            "变量名",
            "数据项",
            "项目",
        ],
    ),
    (
        Column::Description,
        "description",
        &[
            "description",
            "desc",
            "comment",
            "comments",
            "remark",
            "remarks",
            "note",
            "notes",
            "说明",
            "描述",
            "备注",
            "注释",
        ],
    ),
    (
        Column::Type,
        "type",
        &[
            "datatype",
            "dataformat",
            "valuetype",
            "type",
            "format",
            "数据类型",
            "数据格式",
            "类型",
            "格式",
        ],
    ),
    (Column::Unit, "unit", &["unit", "units", "engunit", "engineeringunit", "单位", "计量单位"]),
    (
        Column::Scale,
        "scale",
        &[
            "scalefactor",
            "scale",
            "scaling",
            "factor",
            "multiplier",
            "gain",
            "resolution",
            "coefficient",
            "coef",
            "系数",
            "倍率",
            "比例系数",
            "比例",
            "分辨率",
            "精度",
            "缩放",
            "换算系数",
        ],
    ),
    (Column::Offset, "offset", &["valueoffset", "offset", "偏移", "偏移量"]),
    (
        Column::Access,
        "access",
        &[
            "readwrite",
            "rw",
            "access",
            "accesstype",
            "permission",
            "rights",
            "mode",
            "读写",
            "读写属性",
            "读写权限",
            "属性",
            "权限",
            "访问权限",
            "访问",
        ],
    ),
    (
        Column::Function,
        "function",
        &[
            "functioncode",
            "function",
            "fc",
            "func",
            "registertype",
            "objecttype",
            "regtype",
            "table",
            "area",
            "功能码",
            "寄存器类型",
            "寄存器区",
            "功能",
        ],
    ),
    (
        Column::Length,
        "length",
        &[
            "numberofregisters",
            "registercount",
            "noofregisters",
            "quantity",
            "length",
            "len",
            "count",
            "words",
            "size",
            "寄存器数量",
            "寄存器数",
            "寄存器个数",
            "长度",
            "数量",
            "个数",
        ],
    ),
    (Column::Bit, "bit", &["bit", "bitposition", "bitno", "位", "位号", "位地址"]),
    (
        Column::Order,
        "order",
        &["byteorder", "wordorder", "endian", "endianness", "字节序", "字节顺序", "字序"],
    ),
];

/// Which column of a sheet is what, by its place from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns {
    places: Vec<(Column, usize)>,
    /// The header is this row and the one above it.
    two_lines: bool,
}

impl Columns {
    /// The cell of a row; empty if there is none.
    pub(super) fn cell<'r>(&self, row: &'r Row, column: Column) -> &'r str {
        let place = self.places.iter().find(|(c, _)| *c == column);
        place.and_then(|(_, i)| row.cells.get(*i)).map_or("", String::as_str)
    }

    /// Whether the sheet has this column.
    pub(super) fn has(&self, column: Column) -> bool {
        self.places.iter().any(|(c, _)| *c == column)
    }

    /// What a person should know of the header: that it has two lines, and what is not used.
    pub(super) fn remarks(&self, rows: &[Row], header: usize) -> Vec<Remark> {
        let Some(row) = rows.get(header) else { return Vec::new() };
        let mut remarks = Vec::new();
        let mut remark = |text| remarks.push(Remark { line: row.line, text, lost: false });
        if self.two_lines {
            remark(said!(
                "taken for the header together with the line above",
                "与上一行一起视为表头"
            ));
        }
        let above = header.checked_sub(1).filter(|_| self.two_lines).and_then(|i| rows.get(i));
        let mut unused = Vec::new();
        for at in 0..row.cells.len().max(above.map_or(0, |a| a.cells.len())) {
            let cell = |row: &Row| row.cells.get(at).filter(|c| !c.is_empty()).cloned();
            let words: Vec<String> = above.and_then(cell).into_iter().chain(cell(row)).collect();
            if !words.is_empty() && self.places.iter().all(|(_, place)| *place != at) {
                unused.push(format!("`{}`", words.join(" ")));
            }
        }
        if !unused.is_empty() {
            let unused = unused.join(", ");
            remark(said!("columns that are not used: {unused}", "未使用的列：{unused}"));
        }
        remarks
    }
}

/// Reads `address=Addr,name=Name`.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub fn parse(text: &str) -> Result<Vec<(Column, String)>, String> {
    let one = |pair: &str| {
        let (key, header) = pair
            .split_once('=')
            .ok_or_else(|| format!("`{pair}` is not of the form column=Header"))?;
        let known = KNOWN.iter().find(|(_, word, _)| *word == key.trim());
        let words: Vec<_> = KNOWN.iter().map(|(_, word, _)| *word).collect();
        let (column, ..) =
            known.ok_or_else(|| format!("no column `{key}`; there are {}", words.join(", ")))?;
        Ok((*column, header.trim().to_owned()))
    };
    text.split(',').map(one).collect()
}

/// Finds the header and what its columns are: those named, and of the others what their words say.
/// The place of the header among the rows, and the columns.
///
/// # Errors
/// Why there is none.
pub(super) fn find(rows: &[Row], named: &[(Column, String)]) -> Result<(usize, Columns), Said> {
    let top = rows.get(..HEADER_WITHIN).unwrap_or(rows);
    let mut best: Option<(usize, Columns)> = None;
    let mut consider = |at: usize, columns: Option<Columns>| {
        let Some(columns) = columns else { return };
        let better = best.as_ref().is_none_or(|(_, b)| columns.places.len() > b.places.len());
        if columns.has(Column::Address) && columns.places.len() > 1 && better {
            best = Some((at, columns));
        }
    };
    for (i, row) in top.iter().enumerate() {
        consider(i, of_header(&[row], named));
    }
    // Only what one line does not say is looked for in two.
    for (i, pair) in top.windows(2).enumerate() {
        let [above, row] = pair else { continue };
        let both = of_header(&[above, row], named);
        let data = |c: &Columns| words::address(c.cell(row, Column::Address)).is_ok();
        consider(i + 1, both.filter(|c| !data(c)));
    }
    best.ok_or_else(|| {
        let headers: Vec<_> = named.iter().map(|(_, header)| format!("`{header}`")).collect();
        let headers = headers.join(", ");
        let (what, what_zh) = match named.is_empty() {
            true => ("says which column is the address".to_owned(), "没有说明哪一列是地址".into()),
            false => (format!("has the columns {headers}"), format!("没有这些列：{headers}")),
        };
        let first = top.first().map_or_else(String::new, |r| r.cells.join(" | "));
        said!(
            "none of the first {HEADER_WITHIN} rows {what}; name the columns with --columns \
             address=…,name=…,type=… (line 1 is: {first})",
            "前 {HEADER_WITHIN} 行{what_zh}；请用 --columns address=…,name=…,type=… 指明各列\
             （首行为：{first}）"
        )
    })
}

/// What a header of one line or two says; `None` if a column that was named is missing.
fn of_header(lines: &[&Row], named: &[(Column, String)]) -> Option<Columns> {
    let mut places = Vec::new();
    for (column, header) in named {
        let of_line = |row: &&Row| row.cells.iter().position(|c| c.eq_ignore_ascii_case(header));
        places.push((*column, lines.iter().find_map(of_line)?));
    }
    let cells = lines.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let plain = |row: &&Row, at: usize| row.cells.get(at).map_or_else(String::new, |c| plain(c));
    // Each line's own word, and what they say together: `Register` above `Address`.
    let words_of = |at: usize| {
        let mut words: Vec<String> = lines.iter().map(|row| plain(row, at)).collect();
        words.push(words.concat());
        words
    };
    let headers: Vec<Vec<String>> = (0..cells).map(words_of).collect();
    for (column, _, words) in &KNOWN {
        if places.iter().any(|(c, _)| c == column) {
            continue;
        }
        let free = |i: usize| places.iter().all(|(_, at)| *at != i);
        let found = words.iter().find_map(|word| {
            headers
                .iter()
                .enumerate()
                .position(|(i, said)| free(i) && said.iter().any(|s| s == word))
        });
        // `Scale (x)`, `地址(十进制)`: what stands in brackets only explains.
        if let Some(at) = found {
            places.push((*column, at));
        }
    }
    Some(Columns { places, two_lines: lines.len() > 1 })
}

/// A header without brackets, spaces and signs, in small letters.
fn plain(header: &str) -> String {
    let end = header.find(['(', '[']).filter(|&i| i > 0).unwrap_or(header.len());
    header[..end].chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, cells: &[&str]) -> Row {
        Row { line, cells: cells.iter().map(|c| (*c).to_owned()).collect() }
    }

    #[test]
    fn headers_in_two_languages_are_known() {
        let title = row(1, &["Modbus map, rev. 3"]);
        let english = row(2, &["No.", "Register Address (dec)", "Parameter", "Data Type", "R/W"]);
        let (at, columns) = find(&[title, english.clone()], &[]).unwrap();
        assert_eq!(at, 1);
        let found = |c| columns.cell(&english, c);
        assert_eq!(found(Column::Address), "Register Address (dec)");
        assert_eq!(found(Column::Name), "Parameter");
        assert_eq!(found(Column::Type), "Data Type");
        assert_eq!(found(Column::Access), "R/W");
        assert_eq!(found(Column::Unit), "");

        let chinese =
            row(1, &["序号", "参数名称", "寄存器地址", "数据类型", "单位", "系数", "读/写"]);
        let (_, columns) = find(std::slice::from_ref(&chinese), &[]).unwrap();
        assert_eq!(columns.cell(&chinese, Column::Name), "参数名称");
        assert_eq!(columns.cell(&chinese, Column::Scale), "系数");
        assert_eq!(columns.cell(&chinese, Column::Access), "读/写");
    }

    #[test]
    fn columns_that_are_named_win_and_must_be_there() {
        let header = row(1, &["Address", "Addr2", "What"]);
        let named = parse("address=addr2,name=What").unwrap();
        let (_, columns) = find(std::slice::from_ref(&header), &named).unwrap();
        assert_eq!(columns.cell(&header, Column::Address), "Addr2");
        let missing = parse("address=Nowhere").unwrap();
        let error = find(std::slice::from_ref(&header), &missing).unwrap_err();
        assert!(error.en.contains("`Nowhere`") && error.en.contains("Addr2"), "{error:?}");
        assert!(parse("adress=A").unwrap_err().contains("address, name"));
        assert!(parse("address").is_err());
    }
}
