//! The command line in Chinese: `--help`, and what is wrong with arguments. Commands and arguments
//! have their English texts beside them; here each is looked up by that.

mod texts;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};
use texts::TEXTS;

const HELP: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

/// The command line with Chinese texts.
pub(super) fn command(mut cmd: Command) -> Command {
    // So that what clap itself adds is there to be translated.
    cmd.build();
    translated(cmd)
}

fn translated(mut cmd: Command) -> Command {
    if let Some(about) = cmd.get_about().map(text) {
        cmd = cmd.about(about);
    }
    if let Some(about) = cmd.get_long_about().map(text) {
        cmd = cmd.long_about(about);
    }
    if let Some(after) = cmd.get_after_help().map(text) {
        cmd = cmd.after_help(after);
    }
    let cmd = cmd.help_template(HELP).subcommand_help_heading("命令");
    cmd.mut_args(argument).mut_subcommands(translated)
}

fn argument(mut arg: Arg) -> Arg {
    if let Some(help) = arg.get_help().map(text) {
        arg = arg.help(help);
    }
    if let Some(help) = arg.get_long_help().map(text) {
        arg = arg.long_help(help);
    }
    let heading = if arg.is_positional() { "参数" } else { "选项" };
    arg.help_heading(heading)
}

/// Line by line, since examples stay what they are.
fn text(en: &StyledStr) -> String {
    let en = en.to_string();
    let lines: Vec<&str> = en.lines().map(|line| found(line).unwrap_or(line)).collect();
    lines.join("\n")
}

fn found(line: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(en, _)| *en == line).map(|(_, zh)| *zh)
}

/// What is wrong with the arguments, in Chinese; `None` for what is better said by clap, as help.
pub(super) fn error(e: &Error) -> Option<String> {
    let get = |kind| match e.get(kind) {
        Some(ContextValue::String(s)) => s.clone(),
        Some(ContextValue::Strings(all)) => all.join("、"),
        Some(ContextValue::Number(n)) => n.to_string(),
        Some(ContextValue::StyledStr(s)) => s.to_string(),
        _ => String::new(),
    };
    let (arg, value) = (get(ContextKind::InvalidArg), get(ContextKind::InvalidValue));
    let what = match e.kind() {
        ErrorKind::MissingRequiredArgument => format!("缺少参数：{arg}"),
        ErrorKind::UnknownArgument => format!("没有参数 `{arg}`"),
        ErrorKind::InvalidSubcommand => {
            format!("没有命令 `{}`", get(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => "缺少命令".to_owned(),
        ErrorKind::InvalidValue if value.is_empty() => format!("`{arg}` 缺少值"),
        ErrorKind::InvalidValue => format!("`{arg}` 的值 `{value}` 不可用"),
        ErrorKind::ValueValidation => match std::error::Error::source(e) {
            Some(why) => format!("`{arg}` 的值 `{value}` 不可用：{why}"),
            None => format!("`{arg}` 的值 `{value}` 不可用"),
        },
        ErrorKind::ArgumentConflict => {
            format!("`{arg}` 不能与 `{}` 同时使用", get(ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues => format!("`{arg}` 多了一个值 `{value}`"),
        _ => return None,
    };
    let mut lines = vec![format!("错误：{what}")];
    let hints = [
        (ContextKind::ValidValue, "可选"),
        (ContextKind::ValidSubcommand, "可选"),
        (ContextKind::SuggestedArg, "是不是"),
        (ContextKind::SuggestedValue, "是不是"),
        (ContextKind::SuggestedSubcommand, "是不是"),
    ];
    let given = hints.iter().map(|(kind, word)| (get(*kind), word)).filter(|(s, _)| !s.is_empty());
    lines.extend(given.map(|(s, word)| format!("  提示：{word} {s}")));
    let usage = get(ContextKind::Usage);
    if let Some(usage) = usage.strip_prefix("Usage: ") {
        lines.extend([String::new(), format!("用法：{usage}")]);
    }
    lines.extend([String::new(), "详细说明请用 `--help`。".to_owned()]);
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use clap::{CommandFactory as _, FromArgMatches as _};

    /// Every line of help that is no example.
    fn lines(cmd: &Command, all: &mut Vec<String>) {
        let own = [cmd.get_about(), cmd.get_long_about(), cmd.get_after_help()];
        let args = cmd.get_arguments().flat_map(|a| [a.get_help(), a.get_long_help()]);
        for text in own.into_iter().chain(args).flatten() {
            let text = text.to_string();
            all.extend(text.lines().filter(|l| !l.starts_with("  ")).map(str::to_owned));
        }
        cmd.get_subcommands().for_each(|c| lines(c, all));
    }

    #[test]
    fn every_line_of_help_has_its_chinese_and_none_is_left_over() {
        let mut cmd = Cli::command();
        cmd.build();
        let mut all = Vec::new();
        lines(&cmd, &mut all);
        all.retain(|l| !l.is_empty());
        let lacking: Vec<&String> = all.iter().filter(|l| found(l).is_none()).collect();
        assert!(lacking.is_empty(), "{lacking:#?}");
        let unused = TEXTS.iter().filter(|(en, _)| !all.iter().any(|l| l == en));
        assert_eq!(unused.collect::<Vec<_>>(), Vec::<&(&str, &str)>::new());
    }

    fn parse(args: &[&str]) -> Result<(), Error> {
        let args = ["wellhead"].iter().chain(args);
        let matches = command(Cli::command()).try_get_matches_from(args)?;
        Cli::from_arg_matches(&matches).map(drop)
    }

    #[test]
    fn help_and_wrong_arguments_are_told_in_chinese() {
        let help = parse(&["read", "--help"]).unwrap_err();
        let text = help.to_string();
        for part in ["显示一个点位的最新数值", "用法：wellhead read", "参数:", "选项:", "示例："]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("Usage") && !text.contains("Print help"), "{text}");
        for (args, says) in [
            (&["read"][..], "缺少参数：<POINT>"),
            (&["raed"], "没有命令 `raed`\n  提示：是不是 read"),
            (&["read", "a/b", "--jsn"], "没有参数 `--jsn`\n  提示：是不是 --json"),
            (&["write", "a/b", "1", "--slot", "99"], "`--slot <SLOT>` 的值 `99` 不可用"),
            (&["write", "a/b", "1", "--hold", "soon"], "的值 `soon` 不可用"),
            (&["check", "--schema", "sites"], "可选 site、profile"),
            (&["write", "a/b", "1", "--release"], "不能与"),
        ] {
            let said = error(&parse(args).unwrap_err()).unwrap();
            assert!(said.contains(says), "{args:?}: {said}");
        }
        parse(&["read", "a/b", "--lang", "zh"]).unwrap();
    }
}
