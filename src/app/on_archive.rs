//! The archive of comparisons: what is kept of them as they run, and opening and exporting them.

use crate::app::archive::{ArchiveJob, ArchiveNews, Opened};
use crate::app::command::{Command, Place};
use crate::app::compare::checks::Checks;
use crate::app::line_edit::LineEdit;
use crate::app::msg::{Effect, Effects};
use crate::app::overlay::{Ahead, Choice, Filing, Item, List, Overlay, Prompt};
use crate::app::{App, Screen};
use crate::core::bench::{Bench, Slot, State};
use crate::core::branch::Branch;
use crate::core::fault::Fault;
use crate::core::figure;
use crate::core::id::RunId;
use crate::core::job::{
    AsideRecord, BranchRecord, RecordId, Remark, RunRecord, SweepRecord, SweepSummary, title_of,
};
use crate::core::run::{Run, RunStatus};
use crate::core::time::Timestamp;
use std::time::Duration;

/// Title of the list of comparisons.
const TITLE: &str = "earlier comparisons";

/// Most of them that are listed.
const LISTED: usize = 200;

/// Most samples of which all is held in memory; of more, candidates and raw exchanges are fetched when
/// they are looked at.
pub const HELD: usize = 64;

/// Returns a moment as a record has it.
fn millis(moment: Timestamp) -> i64 {
    i64::try_from(moment.0.as_millis()).unwrap_or(i64::MAX)
}

/// Returns when the last of the answers that were asked for came to its end: now, while one is under way.
fn ended(bench: &Bench, now: Timestamp) -> Timestamp {
    let asked = || bench.slots().iter().filter(|slot| !slot.was_kept);
    if asked().any(|slot| slot.state() == State::Running) {
        return now;
    }
    let end = |slot: &Slot| {
        let run = slot.run.as_ref()?;
        let took = Duration::try_from_secs_f64(run.total_ms()? / 1000.0).ok()?;
        Some(Timestamp(run.started().0.saturating_add(took)))
    };
    asked().filter_map(end).max().unwrap_or(now)
}

impl App {
    fn record_id(&mut self) -> RecordId {
        self.kept += 1;
        RecordId { session: self.session, number: self.kept }
    }

    /// Keeps a comparison that begins.
    pub(super) fn keep_sweep(&mut self) -> Effects {
        let id = self.record_id();
        let Some(bench) = &self.compare.bench else { return Effects::none() };
        let record = SweepRecord::of(id, self.title(bench), String::new(), millis(self.now), bench);
        let (sweep, checks) = (Box::new(bench.sweep().clone()), self.compare.setup.checks.clone());
        self.compare.record = Some(id);
        Effects::one(Effect::Archive(ArchiveJob::Begin { record: Box::new(record), sweep, checks }))
    }

    /// Keeps the comparison with other checks.
    pub(super) fn keep_checks(&self) -> Effects {
        let (Some(id), Some(bench)) = (self.compare.record, &self.compare.bench) else {
            return Effects::none();
        };
        let mut record = SweepRecord::of(id, self.title(bench), String::new(), millis(self.now), bench);
        // What is kept again is kept with what the user thinks of it.
        for (number, cell) in record.cells.iter_mut().enumerate() {
            let Remark { note, is_best } = self.remark_on(number);
            (cell.note, cell.is_best) = (note, is_best);
        }
        let (sweep, checks) = (Box::new(bench.sweep().clone()), self.compare.checks.checks().to_vec());
        Effects::one(Effect::Archive(ArchiveJob::Begin { record: Box::new(record), sweep, checks }))
    }

    /// Returns what the comparison is called in a list.
    fn title(&self, bench: &Bench) -> String {
        title_of(self.compare.question.as_deref().unwrap_or_default(), bench.sweep())
    }

    /// Does what is to be done about a sample that has ended.
    pub(super) fn sample_ended(&mut self, sample: usize) -> Effects {
        self.keep_sample(sample).then(self.judge([sample]))
    }

