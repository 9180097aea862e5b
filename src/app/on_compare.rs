//! Running a comparison and what can be done with its cells.

use crate::app::archive::ArchiveJob;
use crate::app::command::{Command, Place};
use crate::app::compare::outlook::{Basis, LIVE_MESSAGES, Outlook, texts};
use crate::app::compare::setup::{Form, Shelf};
use crate::app::counter::Sent;
use crate::app::inspector::Target;
use crate::app::msg::{Effect, Effects};
use crate::app::on_ending::Successor;
use crate::app::overlay::{Overlay, Then};
use crate::app::paces::{Speaker, speaker_of, speakers_of};
use crate::app::{App, Drafting, Home, Screen};
use crate::core::bench::{Bench, State};
use crate::core::conversation::Message;
use crate::core::fault::{Fault, FaultKind};
use crate::core::figure;
use crate::core::id::{MessageId, RunId};
use crate::core::request::{Prompt, Request, Role};
use crate::core::run::Run;
use crate::core::stream::StreamEvent;
use crate::core::sweep::Sweep;
use crate::core::sweep::pace::Timing;
use crate::core::sweep::preflight::Bound;
use std::sync::Arc;

/// What is said where a cell is needed and there is none.
pub(super) const NO_CELL: &str = "nothing compared yet: write a question and press Enter";

impl App {
    /// Asks the draft, or without one the last question, in every cell of the setup.
    pub(super) fn run_comparison(&mut self) -> Effects {
        if self.question().is_none() {
            self.say("nothing to compare yet: write a question and press Enter");
            return Effects::none();
        }
        if self.keeps_place(Successor::Draft(self.composer.revision())) {
            return Effects::none();
        }
        let checks = self.compare.setup.checks.clone();
        if self.asks_leave(&checks, Then::Ask) {
            return Effects::none();
        }
        self.ask_comparison()
    }

    /// Asks it, with no more to be said about programs.
    pub(super) fn ask_comparison(&mut self) -> Effects {
        let Some((question, origin)) = self.question() else { return Effects::none() };
        let base = self.base(&question, origin);
        let drafted = self.drafted();
        let is_drafted = drafted.is_some();
        let setup = drafted.unwrap_or_else(|| Ok(self.compare.setup.clone()));
        let sweep = setup.and_then(|setup| {
            Sweep::new(base, setup.axes.clone(), setup.repeats).map(|sweep| (setup, sweep))
        });
        let sweep = match sweep {
            Ok((setup, sweep)) => {
                self.compare.setup = setup;
                sweep
            }
            Err(error) => {
                let edit = self.key(Command::EditSweep, Place::Composer);
                let remedy = format!("{edit} edits the axes");
                self.fault(&Fault::new(FaultKind::Local, error).remedy(remedy));
                return Effects::none();
            }
        };
        let outlook = self.outlook_of(&sweep);
        if !self.composer.is_empty() {
            self.composer.take();
        }
        let stopped = self.stop_all();
        let samples = sweep.samples();
        let mut bench = Bench::new(sweep, samples, outlook.worst, self.compare.setup.terms());
        self.limit(&mut bench);
        for refusal in outlook.preflight.refusals.iter().filter(|refusal| refusal.is_varied) {
            bench.refuse(refusal.cell, &format!("{}: {}", refusal.parameter, refusal.reason));
        }
        self.compare.begin(question, origin, bench);
        self.compare.inspecting = false;
        self.focus = Place::Grid;
        self.say_asked(is_drafted);
        let judging = self.begin_judging(self.compare.setup.checks.clone());
        stopped.then(self.keep_sweep()).then(judging).then(self.ask_due())
    }

    /// Returns the comparison that would be asked, with nothing asked of it.
    ///
    /// # Errors
    /// Says why there is nothing to ask.
    pub(super) fn unasked(&self) -> Result<Bench, String> {
        let (question, origin) = self.question().ok_or("there is no question yet: write one")?;
        let base = self.base(&question, origin);
        let setup = self.next_setup().into_owned();
        let sweep = Sweep::new(base, setup.axes, setup.repeats)?;
        let (worst, samples) = (self.outlook_of(&sweep).worst, sweep.samples());
        Ok(Bench::new(sweep, samples, worst, self.compare.setup.terms()))
    }

