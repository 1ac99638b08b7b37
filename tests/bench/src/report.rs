//! What is printed: Markdown, to be pasted as it stands.

use crate::job::{FIRST_VALUE_S, Figures, Job};
use crate::measure::{Ages, Outage, Window};
use crate::rig::Delivery;

/// One program's result for one job.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The program.
    pub who: &'static str,
    /// From its start to the arrival of its first good value, s.
    pub first_value_s: f64,
    /// The steady state.
    pub window: Window,
    /// What came of all answers.
    pub delivery: Delivery,
}

impl Row {
    fn figures(&self) -> Figures {
        let Window { rss_mb, cpu_s, ages, .. } = self.window;
        Figures { rss_mb, cpu_s, age_p99_ms: ages.p99_ms.unwrap_or(f64::INFINITY) }
    }
}

/// Heading of the table of jobs.
pub const JOBS_HEAD: &str = "\
| job | who | first value s | RSS MB (max) | × floor | CPU s/60 s | × floor | age ms p50 / p99 | lost of answered | repeated | misordered | other load, cores |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// One measured line; `floor` is what the ratios are to.
#[must_use]
pub fn measured(job: &Job, row: &Row, floor: Option<Figures>) -> String {
    let Row { who, first_value_s, window, delivery } = row;
    let own = row.figures();
    let ratio = |of: fn(Figures) -> f64| {
        floor.map_or_else(|| "–".to_owned(), |floor| format!("{:.1}", of(own) / of(floor)))
    };
    let name = if *who == "floor" { job.name } else { "" };
    let unreadable = match delivery.unreadable {
        0 => String::new(),
        n => format!(", {n} messages unreadable"),
    };
    format!(
        "| {name} | {who} | {first_value_s:.2} | {:.1} ({:.1}) | {} | {:.2} | {} | {} | {} of {}{unreadable} | {} | {} | {:.2} |",
        own.rss_mb,
        window.rss_max_mb,
        ratio(|f| f.rss_mb),
        own.cpu_s,
        ratio(|f| f.cpu_s),
        ages_text(window.ages),
        delivery.lost,
        delivery.answered,
        delivery.repeated,
        delivery.misordered,
        window.others_cores,
    )
}

/// A line of wanted or known figures, with its ratios to the floor they were set beside.
#[must_use]
pub fn wanted(who: &str, figures: Figures, job: &Job, first_value_s: Option<f64>) -> String {
    let first = first_value_s.map_or_else(String::new, |s| format!("{s:.1}"));
    format!(
        "| | *{who}* | {first} | {:.1} | {:.1} | {:.2} | {:.1} | – / {:.0} | | | | |",
        figures.rss_mb,
        figures.rss_mb / job.floor.rss_mb,
        figures.cpu_s,
        figures.cpu_s / job.floor.cpu_s,
        figures.age_p99_ms,
    )
}

/// All lines of one job.
#[must_use]
pub fn job(job: &Job, floor: &Row, gateway: Option<&Row>) -> String {
    let mut lines = vec![measured(job, floor, Some(floor.figures()))];
    lines.extend(gateway.map(|row| measured(job, row, Some(floor.figures()))));
    lines.push(wanted("floor before", job.floor, job, None));
    lines.push(wanted("best peers", job.best_peer, job, None));
    lines.push(wanted("to reach", job.reach, job, Some(FIRST_VALUE_S)));
    lines.push(wanted("aim", job.aim, job, None));
    lines.join("\n")
}

/// One sentence a job: which figures are as wanted. CPU is judged twice, in seconds and by its
/// ratio to the floor of the same run: machines differ in speed, and so do floors.
#[must_use]
pub fn verdict(job: &Job, floor: &Row, gateway: &Row) -> String {
    let (own, base) = (gateway.figures(), floor.figures());
    let ratio = |wanted: Figures| wanted.cpu_s / job.floor.cpu_s;
    let first = if gateway.first_value_s <= FIRST_VALUE_S { "reached" } else { "missed" };
    format!(
        "{}: first value {first}, RSS {}, CPU s {}, CPU × floor {}, age p99 {}, {} lost, {} misordered",
        job.name,
        grade(own.rss_mb, job.reach.rss_mb, job.aim.rss_mb),
        grade(own.cpu_s, job.reach.cpu_s, job.aim.cpu_s),
        grade(own.cpu_s / base.cpu_s, ratio(job.reach), ratio(job.aim)),
        grade(own.age_p99_ms, job.reach.age_p99_ms, job.aim.age_p99_ms),
        gateway.delivery.lost,
        gateway.delivery.misordered,
    )
}

/// How far each figure of the floor is from that of the earlier floor, in percent of it.
#[must_use]
pub fn floor_offset(job: &Job, floor: &Row) -> String {
    let own = floor.figures();
    let percent = |own: f64, before: f64| 100.0 * (own - before) / before;
    format!(
        "{}: floor beside the floor before: RSS {:+.0} %, CPU s {:+.0} %",
        job.name,
        percent(own.rss_mb, job.floor.rss_mb),
        percent(own.cpu_s, job.floor.cpu_s),
    )
}

