//! What is printed of a simulation: of one run, of two side by side, and for programs.

use super::Run;
use crate::config::Lang;
use crate::simulate::{Adds, Channel, Sum, Totals, rounded};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;
use wellhead_model::Value;

/// A quantity in words, and what it came to.
type Row = (String, String);

/// Where sums begin, beside the names of seasons.
const NAME_WIDTH: usize = 18;

/// One run: sums by season, then what plugins show at the end, how often outputs moved, and what
/// went wrong.
pub(super) fn alone(run: &Run, lang: Lang) -> String {
    let mut out = seasons(&run.totals, lang);
    out.push('\n');
    for (name, end) in rows(run, lang) {
        let _ = writeln!(out, "{name} = {end}");
    }
    out += &alarms(&[run], lang);
    out += &faults(run, lang);
    out
}

/// Two runs of the same plant.
pub(super) fn side_by_side(first: &Run, second: &Run, lang: Lang) -> String {
    let all = |run: &Run| -> Vec<Row> { whole(&run.totals, lang).chain(rows(run, lang)).collect() };
    let names = [first, second].map(|run| run.name.pick(lang));
    let mut out = table(names, [all(first), all(second)]);
    out += &alarms(&[first, second], lang);
    for run in [first, second] {
        let faults = faults(run, lang);
        if !faults.is_empty() {
            let _ = write!(out, "{}:\n{faults}", run.name.pick(lang));
        }
    }
    out
}

/// The sums of every quantity: seasons, then the whole.
fn seasons(totals: &Totals, lang: Lang) -> String {
    let mut out = String::new();
    let (seasons, whole) = (totals.seasons(), totals.whole());
    let in_all = (lang.pick("in all", "合计").to_owned(), &whole);
    let halves = seasons.iter().map(|season| (season.half.name(lang), &season.sums));
    let spans: Vec<_> = halves.chain([in_all]).collect();
    for (i, channel) in totals.channels().iter().enumerate() {
        let _ = writeln!(out, "{}", heading(channel, lang));
        for (name, sums) in &spans {
            let space = " ".repeat(NAME_WIDTH.saturating_sub(name.width()));
            let _ = writeln!(out, "  {name}{space} {}", shown(channel, sums[i]));
        }
    }
    out
}

/// The whole run's sums, each with its name and unit.
fn whole(totals: &Totals, lang: Lang) -> impl Iterator<Item = Row> {
    totals.channels().iter().zip(totals.whole()).map(move |(channel, sum)| {
        (heading(channel, lang), shown(channel, sum).trim_start().to_owned())
    })
}

fn heading(channel: &Channel, lang: Lang) -> String {
    let name = lang.pick(&channel.name, &channel.name_zh);
    let unit = match channel.adds {
        Adds::Energy => "MWh".into(),
        Adds::Volume => "m³".into(),
        Adds::Money => lang.pick("CNY", "元").into(),
        Adds::Not => {
            let what = lang.pick("least, mean, greatest", "最小、平均、最大");
            match channel.unit {
                "1" => what.into(),
                unit => format!("{unit}{}{what}", lang.pick(": ", "：")),
            }
        }
    };
    match lang {
        Lang::En => format!("{name} ({unit})"),
        Lang::Zh => format!("{name}（{unit}）"),
    }
}

fn shown(channel: &Channel, sum: Sum) -> String {
    match channel.adds {
        Adds::Energy => format!("{:10.1}", sum.integral / 1e6),
        Adds::Volume | Adds::Money => format!("{:10.0}", sum.integral),
        Adds::Not => format!("{:10.2} {:8.2} {:8.2}", sum.min, sum.mean(), sum.max),
    }
}

/// Rows of the same name beside one another, in the order of the first run; a dash stands for what
/// a run does not have.
fn table(names: [&str; 2], runs: [Vec<Row>; 2]) -> String {
    let [first, mut second] = runs;
    let mut lines: Vec<[String; 3]> = vec![["".into(), names[0].into(), names[1].into()]];
    for (name, end) in first {
        let other = second.iter().position(|(n, _)| *n == name).map(|at| second.remove(at).1);
        lines.push([name, end, other.unwrap_or("-".into())]);
    }
    lines.extend(second.into_iter().map(|(name, end)| [name, "-".into(), end]));
    let widest = |i: usize| lines.iter().map(|l| l[i].width()).max().unwrap_or(0);
    let [label, a, b] = [widest(0), widest(1), widest(2)];
    let space = |text: &str, width: usize| " ".repeat(width.saturating_sub(text.width()));
    let mut out = String::new();
    for [name, x, y] in &lines {
        let _ = write!(out, "{name}{}", space(name, label));
        let _ = writeln!(out, "  {}{x}  {}{y}", space(x, a), space(y, b));
    }
    out
}

