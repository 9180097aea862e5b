//! What lies over the screen: opening, typing into it, taking a row.

use crate::app::App;
use crate::app::archive::ArchiveJob;
use crate::app::chord::{Chord, Key};
use crate::app::counter::Counter;
use crate::app::line_edit::Typed;
use crate::app::msg::{Effect, Effects};
use crate::app::on_ending::Successor;
use crate::app::overlay::{Choice, Filing, Item, List, Overlay, Prompt, backspace};
use crate::app::page;
use crate::app::personas::Doing;
use crate::app::probing;
use crate::app::settings::{EndpointCard, Parameter};
use crate::core::fault::{Fault, FaultKind};
use crate::core::figure;
use crate::core::request::ResponseFormat;
use crate::structured::schema::Schema;
use std::sync::Arc;

impl App {
    pub(super) fn choose_model(&mut self) -> Effects {
        let endpoint = Arc::clone(&self.settings.endpoint().name);
        self.overlay = Some(Overlay::List(List::new("models", Vec::new(), format!("asking {endpoint} …"))));
        Effects::one(Effect::ListModels(endpoint))
    }

    pub(super) fn choose_endpoint(&mut self) {
        let item = |(index, card): (usize, &EndpointCard)| Item {
            label: card.name.to_string(),
            detail: card.place.clone(),
            choice: Choice::Endpoint(index),
        };
        let items = self.settings.endpoints.iter().enumerate().map(item).collect();
        let current = Choice::Endpoint(self.settings.endpoint);
        let list = List::new("endpoints", items, "no endpoint matches").select(current);
        self.overlay = Some(Overlay::List(list));
    }

    pub(super) fn choose_theme(&mut self) {
        let item = |name: &String| Item {
            label: name.clone(),
            detail: String::new(),
            choice: Choice::Theme(name.clone()),
        };
        let items = self.themes.iter().map(item).collect();
        let current = Choice::Theme(self.theme.clone());
        self.overlay = Some(Overlay::List(List::new("themes", items, "no theme matches").select(current)));
    }

    pub(super) fn on_models(&mut self, endpoint: &str, result: Result<Vec<String>, Fault>) -> Effects {
        let is_current = *self.settings.endpoint().name == *endpoint;
        if is_current && self.settings.model.is_empty() {
            match &result {
                Ok(names) if !names.is_empty() => self.use_model(&names[0].clone()),
                Ok(_) => self.fault(&Fault::new(FaultKind::NotFound, format!("{endpoint} lists no model"))),
                Err(fault) => self.fault(fault),
            }
        }
        let Some(Overlay::List(list)) = &mut self.overlay else { return Effects::none() };
        if !is_current || list.title != "models" {
            return Effects::none();
        }
        match result {
            Ok(names) => {
                let current = Choice::Model(self.settings.model.to_string());
                let item = |name: String| Item {
                    label: name.clone(),
                    detail: window(self.knowledge.card(&name).context_window),
                    choice: Choice::Model(name),
                };
                let items: Vec<Item> = names.into_iter().map(item).collect();
                let filter = std::mem::take(&mut list.filter);
                *list = List::new("models", items, "no model matches: Enter takes the name as typed")
                    .select(current);
                if !filter.is_empty() {
                    list.filter = filter;
                    list.refilter();
                }
            }
            Err(fault) => list.note = format!("{fault}. Enter takes a name as typed"),
        }
        Effects::none()
    }

