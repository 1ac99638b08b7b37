//! What is wrong with a configuration, for people and for machines.

use super::problem::{Lang, Problem};
use super::structure::join_path;
use super::tree::Node;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;

/// Whether a finding keeps the configuration from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Severity {
    Error,
    Warning,
}

/// One mistake, or one thing to think about.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Position of its file in [`Report::files`]; `None` if it is about no file in particular.
    pub file: Option<usize>,
    /// Bytes of that file.
    pub span: Range<usize>,
    /// The key it is about: `device.hp1.unit`. Empty for mistakes in the syntax.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name as the caller gave it, or as it was found.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// Everything found in one configuration, in the order of the files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// The files that were read.
    pub files: Vec<SourceFile>,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Where a finding belongs: a place in a file, and a path of keys.
pub(super) struct Spot {
    file: Option<usize>,
    span: Range<usize>,
    path: String,
}

impl Spot {
    /// At the value.
    pub(super) fn value(node: &Node, path: &str) -> Self {
        let place = &node.place;
        // A table's span is all of its text; its key says it better.
        let span = if node.table().is_some() { &place.key } else { &place.value };
        Self { file: Some(place.file), span: span.clone(), path: path.to_owned() }
    }

    /// At the key.
    pub(super) fn key(node: &Node, path: &str) -> Self {
        let place = &node.place;
        Self { file: Some(place.file), span: place.key.clone(), path: path.to_owned() }
    }

    /// At the table in which a key is missing.
    pub(super) fn missing(table: &Node, path: &str, key: &str) -> Self {
        Self::key(table, &join_path(path, key))
    }

    /// At bytes of a file.
    pub(super) fn bytes(file: usize, span: Range<usize>) -> Self {
        Self { file: Some(file), span, path: String::new() }
    }

    /// In no file.
    pub(super) fn nowhere() -> Self {
        Self { file: None, span: 0..0, path: String::new() }
    }
}

/// A report in the making.
#[derive(Default)]
pub(super) struct Findings {
    report: Report,
    /// File and line of each mistake in the syntax.
    broken_lines: HashSet<(usize, usize)>,
}

/// Warnings of one kind that are shown whole.
const ALIKE_SHOWN: usize = 3;
/// Places of further ones that are named.
const PLACES_SHOWN: usize = 10;
/// More than this nobody reads; a bound for files that are no configuration at all.
const FINDINGS_MAX: usize = 1000;

impl Findings {
    /// The position that the next file will get.
    pub(super) fn next_file(&self) -> usize {
        self.report.files.len()
    }

    /// Takes a file in; returns its position.
    pub(super) fn file(&mut self, name: String, text: String) -> usize {
        self.report.files.push(SourceFile { name, text });
        self.report.files.len() - 1
    }

    /// The file at this position.
    pub(super) fn source(&self, file: usize) -> Option<&SourceFile> {
        self.report.files.get(file)
    }

    /// `file:line` of a node.
    pub(super) fn whereabouts(&self, node: &Node) -> String {
        let Some(source) = self.source(node.place.file) else { return String::new() };
        let (line, ..) = position(&source.text, node.place.key.start);
        format!("{}:{line}", source.name)
    }

    /// Adds a finding, unless the very same is there already: a profile that ten devices use has
    /// one mistake, not ten. What stands on a line with broken syntax is a consequence of that.
    pub(super) fn add(&mut self, spot: Spot, problem: Problem) {
        let Spot { file, span, path } = spot;
        let known = |f: &Finding| {
            f.file == file && f.file.is_some() && f.span == span && f.problem == problem
        };
        let findings = &self.report.findings;
        if findings.len() >= FINDINGS_MAX || findings.iter().any(known) {
            return;
        }
        if let Some((i, source)) = file.and_then(|i| Some((i, self.report.files.get(i)?))) {
            if let Problem::Syntax { .. } | Problem::LookAlike { .. } = problem {
                self.broken_lines.insert((i, position(&source.text, span.start).0));
            } else if !self.broken_lines.is_empty()
                && self.broken_lines.contains(&(i, position(&source.text, span.start).0))
            {
                return;
            }
        }
        self.report.findings.push(Finding { file, span, path, problem });
    }

    /// How many findings are not just warnings.
    pub(super) fn errors(&self) -> usize {
        self.report.errors()
    }

    /// The report, in the order of the text.
    pub(super) fn finish(mut self) -> Report {
        self.report.findings.sort_by_key(|f| (f.file, f.span.start, f.span.end));
        self.report
    }
}

/// Line and column (both from 1, the column in characters) of a byte, and the text of its line.
fn position(text: &str, at: usize) -> (usize, usize, &str) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line = text[..start].matches('\n').count() + 1;
    let column = text[start..at].chars().count() + 1;
    let rest = &text[start..];
    let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
    (line, column, &rest[..end])
}

