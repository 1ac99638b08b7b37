//! From bytes to rows: encoding, delimiter, quotes.

use super::Said;
use encoding_rs::{Encoding, GBK, UTF_8, WINDOWS_1252};

/// Lines by which the delimiter is told.
const SAMPLE_LINES: usize = 20;

/// One row: the line it begins at, counted from 1, and its cells without surrounding spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file.
    pub line: u64,
    /// Its cells.
    pub cells: Vec<String>,
}

/// A file as rows, and how it was read.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Its rows.
    pub rows: Vec<Row>,
    /// The encoding it was read in.
    pub encoding: &'static str,
    /// What separates its cells.
    pub delimiter: char,
}

/// Why a file has no rows.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// No encoding has this name.
    #[error("there is no encoding `{0}`; usual are utf-8, gbk, windows-1252 and utf-16le")]
    UnknownEncoding(String),
    /// Bytes that are no text in the encoding that was named.
    #[error("this is no text in {0}; name another encoding, or leave it to be found out")]
    NotInEncoding(&'static str),
    /// Not CSV.
    #[error("line {line}: {why}")]
    Csv {
        /// Where.
        line: u64,
        /// What is wrong.
        why: String,
    },
}

impl SheetError {
    /// The sentence in both languages.
    pub fn said(&self) -> Said {
        let zh = match self {
            SheetError::UnknownEncoding(name) => {
                format!("没有编码 `{name}`；常用的有 utf-8、gbk、windows-1252 和 utf-16le")
            }
            SheetError::NotInEncoding(name) => {
                format!("不是 {name} 文本；请指定其他编码，或不指定而自动识别")
            }
            SheetError::Csv { line, why } => format!("第 {line} 行：{why}"),
        };
        Said { en: self.to_string(), zh }
    }
}

impl Sheet {
    /// Reads a file. Encoding and delimiter are found out unless they are given.
    ///
    /// # Errors
    /// If it is no text, or no CSV.
    pub fn read(
        bytes: &[u8],
        encoding: Option<&str>,
        delimiter: Option<char>,
    ) -> Result<Self, SheetError> {
        let named = encoding.map(|name| {
            Encoding::for_label(name.as_bytes())
                .ok_or_else(|| SheetError::UnknownEncoding(name.to_owned()))
        });
        let (encoding, named) = match named {
            Some(named) => (named?, true),
            None => (guess_encoding(bytes), false),
        };
        // A byte order mark overrules a guess, and is no part of the text.
        let (text, encoding, broken) = encoding.decode(bytes);
        if broken && named {
            return Err(SheetError::NotInEncoding(encoding.name()));
        }
        let delimiter = delimiter.unwrap_or_else(|| guess_delimiter(&text));
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(u8::try_from(delimiter).unwrap_or(b','))
            .from_reader(text.as_bytes());
        let mut rows = Vec::new();
        let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
        for record in reader.records() {
            let record = record.map_err(|e| SheetError::Csv {
                line: e.position().map_or(0, csv::Position::line),
                why: e.to_string(),
            })?;
            let start = record.position().map_or(0, csv::Position::byte);
            let line = lines.of_record_at(usize::try_from(start).unwrap_or(usize::MAX));
            let cells: Vec<String> = record.iter().map(narrow).collect();
            if cells.iter().any(|c| !c.is_empty()) {
                rows.push(Row { line, cells });
            }
        }
        Ok(Self { rows, encoding: encoding.name(), delimiter })
    }
}