    /// Keeps the answer of a sample that has ended.
    pub(super) fn keep_sample(&mut self, sample: usize) -> Effects {
        let id = self.record_id();
        let (Some(sweep), Some(bench)) = (self.compare.record, &self.compare.bench) else {
            return Effects::none();
        };
        let Some(slot) = bench.slots().get(sample) else { return Effects::none() };
        let Some(run) = slot.run.clone().filter(|run| run.status.is_ended()) else { return Effects::none() };
        let place = (u32::try_from(slot.sample.cell).unwrap_or(u32::MAX), slot.sample.repeat);
        let run = Box::new(RunRecord { id, begun_ms: millis(run.started()), dollars: slot.dollars, run });
        Effects::one(Effect::Archive(ArchiveJob::Keep { sweep, sample, place, run }))
    }

    /// Keeps an ended answer beside the samples of its cell.
    pub(super) fn keep_aside(&mut self, run: RunId) -> Effects {
        let id = self.record_id();
        let (Some(sweep), Some((cell, number, run))) = (self.compare.record, self.compare.aside(run)) else {
            return Effects::none();
        };
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let branch = run.branch.and_then(|Branch { parent, at, means, verification, inherited }| {
            let parent = short(self.compare.number_of(cell, parent)?);
            Some(BranchRecord { parent, at, means, verification, inherited })
        });
        let dollars = self.dollars(run);
        let record = RunRecord { id, begun_ms: millis(run.started()), dollars, run: run.clone() };
        let aside = AsideRecord { cell: short(cell), number: short(number), branch, run: record };
        Effects::one(Effect::Archive(ArchiveJob::KeepAside { sweep, aside: Box::new(aside) }))
    }

    /// Puts kept answers back beside the samples of their cells.
    fn put_asides(&mut self, asides: Vec<AsideRecord>) {
        for AsideRecord { cell, number: _, branch, run: RunRecord { mut run, .. } } in asides {
            let cell = usize::try_from(cell).unwrap_or(usize::MAX);
            run.id = self.ids.run();
            if let Some(BranchRecord { parent, at, means, verification, inherited }) = branch {
                // One whose parent is not there is an answer of its own.
                let parent = usize::try_from(parent).ok().and_then(|at| self.compare.answer(cell, at));
                if let Some(parent) = parent.map(|own| own.id) {
                    run.hang_on(Branch { parent, at, means, verification, inherited });
                }
            }
            self.compare.put_aside(cell, run);
        }
    }

    /// Keeps the mark and the note of the cell under the cursor.
    pub(super) fn keep_mark(&self) -> Effects {
        let Some(sweep) = self.compare.record else { return Effects::none() };
        let cell = self.compare.cursor;
        Effects::one(Effect::Archive(ArchiveJob::Mark {
            sweep,
            cell: u32::try_from(cell).unwrap_or(u32::MAX),
            note: self.compare.note(cell).to_owned(),
            is_best: self.compare.best.contains(&cell),
        }))
    }

    /// Returns the answer whose raw request and response are shown: that of the cell on the board of a
    /// comparison, else the one inspected.
    #[must_use]
    pub fn told(&self) -> Option<&Run> {
        if self.screen == Screen::Compare && !self.compare.inspecting {
            return self.compare.current().and_then(|shown| shown.run);
        }
        self.inspected()
    }

    /// Whether more of the current cell's answer is looked at than stands on the board.
    fn needs_whole(&self) -> bool {
        let is_raw = matches!(self.overlay, Some(Overlay::Request { .. }));
        self.compare.inspecting || is_raw && self.screen == Screen::Compare
    }

    /// Fetches what was let go of the answer the current cell shows.
    pub(super) fn load_light(&self) -> Effects {
        let (Some(sweep), Some(shown)) = (self.compare.record, self.compare.current()) else {
            return Effects::none();
        };
        let is_light = self.needs_whole() && shown.run.is_some_and(|run| run.is_light);
        let record = shown.slot.and_then(|slot| slot.record).filter(|_| is_light);
        match (record, self.compare.current_sample()) {
            (Some(record), Some(sample)) => {
                Effects::one(Effect::Archive(ArchiveJob::Load { sweep, sample, record }))
            }
            _ => Effects::none(),
        }
    }

    /// Lists the comparisons there are.
    pub(super) fn list_sweeps(&mut self) -> Effects {
        let list = List { ahead: Some(Ahead::default()), ..List::new(TITLE, Vec::new(), "reading …") };
        self.overlay = Some(Overlay::List(list));
        Effects::one(Effect::Archive(ArchiveJob::List))
    }

    /// Asks for the file a comparison is written into.
    pub(super) fn ask_export(&mut self) {
        // What is not run yet is a file to be run.
        let name = if self.compare.is_empty() { "sweep.toml" } else { "compare.html" };
        self.overlay = Some(Overlay::Export(Prompt::new(LineEdit::proposed(name))));
    }

