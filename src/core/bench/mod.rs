//! A sweep being run, as plain state: what waits, what is under way, what came, what it took.
//!
//! ```text
//! due() ──► Start{run, request} ──► the shell asks ──► apply(run, event) ──► has ended: charge, keep
//!   ▲                                                                             │
//!   └──────────────── a lane is free, a limit has passed, a budget allows ◄───────┘
//! ```
//!
//! Owns the order of requests, the lanes of each endpoint, the waiting for limits, the budget and the
//! figures of each cell. Never sends, waits or keeps anything: workbench and command do, from the same
//! state. First every cell is asked once, then once more, so that all columns fill together.
//!
//! Invariant: a sample that fails or is stopped changes no other, and an ended one only changes when it
//! is asked again.

mod figures;
mod holding;
pub mod limiter;
mod progress;
mod slot;
mod stopping;

pub use progress::{Counts, Progress};
pub use slot::{Slot, State};

use crate::core::diversity::Diversity;
use crate::core::fault::Fault;
use crate::core::id::{Ids, RunId};
use crate::core::job::RecordId;
use crate::core::request::Request;
use crate::core::run::Run;
use crate::core::stream::StreamEvent;
use crate::core::sweep::preflight::{Bound, Budget, Spent, Worst};
use crate::core::sweep::{Sample, Sweep};
use crate::core::time::Timestamp;
use crate::core::token::Token;
use limiter::{Hold, Limiter};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Within what a bench works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Requests under way at once at each endpoint.
    pub lanes: usize,
    /// What may be used.
    pub budget: Budget,
}

/// A request that is to be sent now.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Number of the sample.
    pub sample: usize,
    /// The run in which its answer is told.
    pub run: RunId,
    /// What is asked, and where.
    pub request: Arc<Request>,
}

/// What an event was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The sample it belongs to.
    pub sample: usize,
    /// Whether its run came to an end with it.
    pub has_ended: bool,
}

/// One endpoint: what waits for it, and what it can take.
#[derive(Debug, Clone, Default, PartialEq)]
struct Gate {
    queue: VecDeque<usize>,
    running: usize,
    limiter: Limiter,
    held: Option<Hold>,
    /// How long the answers took that came to a good end here, the shortest first.
    took: Vec<Duration>,
}

/// A sample that is under way.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Flight {
    sample: usize,
    /// Whether a response told of the server's limits, or that it has none.
    is_told: bool,
}

/// The statistics over some answers, once they were asked for.
type Figures = OnceLock<Option<Box<Diversity>>>;

/// A sweep being run.
#[derive(Debug, Clone, PartialEq)]
pub struct Bench {
    sweep: Sweep,
    slots: Vec<Slot>,
    worst: Vec<Worst>,
    terms: Terms,
    gates: BTreeMap<Arc<str>, Gate>,
    flights: HashMap<RunId, Flight>,
    figures: Vec<Figures>,
    /// The same of each value of the first axis.
    column_figures: Vec<Figures>,
    requests: u64,
    dollars: f64,
    bound: Option<Bound>,
    is_paused: bool,
    /// When it first asked something.
    begun: Option<Timestamp>,
    /// When what is under way is expected to have ended, once nothing waits any more.
    ends_by: Option<Timestamp>,
    /// How often a figure of a cell changed.
    revision: u64,
}

impl Bench {
    /// Returns the bench of a sweep on which nothing was asked yet.
    ///
    /// `samples` are the sweep's, cell by cell; `worst` has for each cell the most one request of it
    /// can take.
    #[must_use]
    pub fn new(sweep: Sweep, samples: Vec<Sample>, worst: Vec<Worst>, terms: Terms) -> Self {
        let cells = sweep.cell_count();
        let columns = sweep.axes().first().map_or(1, |axis| axis.values().len());
        let mut bench = Self {
            slots: samples.into_iter().map(Slot::new).collect(),
            figures: (0..cells).map(|_| OnceLock::new()).collect(),
            column_figures: (0..columns).map(|_| OnceLock::new()).collect(),
            sweep,
            worst,
            terms,
            gates: BTreeMap::new(),
            flights: HashMap::new(),
            requests: 0,
            dollars: 0.0,
            bound: None,
            is_paused: false,
            begun: None,
            ends_by: None,
            revision: 0,
        };
        let mut order: Vec<usize> = (0..bench.slots.len()).collect();
        order.sort_by_key(|number| bench.slots[*number].sample.repeat);
        for number in order {
            bench.enqueue(number);
        }
        bench
    }

    /// Returns the sweep.
    #[must_use]
    pub fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    /// Returns the samples, cell by cell.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Returns a number that is another one once the state of a sample or a figure has changed for good.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns within what it works.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Returns the numbers of the samples of a cell.
    #[must_use]
    pub fn samples_of(&self, cell: usize) -> Range<usize> {
        let repeats = self.sweep.repeats() as usize;
        cell * repeats..(cell + 1) * repeats
    }

    /// Returns the sample that a run is of, while it is under way.
    #[must_use]
    pub fn sample_of(&self, run: RunId) -> Option<usize> {
        self.flights.get(&run).map(|flight| flight.sample)
    }

