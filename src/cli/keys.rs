//! `keys`: the table of commands with the keys in force.
//!
//! The one file of this layer that looks into `app`: the table there is what keys, help and palette
//! come from, and this command prints it.

use crate::app::command::{COMMANDS, EDITING, Group};
use crate::app::keymap::Keymap;
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::output::Output;
use crate::cli::table::Table;
use crate::core::fault::{Fault, FaultKind};
use serde::Serialize;
use std::collections::BTreeMap;

/// Heading of the keys that belong to no command.
const EDITING_TITLE: &str = "editing the draft";

/// One command, written down.
#[derive(Serialize)]
struct KeyRecord {
    id: &'static str,
    group: &'static str,
    title: &'static str,
    keys: Vec<String>,
}

/// Returns the keys in force, or what is wrong with the user's.
pub(super) fn bindings(custom: &BTreeMap<String, Vec<String>>) -> Result<Keymap, Vec<String>> {
    Keymap::new(custom)
}

/// Prints the table.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let (paths, loaded) = flags.load()?;
    if let Some(fault) = loaded.error {
        return Err(Failure::Wrong(fault));
    }
    let keymap = match bindings(&loaded.config.keys) {
        Ok(keymap) => keymap,
        Err(mistakes) => return Err(refuse(&mistakes, &paths.config_file.display().to_string(), output)),
    };
    let records: Vec<KeyRecord> = Group::ALL.iter().flat_map(|group| of_group(*group, &keymap)).collect();
    if flags.is_on("json") {
        return output.json(&records);
    }
    let is_markdown = flags.is_on("markdown");
    for group in Group::ALL {
        let rows = records.iter().filter(|record| record.group == group.title());
        let rows = rows.map(|record| (record.keys.join("  "), record.title, record.id));
        section(group.title(), rows.collect(), is_markdown, output)?;
    }
    let rows = EDITING.iter().map(|(keys, title)| ((*keys).to_owned(), *title, ""));
    section(EDITING_TITLE, rows.collect(), is_markdown, output)
}

fn refuse(mistakes: &[String], file: &str, output: &mut Output) -> Failure {
    let faults = mistakes.iter().map(|mistake| Fault::new(FaultKind::Local, format!("{file}: {mistake}")));
    for fault in faults {
        output.fault(&fault);
    }
    Failure::wrong("The keys are wrong", "").told()
}

fn of_group(group: Group, keymap: &Keymap) -> impl Iterator<Item = KeyRecord> {
    COMMANDS.iter().filter(move |spec| spec.group == group).map(move |spec| KeyRecord {
        id: spec.id,
        group: group.title(),
        title: spec.title,
        keys: keymap.keys(spec.command),
    })
}

/// Prints one group as a table.
fn section(
    title: &str,
    rows: Vec<(String, &str, &str)>,
    is_markdown: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    if is_markdown {
        output.line(&format!("### {title}\n\n| Keys | What they do | Command |\n|---|---|---|"))?;
        for (keys, does, id) in rows {
            let (keys, id) = (marked(&keys), marked(id));
            output.line(&format!("| {keys} | {does} | {id} |"))?;
        }
        return output.line("");
    }
    output.line(title)?;
    let mut table = Table::new(&[]);
    for (keys, does, id) in rows {
        table.row(vec![String::new(), keys, does.to_owned(), id.to_owned()]);
    }
    for line in table.lines(&[]) {
        output.line(&line)?;
    }
    output.line("")
}

/// Returns keys or a name as code of Markdown tables.
fn marked(text: &str) -> String {
    let words = text.split("  ").filter(|word| !word.is_empty());
    words.map(|word| format!("`{}`", word.replace('|', "\\|"))).collect::<Vec<_>>().join(" ")
}
