//! `wellhead watch`: what the box sees, live.

use super::{Lang, Target, age_text};
use crate::admin::{
    AlarmView, Answer, DeviceView, PointView, Request, Snapshot, UplinkView, client::Client,
};
use clap::Args;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// Shows every point, live: value, quality, age.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead watch --site site.toml hp1")]
pub(super) struct Watch {
    #[command(flatten)]
    target: Target,
    /// Only devices or points whose name starts with this: `hp1` or `hp1/supply`
    prefix: Option<String>,
    /// Print once and end
    #[arg(long)]
    once: bool,
    /// Print as JSON, once
    #[arg(long)]
    json: bool,
}

/// Alarms that are shown; the others are counted.
const ALARMS_SHOWN: usize = 6;

/// Lines that the table needs besides its points.
const FRAME_ROWS: usize = 4;

impl Watch {
    /// Runs until Ctrl-C.
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<()> {
        let mut client = Client::connect(&self.target.socket()?).await?;
        let mut snapshot = self.ask(&mut client, lang).await?;
        if self.json {
            outln!("{}", serde_json::to_string_pretty(&snapshot)?)?;
            return Ok(());
        }
        let live = !self.once && std::io::stdout().is_terminal();
        if !live {
            out!("{}", table(&snapshot, lang, usize::MAX))?;
            return Ok(());
        }
        let _screen = Screen::enter()?;
        loop {
            let (width, height) = terminal_size::terminal_size()
                .map_or((80, 24), |(w, h)| (usize::from(w.0), usize::from(h.0)));
            show(&fit(&table(&snapshot, lang, height.saturating_sub(FRAME_ROWS)), width))?;
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            snapshot = self.ask(&mut client, lang).await?;
        }
    }

    async fn ask(&self, client: &mut Client, lang: Lang) -> anyhow::Result<Snapshot> {
        match client.ask(&Request::Snapshot).await? {
            Answer::Snapshot(mut s) => {
                if let Some(prefix) = &self.prefix {
                    keep(&mut s, prefix, lang)?;
                }
                Ok(s)
            }
            other => anyhow::bail!("unexpected answer: {other:?}"),
        }
    }
}

/// Leaves what begins with `prefix`; an error if nothing does, which a short table would not show.
fn keep(s: &mut Snapshot, prefix: &str, lang: Lang) -> anyhow::Result<()> {
    let all: Vec<String> = s.devices.iter().map(|d| d.device.clone()).collect();
    for d in &mut s.devices {
        let device = &d.device;
        d.points.retain(|p| format!("{device}/{}", p.point).starts_with(prefix));
    }
    s.devices.retain(|d| !d.points.is_empty());
    if s.devices.is_empty() {
        anyhow::bail!(
            "{} `{prefix}`; {}: {}",
            lang.pick("no point's name begins with", "没有名称以此开头的点位"),
            lang.pick("devices", "设备"),
            all.join(", ")
        );
    }
    Ok(())
}

/// The terminal's other screen, left again however the program ends.
struct Screen;

impl Screen {
    fn enter() -> std::io::Result<Self> {
        show_raw("\x1b[?1049h\x1b[?25l")?;
        Ok(Self)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = show_raw("\x1b[?25h\x1b[?1049l");
    }
}

