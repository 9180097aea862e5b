//! The library of personas: system messages by name, the user's own over those of the configuration.
//!
//! Owns which of two of one name counts, what a name may be, and changes as plain data, so that workbench,
//! commands and the file speak of the same. Reads and writes nothing.
//!
//! Invariant: undoing a change and doing it again loses no text, in whatever order it is done.

use crate::core::text::{printable, width};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Widest name, in cells.
const NAME_CELLS: usize = 40;

/// Longest system message that is kept, in bytes.
pub const MAX_SYSTEM: usize = 256 << 10;

/// Most bytes of names and texts that are kept together.
pub const MAX_TOTAL: usize = 4 << 20;

/// Words of lists of personas that stand for no system message.
const RESERVED: [&str; 2] = ["none", "omit"];

/// Where a persona is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The configuration, or this program.
    Configured,
    /// The user wrote it here.
    Own,
    /// The user wrote it here, and it stands over one of the configuration.
    Over,
}

/// A persona as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persona<'l> {
    /// Its name.
    pub name: &'l str,
    /// Its system message.
    pub system: &'l Arc<str>,
    /// Where it is from.
    pub source: Source,
}

/// What becomes of one of the user's own personas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// Its system message from now on; without one it is there no more.
    pub system: Option<Arc<str>>,
}

impl Change {
    /// Returns the change that writes a persona.
    #[must_use]
    pub fn put(name: &str, system: impl Into<Arc<str>>) -> Self {
        Self { name: name.to_owned(), system: Some(system.into()) }
    }

    /// Returns the change that takes a persona away.
    #[must_use]
    pub fn remove(name: &str) -> Self {
        Self { name: name.to_owned(), system: None }
    }
}

/// The user's own personas by name.
pub type Own = BTreeMap<String, Arc<str>>;

/// Makes changes; returns those that undo them.
pub fn apply(own: &mut Own, changes: &[Change]) -> Vec<Change> {
    let mut inverse = Vec::with_capacity(changes.len());
    for change in changes {
        let system = match &change.system {
            Some(system) => own.insert(change.name.clone(), Arc::clone(system)),
            None => own.remove(&change.name),
        };
        inverse.push(Change { name: change.name.clone(), system });
    }
    // What was done last is undone first.
    inverse.reverse();
    inverse
}

/// Says why texts cannot be kept together.
///
/// # Errors
/// In one sentence, with what to do.
pub fn check_size(own: &Own) -> Result<(), String> {
    if let Some((name, system)) = own.iter().find(|(_, system)| system.len() > MAX_SYSTEM) {
        let most = MAX_SYSTEM >> 10;
        return Err(format!("{name} has {} KB, at most {most} are kept: shorten it", system.len() >> 10));
    }
    let total: usize = own.iter().map(|(name, system)| name.len() + system.len()).sum();
    if total > MAX_TOTAL {
        return Err(format!("all personas have at most {} MB: delete one", MAX_TOTAL >> 20));
    }
    Ok(())
}

/// Returns a name as it is kept.
///
/// # Errors
/// Says what a name is.
pub fn name_of(typed: &str) -> Result<&str, String> {
    let name = typed.trim();
    if name.is_empty() {
        return Err("write a name".to_owned());
    }
    if RESERVED.contains(&name) {
        return Err(format!("'{name}' stands for no system message: write another name"));
    }
    if printable(name) != name || name.chars().any(char::is_control) || width(name) > NAME_CELLS {
        return Err(format!("a name is one line of at most {NAME_CELLS} columns"));
    }
    Ok(name)
}

/// All personas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Library {
    configured: Own,
    own: Own,
}

impl Library {
    /// Returns the user's own personas over those of the configuration.
    #[must_use]
    pub fn new(configured: Own, own: Own) -> Self {
        Self { configured, own }
    }

    /// Returns the personas that count, by name.
    pub fn all(&self) -> impl Iterator<Item = Persona<'_>> {
        let configured = self.configured.iter().filter(|(name, _)| !self.own.contains_key(*name));
        let configured = configured.map(|(name, system)| (name, system, Source::Configured));
        let own = self.own.iter().map(|(name, system)| {
            let is_over = self.configured.contains_key(name);
            (name, system, if is_over { Source::Over } else { Source::Own })
        });
        let mut all: Vec<_> = configured.chain(own).collect();
        all.sort_unstable_by_key(|(name, _, _)| *name);
        all.into_iter().map(|(name, system, source)| Persona { name, system, source })
    }

    /// Returns how many personas count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty() && self.own.is_empty()
    }

    /// Returns the persona of a name that counts.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Persona<'_>> {
        self.all().find(|persona| persona.name == name)
    }

    /// Returns what the user wrote under a name.
    #[must_use]
    pub fn own(&self, name: &str) -> Option<&Arc<str>> {
        self.own.get(name)
    }

    /// Returns names and system messages, as lists of values are read with.
    #[must_use]
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.all().map(|persona| (persona.name.to_owned(), persona.system.to_string())).collect()
    }

    /// Makes changes; returns those that undo them.
    ///
    /// # Errors
    /// When what there would be is too much to be kept; then nothing was changed.
    pub fn change(&mut self, changes: &[Change]) -> Result<Vec<Change>, String> {
        let mut own = self.own.clone();
        let inverse = apply(&mut own, changes);
        check_size(&own)?;
        self.own = own;
        Ok(inverse)
    }
}

