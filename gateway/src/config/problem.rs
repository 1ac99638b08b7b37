//! Everything that can be wrong with a configuration, and what `check` says about it in English
//! and Chinese. Both languages of a message stand side by side, so that neither is forgotten.

use super::report::Severity;
use std::net::SocketAddr;
use wellhead_model::{IdError, WriteRefusal};

/// The language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Lang {
    #[default]
    En,
    Zh,
}

/// What a value is, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Kind {
    Text,
    Whole,
    Number,
    Bool,
    List,
    Table,
    Date,
    Scalar,
    Texts,
    Anything,
}

/// A message and, where we have advice, a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// In English and Chinese.
type Both = (String, String);

/// One kind of mistake, with what is needed to describe it. [`Problem::words`] says what each
/// means, and its name is the stable code in JSON.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the messages below describe each variant and its fields")]
pub enum Problem {
    // Files and syntax.
    Unreadable { file: String, error: String },
    NotUtf8 { line: usize, encoding: &'static str },
    TooLarge { file: String, limit: String },
    NoFiles { folder: String },
    Syntax { message: String },
    LookAlike { got: char, meant: char },
    GivenTwice { key: String, first: String },
    // Structure.
    UnknownKey { key: String, near: Option<String>, known: String },
    PasswordInFile,
    Missing { key: String },
    WrongType { expected: Kind, got: Kind, instead: Option<String> },
    UnknownWord { got: String, near: Option<String>, known: String },
    OutOfRange { got: f64, min: Option<f64>, max: Option<f64> },
    OutOfTextRange { got: String, min: String, max: String },
    NotAbove { got: f64, limit: f64 },
    NotFinite,
    NumberTooLong { got: String },
    Empty,
    ListLength { expected: u64, got: usize },
    BadDuration { got: String },
    BadSize { got: String },
    BadId { error: IdError },
    UnknownUnit { got: String, near: Option<String>, known: String },
    // Site, gateway, uplinks.
    BadTimezone { got: String },
    BadMetricsAddress { got: String },
    MetricsNotLocal { got: String },
    BadUrl { got: String, why: UrlFault },
    UrlWithPassword,
    TwoPasswords,
    PasswordWithoutUser,
    TlsKeyWithoutTls { key: String },
    CertificateWithoutKey,
    ReserveTooLarge,
    NoDevices,
    // Lines.
    NoPort,
    TwoPorts { first: &'static str, second: &'static str },
    KeyOfOtherPort { key: String, port: &'static str },
    BadTcpAddress { got: String },
    BadBacnetAddress { got: String },
    BadBroadcast { got: String },
    BadMac { got: String },
    SamePort { other: String },
    SameAddress { other: String },
    LineUnused { line: String },
    LineTooSlow { percent: u64 },
    // Devices.
    UnknownLine { got: String, near: Option<String>, known: String },
    UnknownProfile { got: String, near: Option<String>, searched: String },
    ProfileName { got: String, file: String },
    ProfileUnsourced { keys: String },
    SameUnit { unit: u8, other: String },
    UnitOnLine { unit: u8 },
    UnitOfAll,
    SameStation { key: &'static str, got: String, other: String },
    SameStationElsewhere { key: &'static str, got: String, other: String },
    ProtocolOnLine { line: &'static str, got: &'static str, known: String },
    ProtocolMissing { known: String },
    KeyOfOtherProtocol { key: &'static str, protocol: &'static str, of: String },
    BadText { key: &'static str, got: String, message: String },
    NoPoints,
    NoSuchPoint { got: String, near: Option<String> },
    BackoffOrder,
    // Points.
    NoAddress,
    NoObjectType { object: String },
    NoPlace { key: &'static str, example: &'static str },
    SeveralAddresses,
    NoType,
    CountedFromOne { key: &'static str, got: u16, meant: u16 },
    BitTableType,
    BitKey { key: &'static str },
    BitsOrder,
    BitsAndBit,
    BitType,
    LengthMissing { kind: &'static str },
    LengthNotTaken { kind: &'static str },
    LengthTooLong { kind: &'static str, max: u8 },
    BeyondAddresses { last: u32 },
    TooWideForOneRead { width: u16, most: u16 },
    ScaleZero,
    NotForKind { key: &'static str, kind: &'static str },
    RangeOrder,
    StateCode { got: String },
    StateTwice { name: String },
    StateImpossible { code: i64, kind: &'static str },
    NoSensorImpossible { got: f64, kind: &'static str, instead: Option<i64> },
    RolloverNotCounter,
    NotPositive { got: f64 },
    ReportOrder,
    StaleTooSoon { poll: String },
    NoUnit,
    // Outputs.
    OutputReadOnly { table: &'static str },
    RelayNotOutput,
    LimitsMissing,
    LimitsNotTaken,
    LimitsUnreachable { got: f64, min: f64, max: f64 },
    SafeMissing,
    SafeRefused { refusal: WriteRefusal },
    NoWatchdog,
    RestsOn { key: &'static str },
    RefreshWears { writes: u64, most: u32, hours: String },
    NotGivenBack,
    WrittenTwice { other: String },
    // Interlocks and local contacts.
    UnknownPoint { got: String, near: Option<String> },
    NotAnOutput { got: String },
    NoOutputs,
    LooksAtItself { point: String },
    SeveralConditions,
    ConditionMissing { kind: &'static str },
    ConditionNotForKind { key: &'static str, kind: &'static str },
    NotAState { got: String, known: String },
    WhenWithoutLocal,
    LocalWhenMissing { kind: &'static str },
    WriteWithReadOnly { table: &'static str },
    // Plugins.
    NoPackage,
    PackageAndPath,
    UnknownPackage { got: String, near: Option<String>, searched: String },
    BadPackage { got: String, error: String, error_zh: String },
    NotBuilt { folder: String, file: String },
    LapsesBetweenCalls { ttl: String, period: String },
    PluginNamedAsDevice,
    SlotNotForPlugins { got: u8 },
    UnknownRole { got: String, near: Option<String>, known: String },
    RoleMissing { role: String, title: String, title_zh: String },
    RoleTooMany { role: String, most: usize, got: usize },
    BadPointName { got: String },
    OwnValue { got: String },
    RoleShape { point: String, got: &'static str, role: String, wants: &'static str },
    RoleUnit { point: String, got: String, role: String, wants: String },
    RoleUnitMissing { point: String, role: String, wants: String },
    RoleReadOnly { point: String },
    OutputTaken { point: String, other: String },
    // In English and Chinese, as the manifest's own check says it; boxed, for it is the longest.
    ParameterWrong { key: String, message: Box<Both>, hint: Box<Option<Both>> },
    GrantTooSmall { what: &'static str, asks: String },
    // Servers.
    ServerOnLine { line: String },
    ServerOnMetrics { metrics: SocketAddr },
    CommandsOff,
    NotCommandable { got: String },
    NotAnObject { got: String },
    SameObjectName { name: String },
    BadBind { got: String },
    EmptyMap,
    RegisterKind { point: &'static str, register: &'static str },
    RegisterOverlap { at: u32, other: String, free: u32 },
    // What a driver's own check refuses.
    Refused { message: String, message_zh: String },
    // What the Modbus planner refuses, and what no type takes: told, though nothing should get here.
    Plan { message: String, hint: String },
    Unfit { message: String },
}

/// What is wrong with an address of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum UrlFault {
    Scheme,
    Host,
    Port,
    Path,
}

impl Lang {
    /// The language of a locale as in `LANG`: `zh_CN.UTF-8`, or of an option: `zh`.
    pub fn of(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") { Lang::Zh } else { Lang::En }
    }

    /// The language of the environment: `LC_ALL`, `LC_MESSAGES`, then `LANG`.
    pub fn of_environment() -> Self {
        let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
        let set = names.iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()));
        set.map_or(Lang::En, |locale| Self::of(&locale))
    }

    /// The language that arguments ask for with `--lang`, before they are read; otherwise that of
    /// the environment.
    pub fn of_arguments(arguments: impl Iterator<Item = std::ffi::OsString>) -> Self {
        let texts: Vec<_> = arguments.map(|a| a.to_string_lossy().into_owned()).collect();
        let apart = texts.windows(2).find(|w| w[0] == "--lang").map(|w| w[1].as_str());
        let joined = || texts.iter().find_map(|a| a.strip_prefix("--lang="));
        match apart.or_else(joined) {
            Some("en") => Lang::En,
            Some("zh") => Lang::Zh,
            _ => Self::of_environment(),
        }
    }

    /// The text in this language.
    pub fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    pub(super) fn severity(self, severity: Severity) -> &'static str {
        match (self, severity) {
            (Lang::En, Severity::Error) => "error",
            (Lang::En, Severity::Warning) => "warning",
            (Lang::Zh, Severity::Error) => "错误",
            (Lang::Zh, Severity::Warning) => "警告",
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Lang::En => "hint",
            Lang::Zh => "提示",
        }
    }

    pub(super) fn counts(self, errors: usize, warnings: usize) -> String {
        let s = |n| if n == 1 { "" } else { "s" };
        match self {
            Lang::En => {
                format!("{errors} error{}, {warnings} warning{}", s(errors), s(warnings))
            }
            Lang::Zh => format!("{errors} 个错误，{warnings} 个警告"),
        }
    }
}

impl Kind {
    fn word(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Kind::Text => ("a text in quotes", "带引号的文本"),
            Kind::Whole => ("a whole number", "整数"),
            Kind::Number => ("a number", "数字"),
            Kind::Bool => ("true or false", "true 或 false"),
            Kind::List => ("a list in []", "[] 列表"),
            Kind::Table => ("a table", "表"),
            Kind::Date => ("a date", "日期"),
            Kind::Scalar => ("true, false, a number or a text", "true、false、数字或文本"),
            Kind::Texts => ("a text in quotes or a list of them", "带引号的文本或其列表"),
            Kind::Anything => ("a value", "值"),
        };
        if lang == Lang::En { en } else { zh }
    }
}

impl Problem {
    /// Whether it keeps the configuration from being used.
    pub fn severity(&self) -> Severity {
        match self {
            Problem::LineUnused { .. }
            | Problem::LineTooSlow { .. }
            | Problem::SameAddress { .. }
            | Problem::CountedFromOne { .. }
            | Problem::SameStationElsewhere { .. }
            | Problem::NoWatchdog
            | Problem::RefreshWears { .. }
            | Problem::NoUnit
            | Problem::NoDevices
            | Problem::NotBuilt { .. }
            | Problem::LapsesBetweenCalls { .. }
            | Problem::ProfileUnsourced { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// The stable name of this kind of mistake: `unknown_key`.
    pub fn code(&self) -> String {
        let debug = format!("{self:?}");
        let name: String = debug.chars().take_while(char::is_ascii_alphanumeric).collect();
        let mut code = String::new();
        for c in name.chars() {
            if c.is_ascii_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(c.to_ascii_lowercase());
        }
        code
    }

    /// What is wrong and what to do, in one language.
    pub fn words(&self, lang: Lang) -> Words {
        super::messages::words(self, lang)
    }
}

impl Kind {
    pub(super) fn words(self) -> (&'static str, &'static str) {
        (self.word(Lang::En), self.word(Lang::Zh))
    }
}
