//! What is told about a map, in both languages.

use crate::config::Lang;

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

impl Said {
    /// The sentence in this language.
    pub fn pick(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }
}

macro_rules! said {
    ($en:literal, $zh:literal) => {
        $crate::import::Said { en: format!($en), zh: format!($zh) }
    };
}
pub(super) use said;