    /// Makes a comparison keep to what endpoints allow, counting what the one before it has sent.
    pub(super) fn limit(&self, bench: &mut Bench) {
        if let Some(before) = &self.compare.bench {
            bench.follow(before);
        }
        bench.keep_to(|endpoint| self.knowledge.quota(endpoint));
    }

    /// Returns the request all cells begin with.
    fn base(&self, question: &Arc<str>, origin: Option<MessageId>) -> Request {
        let mut prompts = self.conversation.prompts(self.before(origin));
        if !self.conversation.memory {
            prompts.retain(|prompt| prompt.role == Role::System);
        }
        prompts.push(Prompt::new(Role::User, Arc::clone(question)));
        self.settings.request_of(prompts)
    }

    /// Returns what the cells of a sweep take.
    pub(super) fn outlook_of(&self, sweep: &Sweep) -> Outlook {
        let context = self.counter.context(&self.settings.card, self.settings.sampling.max_output_tokens);
        let card_of = |model: &str| self.knowledge.card(model);
        let pace_of = |speaker: &Speaker| self.paces.of(speaker);
        let known = |text: Arc<str>| self.counter.of_value(&text).map(|tokens| (text, tokens));
        let counted: Vec<_> = texts(sweep).into_iter().filter_map(known).collect();
        Outlook::of(
            sweep,
            &sweep.cells(),
            context.used,
            &counted,
            &card_of,
            &pace_of,
            self.compare.setup.lanes,
        )
    }

    /// Works out what the setup would take, where something of it has changed. With very many messages
    /// that waits until it is run: a key must not wait for it. How fast a model answered before is asked for once.
    pub(super) fn settle_outlook(&mut self) -> Effects {
        let context = self.counter.context(&self.settings.card, self.settings.sampling.max_output_tokens);
        let (edited, bounded) = match &self.overlay {
            Some(Overlay::Sweep(form)) => (form.setup(self.compare.setup.lanes).ok(), form.settings().ok()),
            _ => (None, None),
        };
        let is_edited = edited.is_some();
        // What is under way is not worth a new outlook with each answer.
        let is_under_way = self.compare.bench.as_ref().is_some_and(|bench| !bench.is_over());
        let before = self.compare.outlook.as_ref().map(|(of, _)| of.paces).filter(|_| is_under_way);
        let basis = Basis {
            paces: before.unwrap_or(self.paces.revision()),
            endpoint: Arc::clone(&self.settings.endpoint().name),
            input: context.used,
            sampling: bounded.map_or_else(|| self.settings.sampling.clone(), |settings| settings.sampling),
            model: Arc::clone(&self.settings.model),
            valued: self.counter.valued(),
            setup: edited.unwrap_or_else(|| self.next_setup().into_owned()),
            is_edited,
        };
        if self.compare.outlook.as_ref().is_some_and(|(of, _)| *of == basis) {
            return Effects::none();
        }
        let (mut effects, mut counted) = (Effects::none(), Vec::new());
        let outlook = self.question().and_then(|(question, origin)| {
            let mut base = self.base(&question, origin);
            if basis.setup.cells().saturating_mul(base.messages.len()) > LIVE_MESSAGES {
                return None;
            }
            base.sampling.clone_from(&basis.sampling);
            let sweep = Sweep::new(base, basis.setup.axes.clone(), basis.setup.repeats).ok()?;
            // A name that is being typed is nobody's yet.
            let speakers = speakers_of(&sweep.cells()).into_iter().filter(|_| !is_edited);
            for speaker in speakers.filter(|speaker| self.paces.wants(speaker)) {
                effects = std::mem::take(&mut effects).and(Effect::Archive(ArchiveJob::Timings(speaker)));
            }
            counted = texts(&sweep);
            Some(self.outlook_of(&sweep))
        });
        self.compare.outlook = Some((basis, outlook));
        effects.then(self.counter.value(&counted).into())
    }

