//! What is printed of a simulation: of one run, of two side by side, and for programs.

use super::Run;
use crate::config::Lang;
use crate::simulate::rounded;
use std::fmt::Write as _;
use wellhead_model::Value;

/// A quantity in words, and what it came to.
type Row = (String, String);

/// One run: sums by season, then what plugins show at the end, how often outputs moved, and what
/// went wrong.
pub(super) fn alone(run: &Run, lang: Lang) -> String {
    let mut out = run.totals.text();
    out.push('\n');
    for (name, end) in rows(run) {
        let _ = writeln!(out, "{name} = {end}");
    }
    out += &alarms(&[run], lang);
    out += &faults(run);
    out
}

/// Two runs of the same plant.
pub(super) fn side_by_side(first: &Run, second: &Run, lang: Lang) -> String {
    let all = |run: &Run| -> Vec<Row> { run.totals.rows().chain(rows(run)).collect() };
    let mut out = table([&first.name, &second.name], [all(first), all(second)]);
    out += &alarms(&[first, second], lang);
    for run in [first, second] {
        let faults = faults(run);
        if !faults.is_empty() {
            let _ = write!(out, "{}:\n{faults}", run.name);
        }
    }
    out
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
    let width = |i: usize| lines.iter().map(|l| l[i].chars().count()).max().unwrap_or(0);
    let [label, a, b] = [width(0), width(1), width(2)];
    let mut out = String::new();
    for [name, x, y] in &lines {
        let _ = writeln!(out, "{name:<label$}  {x:>a$}  {y:>b$}");
    }
    out
}

/// What plugins show at the end, and how often outputs moved.
fn rows(run: &Run) -> impl Iterator<Item = Row> {
    let shown = run.sim.values().filter_map(|(name, unit, value)| {
        let value = value.filter(|v| !matches!(v, Value::Text(t) if t.is_empty()))?;
        let value = match unit.filter(|unit| *unit != "1") {
            Some(unit) => format!("{} {unit}", rounded(value)),
            None => rounded(value),
        };
        Some((name, value))
    });
    let moved = run.sim.counts().into_iter().flat_map(|(output, count)| {
        let starts = (format!("{output}: starts"), count.starts.to_string());
        [starts, (format!("{output}: writes"), count.writes.to_string())]
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
        let times: Vec<_> = runs.iter().map(times).collect();
        let (alarm, text) = (lang.pick("alarm", "报警"), lang.pick(en, zh));
        let _ = writeln!(out, "{alarm} {id}, {}: {text}", times.join(" / "));
    }
    out
}

fn faults(run: &Run) -> String {
    let mut faults: Vec<_> = run.sim.incidents.faults.iter().collect();
    faults.sort();
    let mut out = String::new();
    for (id, (times, text)) in faults {
        let _ = writeln!(out, "plugin {id} failed, {times}×: {text}");
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
        serde_json::json!({ "season": s.name, "hours": s.sums.first().map(|x| x.hours), "sums": sums })
    };
    let values: serde_json::Map<_, _> = run
        .sim
        .values()
        .map(|(name, _, value)| {
            (name, value.map_or(serde_json::Value::Null, crate::control::to_json))
        })
        .collect();
    serde_json::json!({
        "run": run.name,
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
