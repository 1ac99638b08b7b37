//! What Control decided, as events and alarms.

use super::to_json;
use crate::bilingual::Bilingual;
use crate::hub::{Alarm, Event, Hub, Severity};
use std::collections::BTreeSet;
use wellhead_control::{AlarmId, Control, Entry, OutputId, What};
use wellhead_model::Value;

/// The audit event of a decision; `None` where the command's own entry says it.
pub(super) fn audit(judge: &Control, entry: &Entry) -> Option<Event> {
    let by_command =
        matches!(entry.what, What::Written | What::Failed | What::Mismatch | What::Lapsed);
    if entry.once && by_command {
        return None;
    }
    let point = name(judge, entry.output);
    let Bilingual { en, zh } = sentence(judge, entry, &point);
    let (source, why) = (&*entry.source, &*entry.why);
    match entry.what {
        What::Failed | What::Mismatch => {
            tracing::error!(point, source, why, "Output does not get its value");
        }
        What::Shadow(_) => tracing::debug!(point, source, why, "Shadow decision"),
        what => tracing::info!(point, source, why, code = what.code(), "Output"),
    }
    let failed = matches!(entry.what, What::Failed | What::Mismatch | What::Refused(_));
    let mut event = Event::new("audit", en)
        .zh(zh)
        .with("point", point)
        .with("source", source)
        .with("why", why)
        .with("ok", !failed)
        .with("code", entry.what.code());
    if let Some(slot) = entry.slot {
        event = event.with("slot", slot.number());
    }
    if let Some(old) = &entry.old {
        event = event.with("old", to_json(old));
    }
    if let Some(new) = &entry.new {
        event = event.with("new", to_json(new));
    }
    match entry.what {
        What::Held(held) | What::Shadow(Some(held)) => event.with("held", held.code()),
        What::Refused(code) => event.with("refused", code),
        _ => event,
    }
    .into()
}

/// What happened, for people. The reason stays in the words of whoever gave it.
pub(crate) fn sentence(judge: &Control, entry: &Entry, point: &str) -> Bilingual {
    let (source, why) = (&entry.source, &entry.why);
    let value = |v: &Option<Value>, none: &str| v.as_ref().map_or(none.into(), Value::to_string);
    let (old, new) = (value(&entry.old, "nothing"), value(&entry.new, "nothing"));
    let (old_zh, new_zh) = (value(&entry.old, "无值"), value(&entry.new, "无值"));
    let output = judge.setup().outputs.get(entry.output.0 as usize);
    let safe = output.and_then(|o| o.point.output.as_ref()).map(|o| &o.safe);
    let to_safe = entry.slot.is_none() && entry.new.as_ref() == safe;
    // A slot or Control itself writes either a value, or nothing any more.
    let back = entry.new.is_none();
    let (en, zh) = match entry.what {
        What::Written if back => (
            format!("{point} is given back to its device: {why}"),
            format!("{point} 已交还设备：{why}"),
        ),
        What::Failed if back => (
            format!("{point} can't be given back to its device yet: {why}"),
            format!("{point} 暂时无法交还设备：{why}"),
        ),
        What::Mismatch if back => (
            format!("{point} was given back to its device, but {old} still stands there"),
            format!("{point} 已交还设备，但仍为 {old_zh}"),
        ),
        What::Written if to_safe => (
            format!("{point} is back at its safe value {new}: {why}"),
            format!("{point} 恢复安全值 {new_zh}：{why}"),
        ),
        What::Written => (
            format!("{source} wrote {new} to {point}: {why}"),
            format!("{source} 将 {point} 写为 {new_zh}：{why}"),
        ),
        What::Ramping => (
            format!("{source} ramps {point} from {old} to {new}: {why}"),
            format!("{source} 使 {point} 从 {old_zh} 渐变到 {new_zh}：{why}"),
        ),
        What::Failed if to_safe => (
            format!("{point} can't be brought to its safe value yet: {why}"),
            format!("{point} 暂时无法恢复安全值：{why}"),
        ),
        What::Failed => (
            format!("{source} could not write {new} to {point}: {why}"),
            format!("{source} 未能将 {point} 写为 {new_zh}：{why}"),
        ),
        What::Mismatch => (
            format!("{point} shows {old} after {new} was written"),
            format!("{point} 写入 {new_zh} 后显示 {old_zh}"),
        ),
        What::Changed => (
            format!("{point} shows {new} instead of {old}: {why}"),
            format!("{point} 显示 {new_zh}，而非 {old_zh}：{why}"),
        ),
        What::Relinquished => (
            format!("{source} gave {point} back: {why}"),
            format!("{source} 释放了 {point}：{why}"),
        ),
        What::Lapsed => (
            format!("{source} lets {point} go: {why}"),
            format!("{source} 不再占用 {point}：{why}"),
        ),
        What::Released => (
            format!("{point} is released from {source}: {why}"),
            format!("{point} 已从 {source} 释放：{why}"),
        ),
        What::Held(held) => (
            format!("{source} wants {new} at {point}, but {}", held.text()),
            format!("{source} 要将 {point} 写为 {new_zh}，但{}", held.text_zh()),
        ),
        What::Refused(_) => (
            format!("{source} may not write {new} to {point}: {why}"),
            format!("{source} 不得将 {point} 写为 {new_zh}：{why}"),
        ),
        What::Shadow(None) => (
            format!("{source} would write {new} to {point}: {why}"),
            format!("{source} 本会将 {point} 写为 {new_zh}：{why}"),
        ),
        What::Shadow(Some(held)) => (
            format!("{source} would want {new} at {point}, but {}", held.text()),
            format!("{source} 本要将 {point} 写为 {new_zh}，但{}", held.text_zh()),
        ),
        What::Away => (format!("{point} is left alone: {why}"), format!("{point} 暂不控制：{why}")),
        What::Back => {
            (format!("{point} is controlled again: {why}"), format!("{point} 恢复控制：{why}"))
        }
    };
    Bilingual { en, zh }
}

