//! The walls between the layers: which file may import what, read from the sources themselves.
//!
//! One package has no compiler wall between its modules, so this is the wall. Every path of every
//! file under `src` (whole `use` trees, and paths written in place) is compared with [`LAYERS`] and
//! [`GRANTS`]. What stands under `#[cfg(test)]` may use what it likes.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// A module and everything in it, with what it may import besides itself.
struct Layer {
    name: &'static str,
    layers: &'static [&'static str],
    crates: &'static [&'static str],
    /// Whether it does no I/O and reads no clock: [`IMPURE`] is closed to it.
    is_pure: bool,
}

/// Parts of the standard library that wait, fail, or differ between two runs.
const IMPURE: [&str; 10] = [
    "std::collections::hash_map::RandomState",
    "std::env",
    "std::fs",
    "std::hash::RandomState",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// The import table. A file belongs to the longest name that holds it.
const LAYERS: &[Layer] = &[
    Layer {
        name: "core",
        layers: &[],
        crates: &["encoding_rs", "serde", "serde_json", "unicode_segmentation", "unicode_width"],
        is_pure: true,
    },
    Layer { name: "tokenizer", layers: &["core"], crates: &[], is_pure: true },
    Layer {
        name: "markup",
        layers: &["core"],
        crates: &["pulldown_cmark", "syntect", "two_face", "unicode_segmentation"],
        is_pure: true,
    },
    Layer {
        name: "structured",
        layers: &["core"],
        crates: &["jsonschema", "serde", "serde_json"],
        is_pure: true,
    },
    Layer {
        name: "provider",
        layers: &["core"],
        crates: &[
            "async_openai",
            "bytes",
            "futures_util",
            "http",
            "httpdate",
            "reqwest",
            "rustls",
            "secrecy",
            "serde",
            "serde_json",
            "tokio",
            "tower",
        ],
        is_pure: false,
    },
    Layer {
        name: "sandbox",
        layers: &["core", "tokenizer"],
        crates: &["axum", "bytes", "futures_util", "http", "serde", "serde_json", "tokio", "tokio_stream"],
        is_pure: false,
    },
    Layer {
        name: "config",
        layers: &["core"],
        crates: &["directories", "dotenvy", "secrecy", "serde", "serde_json", "thiserror", "toml"],
        is_pure: false,
    },
    Layer {
        name: "check",
        layers: &["core", "structured"],
        crates: &["regex", "serde", "serde_json"],
        is_pure: true,
    },
    Layer {
        name: "plan",
        layers: &["check", "config", "core", "structured"],
        crates: &["csv", "serde", "serde_json", "toml"],
        is_pure: true,
    },
    Layer {
        name: "export",
        layers: &["check", "core", "plan", "structured"],
        crates: &["serde", "serde_json"],
        is_pure: true,
    },
    Layer {
        name: "store",
        layers: &["core"],
        crates: &["flate2", "rusqlite", "serde", "serde_json", "thiserror"],
        is_pure: false,
    },
    Layer {
        name: "access",
        layers: &["config", "core", "provider", "sandbox"],
        crates: &["futures_util", "secrecy", "tokio"],
        is_pure: false,
    },
    Layer { name: "app", layers: &["check", "core", "markup", "structured"], crates: &[], is_pure: true },
    Layer {
        name: "tui",
        layers: &[
            "access",
            "app",
            "check",
            "config",
            "core",
            "export",
            "markup",
            "plan",
            "store",
            "structured",
            "tokenizer",
        ],
        crates: &["crossterm", "futures_util", "ratatui", "tokio"],
        is_pure: false,
    },
    Layer {
        name: "tui::theme",
        layers: &["app", "config::theme", "markup"],
        crates: &["ratatui"],
        is_pure: true,
    },
    Layer {
        name: "tui::view",
        layers: &["app", "core", "markup", "structured", "tui::theme"],
        crates: &["ratatui"],
        is_pure: true,
    },
    Layer {
        name: "cli",
        layers: &[
            "access",
            "check",
            "config",
            "core",
            "export",
            "plan",
            "provider",
            "sandbox",
            "store",
            "structured",
            "tokenizer",
        ],
        crates: &["clap", "clap_complete", "futures_util", "serde", "serde_json", "terminal_size", "tokio"],
        is_pure: false,
    },
    Layer { name: "main", layers: &["cli", "config", "tui"], crates: &[], is_pure: false },
    Layer { name: "lib", layers: &[], crates: &[], is_pure: true },
];

/// What one module may import beyond its layer, so that a crate can be exchanged in one file.
const GRANTS: &[(&str, &str)] = &[
    ("app::composer::draft", "tui_textarea"),
    ("app::overlay", "nucleo_matcher"),
    // The list of keys comes from the one table of commands.
    ("cli::keys", "app::command"),
    ("cli::keys", "app::keymap"),
];

/// Lines a file may have before its tests; a longer one is split by noun.
const MAX_LINES: usize = 500;

fn layer_of(module: &str) -> Option<&'static Layer> {
    LAYERS.iter().filter(|layer| is_in(module, layer.name)).max_by_key(|layer| layer.name.len())
}