    /// Sends what the sweep has due.
    pub(super) fn ask_due(&mut self) -> Effects {
        let Some(bench) = &mut self.compare.bench else { return Effects::none() };
        let was_bound = bench.progress(self.now).bound;
        let starts = bench.due(&mut self.ids, self.now);
        let bound = bench.progress(self.now).bound.filter(|_| was_bound.is_none());
        let (mut effects, timeout) = (Effects::none(), self.settings.timeout);
        for start in starts {
            self.compare.checks.forget(start.sample);
            self.homes.insert(start.run, Home::Compare);
            if self.compare.inspecting && self.compare.current_sample() == Some(start.sample) {
                self.inspector.show(Target::Run(start.run));
            }
            effects = effects.and(Effect::Start { run: start.run, request: start.request, timeout });
        }
        if let Some(bound) = bound {
            let edit = self.key(Command::EditSweep, Place::Composer);
            self.say(format!("stopped: {bound}; {edit} sets another"));
        }
        effects
    }

    /// Folds a step of a run of the comparison.
    pub(super) fn on_compare_run(&mut self, id: RunId, event: StreamEvent) -> Effects {
        let (now, is_exchange) = (self.now, matches!(event, StreamEvent::Exchanged(_)));
        if let Some(aside) = self.compare.aside_mut(id) {
            aside.apply(event, now);
            if is_exchange || !aside.status.is_ended() {
                return Effects::none();
            }
            let (speaker, timing) = (speaker_of(&aside.request), Timing::of(aside));
            self.paces.learn(speaker, timing);
            self.homes.remove(&id);
            return self.keep_aside(id);
        }
        let applied = self.compare.bench.as_mut().and_then(|bench| bench.apply(id, event, now));
        let Some(applied) = applied else {
            self.stale += 1;
            return Effects::none();
        };
        if !applied.has_ended {
            return Effects::none();
        }
        self.homes.remove(&id);
        let slot = self.compare.bench.as_ref().and_then(|bench| bench.slots().get(applied.sample));
        let dollars = slot.and_then(|slot| self.dollars(slot.run.as_ref()?));
        if let Some(run) = slot.and_then(|slot| slot.run.as_ref()) {
            self.paces.learn(speaker_of(&run.request), Timing::of(run));
        }
        if let Some(bench) = &mut self.compare.bench {
            bench.charge(applied.sample, dollars);
        }
        self.sample_ended(applied.sample).then(self.ask_due())
    }

    /// Returns what a run cost, where usage and prices are known.
    pub(super) fn dollars(&self, run: &Run) -> Option<f64> {
        let card = self.knowledge.card(&run.request.model);
        Some(card.price?.of(run.usage.as_ref()?))
    }

    /// Ends a run of the comparison and keeps what came.
    pub(super) fn cancel_compared(&mut self, id: RunId) -> Effects {
        let now = self.now;
        let mut effects = Effects::one(Effect::Cancel(id));
        if let Some(aside) = self.compare.aside_mut(id) {
            aside.cancel(now);
            effects = effects.then(self.keep_aside(id));
        } else if let Some(bench) = &mut self.compare.bench
            && let Some(sample) = bench.sample_of(id)
        {
            bench.stop(sample, now);
            effects = effects.then(self.sample_ended(sample));
        }
        effects.then(self.ask_due())
    }

    /// Returns what a comparison would ask, and the message it is where it is one already.
    #[must_use]
    pub fn question(&self) -> Option<(Arc<str>, Option<MessageId>)> {
        if !self.composer.is_empty() {
            return Some((self.composer.text().into(), None));
        }
        if let Some(suggestion) = self.suggestion() {
            return Some((suggestion.into(), None));
        }
        if let Some(question) = &self.compare.question {
            return Some((Arc::clone(question), self.compare.origin));
        }
        let last = self.conversation.messages.iter().rev().find(|message| message.role == Role::User)?;
        Some((last.shared_text(), Some(last.id)))
    }