    /// Puts an answer in its place that was there before; nothing is asked for it.
    pub fn put(&mut self, sample: usize, record: RecordId, run: Run, dollars: Option<f64>) {
        let slot = &mut self.slots[sample];
        if slot.state() != State::Waiting {
            return;
        }
        (slot.run, slot.record, slot.was_kept, slot.dollars) = (Some(run), Some(record), true, dollars);
        self.unqueue(sample);
        self.touch(sample);
    }

    /// Takes the waiting samples of a cell out, as its model is known to refuse them.
    pub fn refuse(&mut self, cell: usize, reason: &str) {
        for sample in self.samples_of(cell) {
            if self.slots[sample].state() == State::Waiting {
                self.slots[sample].refusal = Some(reason.to_owned());
                self.unqueue(sample);
                self.touch(sample);
            }
        }
    }

    /// Returns what is to be sent now. It counts as sent from here on.
    pub fn due(&mut self, ids: &mut Ids, now: Timestamp) -> Vec<Start> {
        let mut starts = Vec::new();
        if self.is_paused || self.bound.is_some() {
            return starts;
        }
        let names: Vec<Arc<str>> = self.gates.keys().cloned().collect();
        for name in names {
            while let Some(start) = self.next_of(&name, ids, now) {
                starts.push(start);
            }
        }
        self.foresee(now);
        starts
    }

    /// Returns the next request of an endpoint, if it may be sent.
    fn next_of(&mut self, endpoint: &Arc<str>, ids: &mut Ids, now: Timestamp) -> Option<Start> {
        if self.bound.is_some() {
            return None;
        }
        let spent = self.spent(now);
        let gate = self.gates.get_mut(endpoint)?;
        gate.held = None;
        let sample = *gate.queue.front().filter(|_| gate.running < self.terms.lanes.max(1))?;
        let worst = self.worst[self.slots[sample].sample.cell];
        if let Some(bound) = self.terms.budget.reached(&spent, worst.dollars) {
            // What is under way may turn out cheaper than the worst case.
            let is_final = !matches!(bound, Bound::Dollars(_)) || self.flights.is_empty();
            self.bound = is_final.then_some(bound);
            return None;
        }
        if let Err(hold) = gate.limiter.take(worst.tokens, now) {
            gate.held = Some(hold);
            return None;
        }
        gate.queue.pop_front();
        gate.running += 1;
        self.requests += 1;
        self.begun.get_or_insert(now);
        let request = Arc::clone(&self.slots[sample].sample.request);
        let run = Run::new(ids.run(), Arc::clone(&request), now);
        let id = run.id;
        self.flights.insert(id, Flight { sample, is_told: false });
        let slot = &mut self.slots[sample];
        (slot.run, slot.record, slot.was_kept, slot.dollars) = (Some(run), None, false, None);
        slot.is_wanted = false;
        Some(Start { sample, run: id, request })
    }

    /// Folds one step of a run; `None` for a run that is not under way here.
    pub fn apply(&mut self, run: RunId, event: StreamEvent, now: Timestamp) -> Option<Applied> {
        let flight = self.flights.get_mut(&run)?;
        let sample = flight.sample;
        let slot = &mut self.slots[sample];
        let gate = self.gates.get_mut(&slot.sample.request.endpoint)?;
        match &event {
            StreamEvent::Attempt { number } if *number > 1 => {
                self.requests += 1;
                gate.limiter.again(self.worst[slot.sample.cell].tokens, now);
            }
            StreamEvent::Limits(limits) if flight.is_told => gate.limiter.learn(limits, now),
            StreamEvent::Limits(limits) => {
                flight.is_told = true;
                gate.limiter.told(self.worst[slot.sample.cell].tokens, Some(limits), now);
            }
            StreamEvent::Attempt { .. }
            | StreamEvent::Retrying { .. }
            | StreamEvent::Opened { .. }
            | StreamEvent::Delta { .. }
            | StreamEvent::Reasoning { .. }
            | StreamEvent::Usage(_)
            | StreamEvent::Exchanged(_)
            | StreamEvent::Finished(_)
            | StreamEvent::Failed(_) => {}
        }
        let has_ended = slot.run.as_mut().is_some_and(|run| {
            run.apply(event, now);
            run.status.is_ended()
        });
        if has_ended {
            self.land(run, now);
        }
        Some(Applied { sample, has_ended })
    }

    /// Ends the run of a sample with a fault of this machine, such as an endpoint that cannot be opened.
    pub fn fail(&mut self, run: RunId, fault: Fault, now: Timestamp) -> Option<Applied> {
        self.apply(run, StreamEvent::Failed(fault), now)
    }

    /// Frees the lane of a run that has ended.
    fn land(&mut self, run: RunId, now: Timestamp) {
        let Some(flight) = self.flights.remove(&run) else { return };
        let slot = &self.slots[flight.sample].sample;
        if let Some(gate) = self.gates.get_mut(&slot.request.endpoint) {
            gate.running = gate.running.saturating_sub(1);
            if let Some(run) = self.slots[flight.sample].run.as_ref().filter(|run| run.status.is_done()) {
                let took = now.since(run.started());
                gate.took.insert(gate.took.partition_point(|own| *own < took), took);
            }
            if !flight.is_told {
                gate.limiter.told(self.worst[slot.cell].tokens, None, now);
            }
        }
        self.touch(flight.sample);
        self.foresee(now);
    }