/// Whether a path is a module, or something in it.
fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Returns one sentence for each path in a source that breaks a rule.
fn violations(file: &str, source: &str, crates: &BTreeSet<String>) -> Vec<String> {
    let module = module_of(file);
    let Some(layer) = layer_of(&module) else {
        return vec![format!("{file}: {module} is in no layer: add it to LAYERS")];
    };
    let granted = |path: &str| GRANTS.iter().any(|(to, what)| is_in(&module, to) && is_in(path, what));
    let code = without_tests(&without_text(source));
    let mut found = Vec::new();
    for (line, path) in paths(&code, &module) {
        let (root, rest) = path.split_once("::").unwrap_or((&path, ""));
        let broken = if root == "crate" || root == "tokenscope" {
            let known = layer.layers.iter().chain([&layer.name]).any(|known| is_in(rest, known));
            (!known && !granted(rest)).then(|| format!("{} must not know {rest}", layer.name))
        } else if root == "std" {
            // A module that is imported as a whole brings what is in it.
            let is_impure = IMPURE.iter().any(|impure| is_in(&path, impure) || is_in(impure, &path));
            (layer.is_pure && is_impure).then(|| format!("{} is pure and must not use {path}", layer.name))
        } else if crates.contains(root) {
            let known = layer.crates.contains(&root);
            (!known && !granted(root)).then(|| format!("{} must not use the crate {root}", layer.name))
        } else {
            None
        };
        found.extend(broken.map(|what| format!("{file}:{line}: {what}")));
    }
    found
}

/// Returns the module a file holds: `src/tui/view/mod.rs` is `tui::view`.
fn module_of(file: &str) -> String {
    let path = file.strip_prefix("src/").unwrap_or(file).trim_end_matches(".rs");
    path.trim_end_matches("/mod").replace('/', "::")
}

/// Returns the paths of a code with the lines they begin in; `use` trees are spread out, and `self`
/// and `super` are what they stand for in `module`. A path of one name is none.
fn paths(code: &str, module: &str) -> Vec<(usize, String)> {
    let words = words(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let is_root = words[at].text.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && words.get(at + 1).is_some_and(|next| next.text == "::")
            && (at == 0 || words[at - 1].text != "::");
        if is_root {
            let line = 1 + code[..words[at].at].matches('\n').count();
            let mut spread = Vec::new();
            at = spread_out(&words, at, "", &mut spread);
            found.extend(spread.into_iter().map(|path| (line, absolute(&path, module))));
        } else {
            at += 1;
        }
    }
    found
}

/// Collects the paths of the tree that begins at a word; returns the word after it.
fn spread_out(words: &[Word<'_>], mut at: usize, before: &str, found: &mut Vec<String>) -> usize {
    let mut path = before.to_owned();
    while let Some(word) = words.get(at) {
        match word.text {
            "{" => {
                at += 1;
                while words.get(at).is_some_and(|word| word.text != "}") {
                    at = if words[at].text == "," { at + 1 } else { spread_out(words, at, &path, found) };
                }
                return at + 1;
            }
            "*" => at += 1,
            name if name.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                if name != "self" || path.is_empty() {
                    path = if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") };
                }
                at += 1;
                if words.get(at).is_some_and(|word| word.text == "as") {
                    at += 2;
                }
            }
            // Anything else ends the path; it is taken so that reading goes on.
            _ => at += 1,
        }
        if words.get(at).is_none_or(|word| word.text != "::") {
            break;
        }
        at += 1;
    }
    found.push(path);
    at
}

