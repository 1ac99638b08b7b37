//! What a simulation came to: seasons and totals, rows for spreadsheets, plots.

use super::Sim;
use super::channels::Channel;
use crate::config::Lang;
use anyhow::Context;
use jiff::civil::Date;
use std::io::Write;
use std::path::{Path, PathBuf};
use wellhead_model::{Quality, Value};

/// One quantity over a span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    /// Integral over hours, in the unit times hours.
    pub integral: f64,
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Hours.
    pub hours: f64,
}

impl Default for Sum {
    fn default() -> Self {
        Self { integral: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, hours: 0.0 }
    }
}

impl Sum {
    fn add(&mut self, value: f64, hours: f64) {
        self.integral += value * hours;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.hours += hours;
    }

    fn join(&mut self, later: &Self) {
        self.integral += later.integral;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.hours += later.hours;
    }

    /// Mean over the span.
    pub fn mean(&self) -> f64 {
        self.integral / self.hours
    }
}

/// Half a year: heating from 15 October to 14 April, summer the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Half {
    /// The year in which it begins.
    year: i16,
    heating: bool,
}

impl Half {
    fn of(date: Date) -> Self {
        let year = date.year();
        match (date.month(), date.day()) {
            (10, 15..) | (11 | 12, _) => Self { year, heating: true },
            (1..=3, _) | (4, ..=14) => Self { year: year - 1, heating: true },
            _ => Self { year, heating: false },
        }
    }

    /// `2026/27 heating` or `2026 summer`.
    pub fn name(self, lang: Lang) -> String {
        let Self { year, heating } = self;
        match heating {
            true => format!("{year}/{:02} {}", (year + 1) % 100, lang.pick("heating", "供暖季")),
            false => format!("{year} {}", lang.pick("summer", "夏季")),
        }
    }
}

/// Half a year with its quantities.
#[derive(Debug, Clone)]
pub struct Season {
    /// Which.
    pub half: Half,
    /// By channel.
    pub sums: Vec<Sum>,
}

/// Sums of every channel, by day; seasons and the whole are made of days.
#[derive(Debug)]
pub struct Totals {
    channels: Vec<Channel>,
    days: Vec<(Date, Vec<Sum>)>,
}

impl Totals {
    /// Nothing yet.
    pub fn new(channels: Vec<Channel>) -> Self {
        Self { channels, days: Vec::new() }
    }

    /// Adds a step.
    pub fn add(&mut self, sim: &Sim, hours: f64) {
        let date = sim.plant.now().date();
        if self.days.last().is_none_or(|(day, _)| *day != date) {
            self.days.push((date, vec![Sum::default(); self.channels.len()]));
        }
        let Some((_, sums)) = self.days.last_mut() else { return };
        for (channel, sum) in self.channels.iter().zip(sums) {
            sum.add(channel.now(&sim.plant), hours);
        }
    }

    /// What is summed.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// By season; the last may not be over.
    pub fn seasons(&self) -> Vec<Season> {
        let half = |(date, _): &(Date, _)| Half::of(*date);
        let seasons = self.days.chunk_by(|a, b| half(a) == half(b));
        let of = |days: &[_]| Some(Season { half: half(days.first()?), sums: self.joined(days) });
        seasons.filter_map(of).collect()
    }

    /// The whole run.
    pub fn whole(&self) -> Vec<Sum> {
        self.joined(&self.days)
    }

    fn joined(&self, days: &[(Date, Vec<Sum>)]) -> Vec<Sum> {
        let mut all = vec![Sum::default(); self.channels.len()];
        for (_, day) in days {
            all.iter_mut().zip(day).for_each(|(all, day)| all.join(day));
        }
        all
    }
}

/// A value with four places, which are more than any of them is known to.
pub fn rounded(value: &Value) -> String {
    match (value, value.as_f64()) {
        (Value::Float(_), Some(x)) => ((x * 1e4).round() / 1e4 + 0.0).to_string(),
        _ => value.to_string(),
    }
}

/// Rows for a spreadsheet.
pub struct Csv {
    file: std::io::BufWriter<std::fs::File>,
    channels: Vec<Channel>,
}

impl Csv {
    /// Writes the heading: time, the plant's quantities, the points that plugins are bound to,
    /// what they publish.
    pub fn create(path: &Path, sim: &Sim, channels: Vec<Channel>) -> anyhow::Result<Self> {
        let file = std::fs::File::create(path)
            .with_context(|| format!("can't write {}", path.display()))?;
        let mut file = std::io::BufWriter::new(file);
        write!(file, "time")?;
        for c in &channels {
            write!(file, ",{} [{}]", c.name, c.unit)?;
        }
        for point in sim.bound.iter().map(|id| sim.taps.point(*id)) {
            write!(file, ",{}/{}", point.device, point.id)?;
            if let Some(unit) = point.unit {
                write!(file, " [{}]", unit.symbol())?;
            }
        }
        for (name, unit, _) in sim.values() {
            match unit {
                Some(unit) => write!(file, ",{name} [{unit}]")?,
                None => write!(file, ",{name}")?,
            }
        }
        writeln!(file)?;
        Ok(Self { file, channels })
    }

