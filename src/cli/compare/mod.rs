//! `compare`: one question at many settings, all at once.
//!
//! ```text
//! flags, sweep.toml ─► design ─► bench ─► engine ─► judge ─► printer, documents
//!                                  ▲        └► keeping: what came stays
//!                                  └─ what is kept already
//! ```
//!
//! Owns the order of it all and how the command ends. A sample that fails stops no other.

mod design;
mod judge;
mod keeping;
mod preview;
mod printer;

use crate::cli::ask::tell_retry;
use crate::cli::engine::{self, Clients, Step};
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::interrupt::{Interrupt, block_on};
use crate::cli::output::Output;
use crate::cli::session::{Session, unopened};
use crate::core::bench::{Bench, State};
use crate::core::fault::{Fault, FaultKind};
use crate::core::run::Run;
use crate::core::stream::Usage;
use crate::export::record::fault;
use crate::export::sweep::{self, Document, Report, Shapes};
use design::{Design, Wish};
use judge::Judge;
use keeping::Keeping;
use printer::{Form, Printer, progress};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// Returns what a file is to be, having made sure that it can be written.
fn document_of(path: &Path) -> Result<Document, Failure> {
    let document = Document::of_name(&path.to_string_lossy()).map_err(|error| Failure::wrong(error, ""))?;
    // What is there stays until there is something to take its place.
    OpenOptions::new().append(true).create(true).open(path).map_err(|error| {
        Failure::wrong(
            format!("{} cannot be written: {error}", path.display()),
            "Check that its folder exists and that you may write there",
        )
    })?;
    Ok(document)
}

/// Asks and prints the report.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let session = Session::new(flags, output)?;
    let wish = Wish::new(flags, &session, output)?;
    let form = match (flags.is_on("json"), flags.is_on("jsonl")) {
        (true, _) => Form::Json,
        (false, true) => Form::Lines,
        (false, false) => Form::Text,
    };
    let out = flags.one::<PathBuf>("out");
    let out = out.map(|path| document_of(&path).map(|document| (path, document))).transpose()?;
    block_on(async |interrupt| {
        let design = Design::new(flags, &session, wish, interrupt).await?;
        let Design { mut bench, preflight, checks } = design;
        let summary = preview::summary(&bench, &preflight);
        for refusal in preflight.refusals.iter().map(preview::refusal).collect::<BTreeSet<_>>() {
            output.note(&format!("note: {refusal}"));
        }
        if flags.is_on("dry-run") {
            output.line(&summary)?;
            return output.flush();
        }
        output.hint(&summary);
        let begins = (session.now(), flags.is_on("fresh"));
        let mut keeping = Keeping::open(&session.data_dir, &mut bench, &checks, begins, output);
        let mut judge = Judge::new(checks, bench.slots().len())?;
        let clients = clients(&session, &bench, interrupt).await?;
        for sample in (0..bench.slots().len()).filter(|sample| bench.slots()[*sample].was_kept) {
            judge.judge(&bench, sample);
        }
        tell_kept(&bench, output);
        let mut printer = Printer::new(form, judge.runs_programs());
        let mut follow = Following { session: &session, judge: &mut judge, printer: &mut printer, output };
        let shapes = shapes_of(&bench);
        let each = |bench: &Bench, step: Step<'_>| follow.step(bench, &shapes, &step);
        let is_interrupted =
            engine::run(&session, &mut bench, &clients, &mut keeping, interrupt, each).await?;
        output.clear_progress();
        if judge.runs_programs() {
            judge.ask_programs(&bench, bench.terms().lanes);
        }
        let usage = |run: &Run| session.usage(run);
        let whole = |sample: usize| keeping.whole(&bench, sample);
        let report = report(&bench, &judge, &session, &usage, &whole);
        printer.rest(&report, &shapes, output)?;
        if let Some((path, document)) = &out {
            write(path, *document, &report, &shapes)?;
        }
        if let Some(fault) = keeping.fault() {
            output.note(&format!("note: not all answers were kept: {fault}"));
        }
        if is_interrupted {
            return Err(Failure::Interrupted);
        }
        ending(&bench, &judge, &shapes, &session)
    })
}

/// What is done while answers arrive.
struct Following<'a> {
    session: &'a Session,
    judge: &'a mut Judge,
    printer: &'a mut Printer,
    output: &'a mut Output,
}

impl Following<'_> {
    fn step(&mut self, bench: &Bench, shapes: &Shapes, step: &Step<'_>) -> Result<(), Failure> {
        match step {
            Step::Event { event, .. } => tell_retry(event, self.output),
            Step::Held => progress(bench, self.session.now(), self.output),
            Step::Ended { sample } => {
                self.judge.judge(bench, *sample);
                let usage = |run: &Run| self.session.usage(run);
                let report = report(bench, self.judge, self.session, &usage, &|_| None);
                self.printer.ended(&report, shapes, *sample, self.output)?;
                progress(bench, self.session.now(), self.output);
            }
        }
        Ok(())
    }
}