    /// Returns how many messages come before a question: all, unless it is one of them itself.
    fn before(&self, origin: Option<MessageId>) -> usize {
        match origin {
            Some(id) => self.conversation.position(id).unwrap_or(0),
            None => self.conversation.messages.len(),
        }
    }

    /// Returns the question that Enter asks although nothing is typed, and how many messages are sent
    /// before it.
    #[must_use]
    pub fn offered(&self) -> Option<(Arc<str>, usize)> {
        if !self.composer.is_empty() || self.drafting != Drafting::New {
            return None;
        }
        match self.screen {
            Screen::Chat => Some((self.suggestion()?.into(), self.conversation.messages.len())),
            Screen::Compare => {
                let (question, origin) = self.question()?;
                Some((question, self.before(origin)))
            }
        }
    }

    /// Returns which messages are sent with the draft, in the way the composer's title says.
    pub(super) fn sent(&self) -> Sent {
        let is_system = |message: &&Message| message.role == Role::System;
        let messages = &self.conversation.messages;
        match self.drafting {
            Drafting::New => Sent::first(self.offered().map_or(usize::MAX, |(_, upto)| upto)),
            Drafting::InsertAfter(_) => Sent::default(),
            Drafting::System => Sent::without(messages.first().filter(is_system).map(|message| message.id)),
            Drafting::Edit(id) => match self.conversation.position(id) {
                Some(at) if messages[at].role == Role::User => Sent::first(at),
                _ => Sent::without(Some(id)),
            },
        }
    }

    /// Opens the form of the setup.
    pub(super) fn edit_sweep(&mut self) {
        self.overlay = Some(Overlay::Sweep(Form::of(&self.next_setup(), &self.settings, self.shelf())));
    }

    /// Returns the names that the form may use.
    pub(super) fn shelf(&self) -> Shelf {
        let question = self.question().map_or_else(String::new, |(question, _)| question.to_string());
        let endpoint =
            |card: &crate::app::settings::EndpointCard| (card.name.to_string(), card.model.to_string());
        Shelf {
            personas: self.personas.library.pairs(),
            endpoints: self.settings.endpoints.iter().map(endpoint).collect(),
            model: self.settings.model.to_string(),
            temperatures: self.temperatures.clone(),
            question,
        }
    }

    /// Takes the form of the setup; a budget also goes for the sweep that is under way. What only a new
    /// comparison can have, the next Enter asks for.
    pub(super) fn accept_sweep(&mut self) -> Effects {
        if let Some(effects) = self.read_rows() {
            return effects;
        }
        let lanes = self.compare.setup.lanes;
        let Some(Overlay::Sweep(form)) = &mut self.overlay else { return Effects::none() };
        match form.setup(lanes).and_then(|setup| Ok((form.judged(setup)?, form.settings()?))) {
            Ok((setup, settings)) => {
                let is_new_budget = setup.budget != self.compare.setup.budget;
                let has_new_checks = setup.checks != self.compare.setup.checks;
                let (before, bounds) = (&self.compare.setup, &self.settings);
                let is_other = has_new_checks
                    || (&setup.axes, setup.repeats) != (&before.axes, before.repeats)
                    || settings.sampling.max_output_tokens != bounds.sampling.max_output_tokens
                    || settings.timeout != bounds.timeout;
                self.compare.setup = setup;
                // Nothing else: who answers may have become known meanwhile.
                self.settings.sampling.max_output_tokens = settings.sampling.max_output_tokens;
                self.settings.timeout = settings.timeout;
                self.overlay = None;
                self.show(Screen::Compare);
                self.choose_prompts();
                let goes_on = |bench: &Bench| !bench.is_over() || bench.progress(self.now).bound.is_some();
                if is_other || !is_new_budget || !self.compare.bench.as_ref().is_some_and(goes_on) {
                    self.focus = Place::Composer;
                }
                if let (true, Some(bench)) = (is_new_budget, &mut self.compare.bench) {
                    bench.set_budget(self.compare.setup.budget);
                }
                let judged = if has_new_checks {
                    self.use_checks(&self.compare.setup.checks.clone())
                } else {
                    Effects::none()
                };
                judged.then(self.ask_due())
            }
            Err((row, error)) => {
                (form.selected, form.error, form.is_typing) = (row, Some(error), true);
                Effects::none()
            }
        }
    }