/// The line as it may be shown: without a password that should not have been written there.
fn concealed(line: &str) -> String {
    let mut rest = line;
    while let Some(at) = rest.find("password") {
        let start = line.len() - rest.len();
        rest = &rest[at + "password".len()..];
        let value = rest.trim_start_matches(['"', '\'', ' ', '\t']);
        if value.starts_with('=') {
            return format!("{}password = …", &line[..start + at]);
        }
    }
    match (line.find("://"), line.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}://…{}", &line[..scheme], &line[at..])
        }
        _ => line.to_owned(),
    }
}

/// How many columns a terminal gives a character: two for Chinese, one for the rest we meet.
fn columns(c: char) -> usize {
    let wide = matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}');
    if wide { 2 } else { 1 }
}

impl Report {
    /// How many errors.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|f| f.problem.severity() == Severity::Error).count()
    }

    /// How many warnings.
    pub fn warnings(&self) -> usize {
        self.findings.len() - self.errors()
    }

    /// For people: each finding with its place, its line and a hint, and the counts at the end.
    /// Empty if there is nothing to say.
    pub fn render(&self, lang: Lang) -> String {
        let mut out = String::new();
        let mut alike: Vec<Vec<&Finding>> = Vec::new();
        for finding in &self.findings {
            let known = alike.iter_mut().find(|known| known[0].problem == finding.problem);
            let shown = match known {
                Some(known) => {
                    known.push(finding);
                    known.len()
                }
                None => {
                    alike.push(vec![finding]);
                    1
                }
            };
            if shown <= ALIKE_SHOWN || finding.problem.severity() == Severity::Error {
                self.render_one(finding, lang, &mut out);
                out.push('\n');
            }
        }
        let warnings = alike.iter().filter(|a| a[0].problem.severity() == Severity::Warning);
        for more in warnings.filter_map(|a| a.get(ALIKE_SHOWN..)).filter(|m| !m.is_empty()) {
            self.render_more(more, lang, &mut out);
        }
        if !self.findings.is_empty() {
            out.push_str(&lang.counts(self.errors(), self.warnings()));
            out.push('\n');
        }
        out
    }

    /// Further warnings of one kind, in one line with their places, so that they bury no other.
    fn render_more(&self, more: &[&Finding], lang: Lang, out: &mut String) {
        let place = |f: &&Finding| {
            let file = self.files.get(f.file?)?;
            Some(format!("{}:{}", file.name, position(&file.text, f.span.start).0))
        };
        let places: Vec<String> = more.iter().take(PLACES_SHOWN).filter_map(place).collect();
        let rest = if more.len() > PLACES_SHOWN { ", …" } else { "" };
        let message = more[0].problem.words(lang).message;
        let places = places.join(", ");
        let _ = match (lang, more.len()) {
            (Lang::En, n) => writeln!(out, "warning: {n} more: {message}\n  --> {places}{rest}\n"),
            (Lang::Zh, n) => writeln!(out, "警告: 另有 {n} 处：{message}\n  --> {places}{rest}\n"),
        };
    }

    fn render_one(&self, finding: &Finding, lang: Lang, out: &mut String) {
        let words = finding.problem.words(lang);
        let severity = lang.severity(finding.problem.severity());
        // Writing to a String can't fail.
        let _ = writeln!(out, "{severity}: {}", words.message);
        if let Some(file) = finding.file.and_then(|i| self.files.get(i)) {
            let (line, column, text) = position(&file.text, finding.span.start);
            let number = line.to_string();
            let margin = " ".repeat(number.len());
            let _ = write!(out, "{margin}--> {}:{line}:{column}", file.name);
            if !finding.path.is_empty() {
                let _ = write!(out, "  {}", finding.path);
            }
            let before_it: String = text.chars().take(column - 1).collect();
            let shown = match finding.problem {
                Problem::UrlWithPassword => format!("{before_it}…"),
                _ => concealed(text),
            };
            let shown = shown.replace('\t', " ");
            let _ = writeln!(out, "\n{margin} |\n{number} | {}", shown.trim_end());
            let before: usize = before_it.chars().map(columns).sum();
            let length = finding.span.len();
            let marked: usize = text
                .char_indices()
                .skip(column - 1)
                .scan(None, |first, (i, c)| {
                    let first = *first.get_or_insert(i);
                    (i - first < length).then(|| columns(c))
                })
                .sum();
            let carets = "^".repeat(marked.max(1));
            let _ = writeln!(out, "{margin} | {}{carets}", " ".repeat(before));
        }
        if let Some(hint) = words.hint {
            let _ = writeln!(out, "  {}: {hint}", lang.hint());
        }
    }

    /// For machines.
    pub fn json(&self, lang: Lang) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|f| {
                let words = f.problem.words(lang);
                let file = f.file.and_then(|i| self.files.get(i));
                let place = file.map(|s| position(&s.text, f.span.start));
                json!({
                    "severity": Lang::En.severity(f.problem.severity()),
                    "code": f.problem.code(),
                    "file": file.map(|s| &s.name),
                    "line": place.map(|p| p.0),
                    "column": place.map(|p| p.1),
                    "key": f.path,
                    "message": words.message,
                    "hint": words.hint,
                })
            })
            .collect();
        json!({ "errors": self.errors(), "warnings": self.warnings(), "findings": findings })
    }
}
