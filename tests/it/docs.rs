//! The documents say what is true: keys, output, settings, themes and links are those of the program.
//!
//! `UPDATE_README=1 cargo test readme` writes the key table and the output of the examples anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use tokenscope::config::{Config, Overrides, Paths};
use tokenscope::config::{SANDBOX, theme};

/// Variable with which the generated parts of the README are replaced.
const UPDATE: &str = "UPDATE_README";

/// What stands around the table of keys.
const KEYS: (&str, &str) = ("<!-- keys: what `tokenscope keys --markdown` prints -->\n", "<!-- /keys -->");

/// Documents at the top of the project.
const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap().replace("\r\n", "\n")
}

/// Returns what a command does on a machine without configuration and without keys, at the top of the project.
fn on_a_new_machine(command: &mut Command) -> Output {
    let home = TempDir::new().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tokenscope"));
    let mut path = vec![program.parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    command.env_clear().env("HOME", home.path()).env("PATH", std::env::join_paths(path).unwrap());
    command.current_dir(root()).output().unwrap()
}

/// Returns what a command prints, which must go well.
fn printed(command: &mut Command) -> String {
    let output = on_a_new_machine(command);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the program with arguments.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenscope"));
    command.args(arguments);
    command
}

/// Returns the fenced blocks of a language, without their fences.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    text.split(&open).skip(1).map(|rest| &rest[..rest.find("```").unwrap()]).collect()
}

/// Compares a generated part of the README with what it must be, or replaces it there.
#[track_caller]
fn assert_part(part: &str, current: &str) {
    if std::env::var_os(UPDATE).is_some() {
        let path = root().join("README.md");
        fs::write(path, document("README.md").replace(part, current)).unwrap();
        return;
    }
    assert!(
        part == current,
        "the README is out of date: run `{UPDATE}=1 cargo test readme`\nit says\n{part}\nand now it is\n{current}"
    );
}

#[test]
fn the_readme_is_generated_where_it_can_be() {
    let readme = document("README.md");
    let (before, after) = KEYS;
    let keys = readme.split_once(before).unwrap().1.split_once(after).unwrap().0;
    let table = printed(&mut program(&["keys", "--markdown"]));
    assert_part(&format!("{before}{keys}{after}"), &format!("{before}\n{}\n\n{after}", table.trim()));
    for block in blocks(&readme, "console") {
        let current = replayed(block);
        if untimed(block) != untimed(&current) {
            assert_part(block, &current);
        }
    }
}

/// Returns a block with the output its commands have now.
fn replayed(block: &str) -> String {
    let mut current = String::new();
    for line in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let output = printed(Command::new("sh").args(["-c", line]));
        current.extend(["$ ", line, "\n", output.trim_end(), "\n"]);
    }
    current
}

/// Returns a text without the figures that depend on the machine, nor their units: a slow machine
/// counts seconds where a fast one counts milliseconds, and has a rate where a fast one has none.
fn untimed(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    // A fast machine has no time to tell a rate from.
    while let Some(at) = words.iter().position(|word| *word == "tok/s").filter(|at| *at >= 2) {
        words.drain(at - 2..=at);
    }
    for at in 1..words.len() {
        if matches!(words[at], "ms" | "s") {
            (words[at - 1], words[at]) = ("…", "…");
        }
    }
    words.join(" ")
}

#[test]
fn settings_in_the_documents_are_settings() {
    for block in DOCUMENTS
        .iter()
        .flat_map(|name| blocks(&document(name), "toml").into_iter().map(str::to_owned).collect::<Vec<_>>())
    {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, &block).unwrap();
        let output = on_a_new_machine(program(&["config", "check", "--config"]).arg(&file));
        assert!(output.status.success(), "{block}\n{}", String::from_utf8_lossy(&output.stderr));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.is_empty(), "{block}\n{told}");
    }
}

