//! Why: the codes that are published and stand in the audit trail, and the alarms' texts.

use serde::{Deserialize, Serialize, Serializer};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $en:literal, $zh:literal;)*) => {
        /// Why a unit, or the plant, is where it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
        pub(crate) enum Reason { $($(#[$doc])* $name,)* }

        // What the derived one writes, in a hundredth of the code.
        impl Serialize for Reason {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_unit_variant("Reason", *self as u32, "")
            }
        }

        impl Reason {
            /// The code.
                    pub(crate) fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// In words.
                    pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$name => $en,)* }
            }

            /// In Chinese.
                    pub(crate) fn text_zh(self) -> &'static str {
                match self { $(Self::$name => $zh,)* }
            }
        }
    };
}

reasons! {
    /// Nothing has happened yet.
    #[default] AtRest = "at_rest", "at rest", "停机";
    /// The calendar has no season today.
    NoSeason = "no_season", "no season today", "非供能季";
    /// No contact calls.
    NoCall = "no_call", "nobody calls", "无供能请求";
    /// A call began, or other units' turn came.
    CallBegan = "call_began", "a call began", "供能请求开始";
    /// The load needs more than the running units give.
    LoadHigh = "load_high", "load above the running capacity", "负荷高于运行容量";
    /// The supply misses its setpoint.
    SetpointMissed = "setpoint_missed", "supply misses its setpoint", "供水温度偏离设定";
    /// The rest can carry the load.
    LoadLow = "load_low", "load low enough for one unit less", "负荷低可减机";
    /// The load is below what the units may run at.
    BelowFloor = "below_floor", "load below the part-load floor", "负荷低于最低负载率";
    /// In place of a unit that cannot be used.
    Replaces = "replaces", "in place of another unit", "替换其他机组";
    /// The load is unknown: by number of contacts.
    Contacts = "contacts", "load unknown, by number of calls", "负荷未知，按请求数运行";
    /// The season does not use this kind of unit.
    OtherKind = "other_kind", "not this season's kind of unit", "当季不用该类机组";
    /// Another plugin asked for it.
    Requested = "requested", "asked for by another plugin", "其他插件请求";
    /// Nobody asks for it any more.
    RequestEnded = "request_ended", "no longer asked for", "请求结束";
    /// The load needs a unit that ran for somebody else.
    LoadFirst = "load_first", "the load goes first", "负荷优先";
    /// Again after power or gateway returned.
    Restart = "restart", "again after a restart", "重启后恢复";
    /// All proofs are there.
    Proven = "proven", "proven", "已确认";
    /// The run-on is over.
    RunOnOver = "run_on_over", "run-on is over", "延时停泵结束";
    /// Heating changes to cooling or back.
    Changeover = "changeover", "changing between heating and cooling", "冬夏切换";
    /// The changeover valves are not where they should be.
    ValveNotProven = "changeover_valve", "changeover valve not proven", "切换阀未到位";
    /// Emergency stop.
    EmergencyStop = "emergency_stop", "emergency stop", "急停";
    /// The emergency stop contact cannot be read.
    EmergencyUnknown = "emergency_unknown", "emergency stop contact cannot be read", "急停触点失联";
    /// Power is gone.
    PowerLost = "power_lost", "power lost", "断电";
    /// The unit is in local mode.
    Local = "local", "local mode", "就地";
    /// An operator has it.
    Operator = "operator", "held by an operator", "人工操作";
    /// Remote again, watched for a while.
    RemoteReturn = "remote_return", "remote again, watched for a while", "恢复远程，观察中";
    /// Not to be used.
    Banned = "banned", "not to be used", "禁用";
    /// It does not answer.
    Lost = "lost", "does not answer", "通信中断";
    /// Its own fault.
    DeviceFault = "device_fault", "the unit reports a fault", "机组故障";
    /// The source leaves it too cold.
    SourceCold = "source_cold", "source leaving temperature too low", "源侧出水温度过低";
    /// No proof of the source pump.
    SourcePump = "source_pump", "source pump not proven", "源侧泵未确认";
    /// No proof of the load secondary pump.
    LoadSecondary = "load_secondary_pump", "load secondary pump not proven", "负荷二次泵未确认";
    /// No proof of the load primary pump.
    LoadPrimary = "load_primary_pump", "load primary pump not proven", "负荷一次泵未确认";
    /// No proof of the ground loop.
    GroundLoop = "ground_loop", "ground loop not proven", "地埋侧未确认";
    /// Enabled, but it did not start.
    NotStarted = "not_started", "did not start", "未能启动";
    /// It stopped although enabled.
    StoppedByItself = "stopped_by_itself", "stopped by itself", "自行停机";
    /// It runs although not enabled.
    DoesNotStop = "does_not_stop", "does not stop", "未能停机";
    /// The load cannot be measured.
    LoadUnknown = "load_unknown", "the load cannot be measured", "负荷无法测量";
    /// No unit is left that could start.
    NoUnit = "no_unit", "no further unit can start", "无可用机组";
}

impl Reason {
    /// The missing proof of a step.
    pub(crate) fn step(step: usize) -> Self {
        [Self::SourcePump, Self::LoadSecondary, Self::LoadPrimary, Self::GroundLoop]
            .get(step)
            .copied()
            .unwrap_or(Self::GroundLoop)
    }
}