/// Returns a path from the crate's root where it begins with `self` or `super`.
fn absolute(path: &str, module: &str) -> String {
    let mut within: Vec<&str> = vec!["crate"];
    within.extend(module.split("::"));
    let mut names = path.split("::").peekable();
    if !matches!(names.peek(), Some(&("self" | "super"))) {
        return path.to_owned();
    }
    while let Some(name) = names.next_if(|name| matches!(*name, "self" | "super")) {
        if name == "super" {
            within.pop();
        }
    }
    within.into_iter().chain(names).collect::<Vec<_>>().join("::")
}

/// A name or a sign.
struct Word<'a> {
    at: usize,
    text: &'a str,
}

fn words(code: &str) -> Vec<Word<'_>> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = code[at..].chars().next() {
        let rest = &code[at..];
        let length = if is_name(first) {
            rest.find(|c| !is_name(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            found.push(Word { at, text: &rest[..length] });
        }
        at += length;
    }
    found
}

/// Returns a source with its comments, texts and characters blanked; every line keeps its place.
fn without_text(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let follows_name = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let blanked = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_text(rest).filter(|_| !follows_name) {
            length
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else {
            0
        };
        let length = if blanked == 0 { first.len_utf8() } else { blanked };
        for c in rest[..length].chars() {
            out.push(if blanked > 0 && c != '\n' { ' ' } else { c });
        }
        rest = &rest[length..];
    }
    out
}

/// Returns the length of the raw text a source begins with, if it does.
fn raw_text(source: &str) -> Option<usize> {
    let after = source.strip_prefix("br").or_else(|| source.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let text = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = source.len() - text.len();
    Some(text.find(&end).map_or(source.len(), |at| start + at + end.len()))
}

/// Returns the length of the text or character that a source begins with, its marks included.
fn quoted(source: &str, mark: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in source.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == mark => return at + mark.len_utf8(),
            _ => {}
        }
    }
    source.len()
}

/// Whether an apostrophe begins a character, not a lifetime.
fn is_character(source: &str) -> bool {
    let mut after = source.chars().skip(1);
    matches!((after.next(), after.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

/// Returns a code with every item under `#[cfg(test)]` blanked.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(item) = test_item(&out) {
        let blank: String = out[item.clone()].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(item, &blank);
    }
    out
}

const CFG_TEST: &str = "#[cfg(test)]";

fn test_item(code: &str) -> Option<Range<usize>> {
    let start = code.find(CFG_TEST)?;
    let mut depth = 0;
    for (at, c) in code[start..].char_indices().skip(CFG_TEST.len()) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(c, '}' | ';') {
            return Some(start..start + at + 1);
        }
    }
    Some(start..code.len())
}

/// Returns the names under which a code declares modules for tests only.
fn test_modules(code: &str) -> Vec<String> {
    let declared = |rest: &str| {
        let item = rest.trim_start().strip_prefix("mod ")?;
        let end = item.find([';', '{'])?;
        item[end..].starts_with(';').then(|| item[..end].trim().to_owned())
    };
    code.split(CFG_TEST).skip(1).filter_map(declared).collect()
}

/// Returns the sources of the program, without the files that only tests see.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let for_tests: BTreeSet<String> = files
        .iter()
        .flat_map(|(file, source)| {
            let module = module_of(file);
            test_modules(&without_text(source)).into_iter().map(move |name| format!("{module}::{name}"))
        })
        .collect();
    files.retain(|(file, _)| !for_tests.contains(&module_of(file)));
    files.sort();
    files
}

/// Returns the crates the package depends on, as they are written in paths.
fn crates() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flat_map(|table| table.keys().map(|name| name.replace('-', "_")))
        .collect()
}

