//! The database from outside: what is kept comes back, in order, whatever happens in between.

use proptest::prelude::*;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokenscope::core::branch::Verification;
use tokenscope::core::exchange::Exchange;
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::id::RunId;
use tokenscope::core::job::{
    AsideRecord, BranchRecord, CellRecord, RecordId, RunRecord, SampleRecord, StoreJob, StoreReply,
    SweepRecord,
};
use tokenscope::core::request::{Means, Prompt, Request, Role, Sampling};
use tokenscope::core::run::Run;
use tokenscope::core::stream::{FinishReason, StreamEvent, Usage};
use tokenscope::core::sweep::pace::Timing;
use tokenscope::core::sweep::{Axis, Known, Parameter, SampleKey, Sweep};
use tokenscope::core::time::Timestamp;
use tokenscope::core::token::{Candidate, Piece, Token};
use tokenscope::store::{Store, latest_version};

fn id(number: u64) -> RecordId {
    RecordId { session: u64::MAX - 1, number }
}

fn sweep() -> Sweep {
    let base = Request {
        endpoint: "sandbox".into(),
        model: "sandbox-mini".into(),
        messages: vec![Prompt::new(Role::System, "be kind"), Prompt::new(Role::User, "안녕 \"you\"?")],
        sampling: Sampling { top_logprobs: Some(2), ..Sampling::default() },
        continuation: None,
        stream: true,
    };
    let axis = Axis::parse(Parameter::Temperature, "0.2..1 step 0.4", &Known::default()).unwrap();
    Sweep::new(base, vec![axis], 2).unwrap()
}

fn record(sweep: &Sweep) -> SweepRecord {
    let cell = |cell: tokenscope::core::sweep::Cell| CellRecord {
        labels: vec![sweep.axes()[0].values()[cell.coordinates[0]].label.to_string()],
        request: Arc::new(cell.request),
        note: String::new(),
        is_best: false,
    };
    let sample = |sample: tokenscope::core::sweep::Sample| SampleRecord {
        cell: u32::try_from(sample.cell).unwrap(),
        repeat: sample.repeat,
        key: sample.key,
    };
    SweepRecord {
        id: id(1),
        title: "인사".to_owned(),
        plan: "prompt = \"안녕?\"\n".to_owned(),
        begun_ms: 1_790_000_000_000,
        cells: sweep.cells().into_iter().map(cell).collect(),
        samples: sweep.samples().into_iter().map(sample).collect(),
    }
}

fn token(text: &str, logprob: f64) -> Token {
    let candidate = |text: &str, logprob: Option<f64>| Candidate {
        piece: Piece::new(text, Some(text.as_bytes().to_vec())),
        logprob,
        id: None,
    };
    let candidates = Box::new([candidate(text, Some(logprob)), candidate("다른", None)]);
    Token { piece: candidates[0].piece.clone(), logprob: Some(logprob), candidates, id: None }
}

/// Returns a run that had everything a run can have.
fn eventful(request: Arc<Request>) -> Run {
    let mut run = Run::new(RunId(7), request, Timestamp::from_millis(40));
    let mut exchange = Exchange::default();
    (exchange.url, exchange.request) = ("http://h/v1".to_owned(), "{\"n\":1}".to_owned());
    exchange.status = Some(200);
    exchange.headers = vec![("x-request-id".to_owned(), "r1".to_owned())];
    exchange.push(Duration::from_micros(1_500), "{\"choices\":[]}");
    exchange.push(Duration::from_micros(1_700), "[DONE]");
    let fault = Fault::new(FaultKind::RateLimited, "busy").remedy("wait");
    for (at, event) in [
        (41, StreamEvent::Attempt { number: 1 }),
        (50, StreamEvent::Retrying { fault, delay_ms: 10 }),
        (60, StreamEvent::Attempt { number: 2 }),
        (65, StreamEvent::Opened { model: Some("m-2026".into()), request_id: Some("r1".into()) }),
        (66, StreamEvent::Reasoning { text: "음".to_owned() }),
        (70, StreamEvent::Delta { text: "안".to_owned(), tokens: vec![token("안", -0.317_253_05)] }),
        (90, StreamEvent::Delta { text: "녕!".to_owned(), tokens: vec![token("녕!", -1.0 / 3.0)] }),
        (
            91,
            StreamEvent::Usage(Usage {
                input_tokens: 20,
                cached_input_tokens: 4,
                output_tokens: 3,
                reasoning_tokens: 1,
            }),
        ),
        (92, StreamEvent::Exchanged(Arc::new(exchange))),
        (92, StreamEvent::Finished(FinishReason::Other("pause_turn".into()))),
    ] {
        run.apply(event, Timestamp::from_millis(at));
    }
    run
}

