//! What the documents show is what the program takes.

use std::process::Command;
use wellhead_tests::*;

const HEAD: &str = r#"
[site]
id = "site"
timezone = "Asia/Shanghai"
[gateway]
id = "box"
data_dir = "data"
[uplink.cloud]
url = "mqtt://127.0.0.1:1883"
"#;

#[test]
fn every_site_shown_to_installers_passes_the_check_without_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site.toml");
    for (page, shown) in [("meters.md", 4), ("bacnet.md", 3)] {
        let text = std::fs::read_to_string(repository().join("docs").join(page)).unwrap();
        let blocks: Vec<&str> =
            text.split("```toml\n").skip(1).filter_map(|t| t.split("```").next()).collect();
        assert_eq!(blocks.len(), shown, "{page}");
        for block in blocks {
            std::fs::write(&site, format!("{HEAD}{block}")).unwrap();
            let checked = Command::new(program("wellhead")).arg("check").arg(&site).output();
            let checked = checked.unwrap();
            let told = String::from_utf8_lossy(&checked.stdout).into_owned()
                + &String::from_utf8_lossy(&checked.stderr);
            assert!(checked.status.success(), "{page}:\n{block}\n{told}");
            assert!(!told.contains("warning:"), "{page}:\n{block}\n{told}");
        }
    }
}