#[test]
fn every_file_keeps_to_its_layer() {
    let crates = crates();
    let found: Vec<String> =
        sources().iter().flat_map(|(file, source)| violations(file, source, &crates)).collect();
    assert!(found.is_empty(), "the import table of this test is broken:\n{}", found.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let too_long: Vec<String> = sources()
        .iter()
        .filter_map(|(file, source)| {
            // Text is blanked by character, so its bytes are not those of the source; its lines are.
            let blanked = without_text(source);
            let tests = blanked.find(CFG_TEST).unwrap_or(blanked.len());
            let lines = blanked[..tests].lines().count();
            (lines > MAX_LINES).then(|| format!("{file} has {lines} lines before its tests"))
        })
        .collect();
    assert!(too_long.is_empty(), "split by noun, at most {MAX_LINES} lines:\n{}", too_long.join("\n"));
}

#[test]
fn the_table_names_what_there_is() {
    let crates = crates();
    let modules: Vec<String> = sources().iter().map(|(file, _)| module_of(file)).collect();
    let exists = |name: &str| modules.iter().any(|module| is_in(module, name));
    for layer in LAYERS {
        assert!(exists(layer.name), "there is no layer {}", layer.name);
        for known in layer.layers {
            assert!(exists(known), "{} may import {known}, which is not there", layer.name);
        }
        for name in layer.crates {
            assert!(crates.contains(*name), "{} may use {name}, which is no dependency", layer.name);
        }
    }
    for (module, what) in GRANTS {
        assert!(exists(what) || crates.contains(*what), "{module} may import {what}, which is not there");
    }
}

fn planted(file: &str, source: &str) -> Vec<String> {
    violations(file, source, &crates())
}

#[test]
fn planted_violations_are_seen_with_their_line_and_rule() {
    for (file, source, expected) in [
        (
            "src/core/run.rs",
            "//! Doc.\nuse crate::app::App;\n",
            "src/core/run.rs:2: core must not know app::App",
        ),
        (
            "src/core/run.rs",
            "use std::time::{Duration, Instant};",
            "core is pure and must not use std::time::Instant",
        ),
        ("src/core/run.rs", "use std::time;", "core is pure and must not use std::time"),
        ("src/app/mod.rs", "fn f() { tokio::spawn(g()); }", "app must not use the crate tokio"),
        ("src/app/mod.rs", "use {std::rc::Rc, std::fs::File};", "app is pure and must not use std::fs::File"),
        ("src/app/keymap.rs", "use nucleo_matcher::Matcher;", "app must not use the crate nucleo_matcher"),
        ("src/app/composer.rs", "use tui_textarea::TextArea;", "app must not use the crate tui_textarea"),
        (
            "src/app/msg.rs",
            "use crate::{core::id::Ids, tui::{view, theme::Theme}};",
            "app must not know tui::view",
        ),
        (
            "src/tui/view/rows.rs",
            "use super::super::driver::Driver;",
            "tui::view must not know tui::driver::Driver",
        ),
        ("src/tui/view/rows.rs", "use crate::config::Config as C;", "tui::view must not know config::Config"),
        ("src/tui/theme.rs", "use crate::config::{self, theme};", "tui::theme must not know config"),
        ("src/tui/start.rs", "use crate::cli::ask;", "tui must not know cli::ask"),
        ("src/provider/sse.rs", "type T = crate::sandbox::Server;", "provider must not know sandbox::Server"),
        ("src/cli/ask.rs", "use crate::app::keymap::Keymap;", "cli must not know app::keymap::Keymap"),
        ("src/main.rs", "fn main() { tokenscope::provider::x(); }", "main must not know provider::x"),
        ("src/plan/mod.rs", "use std::fs;", "plan is pure and must not use std::fs"),
        ("src/store/mod.rs", "use crate::provider::Client;", "store must not know provider::Client"),
        ("src/shelf/mod.rs", "", "shelf is in no layer"),
    ] {
        let found = planted(file, source);
        assert!(found.iter().any(|sentence| sentence.contains(expected)), "{source}: {found:?}");
    }
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for (file, source) in [
        (
            "src/core/text.rs",
            "//! Not `tokio::spawn`.\n/* use std::fs; */ const A: &str = \"std::fs::read\";",
        ),
        (
            "src/core/text.rs",
            "const A: &str = r#\"\"std::fs\"#; const B: char = '\"'; fn f<'a>(_: &'a str) {}",
        ),
        ("src/core/text.rs", "use std::time::Duration;\n#[cfg(test)]\nmod tests { use std::fs; fn f() {} }"),
        ("src/core/text.rs", "#[cfg(test)]\nuse proptest::prelude::*;\nuse crate::core::run::Run;"),
        ("src/app/overlay.rs", "use nucleo_matcher::{Config, pattern::Pattern};"),
        ("src/cli/keys.rs", "use crate::app::{command::COMMANDS, keymap::Keymap};"),
        ("src/tui/view/rows.rs", "use super::paint::Canvas; use crate::tui::theme::{Theme, Tint};"),
    ] {
        assert_eq!(planted(file, source), [""; 0], "{source}");
    }
}