#[test]
fn every_command_theme_and_preset_is_named() {
    let readme = document("README.md");
    let help = printed(&mut program(&["--help"]));
    let listed = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let commands =
        listed.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    for command in commands {
        assert!(readme.contains(&format!("| `tokenscope {command}")), "the table has no `{command}`");
    }
    for theme in theme::names(Path::new("")) {
        assert!(readme.contains(&format!("`{theme}`")), "the theme {theme} is not named");
    }
    let presets = Config::default().endpoints;
    for preset in presets.keys() {
        assert!(readme.contains(&format!("`{preset}`")), "the preset {preset} is not named");
    }
    assert!(presets.contains_key(SANDBOX));
}

#[test]
fn every_flag_and_variable_in_the_documents_exists() {
    let helps = ["ask", "compare", "inspect", "probe", "count", "serve", "keys"];
    let mut flags: BTreeSet<String> = BTreeSet::new();
    let words = |text: &str, start: &str| -> BTreeSet<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        text.split(|c: char| !is_part(c)).filter(|word| word.starts_with(start)).map(str::to_owned).collect()
    };
    for command in helps {
        flags.append(&mut words(&printed(&mut program(&[command, "--help"])), "--"));
    }
    flags.append(&mut words(&printed(&mut program(&["--help"])), "--"));
    let readme = document("README.md");
    // Flags of other programs stand in lines that do not name this one.
    let ours = readme.lines().filter(|line| !line.contains("cargo ")).collect::<Vec<_>>().join("\n");
    let unknown: Vec<String> = words(&ours, "--")
        .into_iter()
        .filter(|flag| flag.len() > 2 && !flags.contains(flag))
        .filter(|flag| !flag.starts_with("---"))
        .collect();
    assert!(unknown.is_empty(), "no command has {unknown:?}");
    let example = document("assets/config.example.toml");
    for variable in words(&readme, "TOKENSCOPE_").into_iter().filter(|name| name != "TOKENSCOPE_") {
        assert!(example.contains(&variable), "{variable} is not in the example");
    }
}

#[test]
fn links_lead_somewhere() {
    for name in DOCUMENTS {
        let text = document(name);
        for link in text.split("](").skip(1).map(|rest| &rest[..rest.find(')').unwrap()]) {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            let is_here = !path.contains("://") && !path.is_empty();
            assert!(!is_here || root().join(path).exists(), "{name} links to {link}");
        }
    }
}

#[test]
fn files_named_in_the_documents_exist() {
    let is_path = |word: &&str| {
        ["src/", "tests/", "assets/", "themes/", "benches/", "docs/", ".ci/"]
            .iter()
            .any(|folder| word.starts_with(folder))
    };
    for name in DOCUMENTS {
        let text = document(name);
        // What stands between backquotes is every second piece of a line.
        let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        for path in quoted.filter(is_path) {
            assert!(root().join(path).exists(), "{name} names {path}");
        }
    }
}

#[test]
fn no_document_knows_a_machine() {
    let mut files: Vec<PathBuf> = DOCUMENTS.iter().map(|name| root().join(name)).collect();
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    files.extend(docs);
    files.push(root().join(".ci/run"));
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        for place in ["/home/", "/root/", "/Users/", "/tmp/", "/work/", "C:\\"] {
            assert!(!text.contains(place), "{} names {place}", path.display());
        }
    }
}

#[test]
fn the_example_names_only_commands_there_are() {
    let example = document("assets/config.example.toml");
    let keys = example.split_once("[keys]\n").unwrap().1.split_once("\n\n").unwrap().0;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, format!("[keys]\n{}", keys.replace("#\"", "\""))).unwrap();
    let paths = Paths::resolve(&Overrides { config: Some(file), ..Overrides::default() }, &|_| None).unwrap();
    let keys = Config::load(&paths, &Overrides::default(), &|_| None).config.keys;
    assert!(!keys.is_empty());
    let mistakes = tokenscope::app::keymap::Keymap::new(&keys).err().unwrap_or_default();
    assert!(mistakes.is_empty(), "{mistakes:?}");
}