    /// Writes the comparison into the file that was named.
    pub(super) fn accept_export(&mut self) -> Effects {
        let Some(Overlay::Export(prompt)) = &mut self.overlay else { return Effects::none() };
        let path = prompt.text().trim().to_owned();
        if path.is_empty() {
            prompt.error = Some("write the path of a file".to_owned());
        }
        if path.is_empty() || prompt.filing == Filing::Written {
            return Effects::none();
        }
        let is_over = prompt.filing == Filing::There;
        let (bench, checks) = match &self.compare.bench {
            Some(bench) => (bench.clone(), self.compare.checks.clone()),
            None => match self.unasked() {
                Ok(bench) => {
                    let mut checks = Checks::default();
                    checks.begin(self.compare.setup.checks.clone(), bench.slots().len());
                    (bench, checks)
                }
                Err(error) => {
                    if let Some(Overlay::Export(prompt)) = &mut self.overlay {
                        prompt.error = Some(error);
                    }
                    return Effects::none();
                }
            },
        };
        if let Some(Overlay::Export(prompt)) = &mut self.overlay {
            (prompt.filing, prompt.error) = (Filing::Written, None);
        }
        let votes = bench.sweep().axes().first().map(|axis| self.compare.votes.counts(axis).to_vec());
        let remarks = (0..bench.sweep().cell_count()).map(|cell| self.remark_on(cell)).collect();
        let until = self.compare.bench.as_ref().map_or(self.now, |bench| ended(bench, self.now));
        let (bench, checks, votes) = (Box::new(bench), Box::new(checks), votes.unwrap_or_default());
        Effects::one(Effect::Archive(ArchiveJob::Export {
            path,
            bench,
            checks,
            votes,
            remarks,
            until,
            is_over,
        }))
    }

    /// Returns the line in which the file was named that is being written, where it is still open.
    fn exporting(&mut self, path: &str) -> Option<&mut Prompt> {
        let Some(Overlay::Export(prompt)) = &mut self.overlay else { return None };
        (prompt.filing == Filing::Written && prompt.text().trim() == path).then_some(prompt)
    }

    fn on_exported(&mut self, path: &str) {
        if self.exporting(path).is_some() {
            self.overlay = None;
        }
        self.say(format!("written: {path}"));
    }

    fn on_taken(&mut self, path: &str) {
        match self.exporting(path) {
            Some(prompt) => {
                prompt.filing = Filing::There;
                prompt.error = Some(format!("{path} is there already: Enter again writes over it"));
            }
            None => self.say(format!("{path} is there already: nothing was written")),
        }
    }

    fn on_not_exported(&mut self, path: &str, fault: &Fault) {
        match self.exporting(path) {
            Some(prompt) => (prompt.filing, prompt.error) = (Filing::Named, Some(fault.to_string())),
            None => self.fault(fault),
        }
    }

    /// Returns what the user thinks of a cell, also while nothing is told of it on screen.
    fn remark_on(&self, cell: usize) -> Remark {
        let note = self.compare.pane(cell).map_or("", |pane| &pane.note).to_owned();
        Remark { note, is_best: self.compare.best.contains(&cell) }
    }

    /// Takes in what the archive tells.
    pub(super) fn on_archive(&mut self, news: ArchiveNews) -> Effects {
        let current = self.compare.record;
        match news {
            ArchiveNews::Kept { sweep, sample, record } => {
                let shown = self.compare.current_sample().filter(|_| self.needs_whole());
                if let (true, Some(bench)) = (Some(sweep) == current, &mut self.compare.bench) {
                    if bench.slots().len() > HELD && shown != Some(sample) {
                        bench.kept(sample, record);
                    } else {
                        bench.recorded(sample, record);
                    }
                }
            }
            ArchiveNews::Loaded { sweep, sample, run } => {
                if let (true, Some(bench)) = (Some(sweep) == current, &mut self.compare.bench) {
                    bench.restore(sample, *run);
                    // What the inspector has read of it lacked the candidates.
                    let measure = self.measure(None);
                    self.inspector.settle(None, &measure);
                }
            }
            ArchiveNews::TokenLoaded { sweep, wanted, token } => {
                if Some(sweep) == current {
                    self.compare.token_fetched(wanted, *token);
                }
            }
            ArchiveNews::Timings { speaker, timings } => self.paces.told(speaker, &timings),
            ArchiveNews::Listed { sweeps, now_ms } => return self.show_sweeps(&sweeps, now_ms),
            ArchiveNews::Opened(opened) => return self.open_sweep(*opened),
            ArchiveNews::Exported(path) => self.on_exported(&path),
            ArchiveNews::Taken(path) => self.on_taken(&path),
            ArchiveNews::NotExported { path, fault } => self.on_not_exported(&path, &fault),
            ArchiveNews::Plan { path, result } => return self.on_plan(&path, result),
            ArchiveNews::Rows { path, result } => return self.on_rows(&path, result),
            ArchiveNews::Failed(fault) => self.fault(&fault),
        }
        Effects::none()
    }

