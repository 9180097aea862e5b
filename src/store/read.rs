//! What is read: sweeps and their answers, single runs, lists.
//!
//! What comes from the file is not trusted: a value that cannot be is an error, and tokens and frames
//! are read within bounds.

use crate::core::exchange::Exchange;
use crate::core::fault::Fault;
use crate::core::id::RunId;
use crate::core::job::{
    AsideRecord, CellRecord, RecordId, RunRecord, SampleRecord, SweepRecord, SweepSummary,
};
use crate::core::probability::Tally;
use crate::core::request::Request;
use crate::core::run::{FailedAttempt, Recorded, Run, RunStatus, Stages};
use crate::core::stream::{FinishReason, Usage};
use crate::core::sweep::SampleKey;
use crate::core::sweep::pace::Timing;
use crate::core::token::Token;
use crate::store::error::StoreError;
use crate::store::write::{sweep_row, uid};
use crate::store::{frames, tokens};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The columns of a run, in the order in which [`summary`] reads them.
const RUN: &str = "r.id, r.uid, r.request_id, r.begun_ms, r.status, r.finish_reason, r.fault, r.text, \
    r.reasoning, r.attempts, r.input_tokens, r.cached_input_tokens, r.output_tokens, r.reasoning_tokens, \
    r.estimated_output_tokens, r.logprob_sum, r.logprob_count, r.dollars, r.sent_ns, r.first_ns, r.last_ns, \
    r.model_reported, r.server_request_id";

/// How many runs back the latest answers of a model are looked for.
const TIMED: i64 = 20_000;

/// Requests by their row, so that one that many runs share is read once.
#[derive(Default)]
struct Requests(HashMap<i64, Arc<Request>>);

impl Requests {
    fn get(&mut self, db: &Connection, row: i64) -> Result<Arc<Request>, StoreError> {
        if let Some(known) = self.0.get(&row) {
            return Ok(Arc::clone(known));
        }
        let request: Arc<Request> = Arc::new(from_json(&body(db, row)?, "a request")?);
        self.0.insert(row, Arc::clone(&request));
        Ok(request)
    }
}