    /// Asks everything again that failed.
    pub(super) fn retry_failed(&mut self) -> Effects {
        let count = self.compare.bench.as_mut().map_or(0, Bench::retry_failed);
        let bound = self.compare.bench.as_ref().and_then(|bench| bench.progress(self.now).bound);
        let counts = self.compare.bench.as_ref().map(|bench| bench.progress(self.now).counts);
        match count {
            0 if counts.is_some_and(|counts| counts.of(State::Stopped) > 0) => {
                let key = self.key(Command::PauseSweep, Place::Grid);
                self.say(format!("nothing failed: {key} asks for what was stopped"));
            }
            0 => self.say("nothing failed"),
            _ if let Some(bound) = bound => self.say_bound(bound),
            1 => self.say("1 answer is asked for again"),
            count => self.say(format!("{count} answers are asked for again")),
        }
        self.ask_due()
    }

    /// Sends nothing more, or goes on: also with what was stopped, where nothing else waits.
    pub(super) fn pause(&mut self) -> Effects {
        let Some(bench) = &mut self.compare.bench else {
            self.say(NO_CELL);
            return Effects::none();
        };
        let progress = bench.progress(self.now);
        let (waiting, stopped) = (progress.counts.of(State::Waiting), progress.counts.of(State::Stopped));
        if let Some(bound) = progress.bound.filter(|_| waiting + stopped > 0) {
            self.say_bound(bound);
            return Effects::none();
        }
        if waiting == 0 && stopped > 0 {
            bench.go_on();
            let plural = if stopped == 1 { "" } else { "s" };
            self.say(format!("goes on with {} answer{plural}", figure::whole(stopped as u64)));
            return self.ask_due();
        }
        if progress.is_paused {
            bench.resume();
            self.say("goes on");
            return self.ask_due();
        }
        if waiting == 0 {
            self.say("nothing waits any more");
            return Effects::none();
        }
        bench.pause();
        let key = self.key(Command::PauseSweep, Place::Grid);
        self.say(format!("paused: what is under way goes on, nothing more is sent; {key} goes on"));
        Effects::none()
    }

    /// Says why nothing is sent although something waits.
    fn say_bound(&mut self, bound: Bound) {
        let edit = self.key(Command::EditSweep, Place::Composer);
        self.say(format!("not sent: {bound}; {edit} sets another"));
    }

    /// Stops every answer of the comparison at the user's word, and says how it goes on.
    pub(super) fn stop_comparison(&mut self) -> Effects {
        let effects = self.stop_all();
        let stopped = self.compare.bench.as_ref().map(|bench| bench.progress(self.now).counts);
        let is_some = stopped.is_some_and(|counts| counts.of(State::Stopped) > 0);
        let key = self.key(Command::PauseSweep, Place::Grid);
        let rest = if is_some { format!("; {key} asks for the rest") } else { String::new() };
        self.say(format!("stopped; the text is kept{rest}"));
        effects
    }

    /// Stops every answer of the comparison, those that wait as well.
    pub(super) fn stop_all(&mut self) -> Effects {
        let now = self.now;
        let stopped = self.compare.bench.as_mut().map_or_else(Vec::new, |bench| bench.stop_all(now));
        let samples: Vec<usize> = stopped.iter().map(|(sample, _)| *sample).collect();
        let mut runs: Vec<RunId> = stopped.into_iter().map(|(_, run)| run).collect();
        let under_way = |run: &&Run| !run.status.is_ended();
        runs.extend(self.compare.runs().filter(under_way).map(|run| run.id));
        let mut effects = Effects::none();
        for id in runs {
            if let Some(aside) = self.compare.aside_mut(id) {
                aside.cancel(now);
                effects = effects.then(self.keep_aside(id));
            }
            self.homes.remove(&id);
            effects = effects.and(Effect::Cancel(id));
        }
        samples.into_iter().fold(effects, |effects, sample| effects.then(self.sample_ended(sample)))
    }
}