/// Counts lines up to a record. The reader's own position is that of the empty lines before it.
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the record that begins at or after this place; places only grow.
    fn of_record_at(&mut self, start: usize) -> u64 {
        while let Some(byte) = self.text.get(self.at) {
            if self.at >= start && !matches!(byte, b'\n' | b'\r') {
                break;
            }
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

/// UTF-8 if it is; else Chinese if most bytes beyond ASCII stand in pairs, as GBK's do, else
/// Western, whose stand alone (`°C`, `für`).
pub(crate) fn guess_encoding(bytes: &[u8]) -> &'static Encoding {
    if let Some((marked, _)) = Encoding::for_bom(bytes) {
        return marked;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let runs = bytes.split(u8::is_ascii).filter(|run| !run.is_empty());
    let (alone, paired) =
        runs.fold((0, 0), |(a, p), run| if run.len() == 1 { (a + 1, p) } else { (a, p + 1) });
    if paired >= alone { GBK } else { WINDOWS_1252 }
}

/// The one that most often stands outside quotes in the first lines.
fn guess_delimiter(text: &str) -> char {
    let mut counts = [(',', 0), (';', 0), ('\t', 0)];
    for line in text.lines().take(SAMPLE_LINES) {
        let mut quoted = false;
        for c in line.chars() {
            quoted ^= c == '"';
            if let Some((_, n)) = counts.iter_mut().find(|(d, _)| *d == c && !quoted) {
                *n += 1;
            }
        }
    }
    // Of equals the first: a comma.
    counts.iter().rev().max_by_key(|(_, n)| *n).map_or(',', |(d, _)| *d)
}

/// Full-width letters, digits and signs of Chinese keyboards as their ASCII forms.
fn narrow(cell: &str) -> String {
    let one = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' | '\u{A0}' | '\n' | '\r' => ' ',
        other => other,
    };
    cell.chars().map(one).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(bytes: &[u8]) -> (Vec<Vec<String>>, &'static str, char) {
        let sheet = Sheet::read(bytes, None, None).unwrap();
        let rows = sheet.rows.into_iter().map(|r| r.cells).collect();
        (rows, sheet.encoding, sheet.delimiter)
    }

    #[test]
    fn encodings_of_vendors_are_told_apart() {
        let row = |cells: [&str; 2]| vec![cells.map(str::to_owned).to_vec()];
        let (rows, encoding, _) = cells("供水温度,℃".as_bytes());
        assert_eq!((rows, encoding), (row(["供水温度", "℃"]), "UTF-8"));
        let (rows, encoding, _) = cells("\u{FEFF}name,°C".as_bytes());
        assert_eq!((rows, encoding), (row(["name", "°C"]), "UTF-8"));
        let (rows, encoding, _) = cells(&GBK.encode("供水温度,℃").0);
        assert_eq!((rows, encoding), (row(["供水温度", "℃"]), "GBK"));
        let (rows, encoding, _) = cells(&WINDOWS_1252.encode("Rücklauf,°C").0);
        assert_eq!((rows, encoding), (row(["Rücklauf", "°C"]), "windows-1252"));
        let wide: Vec<u8> = "\u{FEFF}水温,1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (rows, encoding, _) = cells(&wide);
        assert_eq!((rows, encoding), (row(["水温", "1"]), "UTF-16LE"));
    }

    #[test]
    fn delimiters_are_counted_outside_quotes() {
        assert_eq!(cells(b"a;b;\"1,2,3,4\"\nc;d;e").2, ';');
        assert_eq!(cells(b"a\tb, c\td\ne\tf\tg").2, '\t');
        assert_eq!(cells(b"alone").2, ',');
    }

    #[test]
    fn lines_are_those_of_the_file_and_full_width_characters_are_ascii() {
        let text = "a,b\n\n\"two\nlines\",２．５（ｋＷ）\n,,\nc,d\n";
        let sheet = Sheet::read(text.as_bytes(), None, None).unwrap();
        let lines: Vec<_> = sheet.rows.iter().map(|r| r.line).collect();
        assert_eq!(lines, [1, 3, 6]);
        assert_eq!(sheet.rows[1].cells, ["two lines", "2.5(kW)"]);
    }

    #[test]
    fn an_encoding_that_was_named_is_held_to() {
        let gbk = GBK.encode("供水温度").0;
        let wrong = Sheet::read(&gbk, Some("utf-8"), None);
        assert!(matches!(wrong, Err(SheetError::NotInEncoding("UTF-8"))), "{wrong:?}");
        let none = Sheet::read(&gbk, Some("klingon"), None);
        assert!(matches!(none, Err(SheetError::UnknownEncoding(_))), "{none:?}");
    }
}