    /// Writes a row. What is not good stays empty.
    pub fn row(&mut self, sim: &mut Sim) -> anyhow::Result<()> {
        write!(self.file, "{}", sim.plant.now())?;
        for c in &self.channels {
            write!(self.file, ",{:.3}", c.now(&sim.plant))?;
        }
        for id in &sim.bound {
            let (quality, value) = sim.taps.shown(*id).pair();
            self.cell(value.filter(|_| quality == Quality::Good))?;
        }
        for (.., value) in sim.values() {
            self.cell(value)?;
        }
        writeln!(self.file)?;
        Ok(())
    }

    fn cell(&mut self, value: Option<&Value>) -> std::io::Result<()> {
        match value {
            // A text may hold anything; quotes are doubled as RFC 4180 has it.
            Some(Value::Text(t)) => write!(self.file, ",\"{}\"", t.replace('"', "\"\"")),
            Some(value) => write!(self.file, ",{}", rounded(value)),
            None => write!(self.file, ","),
        }
    }

    /// Writes what is left.
    pub fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.file.flush()?)
    }
}

/// Writes one plot a quantity into a folder, daily means over the run; returns the files.
pub fn plots(folder: &Path, runs: &[(&str, &Totals)], lang: Lang) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    let Some((_, first)) = runs.first() else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for (i, c) in first.channels.iter().enumerate() {
        let series: Vec<(&str, Vec<(Date, f64)>)> = runs
            .iter()
            .map(|(name, t)| (*name, t.days.iter().map(|(d, v)| (*d, v[i].mean())).collect()))
            .collect();
        let path = folder.join(format!("{}.svg", c.name.replace(' ', "-")));
        plot(&path, c, &series, lang)
            .map_err(|e| anyhow::anyhow!("can't draw {}: {e}", path.display()))?;
        files.push(path);
    }
    Ok(files)
}

type DrawError = Box<dyn std::error::Error>;

fn plot(
    path: &Path,
    c: &Channel,
    runs: &[(&str, Vec<(Date, f64)>)],
    lang: Lang,
) -> Result<(), DrawError> {
    use plotters::prelude::*;
    let (factor, unit) = if c.unit == "W" { (1e-3, "kW") } else { (1.0, c.unit) };
    let Some(begin) = runs.iter().filter_map(|(_, s)| s.first()).map(|(d, _)| *d).min() else {
        return Ok(());
    };
    let days = |d: Date| f64::from(begin.until(d).map_or(0, |s| s.get_days()));
    let values = || runs.iter().flat_map(|(_, s)| s.iter().map(|(_, v)| v * factor));
    let (low, high) = values().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    let margin = ((high - low) * 0.05).max(0.5);
    let end = runs.iter().filter_map(|(_, s)| s.last()).map(|(d, _)| days(*d)).fold(1.0, f64::max);
    let caption = match lang {
        Lang::En => format!("{}, daily mean, {unit}", c.name),
        Lang::Zh => format!("{}，日平均，{unit}", c.name_zh),
    };
    let root = SVGBackend::new(path, (960, 360)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(caption, ("sans-serif", 18))
        .margin(10)
        .margin_right(44) // half of the last date stands beyond the axis
        .x_label_area_size(28)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..end, (low - margin)..(high + margin))?;
    let label = |x: &f64| begin.saturating_add(jiff::Span::new().days(*x as i64)).to_string();
    chart.configure_mesh().x_labels(8).y_labels(6).x_label_formatter(&label).draw()?;
    let colours = [RGBColor(200, 60, 40), RGBColor(30, 100, 180)];
    for ((name, series), colour) in runs.iter().zip(colours.iter().cycle()) {
        let points = series.iter().map(|(d, v)| (days(*d), v * factor));
        let colour = *colour;
        chart
            .draw_series(LineSeries::new(points, &colour))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
    }
    if runs.len() > 1 {
        chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
    }
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn each_day_belongs_to_one_half_of_a_year() {
        for (day, name) in [
            (date(2026, 7, 1), ["2026 summer", "2026 夏季"]),
            (date(2026, 10, 14), ["2026 summer", "2026 夏季"]),
            (date(2026, 10, 15), ["2026/27 heating", "2026/27 供暖季"]),
            (date(2027, 1, 1), ["2026/27 heating", "2026/27 供暖季"]),
            (date(2027, 4, 14), ["2026/27 heating", "2026/27 供暖季"]),
            (date(2027, 4, 15), ["2027 summer", "2027 夏季"]),
            (date(2099, 12, 31), ["2099/00 heating", "2099/00 供暖季"]),
        ] {
            assert_eq!([Lang::En, Lang::Zh].map(|lang| Half::of(day).name(lang)), name);
        }
    }
}
