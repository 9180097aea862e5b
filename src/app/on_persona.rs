//! Personas: opening the layer, its commands, what is typed into it, and using one.

use crate::app::App;
use crate::app::chord::{Chord, Key};
use crate::app::command::{Command, Place};
use crate::app::layout;
use crate::app::msg::{Effect, Effects};
use crate::app::overlay::Overlay;
use crate::app::personas::{Doing, MOST};
use crate::core::persona::Change;
use std::sync::Arc;

/// What is said where a persona is needed and there is none.
const NO_PERSONA: &str = "there is no persona yet";

impl App {
    /// Opens the layer of personas, over the form of the comparison where that is open, or closes it.
    pub(super) fn edit_personas(&mut self) -> Effects {
        match self.overlay.take() {
            Some(Overlay::Personas) => {
                self.overlay = Some(Overlay::Personas);
                return self.close_personas();
            }
            Some(Overlay::Sweep(form)) => self.personas.under = Some(Box::new(form)),
            None => self.personas.under = None,
            other => {
                self.overlay = other;
                return Effects::none();
            }
        }
        self.personas.doing = Doing::Listing;
        self.personas.step(0);
        self.overlay = Some(Overlay::Personas);
        Effects::none()
    }

    /// Steps back one level: from a name or a message to the list, from the list to what was before.
    pub(super) fn close_personas(&mut self) -> Effects {
        match &self.personas.doing {
            Doing::Naming { .. } => self.personas.doing = Doing::Listing,
            Doing::Writing(_) => return self.end_writing(),
            Doing::Listing => {
                let mut under = self.personas.under.take();
                if let Some(form) = &mut under {
                    form.learn(self.personas.library.pairs());
                }
                self.overlay = under.map(|form| Overlay::Sweep(*form));
            }
        }
        Effects::none()
    }

    /// Takes the name that is typed; in the list, uses the selected persona: as a value of the form it was
    /// opened from, else as the system message of the conversation.
    pub(super) fn accept_persona(&mut self) -> Effects {
        match &self.personas.doing {
            Doing::Naming { .. } => {
                let changes = self.personas.take_name();
                return kept(changes);
            }
            Doing::Writing(_) => return self.end_writing(),
            Doing::Listing => {}
        }
        let Some(persona) = self.personas.current() else {
            self.say(NO_PERSONA);
            return Effects::none();
        };
        let (name, system) = (persona.name.to_owned(), Arc::clone(persona.system));
        if let Some(form) = &mut self.personas.under {
            form.add_persona(&name);
            return self.close_personas();
        }
        self.overlay = None;
        let had_one = self.replace_system(Some(system));
        self.history_changed = true;
        let (edit, undo) = (
            self.key(Command::EditSystem, Place::Composer),
            self.key(Command::UndoDelete, Place::Transcript),
        );
        self.say(if had_one {
            format!("answers as {name}: {undo} in the conversation brings the old system message back")
        } else {
            format!("answers as {name}: {edit} edits the system message, or removes it")
        });
        Effects::one(self.keep())
    }

    /// Begins to type a name: that of the selected persona, or of a new one.
    pub(super) fn name_persona(&mut self, is_new: bool) {
        if self.can_write()
            && let Err(reason) = self.personas.name(is_new)
        {
            self.say(reason);
        }
    }

    /// Begins to write the message of the selected persona.
    pub(super) fn write_persona(&mut self) {
        let name = self.personas.current().map(|persona| persona.name.to_owned());
        match name {
            Some(name) if self.can_write() => self.personas.write(&name),
            Some(_) => {}
            None => self.say(NO_PERSONA),
        }
    }

    /// Takes the selected persona away.
    pub(super) fn delete_persona(&mut self) -> Effects {
        if !self.can_write() {
            return Effects::none();
        }
        match self.personas.delete() {
            Ok((change, is_over)) => {
                let undo = self.key(Command::UndoPersona, Place::Personas);
                let rest = if is_over { "; the configured one counts again" } else { "" };
                self.say(format!("deleted: {undo} brings it back{rest}"));
                kept(vec![change])
            }
            Err(reason) => {
                self.say(reason);
                Effects::none()
            }
        }
    }