/// Returns a sweep and an answer for each of its samples that has one.
pub(super) fn sweep(
    db: &Connection,
    id: RecordId,
) -> Result<(SweepRecord, Vec<Option<RunRecord>>), StoreError> {
    let row = sweep_row(db, id)?;
    let mut requests = Requests::default();
    let (title, plan, begun_ms) = db
        .prepare_cached("SELECT title, plan, begun_ms FROM sweeps WHERE id = ?1")?
        .query_row([row], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut cells = Vec::new();
    let mut select = db.prepare_cached(
        "SELECT labels, request_id, note, is_best FROM cells WHERE sweep_id = ?1 ORDER BY number",
    )?;
    let mut rows = select.query([row])?;
    while let Some(row) = rows.next()? {
        let labels: String = row.get(0)?;
        cells.push(CellRecord {
            labels: from_json(&labels, "the labels of a cell")?,
            request: requests.get(db, row.get(1)?)?,
            note: row.get(2)?,
            is_best: row.get(3)?,
        });
    }
    let (mut samples, mut answers) = (Vec::new(), Vec::new());
    let mut select = db.prepare_cached(&format!(
        "SELECT {RUN}, s.cell, s.repeat, s.key FROM samples s LEFT JOIN runs r ON r.id = s.run_id
         WHERE s.sweep_id = ?1 ORDER BY s.cell, s.repeat"
    ))?;
    let mut rows = select.query([row])?;
    while let Some(row) = rows.next()? {
        let key: [u8; 16] = row.get("key")?;
        let key = SampleKey(u128::from_be_bytes(key));
        samples.push(SampleRecord { cell: row.get("cell")?, repeat: row.get("repeat")?, key });
        let is_answered = row.get::<_, Option<i64>>(0)?.is_some();
        let answer = is_answered.then(|| summary(db, row, &mut requests)).transpose()?;
        answers.push(answer.map(|(_, record)| record));
    }
    Ok((SweepRecord { id, title, plan, begun_ms, cells, samples }, answers))
}

/// Returns the answers beside the samples of a sweep, cell by cell.
pub(super) fn asides(db: &Connection, id: RecordId) -> Result<Vec<AsideRecord>, StoreError> {
    let row = sweep_row(db, id)?;
    let mut requests = Requests::default();
    let mut select = db.prepare_cached(&format!(
        "SELECT {RUN}, a.cell, a.number, a.branch FROM asides a JOIN runs r ON r.id = a.run_id
         WHERE a.sweep_id = ?1 ORDER BY a.cell, a.number"
    ))?;
    let mut rows = select.query([row])?;
    let mut asides = Vec::new();
    while let Some(row) = rows.next()? {
        let branch: Option<String> = row.get("branch")?;
        let branch = branch.map(|text| from_json(&text, "what an answer goes on from")).transpose()?;
        let (_, run) = summary(db, row, &mut requests)?;
        asides.push(AsideRecord { cell: row.get("cell")?, number: row.get("number")?, branch, run });
    }
    Ok(asides)
}

/// Returns the latest complete answer for each key.
pub(super) fn answers(db: &Connection, keys: &[SampleKey]) -> Result<Vec<Option<RunRecord>>, StoreError> {
    let mut requests = Requests::default();
    let mut select = db.prepare_cached(&format!(
        "SELECT {RUN} FROM samples s JOIN runs r ON r.id = s.run_id
         WHERE s.key = ?1 AND s.run_id IS NOT NULL AND r.status = 'done' ORDER BY r.id DESC LIMIT 1"
    ))?;
    keys.iter()
        .map(|key| {
            let mut rows = select.query([key.0.to_be_bytes()])?;
            rows.next()?.map(|row| summary(db, row, &mut requests).map(|(_, record)| record)).transpose()
        })
        .collect()
}

/// Returns a run with its tokens and its raw exchange.
pub(super) fn run(db: &Connection, id: RecordId) -> Result<RunRecord, StoreError> {
    let mut select = db.prepare_cached(&format!("SELECT {RUN} FROM runs r WHERE r.uid = ?1"))?;
    let mut rows = select.query([uid(id)])?;
    let found = rows.next()?.ok_or(StoreError::Missing { what: "this answer" })?;
    let (row, mut record) = summary(db, found, &mut Requests::default())?;
    let blob = db
        .prepare_cached("SELECT tokens FROM tokens WHERE run_id = ?1")?
        .query_row([row], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    if let Some(blob) = blob {
        record.run = with_tokens(record.run, tokens::decode(&blob)?);
    }
    record.run.exchange = exchange(db, row)?.map(Arc::new);
    Ok(record)
}

/// Returns the run of a summary with its tokens.
fn with_tokens(run: Run, tokens: Vec<Token>) -> Run {
    let (tally, stages) = (*run.tally(), run.stages());
    let record = Recorded {
        text: run.text,
        reasoning: run.reasoning,
        tokens,
        usage: run.usage,
        model: run.model_reported,
        status: run.status,
    };
    let mut whole = Run::kept(run.id, run.request, record, tally, stages);
    whole.estimated_output_tokens = run.estimated_output_tokens;
    whole.request_id = run.request_id;
    whole.attempts = run.attempts;
    whole.failed_attempts = run.failed_attempts;
    whole
}

/// Returns how long the latest complete answers of a model took.
pub(super) fn timings(
    db: &Connection,
    endpoint: &str,
    model: &str,
    limit: u32,
) -> Result<Vec<Timing>, StoreError> {
    // A model that was not asked for long is not looked for in all there is.
    let mut select = db.prepare_cached(
        "SELECT sent_ns, first_ns, last_ns, coalesce(output_tokens, estimated_output_tokens) FROM runs
         WHERE endpoint = ?1 AND model = ?2 AND status = 'done' AND first_ns IS NOT NULL
             AND id > (SELECT max(id) FROM runs) - ?3
         ORDER BY id DESC LIMIT ?4",
    )?;
    let mut rows = select.query(params![endpoint, model, TIMED, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let stages = Stages { sent: time(row.get(0)?), first: time(row.get(1)?), last: time(row.get(2)?) };
        let tokens = row.get::<_, Option<i64>>(3)?.map(count);
        found.extend(tokens.and_then(|tokens| Timing::of_stages(stages, tokens)));
    }
    Ok(found)
}

/// Returns the sweeps, the latest first.
pub(super) fn sweeps(db: &Connection, limit: u32) -> Result<Vec<SweepSummary>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT w.uid, w.title, w.begun_ms,
             (SELECT count(*) FROM cells c WHERE c.sweep_id = w.id),
             (SELECT count(*) FROM samples s WHERE s.sweep_id = w.id),
             (SELECT count(*) FROM samples s JOIN runs r ON r.id = s.run_id
                 WHERE s.sweep_id = w.id AND r.status = 'done'),
             (SELECT count(*) FROM samples s JOIN runs r ON r.id = s.run_id
                 WHERE s.sweep_id = w.id AND r.status = 'failed')
         FROM sweeps w WHERE w.deleted_ms IS NULL ORDER BY w.begun_ms DESC, w.id DESC LIMIT ?1",
    )?;
    let mut rows = select.query([limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(SweepSummary {
            id: record_id(row.get(0)?),
            title: row.get(1)?,
            begun_ms: row.get(2)?,
            cells: count(row.get(3)?),
            samples: count(row.get(4)?),
            done: count(row.get(5)?),
            failed: count(row.get(6)?),
        });
    }
    Ok(found)
}

/// Returns the number of a run's row, and the run without tokens and exchange.
fn summary(db: &Connection, row: &Row<'_>, requests: &mut Requests) -> Result<(i64, RunRecord), StoreError> {
    let number: i64 = row.get(0)?;
    let (status, reason, fault): (String, Option<String>, Option<String>) =
        (row.get(4)?, row.get(5)?, row.get(6)?);
    let status = match status.as_str() {
        "done" => RunStatus::Done(FinishReason::from_name(reason.as_deref().unwrap_or_default())),
        "failed" => RunStatus::Failed(from_json(fault.as_deref().unwrap_or_default(), "a failure")?),
        _ => RunStatus::Cancelled,
    };
    let stages = Stages { sent: time(row.get(18)?), first: time(row.get(19)?), last: time(row.get(20)?) };
    let tally = Tally::of(row.get(15)?, size(row.get(16)?));
    let request = requests.get(db, row.get(2)?)?;
    let usage = row
        .get::<_, Option<i64>>(12)?
        .map(|output_tokens| {
            let tokens = |at| row.get::<_, Option<i64>>(at).map(|tokens| count(tokens.unwrap_or_default()));
            Ok::<_, rusqlite::Error>(Usage {
                input_tokens: tokens(10)?,
                cached_input_tokens: tokens(11)?,
                output_tokens: count(output_tokens),
                reasoning_tokens: tokens(13)?,
            })
        })
        .transpose()?;
    let record = Recorded {
        text: row.get(7)?,
        reasoning: row.get(8)?,
        tokens: Vec::new(),
        usage,
        model: row.get(21)?,
        status,
    };
    // The identifier within this session is the caller's to give.
    let mut run = Run::kept(RunId(0), request, record, tally, stages);
    run.attempts = row.get(9)?;
    run.estimated_output_tokens = row.get::<_, Option<i64>>(14)?.map(count);
    run.request_id = row.get(22)?;
    run.failed_attempts = attempts(db, number)?;
    let (id, begun_ms, dollars) = (record_id(row.get(1)?), row.get(3)?, row.get(17)?);
    Ok((number, RunRecord { id, begun_ms, dollars, run }))
}

fn attempts(db: &Connection, run: i64) -> Result<Vec<FailedAttempt>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT number, after_ns, delay_ms, fault FROM attempts WHERE run_id = ?1 ORDER BY position",
    )?;
    let mut rows = select.query([run])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let fault: String = row.get(3)?;
        found.push(FailedAttempt {
            number: row.get(0)?,
            after: time(row.get(1)?).unwrap_or_default(),
            delay_ms: count(row.get(2)?),
            fault: from_json::<Fault>(&fault, "a failure")?,
        });
    }
    Ok(found)
}