fn answered(request: Arc<Request>, text: &str, ending: StreamEvent) -> Run {
    let mut run = Run::new(RunId(1), request, Timestamp::default());
    let now = Timestamp::from_millis(5);
    run.apply(StreamEvent::Attempt { number: 1 }, now);
    run.apply(StreamEvent::Delta { text: text.to_owned(), tokens: Vec::new() }, now);
    run.apply(ending, now);
    run
}

fn finish(sample: &SampleRecord, number: u64, run: Run) -> StoreJob {
    let run = Box::new(RunRecord { id: id(number), begun_ms: 5, dollars: Some(0.25), run });
    StoreJob::FinishSample { sweep: id(1), cell: sample.cell, repeat: sample.repeat, run }
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("data").join("tokenscope.db")
}

#[track_caller]
fn keep(store: &Store, job: StoreJob) {
    assert_eq!(store.ask(job), StoreReply::Kept);
}

#[track_caller]
fn load(store: &Store) -> (SweepRecord, Vec<Option<RunRecord>>) {
    match store.ask(StoreJob::LoadSweep(id(1))) {
        StoreReply::Sweep { sweep, answers } => (*sweep, answers),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn load_run(store: &Store, number: u64) -> RunRecord {
    match store.ask(StoreJob::LoadRun(id(number))) {
        StoreReply::Run(record) => *record,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn load_asides(store: &Store) -> Vec<AsideRecord> {
    match store.ask(StoreJob::LoadAsides(id(1))) {
        StoreReply::Asides(asides) => asides,
        other => panic!("{other:?}"),
    }
}

fn ending() -> BranchRecord {
    BranchRecord {
        parent: 1,
        at: 3,
        means: Means::Prefill,
        verification: Verification::Parted { byte: 7, token: 2 },
        inherited: 2,
    }
}

#[test]
fn answers_beside_the_samples_are_kept_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(database(&folder));
    let sweep = sweep();
    keep(&store, StoreJob::KeepSweep(Box::new(record(&sweep))));
    let request = || Arc::clone(&sweep.samples()[0].request);
    let aside = |cell, number, branch, text: &str| {
        let run = answered(request(), text, StreamEvent::Finished(FinishReason::Stop));
        let run = RunRecord { id: id(100 + u64::from(10 * cell + number)), begun_ms: 5, dollars: None, run };
        StoreJob::KeepAside { sweep: id(1), aside: Box::new(AsideRecord { cell, number, branch, run }) }
    };
    for (cell, number, branch, text) in
        [(2, 1, Some(ending()), "둘"), (0, 0, None, "eins"), (2, 0, None, "하나"), (2, 1, None, "다시")]
    {
        keep(&store, aside(cell, number, branch, text));
    }
    let seen: Vec<_> = load_asides(&store)
        .into_iter()
        .map(|aside| (aside.cell, aside.number, aside.branch, aside.run.run.text))
        .collect();
    let texts = |cell, number, text: &str| (cell, number, None, text.to_owned());
    assert_eq!(seen, [texts(0, 0, "eins"), texts(2, 0, "하나"), texts(2, 1, "다시")]);
    // No sample has any of them, and a cell that is not there has none.
    assert!(load(&store).1.iter().all(Option::is_none));
    assert!(!fault(store.ask(aside(9, 0, None, "x"))).is_empty());
}

#[track_caller]
fn fault(reply: StoreReply) -> String {
    match reply {
        StoreReply::Failed(fault) => fault.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Asserts that two runs say the same, the identifier within the session aside.
#[track_caller]
fn assert_same(kept: &Run, run: &Run, has_parts: bool) {
    assert_eq!((&kept.text, &kept.reasoning, &kept.status), (&run.text, &run.reasoning, &run.status));
    assert_eq!((&kept.request, kept.usage, kept.stages()), (&run.request, run.usage, run.stages()));
    assert_eq!((&kept.model_reported, &kept.request_id), (&run.model_reported, &run.request_id));
    assert_eq!((kept.attempts, &kept.failed_attempts), (run.attempts, &run.failed_attempts));
    assert_eq!((kept.tally(), kept.output_tokens()), (run.tally(), run.output_tokens()));
    assert_eq!((kept.first_token_ms(), kept.tokens_per_s()), (run.first_token_ms(), run.tokens_per_s()));
    if has_parts {
        assert_eq!((&kept.tokens, &kept.exchange), (&run.tokens, &run.exchange));
        assert_eq!(kept.is_aligned(), run.is_aligned());
    }
}

#[test]
fn a_run_comes_back_with_everything_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let record = record(&sweep);
    let run = eventful(Arc::clone(&sweep.samples()[1].request));
    keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
    keep(&store, finish(&record.samples[1], 9, run.clone()));
    drop(store);

    let store = Store::start(database(&folder));
    let (kept, answers) = load(&store);
    assert_eq!(kept, record);
    assert_eq!(
        answers.iter().map(Option::is_some).collect::<Vec<_>>(),
        [false, true, false, false, false, false]
    );
    let answer = answers[1].as_ref().unwrap();
    assert_eq!((answer.id, answer.begun_ms, answer.dollars), (id(9), 5, Some(0.25)));
    assert_same(&answer.run, &run, false);
    assert_same(&load_run(&store, 9).run, &run, true);
}

#[test]
fn failed_and_stopped_runs_come_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let record = record(&sweep);
    keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
    let request = &sweep.samples()[0].request;
    let cut = Fault::new(FaultKind::Cut, "the stream ended").remedy("again");
    let failed = answered(Arc::clone(request), "반", StreamEvent::Failed(cut));
    let mut stopped = Run::new(RunId(1), Arc::clone(request), Timestamp::default());
    assert!(fault(store.ask(finish(&record.samples[0], 2, stopped.clone()))).contains("still coming"));
    stopped.cancel(Timestamp::from_millis(2));
    for (sample, number, run) in [(0, 2, &failed), (1, 3, &stopped)] {
        keep(&store, finish(&record.samples[sample], number, run.clone()));
        assert_same(&load_run(&store, number).run, run, true);
    }
    let StoreReply::Sweeps(sweeps) = store.ask(StoreJob::ListSweeps { limit: 9 }) else { panic!() };
    assert_eq!((sweeps.len(), sweeps[0].title.as_str()), (1, "인사"));
    assert_eq!((sweeps[0].cells, sweeps[0].samples, sweeps[0].done, sweeps[0].failed), (3, 6, 0, 1));
}

#[test]
fn doing_a_job_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let record = record(&sweep);
    let run = eventful(Arc::clone(&sweep.samples()[0].request));
    let mut dumps = Vec::new();
    for _ in 0..2 {
        keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
        keep(&store, finish(&record.samples[0], 9, run.clone()));
        let count = |table: &str| -> i64 {
            let db = Connection::open(database(&folder)).unwrap();
            db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        let tables = ["requests", "runs", "attempts", "tokens", "exchanges", "sweeps", "cells", "samples"];
        dumps.push((tables.map(count), load(&store)));
    }
    assert_eq!(dumps[0], dumps[1]);
    // Three cells, of which one was sent as it stands, and the body that was sent.
    assert_eq!(dumps[0].0, [4, 1, 1, 1, 1, 1, 3, 6]);
}

#[test]
fn a_sweep_is_changed_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let mut record = record(&sweep);
    keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
    let done = || StreamEvent::Finished(FinishReason::Stop);
    for (number, sample) in (10..).zip(&record.samples) {
        let request = Arc::clone(&sweep.samples()[0].request);
        keep(&store, finish(sample, number, answered(request, "답", done())));
    }
    keep(&store, StoreJob::MarkCell { sweep: id(1), cell: 2, note: "좋다".to_owned(), is_best: true });
    record.title = "다른 이름".to_owned();
    (record.cells[2].note, record.cells[2].is_best) = ("좋다".to_owned(), true);
    // Another question under the same number: its answer is of the old one.
    record.samples[3].key = SampleKey(5);
    keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
    let (kept, answers) = load(&store);
    assert_eq!(kept, record);
    assert_eq!(
        answers.iter().map(Option::is_some).collect::<Vec<_>>(),
        [true, true, true, false, true, true]
    );
}

#[test]
fn answers_are_found_by_key_if_they_are_complete() {
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let record = record(&sweep);
    keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
    let request = || Arc::clone(&sweep.samples()[0].request);
    let done = || StreamEvent::Finished(FinishReason::Stop);
    let cut = StreamEvent::Failed(Fault::new(FaultKind::Cut, "cut"));
    keep(&store, finish(&record.samples[0], 2, answered(request(), "first", done())));
    keep(&store, finish(&record.samples[1], 3, answered(request(), "half", cut)));
    let mut second = record.clone();
    second.id = id(100);
    keep(&store, StoreJob::KeepSweep(Box::new(second)));
    let later = Box::new(RunRecord {
        id: id(4),
        begun_ms: 6,
        dollars: None,
        run: answered(request(), "second", done()),
    });
    keep(&store, StoreJob::FinishSample { sweep: id(100), cell: 0, repeat: 0, run: later });
    let keys = record.samples[..3].iter().map(|sample| sample.key).collect();
    let StoreReply::Answers(found) = store.ask(StoreJob::FindAnswers(keys)) else { panic!() };
    let texts: Vec<_> = found.iter().map(|found| found.as_ref().map(|record| &*record.run.text)).collect();
    assert_eq!(texts, [Some("second"), None, None]);
}

#[test]
fn timings_are_of_the_latest_complete_answers_of_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let record = record(&sweep);
    keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
    let request = || Arc::clone(&sweep.samples()[0].request);
    let timings = |model: &str, limit| {
        let (endpoint, model) = ("sandbox".to_owned(), model.to_owned());
        match store.ask(StoreJob::LatestTimings { endpoint, model, limit }) {
            StoreReply::Timings(timings) => timings,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(timings("sandbox-mini", 9), []);
    // Half an answer says nothing; one of which nobody counted the tokens has an estimate.
    let half = answered(request(), "half", StreamEvent::Failed(Fault::new(FaultKind::Cut, "cut")));
    keep(&store, finish(&record.samples[0], 2, half));
    let uncounted = answered(request(), "one", StreamEvent::Finished(FinishReason::Stop));
    let first = Timing::of(&uncounted).unwrap();
    keep(&store, finish(&record.samples[1], 3, uncounted));
    let run = eventful(request());
    let timing = Timing::of(&run).unwrap();
    assert_eq!((timing.first_token_ms, timing.rest_ms, timing.output_tokens), (6.0, 26.0, 3));
    keep(&store, finish(&record.samples[2], 4, run.clone()));
    let mut counted = answered(request(), "two", StreamEvent::Finished(FinishReason::Stop));
    counted.estimated_output_tokens = Some(8);
    let later = Timing::of(&counted).unwrap();
    keep(&store, finish(&record.samples[3], 5, counted));
    assert_eq!(timings("sandbox-mini", 9), [later, timing, first]);
    assert_eq!((timings("sandbox-mini", 1), timings("sandbox", 9)), (vec![later], vec![]));
}

#[test]
fn a_sweep_takes_the_latest_complete_answers_to_its_requests() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(database(&folder));
    let sweep = sweep();
    let first = record(&sweep);
    keep(&store, StoreJob::KeepSweep(Box::new(first.clone())));
    let asked = |sample: usize| Arc::clone(&sweep.samples()[sample].request);
    let failed = || StreamEvent::Failed(Fault::new(FaultKind::Cut, "cut"));
    let done = || StreamEvent::Finished(FinishReason::Stop);
    keep(&store, finish(&first.samples[0], 10, answered(asked(0), "old", done())));
    keep(&store, finish(&first.samples[1], 11, answered(asked(1), "half", failed())));
    let second = SweepRecord { id: id(2), ..first.clone() };
    let adopt = || {
        keep(&store, StoreJob::KeepSweep(Box::new(second.clone())));
        let StoreReply::Sweep { answers, .. } = store.ask(StoreJob::AdoptAnswers(id(2))) else { panic!() };
        answers.into_iter().map(|answer| answer.map(|answer| answer.run.text)).collect::<Vec<_>>()
    };
    let texts = adopt();
    assert_eq!((texts[0].as_deref(), texts[1].as_deref()), (Some("old"), None));
    keep(&store, finish(&first.samples[0], 12, answered(asked(0), "new", done())));
    assert_eq!(adopt()[0].as_deref(), Some("new"));
    assert!(matches!(store.ask(StoreJob::AdoptAnswers(id(9))), StoreReply::Failed(_)));
}

#[test]
fn jobs_are_done_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let record = record(&sweep);
    let seen = Arc::new(Mutex::new(Vec::new()));
    store.submit(StoreJob::KeepSweep(Box::new(record)), |_| {});
    for number in 0..300 {
        let mark = StoreJob::MarkCell { sweep: id(1), cell: 1, note: format!("{number}"), is_best: false };
        let seen = [Arc::clone(&seen), Arc::clone(&seen)];
        let [kept, loaded] = seen;
        store.submit(mark, move |reply| {
            assert_eq!(reply, StoreReply::Kept);
            kept.lock().unwrap().push(format!("kept {number}"));
        });
        store.submit(StoreJob::LoadSweep(id(1)), move |reply| {
            let StoreReply::Sweep { sweep, .. } = reply else { panic!("{reply:?}") };
            loaded.lock().unwrap().push(format!("read {}", sweep.cells[1].note));
        });
    }
    // Dropping waits for all of them.
    drop(store);
    let expected: Vec<String> =
        (0..300).flat_map(|number| [format!("kept {number}"), format!("read {number}")]).collect();
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn two_stores_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(&sweep());
    let stores = [Store::start(database(&folder)), Store::start(database(&folder))];
    let (tell, told) = channel();
    for number in 0..100 {
        for (which, store) in stores.iter().enumerate() {
            let mut record = record.clone();
            record.id = id(1_000 + 2 * number + which as u64);
            let tell = tell.clone();
            store.submit(StoreJob::KeepSweep(Box::new(record)), move |reply| tell.send(reply).unwrap());
        }
    }
    drop(tell);
    assert!(told.iter().all(|reply| reply == StoreReply::Kept));
    let StoreReply::Sweeps(sweeps) = stores[0].ask(StoreJob::ListSweeps { limit: 1_000 }) else { panic!() };
    assert_eq!(sweeps.len(), 200);
}

/// The folder of databases as earlier versions left them: an SQL text for each.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/store")
}

