//! Takes a table of the manifest apart, key by key, and tells what is wrong with each.

use crate::Title;
use crate::problem::{Both, Found, both};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table of the manifest while it is read.
pub(crate) struct Section<'a> {
    /// Path of the table: `role.outdoor_temp`.
    pub(crate) path: String,
    /// Where its header stands.
    pub(crate) at: Range<usize>,
    table: &'a DeTable<'a>,
    known: Vec<&'static str>,
}

/// A value with the path to it.
pub(crate) struct Entry<'a> {
    pub(crate) path: String,
    pub(crate) at: Range<usize>,
    pub(crate) value: &'a DeValue<'a>,
}

impl<'a> Section<'a> {
    pub(crate) fn new(path: impl Into<String>, at: Range<usize>, table: &'a DeTable<'a>) -> Self {
        Section { path: path.into(), at, table, known: Vec::new() }
    }

    pub(crate) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key, which from now on is one the section knows.
    pub(crate) fn entry(&mut self, key: &'static str) -> Option<Entry<'a>> {
        self.known.push(key);
        let value = self.table.get(key)?;
        Some(Entry { path: self.path(key), at: value.span(), value: value.get_ref() })
    }

    /// A section in this one.
    pub(crate) fn section(
        &mut self,
        key: &'static str,
        found: &mut Found<'_>,
    ) -> Option<Section<'a>> {
        let header = self.table.get_key_value(key).map(|(k, _)| k.span());
        let entry = self.entry(key)?;
        entry.section(header.unwrap_or_default(), found)
    }

    /// The named sections in a section, in the order of the text: `[role.a]`, `[role.b]`.
    pub(crate) fn sections(
        &mut self,
        key: &'static str,
        found: &mut Found<'_>,
    ) -> Vec<(String, Section<'a>)> {
        let Some(outer) = self.section(key, found) else { return Vec::new() };
        let mut sections: Vec<_> = outer
            .table
            .iter()
            .filter_map(|(name, value)| {
                let name_text = name.get_ref().to_string();
                let path = outer.path(&name_text);
                let entry = Entry { path, at: value.span(), value: value.get_ref() };
                let section = entry.section(name.span(), found)?;
                if !crate::text::is_name(&name_text, '_') {
                    let (wrong, hint) = no_name('_');
                    found.add(&name.span(), &*section.path, wrong, hint);
                }
                Some((name_text, section))
            })
            .collect();
        sections.sort_by_key(|(_, s)| s.at.start);
        sections
    }

