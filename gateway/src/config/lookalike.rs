//! Characters of Chinese keyboards and of word processors that look like those of TOML.

use super::tree::{self, Node, SyntaxError};
use std::collections::HashSet;
use std::ops::Range;

/// Where, what, and what was meant.
pub(super) type LookAlike = (Range<usize>, char, char);

/// Parses up to so many times, as the parser may stop at a mistake.
const ROUNDS: usize = 100;

/// Reads TOML as far as it goes. Look-alikes on lines that can't be read are told, and taken for
/// what was meant, so that they have no further consequences.
pub(super) fn parse(text: &str, file: usize) -> (Node, Vec<SyntaxError>, Vec<LookAlike>) {
    let (mut root, mut errors) = tree::parse(text, file);
    let mut plain = text.to_owned();
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let lines: HashSet<usize> =
            errors.iter().map(|(span, _)| line_start(&plain, span.start)).collect();
        let mut new: Vec<LookAlike> =
            lines.into_iter().flat_map(|start| on_line(&plain, start)).collect();
        if new.is_empty() {
            break;
        }
        new.sort_by_key(|(at, ..)| at.start);
        plain = repaired(&plain, &new);
        found.extend(new);
        (root, errors) = tree::parse(&plain, file);
    }
    let told: HashSet<usize> = found.iter().map(|(at, ..)| line_start(&plain, at.start)).collect();
    errors.retain(|(span, _)| !told.contains(&line_start(&plain, span.start)));
    (root, errors, found)
}

/// The text with what was meant, every other byte at its place.
fn repaired(text: &str, found: &[LookAlike]) -> String {
    let mut out = String::with_capacity(text.len());
    // Spaces in place of the bytes that a character had more; of a number they stand behind it.
    let (mut at, mut owed) = (0, 0);
    for (place, got, meant) in found {
        let of_number = meant.is_ascii_alphanumeric() || ".+-_".contains(*meant);
        if place.start != at || !of_number {
            out.extend(std::iter::repeat_n(' ', std::mem::take(&mut owed)));
        }
        out.push_str(text.get(at..place.start).unwrap_or_default());
        let spare = got.len_utf8() - 1;
        if matches!(got, '“' | '„' | '‘') {
            out.extend(std::iter::repeat_n(' ', spare));
        } else {
            owed += spare;
        }
        out.push(*meant);
        at = place.end;
    }
    out.extend(std::iter::repeat_n(' ', owed));
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn line_start(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).rposition(|b| *b == b'\n').map_or(0, |i| i + 1)
}

/// What was meant by a character that TOML knows only in texts and comments.
fn meant(c: char) -> Option<char> {
    Some(match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0)?,
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{3000}' => ' ',
        '“' | '”' | '„' => '"',
        '‘' | '’' => '\'',
        '。' => '.',
        '、' => ',',
        '【' => '[',
        '】' => ']',
        '–' | '—' | '−' => '-',
        _ => return None,
    })
}

/// Those of the line that starts at this byte, outside of texts and comments.
fn on_line(text: &str, start: usize) -> Vec<LookAlike> {
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let mut found = Vec::new();
    // What closes the text that we are in.
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (i, c) in line.char_indices() {
        if let Some(end) = quote {
            let closes = c == end && !escaped;
            escaped = end == '"' && c == '\\' && !escaped;
            if !closes {
                continue;
            }
            quote = None;
        } else {
            match c {
                '#' => break,
                '"' | '\'' => quote = Some(c),
                '“' | '„' => quote = Some('”'),
                '‘' => quote = Some('’'),
                '＂' | '＇' => quote = Some(c),
                _ => {}
            }
        }
        if let Some(meant) = meant(c) {
            found.push((start + i..start + i + c.len_utf8(), c, meant));
        }
        if c == '＃' {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree::Data;
    use super::*;

    #[test]
    fn signs_outside_of_texts_and_comments_are_found() {
        for (line, expected) in [
            ("unit ＝ １", "＝１"),
            ("limits = [30，55]", "，"),
            ("id = “水，泵”", "“”"),
            ("title = \"水，泵\" # １", ""),
            ("title = 'a＝' ＃ １", "＃"),
            ("title = \"a\\\"，\"", ""),
            ("offset = －1", "－"),
            ("\u{3000}unit\u{A0}= 1", "\u{3000}\u{A0}"),
            ("【site】", "【】"),
            ("水泵 = 1", ""),
        ] {
            let text = format!("[a]\n{line}\n＝");
            let found = on_line(&text, 4);
            assert_eq!(found.iter().map(|f| f.1).collect::<String>(), expected, "{line}");
            assert!(found.iter().all(|(at, c, _)| text[at.clone()] == c.to_string()), "{line}");
        }
        assert_eq!(on_line("", 0), []);
    }

    #[test]
    fn what_was_meant_is_read_at_the_place_where_it_stands() {
        let text = "id ＝ “水”\nunit = １２ ＃ x\nlimits = [－１．５， 2]\n";
        let (root, errors, found) = parse(text, 0);
        assert_eq!(errors, []);
        assert_eq!(found.len(), 11);
        assert_eq!(root.get("id").unwrap().data, Data::Text("水".into()));
        assert_eq!(root.get("unit").unwrap().data, Data::Int(12));
        let Data::List(limits) = &root.get("limits").unwrap().data else { panic!() };
        assert_eq!(limits[0].data, Data::Float(-1.5));
        assert_eq!(&text[limits[1].place.value.clone()], "2");
    }
}