#[test]
fn databases_of_every_version_open_with_all_they_hold() {
    let sweep = sweep();
    let run = eventful(Arc::clone(&sweep.samples()[0].request));
    for version in 1..=latest_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenscope.db");
        let fixture = fixtures().join(format!("{version}.sql"));
        let sql = fs::read_to_string(&fixture)
            .unwrap_or_else(|_| panic!("{} is missing: keep a database of each version", fixture.display()));
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&sql).unwrap();
        let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(usize::try_from(found), Ok(version));
        drop(db);
        let store = Store::start(path.clone());
        let (kept, answers) = load(&store);
        assert_eq!(kept.samples, record(&sweep).samples, "version {version}");
        assert_same(&answers[0].as_ref().unwrap().run, &run, false);
        assert_same(&load_run(&store, 9).run, &run, true);
        let asides = load_asides(&store);
        assert_eq!(asides.len(), usize::from(version > 1), "version {version}");
        if let Some(aside) = asides.first() {
            assert_eq!((aside.cell, aside.number, aside.branch), (2, 0, Some(ending())));
            assert_same(&aside.run.run, &run, false);
        }
        keep(&store, finish(&kept.samples[1], 50, run.clone()));
        drop(store);
        let db = Connection::open(&path).unwrap();
        let (found, told): (i64, String) = (
            db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap(),
            db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap(),
        );
        assert_eq!((usize::try_from(found), told.as_str()), (Ok(latest_version()), "ok"));
    }
}

