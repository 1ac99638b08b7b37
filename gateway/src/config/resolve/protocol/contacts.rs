//! Contacts, relays and pulse counters on GPIO lines.

use super::{Form, Half, Reader};
use crate::config::file::{BiasWord, PinWord, PointTable};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::resolve::At;
use crate::config::resolve::line::LineFound;
use crate::registry::LineSetup;
use std::path::PathBuf;
use std::time::Duration;
use wellhead_model::{Shape, Value};
use wellhead_sensors::gpio::{Bias, DeviceSpec, Pin, PointSpec};

/// A pin as a file says it; the safe state of a relay is its output's.
struct Place {
    line: u32,
    active_low: bool,
    word: PinWord,
    bias: Bias,
    debounce: Duration,
}

pub(super) fn device(line: &LineFound, reader: &mut Reader<'_, '_>) -> Option<DeviceSpec> {
    let alone = reader.alone;
    let points = reader.points(|t, at, findings| place(t, at, alone, findings), point);
    let chip = match &line.setup {
        Some(LineSetup::Gpio(chip)) => chip.clone(),
        // The line was wrong, which has been told; or a profile is checked by itself.
        _ => PathBuf::new(),
    };
    let counts = line.counts_dir.join(format!("{}.counts", reader.id));
    Some(DeviceSpec { name: reader.name(), chip, counts, points })
}

fn place(
    t: &PointTable,
    at: &At<'_>,
    alone: bool,
    findings: &mut Findings,
) -> Option<(Form, Place)> {
    if t.pin.is_none() && !at.has("pin") {
        findings.add(at.here(), Problem::NoPlace { key: "pin", example: "17" });
    }
    let word = t.pin_as.unwrap_or(PinWord::Input);
    if word == PinWord::Relay {
        for key in ["debounce", "bias"].into_iter().filter(|k| at.has(k)) {
            findings.add(at.key(key), Problem::NotForKind { key, kind: "relay" });
        }
        if !at.has("output") && !alone {
            findings.add(at.here(), Problem::RelayNotOutput);
        }
    }
    let form = match word {
        PinWord::Input => Form { read_only: Some("`as = \"input\"`"), ..Form::of(Shape::Bool) },
        PinWord::Relay => Form::of(Shape::Bool),
        PinWord::Counter => Form { read_only: Some("`as = \"counter\"`"), ..Form::of(Shape::Int) },
    };
    let bias = match t.bias.unwrap_or(BiasWord::AsIs) {
        BiasWord::AsIs => Bias::AsIs,
        BiasWord::Disabled => Bias::Disabled,
        BiasWord::PullUp => Bias::PullUp,
        BiasWord::PullDown => Bias::PullDown,
    };
    let place = Place {
        line: t.pin?,
        active_low: t.active_low.unwrap_or(false),
        word,
        bias,
        debounce: t.debounce.map_or(Duration::ZERO, |d| d.0),
    };
    Some((form, place))
}

fn point(place: Place, half: Half) -> PointSpec {
    let Place { line, active_low, word, bias, debounce } = place;
    PointSpec {
        index: half.index,
        name: half.name,
        line,
        active_low,
        pin: match word {
            PinWord::Input => Pin::Input { bias, debounce },
            PinWord::Counter => Pin::Counter { bias, debounce },
            PinWord::Relay => {
                let states = &half.conversion.states;
                let safe = half.output.is_some_and(|o| match o.safe {
                    Value::Bool(on) => on,
                    Value::Text(name) => states.iter().any(|(code, n)| *code == 1 && *n == name),
                    _ => false,
                });
                Pin::Relay { safe }
            }
        },
        conversion: half.conversion,
        period: half.period,
    }
}
