//! The socket by which people at the box talk to the running program.
//!
//! A Unix socket in the data folder; who may open it is decided by its file mode (owner and
//! group). One JSON object a line each way. `wellhead watch`, `read`, `write` and `cache` speak
//! it through [`client`]; it is not a public interface.

pub mod client;
mod person;
mod protocol;

pub use protocol::{
    AlarmView, Answer, CacheView, DeviceView, LineView, PluginView, PointView, Request, Snapshot,
    UplinkView,
};

use crate::control::{self, Command, Control, Slot};
use crate::hub::Hub;
use crate::plugins::{Board, Plugins, Switched};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use wellhead_model::{DeviceId, Now, Timestamp};
use wellhead_uplink::Alarm;

/// Longest request line.
const REQUEST_LEN_MAX: u64 = 64 * 1024;
/// A command from the box itself is valid this long: it is run at once or not at all.
const WRITE_VALID_MS: i64 = 60_000;

/// What the uplinks can say of themselves.
pub type Uplinks = Arc<dyn Fn() -> Vec<UplinkView> + Send + Sync>;

/// What the socket gives access to.
#[derive(Clone)]
pub struct Desk {
    /// `site/gateway`, for the heading.
    pub name: String,
    /// The plant's time zone, an IANA name.
    pub timezone: String,
    /// Latest values.
    pub hub: Arc<Hub>,
    /// Outputs.
    pub control: Arc<Control>,
    /// The uplinks' state.
    pub uplinks: Uplinks,
    /// Plugins.
    pub plugins: Arc<Plugins>,
}

/// The socket's place in a data folder.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("wellhead.sock")
}