fn show_raw(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn show(text: &str) -> std::io::Result<()> {
    // Each line clears its own rest, and the end clears what an earlier, longer table left.
    show_raw(&format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\r\n")))
}

fn fit(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut used = 0;
        let kept = line.chars().take_while(|c| {
            used += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            used <= width
        });
        out.extend(kept);
        out.push('\n');
    }
    out
}

fn table(s: &Snapshot, lang: Lang, rows_max: usize) -> String {
    let mut out = String::new();
    let clock = match s.synced {
        true => "",
        false => lang.pick("  (clock not synchronised)", "  （时钟未同步）"),
    };
    let _ = writeln!(out, "{}  {}{clock}", s.name, local(s.time_ms, &s.timezone));
    for u in &s.uplinks {
        let link = match u.connected {
            true => lang.pick("connected", "已连接"),
            false => lang.pick("no connection", "未连接"),
        };
        let _ = writeln!(
            out,
            "{}: {link}, {} {}, {} {}",
            u.uplink,
            u.delivered,
            lang.pick("batches delivered", "批已送达"),
            u.cache.batches,
            lang.pick("held on disk", "批缓存在盘"),
        );
        if let Some(trouble) = trouble(u, lang) {
            let _ = writeln!(out, "  {trouble}");
        }
    }
    let alarms = alarms(s, lang);
    for line in &alarms {
        let _ = writeln!(out, "{line}");
    }
    let rows: Vec<[String; 6]> =
        s.devices.iter().flat_map(|d| d.points.iter().map(|p| row(d, p, lang))).collect();
    let head = match lang {
        Lang::En => ["POINT", "VALUE", "UNIT", "QUALITY", "AGE", "WHAT"],
        Lang::Zh => ["点位", "数值", "单位", "质量", "数据龄", "名称"],
    }
    .map(str::to_owned);
    let mut widths = [0; 6];
    for r in rows.iter().chain([&head]) {
        for (w, cell) in widths.iter_mut().zip(r) {
            *w = (*w).max(cell.width());
        }
    }
    let links = s.uplinks.iter().map(|u| 1 + usize::from(trouble(u, lang).is_some()));
    let above = alarms.len() + links.sum::<usize>();
    let shown = rows.len().min(rows_max.saturating_sub(above));
    for r in std::iter::once(&head).chain(rows.iter().take(shown)) {
        let cells = r.iter().zip(widths).enumerate().map(|(i, (cell, w))| pad(cell, w, i == 1));
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    if shown < rows.len() {
        let more =
            lang.pick("more points; name a device to see them", "个点位未显示；可指定设备名");
        let _ = writeln!(out, "… {} {more}", rows.len() - shown);
    }
    out
}

/// A line for each of the gravest alarms, and one for how many more there are.
fn alarms(s: &Snapshot, lang: Lang) -> Vec<String> {
    let line = |a: &AlarmView| {
        let severity = match (a.severity.as_str(), lang) {
            ("alarm", Lang::Zh) => "报警",
            ("warning", Lang::Zh) => "警告",
            ("notice", Lang::Zh) => "提示",
            (word, _) => word,
        };
        let since = local(a.since_ms, &s.timezone);
        format!("! {severity}  {}  {since}  {}", a.alarm, lang.pick(&a.text, &a.text_zh))
    };
    let mut lines: Vec<String> = s.alarms.iter().take(ALARMS_SHOWN).map(line).collect();
    if s.alarms.len() > ALARMS_SHOWN {
        let more = lang.pick("more alarms", "条报警未显示");
        lines.push(format!("! … {} {more}", s.alarms.len() - ALARMS_SHOWN));
    }
    lines
}

/// What keeps an uplink from its broker.
pub(super) fn trouble(u: &UplinkView, lang: Lang) -> Option<String> {
    let id = &u.client_id;
    Some(match (u.trouble.as_deref(), lang) {
        (Some("id_contested"), Lang::En) => format!(
            "the broker ends each connection soon: does another box have the same site and \
             gateway id ({id})?"
        ),
        (Some("id_contested"), Lang::Zh) => {
            format!("服务器连接后不久即断开：是否有另一台网关使用相同的站点和网关标识（{id}）？")
        }
        (Some("login_refused"), _) => lang
            .pick(
                "the broker refuses the login: check username and password_file",
                "服务器拒绝登录：请检查 username 和 password_file",
            )
            .to_owned(),
        _ => u.error.clone()?,
    })
}

fn row(d: &DeviceView, p: &PointView, lang: Lang) -> [String; 6] {
    let value = match &p.value {
        None => "–".into(),
        Some(serde_json::Value::String(s)) => s.clone(),
        Some(v) => v.to_string(),
    };
    let title = lang.pick(&p.title, &p.title_zh).to_owned();
    let name = format!("{}/{}", d.device, p.point);
    let unit = shown_unit(p).to_owned();
    [name, value, unit, quality(p, lang), p.age_ms.map_or("–".into(), age_text), title]
}

/// How good, and why not better. In English with the codes that platforms see too.
pub(super) fn quality(p: &PointView, lang: Lang) -> String {
    let word = quality_word(lang, &p.quality);
    match (lang, &p.reason, &p.reason_zh) {
        (Lang::Zh, _, Some(why)) => format!("{word}：{why}"),
        (_, Some(why), _) => format!("{word}: {why}"),
        (_, None, _) => word.to_owned(),
    }
}

/// The unit, but for that of a plain number, which would look like one more digit.
pub(super) fn shown_unit(p: &PointView) -> &str {
    p.unit.as_deref().filter(|u| *u != "1").unwrap_or_default()
}

fn quality_word(lang: Lang, word: &str) -> &str {
    match (lang, word) {
        (Lang::Zh, "good") => "好",
        (Lang::Zh, "uncertain") => "存疑",
        (Lang::Zh, "stale") => "过期",
        (Lang::Zh, "bad") => "坏",
        (Lang::Zh, "manual") => "人工",
        _ => word,
    }
}

fn pad(cell: &str, width: usize, right: bool) -> String {
    let space = " ".repeat(width.saturating_sub(cell.width()));
    if right { format!("{space}{cell}") } else { format!("{cell}{space}") }
}

/// The time at the plant, `2026-07-01 20:00:00 +08:00`.
pub(super) fn local(ms: i64, zone: &str) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).and_then(|t| t.in_tz(zone));
    time.map_or_else(|_| format!("{ms} ms"), |t| t.strftime("%Y-%m-%d %H:%M:%S %:z").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{CacheView, UplinkView};

    fn snapshot() -> Snapshot {
        let point = |name: &str, value, quality: &str, reason: Option<&str>| PointView {
            point: name.into(),
            title: "Supply".into(),
            title_zh: "供水温度".into(),
            value,
            unit: Some("°C".into()),
            quality: quality.into(),
            reason: reason.map(str::to_owned),
            reason_zh: reason.map(|_| "无应答".to_owned()),
            time_ms: Some(0),
            age_ms: Some(1500),
            writable: false,
        };
        Snapshot {
            name: "site/box".into(),
            time_ms: 0,
            timezone: "Asia/Shanghai".into(),
            synced: false,
            devices: vec![DeviceView {
                device: "hp1".into(),
                answered: 1,
                failed: 0,
                latency_ms: 1.0,
                age_ms: Some(10),
                error: None,
                points: vec![
                    point("supply", Some(serde_json::json!(44.1)), "good", None),
                    point("return", None, "bad", Some("no_reply")),
                ],
            }],
            uplinks: vec![UplinkView {
                uplink: "cloud".into(),
                connected: true,
                state: "live".into(),
                error: None,
                client_id: "wellhead-site-box-cloud".into(),
                trouble: None,
                waiting: 0,
                delivered: 7,
                refused: 0,
                dropped: 0,
                cache: CacheView {
                    batches: 0,
                    samples: 0,
                    bytes: 0,
                    bytes_max: 1,
                    oldest_ms: None,
                    hours_left: None,
                    error: None,
                },
            }],
            alarms: Vec::new(),
        }
    }

    #[test]
    fn columns_line_up_in_both_languages() {
        let en = "site/box  1970-01-01 08:00:00 +08:00  (clock not synchronised)\n\
                  cloud: connected, 7 batches delivered, 0 held on disk\n\
                  POINT       VALUE  UNIT  QUALITY        AGE    WHAT\n\
                  hp1/supply   44.1  °C    good           1.5 s  Supply\n\
                  hp1/return      –  °C    bad: no_reply  1.5 s  Supply\n";
        assert_eq!(table(&snapshot(), Lang::En, usize::MAX), en);
        let zh = table(&snapshot(), Lang::Zh, usize::MAX);
        let lines: Vec<&str> = zh.lines().skip(2).collect();
        let column = |l: &str, text: &str| l[..l.find(text).unwrap()].width();
        assert_eq!(column(lines[0], "名称"), column(lines[1], "供水温度"));
        assert!(lines[2].contains("坏：无应答") && !zh.contains("no_reply"), "{zh}");
    }

    #[test]
    fn a_lost_broker_says_why_and_a_contested_id_asks_for_the_other_box() {
        let mut s = snapshot();
        s.uplinks[0].connected = false;
        s.uplinks[0].error = Some("Connection refused".into());
        assert!(table(&s, Lang::En, usize::MAX).contains("\n  Connection refused\n"));
        s.uplinks[0].trouble = Some("id_contested".into());
        for lang in [Lang::En, Lang::Zh] {
            let text = table(&s, lang, usize::MAX);
            assert!(text.contains("wellhead-site-box-cloud"), "{text}");
            assert!(!text.contains("refused"), "{text}");
        }
    }

    #[test]
    fn a_prefix_that_nothing_has_is_told_with_the_devices_there_are() {
        let mut s = snapshot();
        keep(&mut s, "hp1/sup", Lang::En).unwrap();
        assert_eq!(s.devices[0].points.len(), 1);
        let said = keep(&mut s, "hp2", Lang::En).unwrap_err().to_string();
        assert_eq!(said, "no point's name begins with `hp2`; devices: hp1");
    }

    #[test]
    fn what_is_wrong_stands_above_the_points() {
        let mut s = snapshot();
        let alarm = |n: usize| AlarmView {
            alarm: format!("watch.low_flow_{n}"),
            severity: "warning".into(),
            since_ms: 0,
            text: "No flow. Check the pump.".into(),
            text_zh: "无流量，请检查水泵。".into(),
        };
        s.alarms = (0..ALARMS_SHOWN + 2).map(alarm).collect();
        let text = table(&s, Lang::En, usize::MAX);
        let first =
            "\n! warning  watch.low_flow_0  1970-01-01 08:00:00 +08:00  No flow. Check the pump.\n";
        assert!(text.contains(first) && text.contains("\n! … 2 more alarms\nPOINT"), "{text}");
        assert!(table(&s, Lang::Zh, usize::MAX).contains("! 警告  watch.low_flow_0"), "{text}");
        let rows = |max| table(&s, Lang::En, max).matches("hp1/").count();
        assert_eq!((rows(ALARMS_SHOWN + 2), rows(ALARMS_SHOWN + 3)), (0, 1), "they take rows");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let text = table(&snapshot(), Lang::En, 2);
        assert!(text.ends_with("… 1 more points; name a device to see them\n"), "{text}");
    }
}
