//! The texts of `wellhead check`: for each mistake the English and the Chinese message, and a
//! hint in both where there is something to advise.

use super::problem::{Lang, Problem, Words};

/// A text in both languages.
macro_rules! both {
    ($en:literal, $zh:literal) => {
        (format!($en), format!($zh))
    };
}

/// A message, and perhaps a hint, each in both languages.
macro_rules! say {
    ($en:literal, $zh:literal) => {
        (both!($en, $zh), None)
    };
    ($en:literal, $zh:literal; $hint_en:literal, $hint_zh:literal) => {
        (both!($en, $zh), Some(both!($hint_en, $hint_zh)))
    };
}

mod devices;
mod outputs;
mod plugins;
mod points;
mod server;
mod site;
mod structure;

type Pair = (String, String);
type Said = (Pair, Option<Pair>);

pub(super) fn words(problem: &Problem, lang: Lang) -> Words {
    let (message, hint) = said(problem);
    let choose = |(en, zh): Pair| if lang == Lang::En { en } else { zh };
    Words { message: choose(message), hint: hint.map(choose) }
}

fn near_or_known(near: &Option<String>, known: &str) -> Pair {
    match near {
        Some(near) => both!("did you mean `{near}`?", "是不是 `{near}`？"),
        None if known.is_empty() => both!("there is none yet", "目前一个也没有"),
        None => both!("there are: {known}", "可用的有：{known}"),
    }
}

fn said(problem: &Problem) -> Said {
    structure::said(problem)
        .or_else(|| site::said(problem))
        .or_else(|| devices::said(problem))
        .or_else(|| points::said(problem))
        .or_else(|| outputs::said(problem))
        .or_else(|| plugins::said(problem))
        .or_else(|| server::said(problem))
        // A test shows that every problem has its text above.
        .unwrap_or_else(|| ((problem.code(), problem.code()), None))
}