    pub(super) fn on_overlay_text(&mut self, chord: Chord) -> Effects {
        let typed = chord.typed();
        let is_backspace = chord == Chord::plain(Key::Backspace);
        match &mut self.overlay {
            Some(Overlay::List(list)) => {
                match typed {
                    Some(c) => list.filter.push(c),
                    None if is_backspace => backspace(&mut list.filter),
                    None => return self.on_page_key(chord),
                }
                list.refilter();
                self.preview_theme()
            }
            Some(Overlay::Sweep(form)) => {
                match typed {
                    Some(c) => form.type_char(c),
                    None if is_backspace => form.erase(),
                    None if matches!(chord.key, Key::End | Key::Home) => form.go_on(),
                    None => {}
                }
                Effects::none()
            }
            Some(Overlay::Allow(_)) => match chord.latin().unwrap_or(chord).typed() {
                Some('y') => self.answer_leave(true),
                Some('n') => self.answer_leave(false),
                Some('j') => {
                    self.scroll_overlay(1);
                    Effects::none()
                }
                Some('k') => {
                    self.scroll_overlay(-1);
                    Effects::none()
                }
                _ => self.on_page_key(chord),
            },
            Some(Overlay::Parameters(table)) => {
                let value = table.current().value(&self.settings).unwrap_or_default();
                match typed {
                    Some(c) => table.typing.get_or_insert_default().push(c),
                    None if is_backspace => backspace(table.typing.get_or_insert(value)),
                    None => {}
                }
                table.error = None;
                Effects::none()
            }
            Some(Overlay::Personas) => self.on_page_key(chord),
            Some(Overlay::Help { .. } | Overlay::Request { .. } | Overlay::Probe(_) | Overlay::Tokens(_)) => {
                match typed {
                    Some('q' | '?') => self.close_overlay(),
                    Some('j' | ' ') => {
                        self.scroll_overlay(if typed == Some('j') { 1 } else { 10 });
                        Effects::none()
                    }
                    Some('k') => {
                        self.scroll_overlay(-1);
                        Effects::none()
                    }
                    _ => self.on_page_key(chord),
                }
            }
            // What a line has no use for means nothing in it.
            Some(
                Overlay::Find(_)
                | Overlay::Filter(_)
                | Overlay::Note(_)
                | Overlay::Export(_)
                | Overlay::OpenFile(_),
            )
            | None => Effects::none(),
        }
    }

    /// Returns the line that is typed at the bottom, if one is.
    fn prompt(&mut self) -> Option<&mut Prompt> {
        match &mut self.overlay {
            Some(
                Overlay::Find(prompt)
                | Overlay::Filter(prompt)
                | Overlay::Note(prompt)
                | Overlay::Export(prompt)
                | Overlay::OpenFile(prompt),
            ) => Some(prompt),
            Some(Overlay::Personas) => match &mut self.personas.doing {
                Doing::Naming { prompt, .. } => Some(prompt),
                Doing::Listing | Doing::Writing(_) => None,
            },
            _ => None,
        }
    }

    /// Does what a key does to the line at the bottom; `None` where it means what it always does.
    pub(super) fn on_line_key(&mut self, chord: Chord) -> Option<Effects> {
        let typed = self.prompt()?.line.on_key(chord);
        if typed == Typed::Unknown {
            return None;
        }
        self.dismiss_notice(false);
        self.interrupted = false;
        self.line_typed(typed);
        Some(Effects::none())
    }

    /// Follows what was typed into the line at the bottom.
    fn line_typed(&mut self, typed: Typed) {
        let Some(prompt) = self.prompt() else { return };
        match typed {
            Typed::Changed => (prompt.error, prompt.filing) = (None, Filing::Named),
            Typed::Full => prompt.error = Some("no longer than this: it is one line".to_owned()),
            Typed::Moved | Typed::Unknown => return,
        }
        match &self.overlay {
            Some(Overlay::Find(_)) => self.seek_typed(),
            Some(Overlay::Filter(_)) => self.filter_typed(),
            _ => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "other keys mean nothing here")]
    fn on_page_key(&mut self, chord: Chord) -> Effects {
        // A page less one line, which stays in view; the frame takes two rows, the filter of a list two more.
        let taken = if matches!(self.overlay, Some(Overlay::List(_))) { 5 } else { 3 };
        let page = isize::try_from(self.layout.main.height.saturating_sub(taken)).unwrap_or(1).max(1);
        match chord.key {
            Key::PageDown => self.scroll_overlay(page),
            Key::PageUp => self.scroll_overlay(-page),
            Key::Home => self.scroll_overlay(isize::MIN / 2),
            Key::End => self.scroll_overlay(isize::MAX / 2),
            _ => {}
        }
        Effects::none()
    }

    pub(super) fn on_overlay_paste(&mut self, text: &str) -> Effects {
        // A yes is pressed, never pasted.
        if matches!(self.overlay, Some(Overlay::Allow(_))) {
            return Effects::none();
        }
        if let Some(effects) = self.paste_persona(text, false) {
            return effects;
        }
        if let Some(prompt) = self.prompt() {
            let line = text.trim_start().split(char::is_control).next().unwrap_or_default();
            let typed = prompt.line.insert(line);
            self.line_typed(typed);
            return Effects::none();
        }
        let line: String = text.chars().take_while(|c| !c.is_control()).take(200).collect();
        for c in line.chars() {
            self.on_overlay_text(Chord::plain(Key::Char(c)));
        }
        Effects::none()
    }

