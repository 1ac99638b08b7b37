//! What reads the program's output may go away, and the disk behind it may be full.

use std::fs::OpenOptions;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use wellhead_tests::*;

fn schema() -> Command {
    let mut command = Command::new(program("wellhead"));
    command.args(["check", "--schema", "site"]).stderr(Stdio::piped());
    command
}

#[test]
fn a_full_disk_behind_standard_output_is_told_and_a_reader_that_left_is_not() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let told = schema().stdout(full).output().unwrap();
    let text = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told.status.code(), Some(1), "{text}");
    assert!(text.starts_with("wellhead: can't write to standard output"), "{text}");

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let told = schema().stdout(writer).output().unwrap();
    let text = String::from_utf8(told.stderr).unwrap();
    assert_eq!((told.status.code(), &*text), (Some(0), ""));
}

#[test]
fn a_gateway_outlives_the_reader_of_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site.toml");
    let text = r#"
[site]
id = "test"
timezone = "Asia/Shanghai"
[gateway]
id = "box"
data_dir = "data"
"#;
    std::fs::write(&site, text).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(program("wellhead"));
    let mut gateway = command.arg("run").arg(&site).stderr(writer).spawn().unwrap();
    let socket = dir.path().join("data/wellhead.sock");
    eventually("the gateway answers", || {
        assert_eq!(gateway.try_wait().unwrap(), None, "it ended");
        UnixStream::connect(&socket).ok()
    });
    gateway.kill().unwrap();
    gateway.wait().unwrap();
}