fn exchange(db: &Connection, run: i64) -> Result<Option<Exchange>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT url, request_id, status, headers, frames, dropped_bytes FROM exchanges WHERE run_id = ?1",
    )?;
    let mut rows = select.query([run])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut exchange = Exchange::default();
    let headers: String = row.get(3)?;
    exchange.url = row.get(0)?;
    exchange.request = body(db, row.get(1)?)?;
    exchange.status = row.get(2)?;
    exchange.headers = from_json(&headers, "the headers of a response")?;
    frames::decode(&row.get::<_, Vec<u8>>(4)?, &mut exchange)?;
    exchange.dropped_bytes = size(row.get(5)?);
    Ok(Some(exchange))
}

fn body(db: &Connection, row: i64) -> Result<String, StoreError> {
    let body = db
        .prepare_cached("SELECT body FROM requests WHERE id = ?1")?
        .query_row(params![row], |row| row.get(0))
        .optional()?;
    body.ok_or(StoreError::Missing { what: "a request" })
}

fn record_id(uid: [u8; 16]) -> RecordId {
    let whole = u128::from_be_bytes(uid);
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
    RecordId { session: half(whole >> 64), number: half(whole) }
}

/// Returns a count; what is below zero was never written.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

fn time(nanos: Option<i64>) -> Option<Duration> {
    nanos.map(|nanos| Duration::from_nanos(count(nanos)))
}

fn from_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Broken { what })
}