    pub(crate) fn text(&mut self, key: &'static str, found: &mut Found<'_>) -> Option<Text<'a>> {
        let entry = self.entry(key)?;
        match entry.value {
            DeValue::String(s) if !s.trim().is_empty() => Some(Text { text: s, at: entry.at }),
            _ => {
                let hint = both!("give a text in quotes", "请写带引号的文本");
                found.add(&entry.at, entry.path, both!("is no text", "不是文本"), hint);
                None
            }
        }
    }

    /// A text that must be there.
    pub(crate) fn text_required(
        &mut self,
        key: &'static str,
        hint: &str,
        found: &mut Found<'_>,
    ) -> Option<Text<'a>> {
        self.required(key, hint, found);
        self.text(key, found)
    }

    /// Tells if a key is not there.
    pub(crate) fn required(&self, key: &'static str, hint: &str, found: &mut Found<'_>) {
        if !self.table.contains_key(key) {
            let hint = both!("add `{key} = {hint}`", "请加上 `{key} = {hint}`");
            found.add(&self.at, self.path(key), both!("is missing", "缺失"), hint);
        }
    }

    pub(crate) fn bool(&mut self, key: &'static str, found: &mut Found<'_>) -> Option<bool> {
        let entry = self.entry(key)?;
        match entry.value {
            DeValue::Boolean(b) => Some(*b),
            _ => {
                let message =
                    both!("is neither `true` nor `false`", "既不是 `true` 也不是 `false`");
                found.add(&entry.at, entry.path, message, None);
                None
            }
        }
    }

    /// `title` and `title_zh`, or others of the kind.
    pub(crate) fn title(
        &mut self,
        keys: [&'static str; 2],
        otherwise: &str,
        found: &mut Found<'_>,
    ) -> Title {
        let en = self.text(keys[0], found).map_or(otherwise, |t| t.text);
        let zh = self.text(keys[1], found).map_or(en, |t| t.text);
        Title { en: en.to_owned(), zh: zh.to_owned() }
    }

    /// One word out of several. A wrong one is told; a missing one is for the caller to judge.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        found: &mut Found<'_>,
    ) -> Option<T> {
        let text = self.text(key, found)?;
        let choice = words.iter().find(|(w, _)| *w == text.text).map(|(_, t)| *t);
        if choice.is_none() {
            let list: Vec<_> = words.iter().map(|(w, _)| *w).collect();
            let list = list.join(", ");
            let hint = both!("choose from {list}", "可选：{list}");
            let message = both!("`{}` is no choice", "`{}` 不可选", text.text);
            found.add(&text.at, self.path(key), message, hint);
        }
        choice
    }

    /// As [`Section::choice`], where something must be chosen.
    pub(crate) fn choice_required<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        found: &mut Found<'_>,
    ) -> Option<T> {
        let list: Vec<_> = words.iter().map(|(w, _)| format!("\"{w}\"")).collect();
        self.required(key, &list.join(" or "), found);
        self.choice(key, words, found)
    }

    /// Tells a mistake about a key of this section.
    pub(crate) fn wrong(
        &self,
        at: &Range<usize>,
        key: &str,
        message: Both,
        hint: impl Into<Option<Both>>,
        found: &mut Found<'_>,
    ) {
        found.add(at, self.path(key), message, hint);
    }

    /// Tells of every key nobody asked for.
    pub(crate) fn finish(self, found: &mut Found<'_>) {
        let known = self.known.join(", ");
        for (key, _) in self.table {
            if !self.known.iter().any(|k| *k == key.get_ref().as_ref()) {
                let path = self.path(key.get_ref());
                let hint = both!("here go {known}", "此处可用：{known}");
                found.add(&key.span(), path, both!("is no key here", "此处没有这个键"), hint);
            }
        }
    }
}

/// What is said of a text that can't be a name, and how one looks; `joint` joins its words.
pub(crate) fn no_name(joint: char) -> (Both, Both) {
    let hint = both!(
        "use a-z, 0-9 and `{joint}`, a letter first, at most 40",
        "只用 a-z、0-9 和 `{joint}`，以字母开头，最多 40 个字符"
    );
    (both!("can't be a name", "不能作名称"), hint)
}

/// A text and where it stands.
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: Range<usize>,
}

impl<'a> Entry<'a> {
    pub(crate) fn section(
        self,
        header: Range<usize>,
        found: &mut Found<'_>,
    ) -> Option<Section<'a>> {
        match self.value {
            DeValue::Table(table) => Some(Section::new(self.path, header, table)),
            _ => {
                let hint =
                    both!("write [{}] and keys below it", "请写 [{}]，键写在其下", self.path);
                found.add(&self.at, self.path, both!("is no table", "不是表"), hint);
                None
            }
        }
    }

    /// The items, if this is a list; otherwise that is told.
    pub(crate) fn list(self, found: &mut Found<'_>) -> Option<&'a [Spanned<DeValue<'a>>]> {
        match self.value {
            DeValue::Array(list) => Some(list),
            _ => {
                let hint = both!("write [ …, … ]", "请写 [ …, … ]");
                found.add(&self.at, self.path, both!("is no list", "不是列表"), hint);
                None
            }
        }
    }
}

/// A value without its places.
pub(crate) fn plain(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(s) => toml::Value::String(s.to_string()),
        DeValue::Integer(i) => match i64::from_str_radix(i.as_str(), i.radix()) {
            Ok(i) => toml::Value::Integer(i),
            // Beyond 64 bits: no parameter can hold it, and a float says so in every message.
            Err(_) => toml::Value::Float(f64::INFINITY),
        },
        DeValue::Float(f) => toml::Value::Float(f.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => toml::Value::Boolean(*b),
        DeValue::Datetime(d) => toml::Value::Datetime(*d),
        DeValue::Array(list) => {
            toml::Value::Array(list.iter().map(|v| plain(v.get_ref())).collect())
        }
        DeValue::Table(table) => toml::Value::Table(
            table.iter().map(|(k, v)| (k.get_ref().to_string(), plain(v.get_ref()))).collect(),
        ),
    }
}