    /// Undoes the last change of a persona, or makes it again.
    pub(super) fn undo_persona(&mut self, back: bool) -> Effects {
        let Some(changes) = self.personas.go(back) else {
            self.say(if back { "nothing to undo" } else { "nothing to do again" });
            return Effects::none();
        };
        self.say(if back { "undone" } else { "done again" });
        kept(changes)
    }

    /// Whether personas can be written; says why not, as nothing is begun that could not be kept.
    fn can_write(&mut self) -> bool {
        let unread = self.personas.unread.clone();
        if let Some(fault) = &unread {
            self.fault(fault);
        }
        unread.is_none()
    }

    /// Takes a key while a system message is written; `None` where it means what it always does.
    pub(super) fn on_writing_key(&mut self, chord: Chord) -> Option<Effects> {
        if !matches!(self.overlay, Some(Overlay::Personas)) {
            return None;
        }
        let Doing::Writing(writing) = &mut self.personas.doing else { return None };
        // The keys of the draft, as it is the same editor.
        match self.keymap.resolve(Place::Composer, None, chord).command {
            Some(Command::Quit) => return None,
            Some(Command::Send | Command::Stop | Command::Interrupt | Command::EditPersonas) => {
                return Some(self.end_writing());
            }
            Some(Command::OpenEditor) => {
                return Some(Effects::one(Effect::EditExternally(writing.editor.text())));
            }
            Some(Command::Unfold) => drop(writing.editor.unfold()),
            Some(Command::Newline) => {
                writing.editor.on_key(Chord { ctrl: true, ..Chord::plain(Key::Char('j')) });
            }
            Some(Command::QuitIfEmpty) => {
                writing.editor.on_key(Chord::plain(Key::Delete));
            }
            _ => {
                writing.editor.on_key(chord);
            }
        }
        Some(self.save_writing())
    }

    /// Takes a text that was pasted or comes from the external editor; returns whether it was meant here.
    pub(super) fn paste_persona(&mut self, text: &str, is_whole: bool) -> Option<Effects> {
        if !matches!(self.overlay, Some(Overlay::Personas)) {
            return None;
        }
        let Doing::Writing(writing) = &mut self.personas.doing else { return None };
        if is_whole {
            writing.editor.set_text(text.trim_end_matches('\n'));
        } else if let Err(fault) = writing.editor.paste(text) {
            self.fault(&fault);
        }
        Some(self.save_writing())
    }

    fn save_writing(&mut self) -> Effects {
        match self.personas.save() {
            Ok(change) => kept(change.into_iter().collect()),
            Err(error) => {
                self.say(error);
                Effects::none()
            }
        }
    }

    /// Leaves the editor, unless what it holds is too much to be kept.
    fn end_writing(&mut self) -> Effects {
        match self.personas.save() {
            Ok(change) => {
                if self.personas.end_writing() {
                    let undo = self.key(Command::UndoPersona, Place::Personas);
                    self.say(format!("kept: {undo} takes it back"));
                }
                kept(change.into_iter().collect())
            }
            Err(error) => {
                self.say(error);
                Effects::none()
            }
        }
    }

    /// Measures what lies over the screen for the next frame.
    pub(super) fn settle_overlay(&mut self) {
        let main = self.layout.main;
        match &mut self.overlay {
            Some(Overlay::Tokens(pieces)) => {
                let area = layout::overlay(main, crate::app::pieces::MOST).inner();
                pieces.settle(area.width, area.height);
            }
            Some(Overlay::Personas) => {
                if let Doing::Writing(writing) = &mut self.personas.doing {
                    // The last row is the hint's.
                    let area = layout::overlay(main, MOST).inner();
                    writing.editor.settle(area.width, area.height.saturating_sub(2).max(1));
                }
            }
            _ => {}
        }
    }
}

/// Returns the effect that keeps changes on disk.
fn kept(changes: Vec<Change>) -> Effects {
    if changes.is_empty() { Effects::none() } else { Effects::one(Effect::KeepPersonas(changes)) }
}