    /// Moves the selection, or the text where there is none.
    pub(super) fn scroll_overlay(&mut self, by: isize) {
        let lines = match &self.overlay {
            Some(Overlay::Help { .. }) => page::keys(&self.keymap).len(),
            Some(Overlay::Request { .. }) => page::exchange(self.told()).len(),
            _ => 0,
        };
        let end = lines.saturating_sub(usize::from(self.layout.main.height.saturating_sub(2)));
        let page = usize::from(self.layout.main.height.saturating_sub(probing::AROUND)).max(1);
        match &mut self.overlay {
            Some(Overlay::List(list)) => list.step(by),
            Some(Overlay::Parameters(table)) => {
                table.selected = table.selected.saturating_add_signed(by).min(Parameter::ALL.len() - 1);
            }
            Some(Overlay::Help { scroll } | Overlay::Request { scroll }) => {
                *scroll = (*scroll).min(end).saturating_add_signed(by).min(end);
            }
            Some(Overlay::Probe(probing)) => probing.scroll_by(by, page),
            Some(Overlay::Tokens(pieces)) => pieces.scroll_by(by),
            Some(Overlay::Sweep(form)) => form.step(by),
            Some(Overlay::Allow(asked)) => {
                asked.scroll = asked.scroll.saturating_add_signed(by).min(asked.commands.len() - 1);
            }
            Some(Overlay::Personas) => self.personas.step(by),
            Some(
                Overlay::Find(_)
                | Overlay::Filter(_)
                | Overlay::Note(_)
                | Overlay::Export(_)
                | Overlay::OpenFile(_),
            )
            | None => {}
        }
    }

    pub(super) fn step_overlay(&mut self, by: isize) -> Effects {
        if !self.take_typed() {
            return Effects::none();
        }
        self.scroll_overlay(by);
        self.preview_theme()
    }

    pub(super) fn step_parameter(&mut self, up: bool) {
        if let Some(Overlay::Tokens(pieces)) = &mut self.overlay {
            pieces.show_other();
        } else if let Some(Overlay::Sweep(form)) = &mut self.overlay {
            form.turn(up);
        } else if self.take_typed()
            && let Some(Overlay::Parameters(table)) = &self.overlay
        {
            table.current().step(&mut self.settings, up);
        }
    }

    pub(super) fn omit_parameter(&mut self) {
        if let Some(Overlay::Parameters(table)) = &mut self.overlay {
            (table.typing, table.error) = (None, None);
            table.current().omit(&mut self.settings);
        } else if let Some(Overlay::Sweep(form)) = &mut self.overlay {
            form.remove();
        }
    }

    pub(super) fn close_overlay(&mut self) -> Effects {
        if matches!(self.overlay, Some(Overlay::Personas)) {
            return self.close_personas();
        }
        let typing = matches!(&self.overlay, Some(Overlay::Parameters(table)) if table.typing.is_some());
        if let (true, Some(Overlay::Parameters(table))) = (typing, &mut self.overlay) {
            (table.typing, table.error) = (None, None);
            return Effects::none();
        }
        if matches!(self.overlay, Some(Overlay::Filter(_))) {
            self.compare.set_filter("");
        }
        let was_themes = matches!(&self.overlay, Some(Overlay::List(list)) if list.title == "themes");
        let was_probing = matches!(&self.overlay, Some(Overlay::Probe(probing)) if probing.is_running());
        let was_asked = matches!(&self.overlay, Some(Overlay::Allow(_)));
        self.overlay = None;
        if was_asked {
            self.say("no program is run");
        }
        if was_probing {
            self.say("the probe was stopped: nothing of it is kept");
            // What may still come of it is nobody's any more.
            self.probe += 1;
            return Effects::one(Effect::StopProbe);
        }
        // A previewed theme that was not taken goes back.
        if was_themes { Effects::one(Effect::UseTheme(self.theme.clone())) } else { Effects::none() }
    }

    /// Takes a value that is being typed; returns whether nothing is wrong with it.
    fn take_typed(&mut self) -> bool {
        let Some(Overlay::Parameters(table)) = &mut self.overlay else { return true };
        let Some(typed) = table.typing.take() else { return true };
        match table.current().set(&mut self.settings, &typed) {
            Ok(()) => {
                table.error = None;
                true
            }
            Err(error) => {
                (table.typing, table.error) = (Some(typed), Some(error));
                false
            }
        }
    }