const CHILD: &str = "TOKENSCOPE_TEST_STORE";

/// Keeps answers and tells of each, until it is killed. Alone it does nothing: the next test starts it.
#[test]
fn child_that_writes() {
    use std::io::Write;
    let Some(path) = std::env::var_os(CHILD) else { return };
    let (sweep, store) = (sweep(), Store::start(PathBuf::from(path)));
    let mut record = record(&sweep);
    let key = record.samples[0].key.0;
    record.samples = (0..100_000)
        .map(|repeat| SampleRecord { cell: 0, repeat, key: SampleKey(key.wrapping_add(u128::from(repeat))) })
        .collect();
    keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
    let run = eventful(Arc::clone(&sweep.samples()[0].request));
    for sample in &record.samples {
        let repeat = sample.repeat;
        store.submit(finish(sample, 1_000 + u64::from(repeat), run.clone()), move |reply| {
            if reply == StoreReply::Kept {
                let mut out = std::io::stdout();
                let _ = writeln!(out, "kept {repeat}").and_then(|()| out.flush());
            }
        });
    }
}

#[test]
fn what_was_kept_survives_being_killed() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::child_that_writes", "--nocapture"])
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut last = None;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while last.is_none_or(|last| last < 200) {
        let line = lines.next().expect("the child wrote until it was killed").unwrap();
        last = line.strip_prefix("kept ").and_then(|number| number.parse::<usize>().ok()).or(last);
    }
    // No signal that could be handled: in the middle of whatever it was doing.
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        last = line.strip_prefix("kept ").and_then(|number| number.parse().ok()).or(last);
    }
    let store = Store::start(path.clone());
    let (_, answers) = load(&store);
    let there = answers.iter().take_while(|answer| answer.is_some()).count();
    assert!(there > last.unwrap(), "{there} answers are there, and {last:?} was kept");
    assert!(answers[there..].iter().all(Option::is_none), "answers are kept in order");
    let run = eventful(Arc::clone(&sweep().samples()[0].request));
    assert_same(&load_run(&store, 1_000 + there as u64 - 1).run, &run, true);
    drop(store);
    let db = Connection::open(&path).unwrap();
    let told: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(told, "ok");
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::start(path.clone());
    keep(&store, StoreJob::KeepSweep(Box::new(record(&sweep()))));
    let mut files: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
}

