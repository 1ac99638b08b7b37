//! Any text in a file of the kernel or in a site file: a number that stands there, or none.
//!
//! Input: which reader; the rest is the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wellhead_sensors::dlt645::{Address, Item};
use wellhead_sensors::onewire::{Rom, text};
use wellhead_sensors::sysfs::{Channel, number};

fuzz_target!(|input: &[u8]| {
    let Some((reader, rest)) = input.split_first() else { return };
    let content = String::from_utf8_lossy(rest);
    match reader % 6 {
        0 => {
            if let Ok(t) = text::temperature(&content) {
                assert_eq!(content.trim_ascii().parse(), Ok(t));
            }
        }
        1 => {
            if let Ok(t) = text::w1_slave(&content) {
                assert!(content.contains("YES"));
                let second = content.lines().nth(1).unwrap_or_default();
                let (_, value) = second.rsplit_once("t=").unwrap_or_default();
                assert_eq!(value.trim_ascii().parse(), Ok(t));
            }
        }
        2 => {
            if let Ok(n) = number(&content) {
                assert!(n.is_finite());
                assert_eq!(content.trim_ascii().parse(), Ok(n));
            }
        }
        3 => assert!(text::slaves(&content).count() <= content.lines().count()),
        4 => {
            if let Ok(item) = content.parse::<Item>() {
                assert_eq!(item.to_string().parse(), Ok(item));
            }
            let _ = content.parse::<Address>();
        }
        _ => {
            if let Ok(rom) = content.parse::<Rom>() {
                assert_eq!(rom.to_string().parse(), Ok(rom));
            }
            if let Ok(channel) = content.parse::<Channel>() {
                assert!(!channel.name.contains(['/', '.']));
            }
        }
    }
});
