//! Checks that `assets/config.example.toml` is the whole configuration with its defaults.
//!
//! The fields are asked of the types themselves, through what they say of a field they do not know, so a
//! setting cannot be added without being documented.

use crate::config::layer::Layer;
use crate::config::{Config, Overrides, Paths};
use std::collections::BTreeSet;
use toml::{Table, Value};

const EXAMPLE: &str = include_str!("../../assets/config.example.toml");

/// Returns the example with the settings that have no default.
fn with_all_lines() -> String {
    EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns the settings in force with this file and nothing else.
fn loaded(text: &str) -> Config {
    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides {
        config: Some(dir.path().join("config.toml")),
        data_dir: Some(dir.path().into()),
        ..Overrides::default()
    };
    std::fs::write(dir.path().join("config.toml"), text).unwrap();
    let env = |_: &str| None;
    let mut paths = Paths::resolve(&overrides, &env).unwrap();
    paths.dotenv = dir.path().join(".env");
    let loaded = Config::load(&paths, &overrides, &env);
    assert_eq!((loaded.error, loaded.notices), (None, Vec::new()));
    loaded.config
}

/// Returns the fields that may stand in a table, as the types know them.
fn fields(table: &[&str]) -> BTreeSet<String> {
    let header = if table.is_empty() { String::new() } else { format!("[{}]\n", table.join(".")) };
    let error = toml::from_str::<Layer>(&format!("{header}no-such-field = 1\n")).unwrap_err();
    let (_, known) = error.message().split_once("expected one of ").unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_example_is_the_defaults() {
    let mut example = loaded(EXAMPLE);
    let mut defaults = loaded("");
    // The section that shows how a model is corrected corrects nothing.
    assert_eq!(example.card("my-model"), defaults.card("my-model"));
    example.models = defaults.models.clone();
    assert_eq!(example, defaults);
    defaults.model = None;
    assert_eq!(defaults, Config::default());
}

#[test]
fn the_example_has_every_setting() {
    let text = with_all_lines();
    let table: Table = text.parse().unwrap();
    let paths: [&[&str]; 8] = [
        &[],
        &["sampling"],
        &["compare"],
        &["ui"],
        &["limits"],
        &["endpoints", "openai"],
        &["endpoints", "openai", "limits"],
        &["models", "\"my-model*\""],
    ];
    for path in paths {
        let shown = path
            .iter()
            .fold(&table, |table, part| table.get(part.trim_matches('"')).and_then(Value::as_table).unwrap());
        let shown: BTreeSet<String> = shown.keys().cloned().collect();
        assert_eq!(shown, fields(path), "{path:?}");
    }
    toml::from_str::<Layer>(&text).unwrap();
}

#[test]
fn every_variable_is_documented() {
    for (name, ..) in crate::config::source::VARIABLES {
        assert!(EXAMPLE.contains(name), "{name}");
    }
}