/// Tells that an output is gone that somebody held.
pub(super) fn gone(hub: &Hub, name: &str) {
    let text = format!("{name} was held and is no output any more; its safe value is not written");
    tracing::error!(point = name, "Output was held and is gone from the configuration");
    let zh = format!("{name} 曾被占用，现已不是输出；未写入其安全值");
    let event = Event::new("audit", text).zh(zh).with("point", name).with("source", "control");
    hub.event(event.with("ok", false).with("code", "gone"));
}

/// Tells that the ledger can't be written, the first time in a row.
pub(super) fn unkept(hub: &Hub, before: u32, error: &std::io::Error) {
    if before > 0 {
        return;
    }
    tracing::error!(%error, "Can't keep who holds which output; commands are refused until it can");
    let text = format!(
        "who holds which output can't be kept on disk: {error}; until it can, commands are refused \
         and outputs only go to their safe values"
    );
    let zh = format!("输出的占用情况无法写入磁盘：{error}；恢复之前拒绝命令，输出只会回到安全值");
    hub.event(Event::new("ledger_failed", text).zh(zh).with("error", error.to_string()));
}

/// Tells that the ledger is written again, after `failures`.
pub(super) fn kept(hub: &Hub, failures: u32) {
    if failures == 0 {
        return;
    }
    tracing::info!(failures, "Who holds which output is kept again");
    let text = "who holds which output is kept on disk again; commands are taken";
    let event = Event::new("ledger_recovered", text).with("failures", failures);
    hub.event(event.zh("输出的占用情况已可重新写入磁盘；恢复接受命令"));
}

/// An alarm of Control in the form that everybody's have.
pub(super) fn alarm(judge: &Control, alarm: &wellhead_control::Alarm) -> Alarm {
    let point = match alarm.id {
        AlarmId::NotFollowing(output) | AlarmId::WriteBudget(output) => Some(name(judge, output)),
        AlarmId::Interlock(_) => None,
    };
    Alarm {
        id: alarm_id(judge, alarm.id),
        severity: match alarm.severity {
            wellhead_control::Severity::Warning => Severity::Warning,
            wellhead_control::Severity::Alarm => Severity::Alarm,
        },
        source: "control".into(),
        point,
        text: alarm.text.clone(),
        text_zh: alarm.text_zh.clone(),
    }
}

/// The names of all that are active.
pub(super) fn active(judge: &Control) -> BTreeSet<String> {
    judge.alarms().map(|id| alarm_id(judge, id)).collect()
}

/// Its name in the topic.
pub(crate) fn alarm_id(judge: &Control, id: AlarmId) -> String {
    let dotted = |output| name(judge, output).replace('/', ".");
    match id {
        AlarmId::NotFollowing(output) => format!("control.{}.not_following", dotted(output)),
        AlarmId::WriteBudget(output) => format!("control.{}.write_budget", dotted(output)),
        AlarmId::Interlock(id) => format!("interlock.{}", judge.interlock_name(id)),
    }
}

/// The point of an output: device/point.
pub(crate) fn name(judge: &Control, output: OutputId) -> String {
    judge.setup().outputs.get(output.0 as usize).map_or_else(String::new, |o| o.name())
}
