//! The repository keeps its own word.

use wellhead_tests::repository;

#[test]
fn every_path_that_the_architecture_names_exists() {
    let root = repository();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let rooms = ["gateway", "plugins", "sdk", "configs", "tests", "packaging", "docs"];
    let mut named = 0;
    for quoted in text.split('`').skip(1).step_by(2) {
        let first = quoted.split('/').next().unwrap_or_default();
        if rooms.contains(&first) {
            named += 1;
            assert!(root.join(quoted).exists(), "ARCHITECTURE.md names {quoted}");
        }
    }
    assert!(named > 8, "{named} paths found: has the page changed its form?");
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let root = repository();
    let mut followed = 0;
    for page in ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        for link in text.split("](").skip(1).filter_map(|t| t.split(')').next()) {
            if !link.starts_with("http") {
                followed += 1;
                assert!(root.join(link).exists(), "{page} links to {link}");
            }
        }
    }
    assert!(followed > 10, "{followed}");
}

#[test]
fn both_readmes_show_the_same_commands() {
    let root = repository();
    let commands = |page: &str| -> Vec<String> {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let blocks = text.split("```").skip(1).step_by(2).map(str::to_owned);
        let lines: Vec<String> = blocks
            .flat_map(|b| b.lines().skip(1).map(str::to_owned).collect::<Vec<_>>())
            .map(|l| l.split('#').next().unwrap_or_default().trim().to_owned())
            .collect();
        lines
    };
    assert_eq!(commands("README.md"), commands("README.zh-CN.md"));
}
