//! The personas that were written in the workbench, as the commands know them.

use super::{Home, answer, asking, body, both};
use crate::support::gated::GatedServer;

const OWN: &str =
    "[personas.\"시인\"]\nsystem = \"\"\"운을 맞춰.\n짧게.\"\"\"\n[personas.chef]\nsystem = \"You bake.\"\n";

/// Returns the system messages that a command sends, in order of their texts.
async fn systems(home: &Home, arguments: &[&str], count: usize) -> Vec<String> {
    let server = GatedServer::start().await;
    let child = asking(home, arguments, &server.base_url()).spawn().unwrap();
    let serve = async {
        let mut systems = Vec::new();
        for _ in 0..count {
            let call = server.stream(&answer("a", "b")).await;
            systems.push(body(&call)["messages"][0]["content"].as_str().unwrap().to_owned());
        }
        systems.sort();
        systems
    };
    let (done, systems) = both(child, serve).await;
    done.fine();
    systems
}

#[tokio::test]
async fn flags_and_sweep_files_know_them_and_ones_own_wins() {
    let home = Home::new();
    home.write("personas.toml", OWN);
    let plan = home.write(
        "sweep.toml",
        "prompt = \"hi\"\n[[axes]]\nname = \"persona\"\nvalues = [\"chef\", \"시인\"]\n",
    );
    let data = home.path().to_str().unwrap();
    for arguments in [["--persona", "시인, chef", "hi"], ["--file", &plan, "--fresh"]] {
        let arguments = [&["compare", "--data-dir", data][..], &arguments].concat();
        assert_eq!(systems(&home, &arguments, 2).await, ["You bake.", "운을 맞춰.\n짧게."]);
    }
    let shown = home.run(&["config", "show", "--data-dir", data]).fine();
    assert!(shown.contains("personas.chef.system = \"You bake.\"  # personas"), "{shown}");
    assert!(shown.contains("personas.panda.system") && shown.contains("# default"), "{shown}");
}

#[test]
fn a_broken_file_is_told_with_its_line_and_left() {
    let home = Home::new();
    let broken = format!("{OWN}sytem = 1\n");
    let file = home.write("personas.toml", &broken);
    let data = home.path().to_str().unwrap();
    home.run(&["compare", "--data-dir", data, "--dry-run", "--persona", "시인", "hi"])
        .fails(2, &["personas.toml:6:1", "sytem", "there is no persona '시인'"]);
    home.run(&["config", "check", "--data-dir", data]).fails(2, &["personas.toml:6:1"]);
    assert_eq!(std::fs::read_to_string(file).unwrap(), broken);
}
