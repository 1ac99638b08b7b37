//! What is printed.

use crate::judge::{Judgement, Row};

/// How a scenario ended.
#[derive(Debug)]
pub enum Outcome {
    /// It ran.
    Judged(Judgement),
    /// It could not be run here, and why.
    Skipped(String),
    /// A part did not do its work.
    Failed(String),
}

impl Outcome {
    /// Whether nothing speaks against the promise. A skipped scenario says nothing.
    #[must_use]
    pub fn kept(&self) -> bool {
        match self {
            Self::Judged(judgement) => judgement.faults.is_empty(),
            Self::Skipped(_) => true,
            Self::Failed(_) => false,
        }
    }

    /// As a table with remarks and faults.
    #[must_use]
    pub fn text(&self, title: &str) -> String {
        let mut out = format!("\n## {title}\n\n");
        match self {
            Self::Skipped(why) => out += &format!("SKIPPED: {why}\n"),
            Self::Failed(why) => out += &format!("FAILED: {why}\n"),
            Self::Judged(judgement) => {
                out += "| stream | answered | delivered | lost | in the window of a kill \
                        | not judged | messages | as backlog | repeated | misordered |\n|---|---|---|---|---|---|---|---|---|---|\n";
                out.extend(judgement.rows.iter().map(line));
                out += "\n";
                out.extend(judgement.remarks.iter().map(|remark| format!("- {remark}\n")));
                out.extend(judgement.faults.iter().map(|fault| format!("- FAULT: {fault}\n")));
                let kept = judgement.faults.is_empty();
                out += if kept { "- promise kept\n" } else { "- PROMISE BROKEN\n" };
            }
        }
        out
    }
}

fn line(r: &Row) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        r.stream,
        r.answered,
        r.delivered,
        r.lost,
        r.lost_allowed,
        r.lost_unjudged,
        r.messages,
        r.backlog,
        r.repeated,
        r.misordered
    )
}

/// The last line.
#[must_use]
pub fn verdict(outcomes: &[Outcome]) -> String {
    let count = |of: fn(&Outcome) -> bool| outcomes.iter().filter(|o| of(o)).count();
    let skipped = count(|o| matches!(o, Outcome::Skipped(_)));
    let broken = count(|o| !o.kept());
    let ran = outcomes.len() - skipped;
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    match broken {
        0 => format!("VERDICT: promise kept in {ran} of {ran} scenarios{skipped}"),
        n => format!("VERDICT: PROMISE NOT KEPT in {n} of {ran} scenarios{skipped}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(faults: &[&str]) -> Outcome {
        let faults = faults.iter().map(|f| (*f).to_owned()).collect();
        Outcome::Judged(Judgement { rows: vec![Row::default()], faults, remarks: vec![] })
    }

    #[test]
    fn one_fault_or_failure_breaks_the_verdict_and_a_skip_is_said() {
        let (good, bad, skip) = (judged(&[]), judged(&["lost"]), Outcome::Skipped("x".into()));
        let failed = Outcome::Failed("x".into());
        assert_eq!(verdict(&[good, skip]), "VERDICT: promise kept in 1 of 1 scenarios, 1 skipped");
        assert_eq!(verdict(&[bad, failed]), "VERDICT: PROMISE NOT KEPT in 2 of 2 scenarios");
    }

    #[test]
    fn table_lines_have_the_columns_of_their_heading() {
        let text = judged(&["lost"]).text("t");
        let columns: Vec<usize> = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert_eq!(columns, [11, 11, 11], "{text}");
        assert!(text.contains("FAULT: lost") && text.contains("BROKEN"), "{text}");
    }
}
