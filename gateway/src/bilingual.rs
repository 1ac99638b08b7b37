//! What went wrong, for people, in English and in Chinese at once: whoever finds it does not know
//! who will read it.

use crate::config::Lang;
use std::io::{self, ErrorKind};

/// A text in both languages; the cause, if any, is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{en}")]
pub struct Bilingual {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

impl Bilingual {
    /// Both texts.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// The text in one of them.
    pub fn pick(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }

    /// What could not be done, and what the system says to it.
    pub fn caused(en: impl Into<String>, zh: impl Into<String>, error: &io::Error) -> Self {
        let (en, zh): (String, String) = (en.into(), zh.into());
        Self { en: format!("{en}: {error}"), zh: format!("{zh}：{}", system(error)) }
    }
}

/// What the system says, in Chinese where it is something that people meet.
pub(crate) fn system(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "没有该文件或文件夹".into(),
        ErrorKind::PermissionDenied => "权限不足".into(),
        ErrorKind::AlreadyExists => "已存在".into(),
        ErrorKind::StorageFull => "磁盘已满".into(),
        ErrorKind::ReadOnlyFilesystem => "文件系统只读".into(),
        _ => error.to_string(),
    }
}
