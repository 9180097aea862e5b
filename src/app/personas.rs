//! The layer of personas: a list of them, a name that is typed, a system message that is written.
//!
//! Owns what of it is open and the editor of the message; what counts of two of one name is
//! [`Library`]'s to say. Nothing is written on disk here. Invariant: a message that was begun is in the
//! library with each key, so leaving it in any way, also by a crash, keeps what was typed.

use crate::app::compare::setup::Form;
use crate::app::composer::Composer;
use crate::app::line_edit::LineEdit;
use crate::app::msg::Size;
use crate::app::overlay::Prompt;
use crate::core::fault::Fault;
use crate::core::persona::{Change, Library, MAX_SYSTEM, Persona, Source, Steps};
use std::sync::Arc;

/// Most of the screen the layer takes.
pub const MOST: Size = Size { width: 92, height: 22 };

/// Longest name that can be typed, in bytes.
const MAX_TYPED: usize = 300;

/// What is done in the layer.
#[derive(Debug, Default)]
pub enum Doing {
    /// Choosing one.
    #[default]
    Listing,
    /// Typing a name.
    Naming {
        /// The name.
        prompt: Prompt,
        /// The persona that gets it; a new one without.
        of: Option<String>,
    },
    /// Writing a system message.
    Writing(Box<Writing>),
}

/// A system message that is being written.
#[derive(Debug)]
pub struct Writing {
    /// Whose it is.
    pub name: String,
    /// The editor.
    pub editor: Composer,
    /// What stood there when it was begun, whoever wrote it.
    given: Arc<str>,
    /// What undoes all that was written.
    undoing: Change,
    /// Revision of the editor that is in the library.
    revision: u64,
}

/// Personas, and what is done with them.
#[derive(Debug, Default)]
pub struct Personas {
    /// All of them.
    pub library: Library,
    /// Why the user's own cannot be read; then none is written.
    pub unread: Option<Fault>,
    /// Name of the selected one.
    pub selected: String,
    /// What is done.
    pub doing: Doing,
    /// The form of the comparison the layer was opened from.
    pub under: Option<Box<Form>>,
    steps: Steps,
}

impl Personas {
    /// Returns these personas with nothing open.
    #[must_use]
    pub fn new(library: Library, unread: Option<Fault>) -> Self {
        Self { library, unread, ..Self::default() }
    }

    /// Returns the position of the selected persona; the first where that is there no more.
    #[must_use]
    pub fn position(&self) -> usize {
        self.library.all().position(|persona| persona.name == self.selected).unwrap_or(0)
    }