    /// Takes in what an ended run cost.
    pub fn charge(&mut self, sample: usize, dollars: Option<f64>) {
        self.slots[sample].dollars = dollars;
        self.dollars += dollars.unwrap_or_default();
    }

    /// Takes in our own count of an ended answer, where the server said none.
    pub fn estimate(&mut self, sample: usize, output_tokens: u64) {
        if let Some(run) = &mut self.slots[sample].run {
            run.estimated_output_tokens = Some(output_tokens);
        }
    }

    /// Takes in under which name the ended run of a sample is kept, and lets nothing go of it.
    pub fn recorded(&mut self, sample: usize, record: RecordId) {
        if let Some(slot) = self.slots.get_mut(sample) {
            slot.record = Some(record);
        }
    }

    /// Puts back all of a kept run of which something was let go; the run keeps its identifier.
    pub fn restore(&mut self, sample: usize, whole: Run) {
        if let Some(slot) = self.slots.get_mut(sample)
            && let Some(run) = slot.run.as_mut().filter(|run| run.is_light)
        {
            let id = run.id;
            *run = whole;
            run.id = id;
        }
    }

    /// Puts the candidates of one token back into a run of which they were let go.
    pub fn restore_token(&mut self, sample: usize, at: usize, token: Token) {
        let run = self.slots.get_mut(sample).and_then(|slot| slot.run.as_mut());
        if let Some(own) = run.filter(|run| run.is_light).and_then(|run| run.tokens.get_mut(at))
            && own.piece == token.piece
        {
            own.candidates = token.candidates;
        }
    }

    /// Takes in that the ended run of a sample is kept under a name: what of it is large and seldom
    /// looked at is let go.
    pub fn kept(&mut self, sample: usize, record: RecordId) {
        let slot = &mut self.slots[sample];
        if let Some(run) = slot.run.as_mut().filter(|run| run.status.is_ended()) {
            slot.record = Some(record);
            run.lighten();
        }
    }

    /// Sends nothing more until [`Self::resume`]; what is under way goes on.
    pub fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Goes on after a pause.
    pub fn resume(&mut self) {
        self.is_paused = false;
    }

    /// Asks a sample again that has ended; returns whether it will be.
    pub fn retry(&mut self, sample: usize) -> bool {
        let slot = &mut self.slots[sample];
        match slot.state() {
            State::Waiting | State::Running | State::Refused => false,
            State::Done | State::Failed | State::Stopped => {
                *slot = Slot::new(slot.sample.clone());
                self.touch(sample);
                self.enqueue(sample);
                true
            }
        }
    }

    /// Asks all samples again that failed; returns how many.
    pub fn retry_failed(&mut self) -> usize {
        let failed = |sample: &usize| self.slots[*sample].state() == State::Failed;
        let failed: Vec<usize> = (0..self.slots.len()).filter(failed).collect();
        failed.into_iter().filter(|sample| self.retry(*sample)).count()
    }

    /// Goes on within another budget, also where the one before has stopped it.
    pub fn set_budget(&mut self, budget: Budget) {
        self.terms.budget = budget;
        self.bound = None;
    }

    /// Whether nothing is under way and nothing will be without the user's doing.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let nothing_waits = || self.gates.values().all(|gate| gate.queue.is_empty());
        self.flights.is_empty() && (self.bound.is_some() || nothing_waits())
    }

    /// Returns what was used, where what is under way counts as the worst it can be.
    fn spent(&self, now: Timestamp) -> Spent {
        let under_way: f64 = self
            .flights
            .values()
            .map(|flight| self.worst[self.slots[flight.sample].sample.cell].dollars)
            .sum();
        let seconds = self.begun.map_or(0.0, |begun| now.since(begun).as_secs_f64());
        Spent { requests: self.requests, dollars: self.dollars + under_way, seconds }
    }

    fn enqueue(&mut self, sample: usize) {
        let endpoint = Arc::clone(&self.slots[sample].sample.request.endpoint);
        self.gates.entry(endpoint).or_default().queue.push_back(sample);
    }

    fn unqueue(&mut self, sample: usize) {
        if let Some(gate) = self.gates.get_mut(&self.slots[sample].sample.request.endpoint) {
            gate.queue.retain(|waiting| *waiting != sample);
        }
    }

    /// Forgets the figures of a sample's cell and column, as they have changed.
    fn touch(&mut self, sample: usize) {
        let cell = self.slots[sample].sample.cell;
        self.figures[cell] = OnceLock::new();
        let rows = self.figures.len() / self.column_figures.len().max(1);
        if let Some(column) = self.column_figures.get_mut(cell / rows.max(1)) {
            *column = OnceLock::new();
        }
        self.revision += 1;
    }
}

#[cfg(test)]
mod tests;
