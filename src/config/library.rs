//! The file of the user's own personas, which the workbench writes and every command reads.
//!
//! Owns its form: the same tables as in `config.toml`, so that one can be copied to the other. What it holds
//! is checked as if anybody had written it. Never writes: who does reads again what is there, so that two
//! programs at once lose nothing of each other.

use crate::config::Persona;
use crate::config::error::{ConfigError, Place, unreadable};
use crate::core::persona::{MAX_TOTAL, Own, check_size, name_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// What a file begins with.
const HEADING: &str =
    "# Personas as they were written in tokenscope; those of the same name in config.toml give way.\n\n";

/// Longest file that is read, in bytes: what is kept, with every character escaped.
const MAX_FILE: u64 = 8 * MAX_TOTAL as u64;

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Library {
    personas: BTreeMap<String, Persona>,
}

/// Returns where personas are kept under a folder of data.
#[must_use]
pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("personas.toml")
}

/// Returns the personas in a file; none where it is not there.
///
/// # Errors
/// Says what is wrong, in which line, and what to do.
pub fn read(path: &Path) -> Result<Own, ConfigError> {
    let mut bytes = Vec::new();
    let size = match File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)) {
        Ok(size) => size as u64,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Own::new()),
        Err(error) => return Err(unreadable(path, &error)),
    };
    if size > MAX_FILE {
        return Err(unreadable(path, &ErrorKind::FileTooLarge.into()));
    }
    let text = String::from_utf8(bytes).map_err(|_| unreadable(path, &ErrorKind::InvalidData.into()))?;
    parse(&text, path)
}

/// Returns the personas in a file's text; `path` is for messages.
///
/// # Errors
/// Says what is wrong, in which line, and what to do.
pub fn parse(text: &str, path: &Path) -> Result<Own, ConfigError> {
    let place = || Place::File { path: path.to_owned(), at: None };
    let library: Library =
        toml::from_str(text).map_err(|error| ConfigError::from_toml(place(), text, &error))?;
    let mut own = Own::new();
    for (name, persona) in library.personas {
        if name_of(&name) != Ok(&name) {
            let span = DeTable::parse(text).ok().and_then(|table| {
                let personas = table.get_ref().get("personas")?.get_ref().as_table()?;
                personas.keys().find(|key| *key.get_ref() == name).map(toml::Spanned::span)
            });
            let error = ConfigError::at(place(), text, span, "this is no name for a persona");
            return Err(error.remedy("Write another name, of one line"));
        }
        own.insert(name, persona.system.into());
    }
    check_size(&own).map_err(|message| ConfigError::at(place(), text, None, &message))?;
    Ok(own)
}

/// Returns the text of a file with these personas.
///
/// # Errors
/// When they cannot be said in this form of file.
pub fn print(own: &Own) -> Result<String, String> {
    let persona = |(name, system): (&String, &std::sync::Arc<str>)| {
        (name.clone(), Persona { system: system.to_string() })
    };
    let library = Library { personas: own.iter().map(persona).collect() };
    let text = toml::to_string_pretty(&library).map_err(|error| error.to_string())?;
    Ok(format!("{HEADING}{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fault::Fault;
    use proptest::prelude::*;

    fn refused(text: &str) -> String {
        Fault::from(parse(text, Path::new("personas.toml")).unwrap_err()).to_string()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_a_remedy() {
        for (text, told) in [
            ("[personas.a]\nsystem = \"x\"\nsytem = 1\n", "personas.toml:3:1"),
            ("[personas.a]\n", "personas.toml:1:"),
            ("\n[personas.none]\nsystem = \"x\"\n", "personas.toml:2:"),
            ("[personas.\"a\\nb\"]\nsystem = \"x\"\n", "no name for a persona"),
            ("[personas", "personas.toml:1:"),
        ] {
            let refused = refused(text);
            assert!(refused.contains(told) && refused.contains(". "), "{text}: {refused}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_holds_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&file(folder.path())), Ok(Own::new()));
        std::fs::write(file(folder.path()), b"\xff\xfe").unwrap();
        let fault = Fault::from(read(&file(folder.path())).unwrap_err());
        assert!(fault.message.contains("personas.toml") && !fault.remedy.is_empty(), "{fault}");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_as_the_same(texts in prop::collection::btree_map("[a-z가-힣 .\"]{1,9}", any::<String>(), 0..4)) {
            let own: Own = texts
                .into_iter()
                .filter(|(name, _)| name_of(name) == Ok(name))
                // Line ends are those of the composer.
                .map(|(name, text)| (name, text.replace('\r', "").into()))
                .collect();
            let text = print(&own).unwrap();
            prop_assert_eq!(parse(&text, Path::new("p")), Ok(own));
        }
    }
}
