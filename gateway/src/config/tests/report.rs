//! How the report of `check` reads.

use super::*;
use std::fmt::Write as _;

#[test]
fn many_warnings_of_one_kind_are_folded_and_bury_no_other() {
    let mut text = SITE.to_owned();
    for n in 0..40 {
        let _ = write!(text, "[device.hp1.point.n{n}]\nholding = {}\ntype = \"u16\"\n", 100 + n);
    }
    text.push_str("[line.spare]\ntcp = \"127.0.0.1:1503\"\n");
    let (_, report) = loaded(&text).unwrap();
    assert_eq!(report.warnings(), 41);
    for (lang, more) in [(Lang::En, "37 more: nobody can tell"), (Lang::Zh, "另有 37 处：")] {
        let said = report.render(lang);
        assert!(said.lines().count() < 40, "{said}");
        assert!(said.contains(more) && said.contains("41"), "{said}");
        assert!(said.contains("line.spare"), "the other one is whole: {said}");
    }
    assert_eq!(report.json(Lang::En)["findings"].as_array().unwrap().len(), 41, "all of them");
}