    fn show_sweeps(&mut self, sweeps: &[SweepSummary], now_ms: i64) -> Effects {
        let Some(Overlay::List(list)) = &mut self.overlay else { return Effects::none() };
        if list.title != TITLE {
            return Effects::none();
        }
        let item = |sweep: &SweepSummary| {
            let failed =
                if sweep.failed > 0 { format!(" · {} failed", sweep.failed) } else { String::new() };
            let age = figure::ago(now_ms.saturating_sub(sweep.begun_ms));
            Item {
                label: sweep.title.clone(),
                detail: format!("{}/{}{failed} · {age}", sweep.done, sweep.samples),
                choice: Choice::Sweep(sweep.id),
            }
        };
        let items = sweeps.iter().take(LISTED).map(item).collect();
        let (filter, ahead) = (std::mem::take(&mut list.filter), list.ahead.take().unwrap_or_default());
        *list = List::new(TITLE, items, "no comparison is kept yet");
        list.filter = filter;
        list.refilter();
        list.step(ahead.steps);
        if ahead.is_taken { self.accept() } else { Effects::none() }
    }

    /// Takes the place of the comparison on screen. What has no answer waits until the user goes on.
    fn open_sweep(&mut self, opened: Opened) -> Effects {
        let stopped = self.stop_all();
        let Opened { record, sweep, checks, answers, asides } = opened;
        self.adopt(&sweep, &checks);
        let outlook = self.outlook_of(&sweep);
        let question = sweep.base().messages.last().map(|prompt| prompt.content.clone()).unwrap_or_default();
        let samples = sweep.samples();
        let mut bench = Bench::new(sweep, samples, outlook.worst, self.compare.setup.terms());
        self.limit(&mut bench);
        for refusal in outlook.preflight.refusals.iter().filter(|refusal| refusal.is_varied) {
            bench.refuse(refusal.cell, &format!("{}: {}", refusal.parameter, refusal.reason));
        }
        for (sample, answer) in record.samples.iter().zip(answers) {
            let cell = usize::try_from(sample.cell).unwrap_or(usize::MAX);
            let is_there = cell < bench.sweep().cell_count() && sample.repeat < bench.sweep().repeats();
            let Some(RunRecord { id, dollars, mut run, .. }) = answer.filter(|_| is_there) else { continue };
            if matches!(run.status, RunStatus::Done(_)) {
                run.id = self.ids.run();
                let place = bench.samples_of(cell).start + sample.repeat as usize;
                bench.put(place, id, run, dollars);
            }
        }
        bench.pause();
        let waiting = bench.progress(self.now).counts.of(State::Waiting);
        self.show(Screen::Compare);
        self.compare.begin(question, None, bench);
        self.compare.record = Some(record.id);
        for (number, cell) in record.cells.iter().enumerate() {
            if cell.is_best {
                self.compare.best.insert(number);
            }
            self.compare.set_note(number, &cell.note);
        }
        self.put_asides(asides);
        self.compare.inspecting = false;
        self.focus = Place::Grid;
        let has_programs = checks.iter().any(|check| check.rule.command().is_some());
        let judging = self.begin_judging(checks);
        if has_programs {
            let key = self.key(Command::JudgeAgain, Place::Grid);
            self.say(format!("its checks name programs: {key} asks before it runs them"));
        }
        if waiting > 0 {
            let key = self.key(Command::PauseSweep, Place::Grid);
            self.say(format!("{waiting} not answered yet: {key} asks for the rest"));
        }
        stopped.then(judging)
    }
}