#[test]
fn what_cannot_be_opened_is_told_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    fs::write(path.parent().unwrap(), "in the way").unwrap();
    let store = Store::start(path.clone());
    let told = fault(store.ask(StoreJob::ListSweeps { limit: 1 }));
    assert!(told.contains("cannot be opened") && told.contains("--data-dir"), "{told}");
    fs::remove_file(path.parent().unwrap()).unwrap();
    assert_eq!(store.ask(StoreJob::ListSweeps { limit: 1 }), StoreReply::Sweeps(Vec::new()));
}

#[test]
fn databases_of_others_and_damaged_ones_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenscope.db");
    let ask = |expected: &str| {
        let before = fs::read(&path).unwrap();
        let told = fault(Store::start(path.clone()).ask(StoreJob::ListSweeps { limit: 1 }));
        assert!(told.contains(expected), "{told}");
        assert_eq!(fs::read(&path).unwrap(), before);
    };
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    ask("a database of another program");
    fs::write(&path, "no database at all, but long enough to look like one ".repeat(20)).unwrap();
    ask("damaged");
    fs::remove_file(&path).unwrap();
    drop(Store::start(path.clone()));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    ask("of version 99");
}

#[test]
fn what_is_missing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let record = record(&sweep);
    let run = eventful(Arc::clone(&sweep.samples()[0].request));
    assert!(fault(store.ask(finish(&record.samples[0], 9, run.clone()))).contains("this sweep is not"));
    keep(&store, StoreJob::KeepSweep(Box::new(record)));
    let nowhere = SampleRecord { cell: 77, repeat: 0, key: SampleKey(0) };
    assert!(fault(store.ask(finish(&nowhere, 9, run))).contains("this sample of the sweep is not"));
    // The run was written before its sample was missed, and is taken back.
    assert!(fault(store.ask(StoreJob::LoadRun(id(9)))).contains("this answer is not"));
    assert!(fault(store.ask(StoreJob::LoadSweep(id(2)))).contains("this sweep is not"));
}