/// Returns what documents go by.
fn report<'a>(
    bench: &'a Bench,
    judge: &'a Judge,
    session: &Session,
    usage: &'a dyn Fn(&Run) -> Usage,
    whole: &'a dyn Fn(usize) -> Option<Run>,
) -> Report<'a> {
    let (progress, checks) = (bench.progress(session.now()), judge.checks().collect());
    let verdicts = &judge.verdicts;
    Report { bench, progress, checks, verdicts, usage, whole, votes: Vec::new(), remarks: Vec::new() }
}

fn shapes_of(bench: &Bench) -> Shapes {
    Shapes::of_samples(bench.slots().iter().map(|slot| &slot.sample))
}

/// Says which answers are not asked for, as they are there already.
fn tell_kept(bench: &Bench, output: &mut Output) {
    let kept = bench.slots().iter().filter(|slot| slot.was_kept).count();
    if kept > 0 {
        let all = bench.slots().len();
        output.note(&format!("note: {kept} of {all} answers were asked for before; --fresh asks again"));
    }
}

/// Opens the endpoints that something is to be asked at. Where none can be opened the command ends.
async fn clients(session: &Session, bench: &Bench, interrupt: &mut Interrupt) -> Result<Clients, Failure> {
    let mut clients = Clients::new();
    for slot in bench.slots().iter().filter(|slot| slot.state() == State::Waiting) {
        let endpoint = &slot.sample.request.endpoint;
        if !clients.contains_key(endpoint) {
            clients.insert(endpoint.clone(), session.client_of(endpoint, interrupt).await?);
        }
    }
    match clients.iter().find_map(|(endpoint, client)| Some((endpoint, client.as_ref().err()?))) {
        Some((endpoint, fault)) if clients.values().all(Result::is_err) => {
            Err(unopened(endpoint, fault.clone()))
        }
        Some(_) | None => Ok(clients),
    }
}

/// Writes the file of results.
fn write(path: &Path, document: Document, report: &Report<'_>, shapes: &Shapes) -> Result<(), Failure> {
    let mut file = Output::new();
    file.write_to(path)?;
    match document {
        // These are as long as all answers with their candidates, and need not be in memory.
        Document::Json => file.json(&sweep::SweepDocument(report))?,
        Document::Lines => {
            for sample in 0..report.bench.slots().len() {
                file.json(&sweep::SampleDocument { report, shapes, sample })?;
            }
        }
        Document::Markdown | Document::Csv | Document::Page | Document::Plan => {
            let text = document.text(report, shapes).map_err(|message| Failure::wrong(message, ""))?;
            file.raw(text.as_bytes())?;
        }
    }
    file.flush()
}

/// Returns how the command ends: badly if an answer is missing or is not what it must be.
fn ending(bench: &Bench, judge: &Judge, shapes: &Shapes, session: &Session) -> Result<(), Failure> {
    let slots = bench.slots();
    let all = slots.len();
    let failed: Vec<&Fault> = slots.iter().filter_map(|slot| fault(slot.run.as_ref()?)).collect();
    if let Some(first) = failed.first() {
        let message = format!("{} of {all} requests failed; the first: {}", failed.len(), first.message);
        return Err(Failure::Failed(Fault { message, kind: FaultKind::Refused, ..(*first).clone() }));
    }
    let failure = |message: String| Err(Failure::Failed(Fault::new(FaultKind::Malformed, message)));
    let progress = bench.progress(session.now());
    if let Some(bound) = progress.bound {
        let left = progress.counts.of(State::Waiting);
        return failure(format!("{bound}: {left} of {all} requests were not sent"));
    }
    if progress.counts.of(State::Refused) == all {
        let reason = slots.iter().find_map(|slot| slot.refusal.as_deref()).unwrap_or_default();
        return failure(format!("nothing was sent, as all of it is known to be refused: {reason}"));
    }
    let broken: Vec<String> = (0..all)
        .filter_map(|sample| shapes.of(sample).verdict(slots[sample].run.as_ref()?))
        .filter(|verdict| !verdict.is_valid)
        .map(|verdict| verdict.lines().next().unwrap_or_default())
        .collect();
    if let Some(first) = broken.first() {
        return failure(format!("{} of {all} answers are not as asked; the first: {first}", broken.len()));
    }
    match judge.refused() {
        Some((count, first)) => {
            failure(format!("{count} of {all} answers fail a required check; the first: {first}"))
        }
        None => Ok(()),
    }
}
