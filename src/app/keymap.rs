//! Which command a key means in a place: the table of commands, the user's bindings, sequences.

use crate::app::chord::{Chord, shown};
use crate::app::command::{self, COMMANDS, Command, Place, Places};
use std::collections::BTreeMap;

/// One way to give a command.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    first: Chord,
    second: Option<Chord>,
    command: Command,
    places: Places,
}

/// The bindings in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

/// What a chord means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// The command to run, if the chord completes one.
    pub command: Option<Command>,
    /// Whether a second chord could follow this one.
    pub is_prefix: bool,
}

impl Default for Keymap {
    fn default() -> Self {
        // The table is checked by a test, so a default that cannot be read does not exist.
        Self::new(&BTreeMap::new()).unwrap_or(Self { bindings: Vec::new() })
    }
}

impl Keymap {
    /// Returns the table's bindings with the user's in place of the defaults they name.
    ///
    /// A command the user binds loses its default keys; an empty list unbinds it. A default that a
    /// user's binding takes away gives way silently, two of the user's own are a conflict.
    ///
    /// # Errors
    /// One sentence for each unknown command, unreadable key, and conflict (which names both).
    pub fn new(custom: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<String>> {
        let mut errors = Vec::new();
        let mut bindings: Vec<Binding> = Vec::new();
        for (id, keys) in custom {
            let Some(spec) = COMMANDS.iter().find(|spec| spec.id == id) else {
                errors.push(unknown_command(id));
                continue;
            };
            for key in keys {
                match sequence(key) {
                    Ok((first, second)) => {
                        let binding = Binding { first, second, command: spec.command, places: spec.places };
                        if let Some(other) = bindings.iter().find(|other| other.clashes(&binding)) {
                            errors.push(format!(
                                "[keys] {key} is given to both {} and {id}: keep one of them",
                                command::spec_of(other.command).id
                            ));
                        }
                        bindings.push(binding);
                    }
                    Err(reason) => errors.push(format!("[keys] {id}: {reason}")),
                }
            }
        }
        let customised = |command: Command| custom.contains_key(command::spec_of(command).id);
        let table = COMMANDS
            .iter()
            .flat_map(|spec| spec.chords.iter().map(move |key| (spec.command, *key, spec.places)));
        let extras = command::extras()
            .into_iter()
            .flat_map(|(list, places)| list.iter().map(move |(command, key)| (*command, *key, places)));
        for (command, key, places) in table.chain(extras) {
            if customised(command) {
                continue;
            }
            match sequence(key) {
                Ok((first, second)) => {
                    let binding = Binding { first, second, command, places };
                    match bindings.iter().find(|other| other.clashes(&binding)) {
                        Some(other) if customised(other.command) => {}
                        Some(other) => errors.push(format!(
                            "{key} means both {} and {}",
                            command::spec_of(other.command).id,
                            command::spec_of(command).id
                        )),
                        None => bindings.push(binding),
                    }
                }
                Err(reason) => errors.push(reason),
            }
        }
        if errors.is_empty() { Ok(Self { bindings }) } else { Err(errors) }
    }

    /// Returns what a chord means in a place, after the chord `pending` if there was one.
    #[must_use]
    pub fn resolve(&self, place: Place, pending: Option<Chord>, chord: Chord) -> Resolution {
        let exact = self.lookup(place, pending, chord);
        if exact.command.is_some() || exact.is_prefix || place == Place::Composer || place == Place::Overlay {
            return exact;
        }
        match chord.latin() {
            Some(latin) => self.lookup(place, pending, latin),
            None => exact,
        }
    }

    fn lookup(&self, place: Place, pending: Option<Chord>, chord: Chord) -> Resolution {
        let here = || self.bindings.iter().filter(|binding| binding.places.contains(place));
        if let Some(first) = pending {
            let sequence = here().find(|binding| binding.first == first && binding.second == Some(chord));
            if let Some(binding) = sequence {
                return Resolution { command: Some(binding.command), is_prefix: false };
            }
        }
        Resolution {
            command: here()
                .find(|binding| binding.first == chord && binding.second.is_none())
                .map(|b| b.command),
            is_prefix: here().any(|binding| binding.first == chord && binding.second.is_some()),
        }
    }

    /// Returns the first key of a command in a place, as it is shown in hints.
    #[must_use]
    pub fn hint(&self, command: Command, place: Place) -> Option<String> {
        let here = self.bindings.iter().filter(|b| b.command == command && b.places.contains(place));
        // Where no text is typed the short key is the one to learn, elsewhere the one every terminal sends.
        let is_typing = matches!(place, Place::Composer | Place::Overlay);
        let length = |binding: &&Binding| {
            !is_typing && (binding.first.ctrl || binding.first.alt || binding.second.is_some())
        };
        here.min_by_key(length).map(Binding::shown)
    }

    /// Returns all keys of a command as they are shown, without repeats.
    #[must_use]
    pub fn keys(&self, command: Command) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for binding in self.bindings.iter().filter(|binding| binding.command == command) {
            let shown = binding.shown();
            if !keys.contains(&shown) {
                keys.push(shown);
            }
        }
        keys
    }
}