/// Most steps that can be undone.
const STEPS: usize = 100;

/// What was changed, step by step, to be undone and done again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// What undoes each step, the oldest first.
    older: Vec<Vec<Change>>,
    /// What does each step again that was undone.
    newer: Vec<Vec<Change>>,
}

impl Steps {
    /// Takes note of what undoes a step. What was undone before stays within reach, among the older.
    pub fn note(&mut self, inverse: Vec<Change>) {
        self.older.append(&mut self.newer);
        self.older.push(inverse);
        if self.older.len() > STEPS {
            self.older.remove(0);
        }
    }

    /// Undoes the last step, or does the one again that was undone last; returns what was changed.
    pub fn go(&mut self, library: &mut Library, back: bool) -> Option<Vec<Change>> {
        let (from, to) =
            if back { (&mut self.older, &mut self.newer) } else { (&mut self.newer, &mut self.older) };
        let changes = from.pop()?;
        to.push(library.change(&changes).ok()?);
        Some(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn library() -> Library {
        let configured = [("chef", "You cook."), ("panda", "Slowly.")];
        Library::new(configured.map(|(name, system)| (name.to_owned(), system.into())).into(), Own::new())
    }

    fn shown(library: &Library) -> Vec<(&str, &str, Source)> {
        library.all().map(|own| (own.name, &**own.system, own.source)).collect()
    }

    #[test]
    fn ones_own_wins_by_name_and_says_so() {
        let mut library = library();
        let changes = [Change::put("시인", "운을 맞춰."), Change::put("chef", "You bake.")];
        let inverse = library.change(&changes).unwrap();
        assert_eq!(
            shown(&library),
            [
                ("chef", "You bake.", Source::Over),
                ("panda", "Slowly.", Source::Configured),
                ("시인", "운을 맞춰.", Source::Own)
            ]
        );
        library.change(&inverse).unwrap();
        assert_eq!(library, self::library());
    }

    #[test]
    fn names_are_one_printable_line() {
        assert_eq!(name_of("  시인 🐼 "), Ok("시인 🐼"));
        for wrong in ["", " ", "none", "omit", "a\nb", "a\u{1b}[2J", "a\u{202e}b", &"x".repeat(41)] {
            assert!(name_of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn too_much_is_refused_whole() {
        let mut library = library();
        let long = "가".repeat(MAX_SYSTEM / 3 + 1);
        let error = library.change(&[Change::put("a", "b"), Change::put("long", long)]).unwrap_err();
        assert!(error.contains("long has 256 KB") && library.own("a").is_none(), "{error}");
        let many: Vec<Change> =
            (0..20).map(|n| Change::put(&n.to_string(), "x".repeat(MAX_SYSTEM))).collect();
        assert!(library.change(&many).unwrap_err().contains("4 MB"));
    }

    proptest! {
        /// Whatever is written, undone and done again: each text can be reached.
        #[test]
        fn no_text_is_lost(acts in prop::collection::vec((0u8..4, 0usize..3), 0..40)) {
            let (mut library, mut steps) = (library(), Steps::default());
            let mut written = Vec::new();
            for (act, place) in acts {
                let name = ["chef", "b", "c"][place];
                let changes = match act {
                    0 => {
                        written.push(format!("text {}", written.len()));
                        vec![Change::put(name, written.last().unwrap().as_str())]
                    }
                    1 => vec![Change::remove(name)],
                    _ => {
                        steps.go(&mut library, act == 2);
                        continue;
                    }
                };
                steps.note(library.change(&changes).unwrap());
            }
            let kept = steps.older.iter().chain(&steps.newer).flatten().filter_map(|own| own.system.as_deref());
            let texts: Vec<&str> = kept.chain(library.own.values().map(|own| &**own)).collect();
            for text in &written {
                prop_assert!(texts.contains(&text.as_str()), "{text}");
            }
        }
    }
}
