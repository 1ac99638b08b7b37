//! What `check` makes of serial ports.

use super::*;

#[test]
fn two_links_to_one_serial_port_are_one_port() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ttyUSB0"), "").unwrap();
    for link in ["by-id", "by-path"] {
        std::os::unix::fs::symlink("ttyUSB0", dir.path().join(link)).unwrap();
    }
    let site = |second: &str| {
        let ports = dir.path().display();
        let lines = format!(
            "[line.field]\nserial = \"{ports}/by-id\"\n[line.two]\nserial = \"{ports}/{second}\"\n"
        );
        SITE.replace("[line.field]\ntcp = \"127.0.0.1:1502\"\n", &lines)
    };
    let problems = |second: &str| -> Vec<String> {
        let (Ok((_, report)) | Err(report)) = loaded(&site(second));
        report.findings.iter().map(|f| f.problem.code()).collect()
    };
    for same in ["by-path", "ttyUSB0", "./by-id"] {
        assert!(problems(same).contains(&"same_port".to_owned()), "{same}: {:?}", problems(same));
    }
    // Not plugged in at present, or on another machine.
    assert!(!problems("ttyUSB1").contains(&"same_port".to_owned()));
}
