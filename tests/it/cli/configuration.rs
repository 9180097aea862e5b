//! The configuration and the keys, as commands tell of them.

use super::{Home, json_of};

#[test]
fn a_broken_configuration_is_told_with_its_line() {
    let home = Home::new();
    let file = home.write("c.toml", "# mine\n[sampling]\ntemprature = 1\n");
    let said = ["c.toml:3:1", "unknown key 'temprature'", "Did you mean 'temperature'?"];
    for arguments in [&["ask", "hi"][..], &["keys"], &["config", "check"], &["config", "show"]] {
        home.run(&[arguments, &["--config", &file]].concat()).fails(2, &said);
    }
    assert_eq!(home.run(&["config", "path", "--config", &file]).fine(), format!("{file}\n"));
}

#[test]
fn the_check_finds_what_is_only_met_later() {
    let home = Home::new();
    let file = home.write("c.toml", "[keys]\n\"draft.send\" = \"hyper-x\"\n");
    home.run(&["config", "check", "--config", &file]).fails(2, &["c.toml", "draft.send", "hyper-x"]);
    let file = home.write("d.toml", "[sampling]\ntemperature = 1.5\n");
    assert!(home.run(&["config", "check", "--config", &file]).fine().contains("is fine"));
    let shown = home.run(&["config", "show", "--config", &file, "--seed", "4"]).fine();
    assert!(shown.contains("sampling.temperature = 1.5  # file\n"), "{shown}");
    assert!(shown.contains("sampling.seed = 4  # flag\n"), "{shown}");
}

#[test]
fn keys_come_from_the_table_and_the_configuration() {
    let home = Home::new();
    let file = home.write("c.toml", "[keys]\n\"draft.send\" = \"f5\"\n");
    let text = home.run(&["keys", "--config", &file]).fine();
    let line = text.lines().find(|line| line.ends_with("draft.send")).unwrap();
    assert!(line.contains("F5") && !line.contains("Enter"), "{line}");
    let markdown = home.run(&["keys", "--markdown"]).fine();
    assert!(markdown.contains("| `Enter` | Send; in Compare: run | `draft.send` |"), "{markdown}");
    let keys = json_of(&home.run(&["keys", "--json"]).fine());
    let ids: Vec<_> = keys.as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"workbench.quit") && keys[0]["keys"].is_array());
}