/// Opens the socket. One left behind by a run that was killed is replaced; one in use is not.
pub async fn listen(path: &Path) -> std::io::Result<UnixListener> {
    if UnixStream::connect(path).await.is_ok() {
        return Err(std::io::Error::new(
            std::io::ErrorKind::AddrInUse,
            format!("{} is in use: is the gateway running already?", path.display()),
        ));
    }
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Serves until dropped.
pub async fn serve(listener: UnixListener, desk: Desk) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = desk.clone();
                tokio::spawn(async move {
                    if let Err(error) = talk(stream, &desk).await {
                        tracing::debug!(%error, "Admin connection ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "Can't accept on the admin socket");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn talk(stream: UnixStream, desk: &Desk) -> std::io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = (&mut stream).take(REQUEST_LEN_MAX).read_until(b'\n', &mut line).await?;
        if n == 0 {
            return Ok(());
        }
        let answer = match serde_json::from_slice::<Request>(&line) {
            Ok(request) => desk.answer(request, uid).await,
            Err(e) => no(format!("not understood: {e}"), format!("无法理解：{e}")),
        };
        let mut text = serde_json::to_vec(&answer).map_err(std::io::Error::other)?;
        text.push(b'\n');
        stream.write_all(&text).await?;
    }
}

fn no(text: impl Into<String>, text_zh: impl Into<String>) -> Answer {
    Answer::Error { text: text.into(), text_zh: text_zh.into() }
}

impl Desk {
    /// Answers the user `uid`, whom the system names and not he himself.
    async fn answer(&self, request: Request, uid: u32) -> Answer {
        match request {
            Request::Snapshot => Answer::Snapshot(self.snapshot()),
            Request::Write { point, value, hold_s, sudo_user, slot } => match Slot::new(slot) {
                Ok(slot) => {
                    let source = person::source(uid, sudo_user.as_deref());
                    self.write(point, &value, hold_s, source, slot).await
                }
                Err(error) => no(error.to_string(), format!("优先级须为 1 到 16：{error}")),
            },
            Request::Release { point, sudo_user, slot } => match Slot::new(slot) {
                Ok(slot) => self.release(&point, &person::source(uid, sudo_user.as_deref()), slot),
                Err(error) => no(error.to_string(), format!("优先级须为 1 到 16：{error}")),
            },
            Request::Plugins => Answer::Plugins(self.plugins()),
            Request::SwitchPlugin { plugin, on } => match self.plugins.switch(&plugin, on).await {
                Switched::Done => Answer::Done,
                Switched::Starting => no(
                    format!("plugin `{plugin}` is being compiled; try again"),
                    format!("插件 `{plugin}` 正在编译；请稍后再试"),
                ),
                Switched::Refused(why) => no(
                    format!("plugin `{plugin}` does not run: {why}"),
                    format!("插件 `{plugin}` 未运行：{}", why.zh),
                ),
                Switched::Unknown => no(
                    format!(
                        "no plugin `{plugin}` runs here; `wellhead plugin list` shows those of \
                         this site, and one with `enabled = false` in the site file is not among \
                         them"
                    ),
                    format!(
                        "此处没有运行插件 `{plugin}`；`wellhead plugin list` 列出本站点的插件，站点文件中写 \
                         `enabled = false` 的不在其中"
                    ),
                ),
            },
            Request::PluginLines { plugin } => {
                let boards = self.plugins.boards();
                match boards.into_iter().find(|(id, ..)| id.as_str() == plugin) {
                    Some((.., board)) => {
                        let lines = board.lines().into_iter().map(LineView::new).collect();
                        Answer::Lines { timezone: self.timezone.clone(), lines }
                    }
                    None => no(
                        format!(
                            "this site has no plugin `{plugin}`; `wellhead plugin list` shows \
                             those it has"
                        ),
                        format!("本站点没有插件 `{plugin}`；`wellhead plugin list` 列出已有的插件"),
                    ),
                }
            }
        }
    }

    fn snapshot(&self) -> Snapshot {
        let now = self.hub.clock().now();
        let devices = self.hub.snapshot().into_iter().map(|(device, stats, points)| DeviceView {
            device: device.to_string(),
            answered: stats.answered,
            failed: stats.silent + stats.garbled + stats.refused + stats.unreachable,
            latency_ms: stats.latency.as_secs_f64() * 1000.0,
            age_ms: stats.last_answer.map(|at| millis(now.mono.since(at))),
            error: stats.error.map(|e| e.to_string()),
            points: points.into_iter().map(PointView::new).collect(),
        });
        Snapshot {
            name: self.name.clone(),
            time_ms: now.utc.0,
            timezone: self.timezone.clone(),
            synced: now.synced,
            devices: devices.collect(),
            uplinks: (self.uplinks)(),
            alarms: self.alarms(),
        }
    }

    fn alarms(&self) -> Vec<AlarmView> {
        let mut alarms = self.hub.alarms();
        alarms.sort_by_key(|(alarm, _)| std::cmp::Reverse(alarm.severity));
        let view = |(alarm, since): (Alarm, Now)| AlarmView {
            alarm: alarm.id,
            severity: alarm.severity.word().into(),
            since_ms: since.utc.0,
            text: alarm.text,
            text_zh: alarm.text_zh,
        };
        alarms.into_iter().map(view).collect()
    }

    /// How the plugins are.
    pub fn plugins(&self) -> Vec<PluginView> {
        let boards = self.plugins.boards();
        let view = |(id, package, board): (DeviceId, String, Arc<Board>)| {
            PluginView::new(id.to_string(), package, &board)
        };
        boards.into_iter().map(view).collect()
    }

    async fn write(
        &self,
        point: String,
        value: &serde_json::Value,
        hold_s: f64,
        source: String,
        slot: Slot,
    ) -> Answer {
        let Some(value) = control::from_json(value) else {
            return no(
                "a value is a number, true, false or a text",
                "值须为数字、true、false 或文本",
            );
        };
        let hold = Duration::try_from_secs_f64(hold_s).ok().filter(|hold| !hold.is_zero());
        let Some(hold) = hold else {
            return no(
                format!("{hold_s} s is no time to hold a value for"),
                format!("保持时间不能是 {hold_s} 秒"),
            );
        };
        let now = self.hub.clock().now();
        let command = Command {
            // Unique without coordination: nobody else writes from here at the same nanosecond.
            id: format!("box-{}-{:x}", now.utc.0, fastrand::u64(..)),
            source,
            point,
            value,
            expires: Timestamp(now.utc.0.saturating_add(WRITE_VALID_MS)),
            hold,
            slot,
        };
        let result = self.control.command(&command, false).await;
        Answer::Reply(control::reply(Some(&command.id), &result, self.hub.clock().now().utc))
    }
}

impl Desk {
    fn release(&self, point: &str, source: &str, slot: Slot) -> Answer {
        let t = self.hub.clock().now().utc.0;
        Answer::Reply(match self.control.release(source, point, slot) {
            Ok(()) => json!({ "v": 1, "id": null, "ok": true, "code": "released", "t": t,
                "text": format!("slot {} of {point} is free", slot.number()),
                "text_zh": format!("{point} 的优先级 {} 已释放", slot.number()) }),
            Err(e) => json!({ "v": 1, "id": null, "ok": false, "code": e.code(), "t": t,
                "text": e.to_string(), "text_zh": e.text_zh() }),
        })
    }
}

fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}