impl Binding {
    fn clashes(&self, other: &Self) -> bool {
        self.first == other.first
            && self.second == other.second
            && self.command != other.command
            && self.places.overlap(other.places)
    }

    fn shown(&self) -> String {
        match self.second {
            Some(second) => format!("{} {}", shown(self.first), shown(second)),
            None => shown(self.first),
        }
    }
}

fn sequence(written: &str) -> Result<(Chord, Option<Chord>), String> {
    match written.split_once(' ') {
        None => Ok((written.parse()?, None)),
        Some((first, second)) => Ok((first.parse()?, Some(second.trim().parse()?))),
    }
}

fn unknown_command(id: &str) -> String {
    let near = COMMANDS.iter().map(|spec| spec.id).max_by_key(|known| common(known, id)).unwrap_or_default();
    format!("[keys] there is no command '{id}': did you mean '{near}'? `tokenscope keys` lists all")
}

/// Returns how many leading and trailing bytes two names share.
fn common(a: &str, b: &str) -> usize {
    let lead = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let trail = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    lead + trail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::chord::Key;

    fn custom(bindings: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        bindings
            .iter()
            .map(|(id, keys)| ((*id).to_owned(), keys.iter().map(|k| (*k).to_owned()).collect()))
            .collect()
    }

    fn chord(written: &str) -> Chord {
        written.parse().unwrap()
    }

    #[test]
    fn the_defaults_have_no_conflict() {
        assert_eq!(Keymap::new(&BTreeMap::new()).map(|keymap| keymap.bindings.is_empty()), Ok(false));
    }

    #[test]
    fn a_key_means_what_the_place_says() {
        let keymap = Keymap::default();
        let command = |place, written| keymap.resolve(place, None, chord(written)).command;
        assert_eq!(command(Place::Composer, "enter"), Some(Command::Send));
        assert_eq!(command(Place::Overlay, "enter"), Some(Command::OverlayAccept));
        assert_eq!(command(Place::Inspector, "l"), Some(Command::NextToken));
        assert_eq!(command(Place::Grid, "l"), Some(Command::NextColumn));
        assert_eq!(command(Place::Composer, "l"), None);
    }

    #[test]
    fn jamo_answer_like_the_letter_on_their_key_but_never_in_the_draft() {
        let keymap = Keymap::default();
        let jamo = Chord::plain(Key::Char('ㅓ'));
        assert_eq!(keymap.resolve(Place::Transcript, None, jamo).command, Some(Command::LineDown));
        assert_eq!(keymap.resolve(Place::Composer, None, jamo).command, None);
    }

    #[test]
    fn a_sequence_follows_its_prefix() {
        let keymap = Keymap::default();
        let first = keymap.resolve(Place::Transcript, None, chord("y"));
        assert_eq!((first.command, first.is_prefix), (Some(Command::CopyMessage), true));
        let second = keymap.resolve(Place::Transcript, Some(chord("y")), chord("c"));
        assert_eq!(second.command, Some(Command::CopyCode));
    }

    #[test]
    fn a_users_binding_replaces_the_default_and_takes_the_key() {
        let keymap =
            Keymap::new(&custom(&[("answer.again", &["f5", "ctrl-p"]), ("workbench.help", &[])])).unwrap();
        assert_eq!(keymap.resolve(Place::Composer, None, chord("f5")).command, Some(Command::Again));
        assert_eq!(keymap.resolve(Place::Composer, None, chord("ctrl-p")).command, Some(Command::Again));
        assert_eq!(keymap.resolve(Place::Composer, None, chord("ctrl-r")).command, None);
        assert_eq!(keymap.keys(Command::Help), Vec::<String>::new());
    }

    #[test]
    fn errors_name_what_is_wrong_and_both_sides_of_a_conflict() {
        let errors = Keymap::new(&custom(&[
            ("answer.again", &["f5"]),
            ("theme.choose", &["f5"]),
            ("theme.chose", &["f6"]),
            ("model.choose", &["hyper-x"]),
        ]))
        .unwrap_err();
        assert!(
            errors.iter().any(|e| e.contains("answer.again") && e.contains("theme.choose")),
            "{errors:?}"
        );
        assert!(errors.iter().any(|e| e.contains("did you mean 'theme.choose'")), "{errors:?}");
        assert!(errors.iter().any(|e| e.contains("'hyper-x' is no key")), "{errors:?}");
    }
}