fn grade(value: f64, reach: f64, aim: f64) -> &'static str {
    if value <= aim {
        "aim met"
    } else if value <= reach {
        "reached"
    } else {
        "missed"
    }
}

/// The outage as a list.
#[must_use]
pub fn outage(job: &Job, away_s: u64, outage: &Outage) -> String {
    let Outage { before, delivery, .. } = outage;
    let rate = outage.values_drained as f64 / outage.drain_s.max(1e-3);
    let none = || "none came".to_owned();
    let back = outage.first_back_s.map_or_else(none, |s| format!("{s:.2} s"));
    let online = before.bytes_per_value.map_or_else(none, |b| format!("{b:.2} B"));
    format!(
        "{} job, broker away for {away_s} s, {} values read meanwhile\n\
         - RSS grew by {:.1} MB from {:.1} MB (wanted: less than 20)\n\
         - first message {back} after the return\n\
         - drained {} values in {:.2} s: {rate:.0} values/s (wanted: 100000 or more)\n\
         - live ages during the drain, p50 / p99 / max of {}: {} / {} ms (wanted: under 100)\n\
         - written per value: on line {online}, off line {:.1} B, while draining {:.1} B\n\
         - of {} answers {} lost, {} repeated, {} misordered, {} messages unreadable",
        job.name,
        outage.values_meanwhile,
        outage.rss_growth_mb,
        before.rss_mb,
        outage.values_drained,
        outage.drain_s,
        outage.live_count,
        ages_text(outage.live_ages),
        text(outage.live_ages.max_ms),
        outage.bytes_per_value_away,
        outage.bytes_per_value_drain,
        delivery.answered,
        delivery.lost,
        delivery.repeated,
        delivery.misordered,
        delivery.unreadable,
    )
}

/// Heading of the soak's table.
pub const SOAK_HEAD: &str = "\
| minute | RSS MB (max) | CPU s/60 s | age ms p50 / p99 | written per value B | other load, cores |
|---|---|---|---|---|---|";

/// One minute of a soak.
#[must_use]
pub fn minute(number: u64, window: &Window) -> String {
    format!(
        "| {number} | {:.1} ({:.1}) | {:.2} | {} | {} | {:.2} |",
        window.rss_mb,
        window.rss_max_mb,
        window.cpu_s,
        ages_text(window.ages),
        text(window.bytes_per_value),
        window.others_cores,
    )
}

/// The end of a soak.
#[must_use]
pub fn delivery(d: &Delivery) -> String {
    format!(
        "of {} answers {} lost, {} repeated, {} misordered, {} messages unreadable",
        d.answered, d.lost, d.repeated, d.misordered, d.unreadable
    )
}

fn ages_text(ages: Ages) -> String {
    format!("{} / {}", text(ages.p50_ms), text(ages.p99_ms))
}

fn text(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JOBS;

    fn row(who: &'static str, rss_mb: f64, cpu_s: f64, p99: f64) -> Row {
        let ages = Ages { p50_ms: Some(1.0), p99_ms: Some(p99), max_ms: Some(p99) };
        let window = Window {
            rss_mb,
            rss_max_mb: rss_mb,
            cpu_s,
            ages,
            bytes_per_value: None,
            others_cores: 0.0,
        };
        let delivery = Delivery { answered: 9, lost: 2, repeated: 0, misordered: 0, unreadable: 0 };
        Row { who, first_value_s: 0.31, window, delivery }
    }

    #[test]
    fn cpu_is_judged_in_seconds_and_by_ratio_to_the_floor_of_the_same_run() {
        // A machine half as fast: the floor needs 1.6 s instead of 0.8 s.
        let verdict =
            verdict(&JOBS[1], &row("floor", 2.2, 1.6, 1.0), &row("wellhead", 31.0, 2.9, 9.0));
        assert_eq!(
            verdict,
            "100x100: first value missed, RSS missed, CPU s missed, CPU × floor reached, \
             age p99 aim met, 2 lost, 0 misordered"
        );
    }

    #[test]
    fn table_lines_have_the_columns_of_their_heading() {
        let columns = |line: &str| line.matches('|').count();
        let (floor, gateway) = (row("floor", 2.0, 0.8, 1.0), row("wellhead", 20.0, 1.6, 9.0));
        for line in job(&JOBS[0], &floor, Some(&gateway)).lines() {
            assert_eq!(columns(line), columns(JOBS_HEAD.lines().next().unwrap()), "{line}");
        }
        let minute = minute(1, &gateway.window);
        assert_eq!(columns(&minute), columns(SOAK_HEAD.lines().next().unwrap()));
    }
}
