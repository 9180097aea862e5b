//! The loop that carries out what a bench orders: requests out, events in, ended answers kept.
//!
//! Owns the connections under way. One loop serves one request and ten thousand; what is to be sent and
//! when, the bench says.
//!
//! Invariant: an answer is told as ended only when it is kept, or when it is known that it cannot be.

use crate::cli::failure::Failure;
use crate::cli::interrupt::Interrupt;
use crate::cli::session::Session;
use crate::core::bench::Bench;
use crate::core::fault::{Fault, FaultKind};
use crate::core::id::{Ids, RunId};
use crate::core::job::RecordId;
use crate::core::stream::StreamEvent;
use crate::core::time::Timestamp;
use crate::provider::Client;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, SelectAll};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

/// A way to each endpoint, or why there is none.
pub(super) type Clients = BTreeMap<Arc<str>, Result<Client, Fault>>;

/// What happened.
pub(super) enum Step<'a> {
    /// Something came of a run.
    Event {
        /// What came.
        event: &'a StreamEvent,
        /// When.
        now: Timestamp,
    },
    /// A sample ended, and is kept where there is a place for it.
    Ended {
        /// Its number.
        sample: usize,
    },
    /// Nothing can be sent for a while.
    Held,
}

/// Keeps ended answers.
pub(super) trait Keep {
    /// Keeps the answer of a sample; [`Self::kept`] tells when it is.
    fn keep(&mut self, bench: &Bench, sample: usize);

    /// Returns the next sample whose answer was given to [`Self::keep`], with the name it is kept under;
    /// without a name it could not be kept. Never ends while nothing is to come.
    fn kept(&mut self) -> impl Future<Output = (usize, Option<RecordId>)>;

    /// Whether answers were given whose keeping was not told yet.
    fn is_busy(&self) -> bool;
}

/// Keeps nothing: every answer is as good as kept.
#[derive(Default)]
pub(super) struct KeepNothing(Vec<usize>);

impl Keep for KeepNothing {
    fn keep(&mut self, _: &Bench, sample: usize) {
        self.0.push(sample);
    }

    async fn kept(&mut self) -> (usize, Option<RecordId>) {
        match self.0.pop() {
            Some(sample) => (sample, None),
            None => std::future::pending().await,
        }
    }

    fn is_busy(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Runs a bench to its end; returns whether the user stopped it.
///
/// `each` sees every step. What it refuses, ends all; so does Ctrl-C, but then the answers keep what came.
pub(super) async fn run(
    session: &Session,
    bench: &mut Bench,
    clients: &Clients,
    keep: &mut impl Keep,
    interrupt: &mut Interrupt,
    mut each: impl FnMut(&Bench, Step<'_>) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    let mut streams: SelectAll<BoxStream<'static, (RunId, StreamEvent)>> = SelectAll::new();
    let (mut ids, mut is_interrupted) = (Ids::default(), false);
    loop {
        let starts = bench.due(&mut ids, session.now());
        for start in starts {
            match clients.get(&start.request.endpoint) {
                Some(Ok(client)) => {
                    let run = start.run;
                    streams.push(client.run(start.request).map(move |event| (run, event)).boxed());
                }
                Some(Err(fault)) => fail(session, bench, keep, start.run, fault.clone()),
                None => fail(session, bench, keep, start.run, unknown(&start.request.endpoint)),
            }
        }
        if bench.is_over() && !keep.is_busy() {
            return Ok(is_interrupted);
        }
        let wake = bench.wake().map(|moment| moment.since(session.now()));
        if wake.is_some() && streams.is_empty() {
            each(bench, Step::Held)?;
        }
        tokio::select! {
            biased;
            () = interrupt.wait(), if !is_interrupted => {
                is_interrupted = true;
                for (sample, _) in bench.stop_all(session.now()) {
                    ended(session, bench, keep, sample);
                }
                // Closes the connections of what was not finished.
                streams.clear();
            }
            (sample, record) = keep.kept() => {
                each(bench, Step::Ended { sample })?;
                if let Some(record) = record {
                    bench.kept(sample, record);
                }
            }
            Some((run, event)) = streams.next(), if !streams.is_empty() => {
                let (now, event) = (session.now(), session.with_own_remedy(event));
                if bench.sample_of(run).is_some() {
                    each(bench, Step::Event { event: &event, now })?;
                }
                if let Some(applied) = bench.apply(run, event, now).filter(|applied| applied.has_ended) {
                    ended(session, bench, keep, applied.sample);
                }
            }
            () = tokio::time::sleep(wake.unwrap_or_default()), if wake.is_some() => {}
        }
    }
}

fn unknown(endpoint: &str) -> Fault {
    Fault::new(FaultKind::Local, format!("there is no endpoint '{endpoint}'"))
}

/// Ends a run that cannot even be sent.
fn fail(session: &Session, bench: &mut Bench, keep: &mut impl Keep, run: RunId, fault: Fault) {
    if let Some(applied) = bench.fail(run, fault, session.now()) {
        ended(session, bench, keep, applied.sample);
    }
}

/// Takes in what is known of an answer once it has ended.
fn ended(session: &Session, bench: &mut Bench, keep: &mut impl Keep, sample: usize) {
    let Some(run) = bench.slots()[sample].run.as_ref() else { return };
    let usage = session.usage(run);
    let (is_billed, dollars) = (run.usage.is_some(), session.dollars(run, &usage));
    if !is_billed {
        bench.estimate(sample, usage.output_tokens);
    }
    bench.charge(sample, dollars);
    keep.keep(bench, sample);
}