/// What plugins show at the end, and how often outputs moved.
fn rows(run: &Run, lang: Lang) -> impl Iterator<Item = Row> {
    let shown = run.sim.values().filter_map(|(name, unit, value)| {
        let value = value.filter(|v| !matches!(v, Value::Text(t) if t.is_empty()))?;
        let value = match unit.filter(|unit| *unit != "1") {
            Some(unit) => format!("{} {unit}", rounded(value)),
            None => rounded(value),
        };
        Some((name, value))
    });
    let moved = run.sim.counts().into_iter().flat_map(move |(output, count)| {
        let starts = (output.clone() + lang.pick(": starts", "：启动次数"), count.starts);
        let writes = (output + lang.pick(": writes", "：写入次数"), count.writes);
        [(starts.0, starts.1.to_string()), (writes.0, writes.1.to_string())]
    });
    shown.chain(moved)
}

/// How often each alarm came in each run, and its text.
fn alarms(runs: &[&Run], lang: Lang) -> String {
    let mut ids: Vec<_> = runs.iter().flat_map(|run| &run.sim.incidents.alarms).collect();
    ids.sort();
    ids.dedup_by_key(|(id, _)| *id);
    let mut out = String::new();
    for (id, (_, [en, zh])) in ids {
        let times = |run: &&Run| match run.sim.incidents.alarms.get(id) {
            Some((times, _)) => format!("{times}×"),
            None => "0×".into(),
        };
        let times = runs.iter().map(times).collect::<Vec<_>>().join(" / ");
        let _ = match lang {
            Lang::En => writeln!(out, "alarm {id}, {times}: {en}"),
            Lang::Zh => writeln!(out, "报警 {id}，{times}：{zh}"),
        };
    }
    out
}

fn faults(run: &Run, lang: Lang) -> String {
    let mut faults: Vec<_> = run.sim.incidents.faults.iter().collect();
    faults.sort();
    let mut out = String::new();
    for (id, (times, [en, zh])) in faults {
        let _ = match lang {
            Lang::En => writeln!(out, "plugin {id} failed, {times}×: {en}"),
            Lang::Zh => writeln!(out, "插件 {id} 故障 {times} 次：{zh}"),
        };
    }
    out
}

/// The sums of each season, and what plugins show at the end.
pub(super) fn json(run: &Run) -> serde_json::Value {
    let of = |s: &crate::simulate::Season| {
        let sums: serde_json::Map<_, _> = run
            .totals
            .channels()
            .iter()
            .zip(&s.sums)
            .map(|(c, sum)| {
                let told = serde_json::json!({
                    "unit": c.unit, "integral_h": sum.integral,
                    "min": sum.min, "mean": sum.mean(), "max": sum.max,
                });
                (c.name.clone(), told)
            })
            .collect();
        serde_json::json!({ "season": s.half.name(Lang::En), "hours": s.sums.first().map(|x| x.hours), "sums": sums })
    };
    let values: serde_json::Map<_, _> = run
        .sim
        .values()
        .map(|(name, _, value)| {
            (name, value.map_or(serde_json::Value::Null, crate::control::to_json))
        })
        .collect();
    serde_json::json!({
        "run": run.name.en,
        "seasons": run.totals.seasons().iter().map(of).collect::<Vec<_>>(),
        "values": values,
        "alarms": run.sim.incidents.alarms.keys().collect::<Vec<_>>(),
        "faults": run.sim.incidents.faults.keys().collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_run_has_stands_beside_a_dash_and_long_names_shift_no_column() {
        let row = |name: &str, end: &str| (name.to_owned(), end.to_owned());
        let first = vec![row("room (°C)", "24.3"), row("frost/mode", "idle")];
        let second = vec![row("room (°C)", "1.5"), row("frost/hours", "7 h")];
        let expected = "             as it is  another build\n\
                        room (°C)        24.3            1.5\n\
                        frost/mode       idle              -\n\
                        frost/hours         -            7 h\n";
        assert_eq!(table(["as it is", "another build"], [first, second]), expected);
    }
}