#[test]
fn a_damaged_value_costs_itself_only() {
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let record = record(&sweep);
    let run = eventful(Arc::clone(&sweep.samples()[0].request));
    keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
    keep(&store, finish(&record.samples[0], 9, run.clone()));
    keep(&store, finish(&record.samples[1], 10, run));
    let db = Connection::open(database(&folder)).unwrap();
    let row: i64 = db.query_row("SELECT min(run_id) FROM tokens", [], |row| row.get(0)).unwrap();
    let junk: Vec<u8> = vec![1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f];
    db.execute("UPDATE tokens SET tokens = ?1 WHERE run_id = ?2", rusqlite::params![junk, row]).unwrap();
    assert!(fault(store.ask(StoreJob::LoadRun(id(9)))).contains("the tokens of an answer cannot be read"));
    assert_eq!(load(&store).1.iter().flatten().count(), 2);
    assert_eq!(load_run(&store, 10).run.tokens.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a server says, its answer is kept and comes back.
    #[test]
    fn any_answer_comes_back(
        text in any::<String>(), reasoning in any::<String>(), finish_reason in "\\PC{0,9}",
        counts in any::<(u64, u64)>(), frames in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (sweep, store) = (sweep(), Store::start(database(&folder)));
        let record = record(&sweep);
        keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
        let mut run = Run::new(RunId(1), Arc::clone(&sweep.samples()[0].request), Timestamp::default());
        let mut exchange = Exchange::default();
        for frame in &frames {
            exchange.push(Duration::from_nanos(counts.0 % 1_000_000), frame);
        }
        let now = Timestamp::from_millis(1);
        // Larger counts than SQLite has are kept as the largest.
        let most = |count: u64| count.min(i64::MAX.unsigned_abs());
        let usage = Usage { input_tokens: most(counts.0), output_tokens: most(counts.1), ..Usage::default() };
        run.apply(StreamEvent::Attempt { number: 1 }, now);
        run.apply(StreamEvent::Reasoning { text: reasoning }, now);
        run.apply(StreamEvent::Delta { text, tokens: Vec::new() }, now);
        run.apply(StreamEvent::Usage(usage), now);
        run.apply(StreamEvent::Exchanged(Arc::new(exchange)), now);
        run.apply(StreamEvent::Finished(FinishReason::from_name(&finish_reason)), now);
        keep(&store, finish(&record.samples[0], 9, run.clone()));
        assert_same(&load_run(&store, 9).run, &run, true);
    }
}

/// Writes the database of the latest version as a text, for the folder of fixtures: once for each
/// version, before it is released. Run it with `cargo test --test it -- --ignored keep_a_fixture`.
#[test]
#[ignore = "makes a file of the repository"]
fn keep_a_fixture() {
    use std::fmt::Write;
    let folder = tempfile::tempdir().unwrap();
    let (sweep, store) = (sweep(), Store::start(database(&folder)));
    let record = record(&sweep);
    keep(&store, StoreJob::KeepSweep(Box::new(record.clone())));
    keep(&store, finish(&record.samples[0], 9, eventful(Arc::clone(&sweep.samples()[0].request))));
    drop(store);
    let db = Connection::open(database(&folder)).unwrap();
    db.execute_batch(
        "INSERT INTO conversations (id, uid, title, begun_ms, changed_ms) VALUES (1, zeroblob(16), '대화', 1, 2);
         INSERT INTO messages (id, uid, conversation_id, position, role, content, created_ms)
             VALUES (1, zeroblob(16), 1, 0, 'user', '안녕?', 1);
         INSERT INTO messages (id, uid, conversation_id, position, role, chosen, created_ms)
             VALUES (2, x'000102030405060708090a0b0c0d0e0f', 1, 1, 'assistant', 0, 2);
         INSERT INTO variants (message_id, position, run_id) VALUES (2, 0, 1);",
    )
    .unwrap();
    let all = |sql: &str| -> Vec<(String, String)> {
        let mut select = db.prepare(sql).unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let owner: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0)).unwrap();
    let mut out = format!("PRAGMA application_id = {owner};\nPRAGMA user_version = {version};\n");
    let schema = all("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid");
    for (_, sql) in &schema {
        writeln!(out, "{sql};").unwrap();
    }
    for (table, _) in schema.iter().filter(|(_, sql)| sql.starts_with("CREATE TABLE")) {
        let columns = all(&format!("SELECT name, type FROM pragma_table_info('{table}')"));
        let quoted: Vec<String> = columns.iter().map(|(name, _)| format!("quote({name})")).collect();
        for (row, _) in all(&format!("SELECT {}, '' FROM {table}", quoted.join(" || ', ' || "))) {
            writeln!(out, "INSERT INTO {table} VALUES ({row});").unwrap();
        }
    }
    fs::create_dir_all(fixtures()).unwrap();
    fs::write(fixtures().join(format!("{version}.sql")), out).unwrap();
}