    /// Returns the selected persona.
    #[must_use]
    pub fn current(&self) -> Option<Persona<'_>> {
        self.library.get(&self.selected).or_else(|| self.library.all().next())
    }

    /// Moves the selection, staying inside the list; not while something is typed.
    pub fn step(&mut self, by: isize) {
        if !matches!(self.doing, Doing::Listing) {
            return;
        }
        let at = self.position().saturating_add_signed(by).min(self.library.len().saturating_sub(1));
        let name = self.library.all().nth(at).map(|persona| persona.name.to_owned());
        self.selected = name.unwrap_or_default();
    }

    /// Begins to type a name: that of the selected persona, or of a new one.
    ///
    /// # Errors
    /// When there is none of the user's own to be renamed.
    pub fn name(&mut self, is_new: bool) -> Result<(), &'static str> {
        let of = if is_new {
            None
        } else {
            match self.current() {
                Some(Persona { source: Source::Configured, .. }) => {
                    return Err("this one is configured: another name is given to it there");
                }
                Some(persona) => Some(persona.name.to_owned()),
                None => return Err("there is no persona yet"),
            }
        };
        let prompt = Prompt::new(LineEdit::new(of.clone().unwrap_or_default()).at_most(MAX_TYPED));
        self.doing = Doing::Naming { prompt, of };
        Ok(())
    }

    /// Takes the name that was typed: goes on to the message of a new persona, renames another.
    pub fn take_name(&mut self) -> Vec<Change> {
        let Doing::Naming { prompt, of } = &mut self.doing else { return Vec::new() };
        let name = match crate::core::persona::name_of(prompt.text()) {
            Ok(name) => name.to_owned(),
            Err(error) => {
                prompt.error = Some(error);
                return Vec::new();
            }
        };
        let is_same = of.as_ref() == Some(&name);
        if !is_same && self.library.get(&name).is_some() {
            prompt.error = Some("there is one of this name".to_owned());
            return Vec::new();
        }
        let of = of.take();
        self.doing = Doing::Listing;
        self.selected.clone_from(&name);
        match of {
            None => {
                self.write(&name);
                Vec::new()
            }
            Some(_) if is_same => Vec::new(),
            Some(old) => {
                let Some(system) = self.library.own(&old).cloned() else { return Vec::new() };
                self.make(vec![Change::remove(&old), Change::put(&name, system)]).unwrap_or_default()
            }
        }
    }

    /// Begins to write the message of a persona.
    pub fn write(&mut self, name: &str) {
        let given = self.library.get(name).map(|persona| Arc::clone(persona.system)).unwrap_or_default();
        let mut editor = Composer::new();
        editor.set_text(&given);
        name.clone_into(&mut self.selected);
        let undoing = Change { name: name.to_owned(), system: self.library.own(name).cloned() };
        let revision = editor.revision();
        let name = name.to_owned();
        self.doing = Doing::Writing(Box::new(Writing { name, editor, given, undoing, revision }));
    }

    /// Puts what is written into the library, where it has changed.
    ///
    /// # Errors
    /// When it is too much to be kept; the text stays in the editor.
    pub fn save(&mut self) -> Result<Option<Change>, String> {
        let Doing::Writing(writing) = &mut self.doing else { return Ok(None) };
        if writing.editor.revision() == writing.revision {
            return Ok(None);
        }
        if writing.editor.len_bytes() > MAX_SYSTEM {
            // Told before the text is made of what may be many folded pastes.
            return Err(format!("a system message has at most {} KB here: shorten it", MAX_SYSTEM >> 10));
        }
        let text = writing.editor.text();
        let change = if text.trim().is_empty() || *text == *writing.given {
            // Nothing, and what stood there, are nothing of the user's own yet.
            writing.undoing.clone()
        } else {
            Change::put(&writing.name, text)
        };
        self.library.change(std::slice::from_ref(&change))?;
        writing.revision = writing.editor.revision();
        Ok(Some(change))
    }

    /// Ends the writing; returns whether something was changed.
    pub fn end_writing(&mut self) -> bool {
        let Doing::Writing(writing) = std::mem::take(&mut self.doing) else { return false };
        let has_changed = self.library.own(&writing.name) != writing.undoing.system.as_ref();
        if has_changed {
            self.steps.note(vec![writing.undoing]);
        }
        has_changed
    }

    /// Takes the selected persona away; returns its name and whether a configured one stands there now.
    ///
    /// # Errors
    /// When it is none of the user's own.
    pub fn delete(&mut self) -> Result<(Change, bool), &'static str> {
        let (name, is_over) = match self.current() {
            Some(Persona { source: Source::Configured, .. }) => {
                return Err("this one is configured: it is taken away there");
            }
            Some(persona) => (persona.name.to_owned(), persona.source == Source::Over),
            None => return Err("there is no persona yet"),
        };
        let at = self.position();
        let change = Change::remove(&name);
        drop(self.make(vec![change.clone()]));
        if !is_over {
            let next = at.min(self.library.len().saturating_sub(1));
            let next = self.library.all().nth(next).map(|persona| persona.name.to_owned());
            self.selected = next.unwrap_or_default();
        }
        Ok((change, is_over))
    }

    /// Undoes the last step, or does it again; returns what was changed.
    pub fn go(&mut self, back: bool) -> Option<Vec<Change>> {
        let changes = self.steps.go(&mut self.library, back)?;
        if let Some(change) = changes.iter().find(|change| change.system.is_some()) {
            self.selected.clone_from(&change.name);
        }
        Some(changes)
    }

    fn make(&mut self, changes: Vec<Change>) -> Result<Vec<Change>, String> {
        let inverse = self.library.change(&changes)?;
        self.steps.note(inverse);
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::chord::{Chord, Key};
    use crate::core::persona::Own;

    fn personas() -> Personas {
        let configured: Own = [("chef".to_owned(), "You cook.".into())].into();
        Personas::new(Library::new(configured, Own::new()), None)
    }

    fn write(personas: &mut Personas, text: &str) {
        let Doing::Writing(writing) = &mut personas.doing else { panic!("nothing is written") };
        for c in text.chars() {
            writing.editor.on_key(Chord::plain(Key::Char(c)));
        }
        personas.save().unwrap();
    }

    fn text<'p>(personas: &'p Personas, name: &str) -> Option<&'p str> {
        personas.library.get(name).map(|persona| &**persona.system)
    }

    #[test]
    fn what_is_written_counts_with_each_key_and_is_undone_as_one() {
        let mut personas = personas();
        personas.write("chef");
        write(&mut personas, " 국도.");
        assert_eq!(text(&personas, "chef"), Some("You cook. 국도."));
        assert!(personas.end_writing());
        personas.go(true).unwrap();
        assert_eq!(text(&personas, "chef"), Some("You cook."));
        personas.go(false).unwrap();
        assert_eq!(text(&personas, "chef"), Some("You cook. 국도."));
        assert_eq!(personas.delete().unwrap(), (Change::remove("chef"), true));
        assert_eq!(text(&personas, "chef"), Some("You cook."));
        assert!(personas.delete().is_err());
    }

    #[test]
    fn a_persona_that_says_nothing_is_none() {
        let mut personas = personas();
        personas.name(true).unwrap();
        let Doing::Naming { prompt, .. } = &mut personas.doing else { panic!() };
        prompt.line.insert("chef");
        personas.take_name();
        let Doing::Naming { prompt, .. } = &mut personas.doing else { panic!("taken twice") };
        assert!(prompt.error.is_some());
        prompt.line = LineEdit::new(" 시인 ");
        personas.take_name();
        write(&mut personas, "  ");
        assert!(!personas.end_writing());
        assert_eq!((text(&personas, "시인"), personas.library.len()), (None, 1));
        // What is opened and left as it was is not made the user's own.
        personas.write("chef");
        write(&mut personas, "x");
        let Doing::Writing(writing) = &mut personas.doing else { panic!() };
        writing.editor.on_key(Chord::plain(Key::Backspace));
        personas.save().unwrap();
        assert!(!personas.end_writing());
        assert_eq!(personas.library.own("chef"), None);
    }

    #[test]
    fn what_is_too_long_is_told_and_stays_in_the_editor() {
        let mut personas = personas();
        personas.write("chef");
        let Doing::Writing(writing) = &mut personas.doing else { panic!() };
        writing.editor.paste(&"긴 글\n".repeat(MAX_SYSTEM / 8)).unwrap();
        assert!(personas.save().unwrap_err().contains("256 KB"));
        assert_eq!(text(&personas, "chef"), Some("You cook."));
        // The wheel moves nothing meanwhile.
        personas.step(1);
        let Doing::Writing(writing) = &personas.doing else { panic!("left") };
        assert!(writing.editor.len_bytes() > MAX_SYSTEM);
    }

    #[test]
    fn renaming_is_for_ones_own() {
        let mut personas = personas();
        assert!(personas.name(false).is_err());
        personas.write("b");
        write(&mut personas, "text");
        personas.end_writing();
        personas.name(false).unwrap();
        let Doing::Naming { prompt, .. } = &mut personas.doing else { panic!() };
        prompt.line = LineEdit::new("c");
        assert_eq!(personas.take_name(), [Change::remove("b"), Change::put("c", "text")]);
        assert_eq!((text(&personas, "b"), text(&personas, "c")), (None, Some("text")));
        personas.go(true).unwrap();
        assert_eq!((text(&personas, "b"), text(&personas, "c")), (Some("text"), None));
        assert_eq!(personas.selected, "b");
    }
}
