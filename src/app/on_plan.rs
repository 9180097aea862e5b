//! Sweeps' files in the workbench: asking for one, taking what it says, and tables of variables.
//!
//! Opening asks nothing: a file fills the setup, the conversation and the settings as `compare --file` takes
//! them, and puts the question into the draft. Its programs stay words until the user says yes.

use crate::app::archive::ArchiveJob;
use crate::app::command::{Command, Place};
use crate::app::compare::planned::Planned;
use crate::app::msg::{Effect, Effects};
use crate::app::overlay::{Overlay, Prompt};
use crate::app::removed::Instead;
use crate::app::{App, Drafting, Screen};
use crate::core::conversation::{Body, Message};
use crate::core::fault::{Fault, FaultKind};
use crate::core::figure;
use crate::core::request::{Prompt as Sent, Role};
use crate::core::sweep::Axis;
use std::sync::Arc;

impl App {
    /// Asks for the file of a sweep.
    pub(super) fn ask_plan(&mut self) {
        self.overlay = Some(Overlay::OpenFile(Prompt::default()));
    }

    /// Has the file read that was named.
    pub(super) fn accept_plan(&mut self) -> Effects {
        let Some(Overlay::OpenFile(prompt)) = &mut self.overlay else { return Effects::none() };
        let path = prompt.text().trim().to_owned();
        if path.is_empty() {
            prompt.error = Some("write the path of a file".to_owned());
            return Effects::none();
        }
        Effects::one(Effect::Archive(ArchiveJob::ReadPlan(path)))
    }

    /// Takes a file that was read, unless it is waited for no longer.
    pub(super) fn on_plan(&mut self, path: &str, result: Result<Box<Planned>, Fault>) -> Effects {
        let Some(Overlay::OpenFile(prompt)) = &mut self.overlay else { return Effects::none() };
        if prompt.text().trim() != path {
            return Effects::none();
        }
        match result.and_then(|planned| self.open_plan(&planned)) {
            Ok(effects) => {
                self.overlay = None;
                effects
            }
            Err(fault) => {
                if let Some(Overlay::OpenFile(prompt)) = &mut self.overlay {
                    prompt.error = Some(fault.to_string());
                }
                Effects::none()
            }
        }
    }

    /// Takes what a file says, so that Enter asks it.
    pub(super) fn open_plan(&mut self, planned: &Planned) -> Result<Effects, Fault> {
        let path = planned.path.clone();
        let refused = |why: String| Fault::new(FaultKind::Local, format!("{path} cannot be opened: {why}"));
        let base = planned.sweep.base().clone();
        let (question, before) = planned.question().map_err(refused)?;
        let endpoint = self.settings.endpoints.iter().position(|card| card.name == base.endpoint);
        let endpoint = endpoint.ok_or_else(|| {
            let known: Vec<&str> = self.settings.endpoints.iter().map(|card| &*card.name).collect();
            refused(format!("there is no endpoint '{}'", base.endpoint))
                .remedy(format!("Known are {}", known.join(", ")))
        })?;
        self.settings.endpoint = endpoint;
        self.use_model(&base.model);
        self.settings.sampling = base.sampling;
        self.continued = None;
        let begun = self.begin_with(&base.messages[..before]);
        self.put_question(&question);
        let names = self.shelf();
        self.compare.setup = planned.setup(&names);
        self.choose_prompts();
        self.show(Screen::Compare);
        self.compare.zoomed = false;
        self.focus = Place::Composer;
        self.say_opened(planned);
        let list = self.settings.model.is_empty().then(|| Effect::ListModels(base.endpoint));
        Ok(begun.then(list.into()))
    }

    fn say_opened(&mut self, planned: &Planned) {
        let send = self.key(Command::Send, Place::Composer);
        let requests = planned.sweep.len();
        let plural = if requests == 1 { "" } else { "s" };
        let programs = planned.checks.iter().filter(|check| check.rule.command().is_some()).count();
        let programs = if programs > 0 { ", programs of its checks only after a yes" } else { "" };
        let count = figure::whole(requests as u64);
        self.say(format!("{}: {send} makes its {count} request{plural}{programs}", planned.path));
    }

    /// Goes on in a conversation of these messages; what was said before can be brought back.
    fn begin_with(&mut self, messages: &[Sent]) -> Effects {
        if messages.iter().any(|message| message.role != Role::System) {
            self.conversation.memory = true;
        }
        if self.conversation.whole() == messages {
            return Effects::none();
        }
        let running: Vec<_> =
            self.conversation.messages.iter().filter_map(Message::run).map(|run| run.id).collect();
        let effects =
            running.into_iter().fold(Effects::one(self.keep()), |all, run| all.then(self.cancel(run)));
        let ids = &mut self.ids;
        let new = messages.iter().map(|message| Message {
            id: ids.message(),
            role: message.role,
            body: Body::Text(Arc::clone(&message.content)),
        });
        let old = std::mem::replace(&mut self.conversation.messages, new.collect());
        self.removed.note(&self.conversation.messages, 0, Instead::Rest, old);
        self.transcript.selected = None;
        self.transcript.follow();
        self.history_changed = true;
        effects.and(Effect::BeginConversation)
    }

    /// Puts a question into the draft, where it can be taken out as it is; else it is offered.
    fn put_question(&mut self, question: &Arc<str>) {
        if self.drafting != Drafting::New {
            self.drafting = Drafting::New;
            self.composer.set_text(&std::mem::take(&mut self.stashed));
        }
        self.draft_role = Role::User;
        self.recalled = None;
        self.composer.set_text(question);
        if self.composer.is_empty() || self.composer.text() != **question {
            self.composer.set_text("");
            (self.compare.question, self.compare.origin) = (Some(Arc::clone(question)), None);
        }
    }

    /// Has the first table read that the form names; `None` where all are.
    pub(super) fn read_rows(&mut self) -> Option<Effects> {
        let Some(Overlay::Sweep(form)) = &self.overlay else { return None };
        let path = form.lines.iter().find_map(|line| line.unread())?.to_owned();
        Some(Effects::one(Effect::Archive(ArchiveJob::ReadRows(path))))
    }

    /// Takes a table that was read into the form that waits for it.
    pub(super) fn on_rows(&mut self, path: &str, result: Result<Axis, Fault>) -> Effects {
        let Some(Overlay::Sweep(form)) = &mut self.overlay else { return Effects::none() };
        let Some(at) = form.lines.iter().position(|line| line.unread() == Some(path)) else {
            return Effects::none();
        };
        match result {
            Ok(axis) => {
                form.lines[at].given = Some(axis);
                self.accept_sweep()
            }
            Err(fault) => {
                (form.selected, form.error, form.is_typing) = (at, Some(fault.to_string()), true);
                Effects::none()
            }
        }
    }
}