    /// Takes a schema that was read for the form of the answers.
    pub(super) fn on_schema(&mut self, path: &str, result: Result<String, Fault>) {
        let schema = result.and_then(|text| Schema::from_text(&text));
        let error = match schema {
            Ok(schema) => {
                let format = ResponseFormat::of_schema(schema.value().clone(), path);
                self.settings.sampling.response_format = Some(format);
                None
            }
            Err(fault) => Some(fault.to_string()),
        };
        if let Some(Overlay::Parameters(table)) = &mut self.overlay {
            if error.is_none() {
                table.typing = None;
            }
            table.error = error;
        } else if let Some(error) = error {
            self.say(error);
        }
    }

    fn preview_theme(&mut self) -> Effects {
        match &self.overlay {
            Some(Overlay::List(list)) => match list.current().map(|item| &item.choice) {
                Some(Choice::Theme(name)) => Effects::one(Effect::UseTheme(name.clone())),
                _ => Effects::none(),
            },
            _ => Effects::none(),
        }
    }

    pub(super) fn accept(&mut self) -> Effects {
        match &mut self.overlay {
            Some(Overlay::List(list)) => {
                if let Some(ahead) = &mut list.ahead {
                    ahead.is_taken = true;
                    return Effects::none();
                }
                let typed = list.filter.trim().to_owned();
                let choice = match list.current() {
                    Some(item) => item.choice.clone(),
                    None if list.title == "models" && !typed.is_empty() => Choice::Model(typed),
                    None => return Effects::none(),
                };
                if let Choice::Sweep(id) = choice
                    && self.keeps_place(Successor::Opened(id))
                {
                    return Effects::none();
                }
                self.overlay = None;
                self.choose(choice)
            }
            Some(Overlay::Parameters(table)) => {
                if let Some(path) = table.schema_file() {
                    return Effects::one(Effect::ReadSchema(path));
                }
                let was_typing = table.typing.is_some();
                if self.take_typed() && !was_typing {
                    self.overlay = None;
                }
                Effects::none()
            }
            Some(Overlay::Sweep(_)) => self.accept_sweep(),
            Some(Overlay::Personas) => self.accept_persona(),
            Some(Overlay::Export(_)) => self.accept_export(),
            Some(Overlay::OpenFile(_)) => self.accept_plan(),
            // A yes is a letter of its own: Enter may still be on its way from what was sent.
            Some(Overlay::Allow(_)) => Effects::none(),
            Some(Overlay::Note(_)) => self.accept_note(),
            Some(Overlay::Filter(_)) => {
                self.accept_filter();
                Effects::none()
            }
            Some(Overlay::Probe(_)) => self.accept_probe(),
            Some(Overlay::Find(_)) => {
                self.end_seeking();
                Effects::none()
            }
            Some(Overlay::Help { .. } | Overlay::Request { .. } | Overlay::Tokens(_)) | None => {
                self.overlay = None;
                Effects::none()
            }
        }
    }

    fn choose(&mut self, choice: Choice) -> Effects {
        match choice {
            Choice::Command(command) => {
                return self.run_command(command, Chord::plain(Key::Enter));
            }
            Choice::Model(model) => self.use_model(&model),
            Choice::Endpoint(index) => {
                self.settings.endpoint = index;
                let model = Arc::clone(&self.settings.endpoint().model);
                self.use_model(&model);
                if model.is_empty() {
                    return self.choose_model();
                }
            }
            Choice::Sweep(id) => return Effects::one(Effect::Archive(ArchiveJob::Open(id))),
            Choice::Theme(name) => {
                self.theme.clone_from(&name);
                return Effects::one(Effect::UseTheme(name));
            }
        }
        Effects::none()
    }

    pub(super) fn use_model(&mut self, model: &str) {
        self.settings.model = model.into();
        self.settings.card = self.knowledge.card(model);
        let (encoding, is_exact) = self.knowledge.encoding(model);
        self.counter.use_encoding(encoding, is_exact);
        self.counted_revision = u64::MAX;
        self.history_changed = true;
        self.say(format!("{} · {model}", self.settings.endpoint().name));
    }

    /// Returns the live counter.
    #[must_use]
    pub fn counter(&self) -> &Counter {
        &self.counter
    }
}

fn window(tokens: Option<u64>) -> String {
    tokens.map_or_else(String::new, |tokens| format!("{} tokens", figure::whole(tokens)))
}
