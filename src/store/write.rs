//! What is written: sweeps, cells, samples, runs with their tokens and raw exchanges.
//!
//! Invariant: writing the same again leaves the same rows; identifiers decide what is the same.

use crate::core::exchange::Exchange;
use crate::core::fault::Fault;
use crate::core::job::{AsideRecord, BranchRecord, RecordId, RunRecord, SampleRecord, SweepRecord};
use crate::core::request::Request;
use crate::core::run::{Count, FailedAttempt, Run, RunStatus};
use crate::store::error::StoreError;
use crate::store::{frames, tokens};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use std::time::Duration;

/// Returns an identifier as it is kept.
pub(super) fn uid(id: RecordId) -> [u8; 16] {
    let whole = u128::from(id.session) << 64 | u128::from(id.number);
    whole.to_be_bytes()
}

/// Returns the row of the sweep with this identifier.
pub(super) fn sweep_row(db: &Connection, id: RecordId) -> Result<i64, StoreError> {
    let mut find = db.prepare_cached("SELECT id FROM sweeps WHERE uid = ?1")?;
    let row = find.query_row([uid(id)], |row| row.get(0)).optional()?;
    row.ok_or(StoreError::Missing { what: "this sweep" })
}

/// Keeps a sweep with its cells and samples. Of one that is kept already, answers stay.
pub(super) fn sweep(db: &Connection, sweep: &SweepRecord) -> Result<(), StoreError> {
    let SweepRecord { id, title, plan, begun_ms, cells, samples } = sweep;
    db.prepare_cached(
        "INSERT INTO sweeps (uid, title, plan, begun_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (uid) DO UPDATE SET title = excluded.title, plan = excluded.plan",
    )?
    .execute(params![uid(*id), title, plan, begun_ms])?;
    let row = sweep_row(db, *id)?;
    let mut insert = db.prepare_cached(
        "INSERT INTO cells (sweep_id, number, labels, request_id, note, is_best) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (sweep_id, number) DO UPDATE SET
             labels = excluded.labels, request_id = excluded.request_id,
             note = excluded.note, is_best = excluded.is_best",
    )?;
    for (number, cell) in (0_i64..).zip(cells) {
        let request = request(db, &cell.request)?;
        insert.execute(params![row, number, json(&cell.labels), request, cell.note, cell.is_best])?;
    }
    // A sample with another key asks something else: what was answered before belongs to it no longer.
    let mut insert = db.prepare_cached(
        "INSERT INTO samples (sweep_id, cell, repeat, key) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (sweep_id, cell, repeat) DO UPDATE SET key = excluded.key, run_id = NULL
         WHERE key <> excluded.key",
    )?;
    for SampleRecord { cell, repeat, key } in samples {
        insert.execute(params![row, cell, repeat, key.0.to_be_bytes()])?;
    }
    Ok(())
}

/// Keeps the answer of a sample.
pub(super) fn sample(
    db: &Connection,
    sweep: RecordId,
    cell: u32,
    repeat: u32,
    record: &RunRecord,
) -> Result<(), StoreError> {
    let sweep = sweep_row(db, sweep)?;
    let run = run(db, record)?;
    let changed = db
        .prepare_cached("UPDATE samples SET run_id = ?4 WHERE sweep_id = ?1 AND cell = ?2 AND repeat = ?3")?
        .execute(params![sweep, cell, repeat, run])?;
    if changed == 0 { Err(StoreError::Missing { what: "this sample of the sweep" }) } else { Ok(()) }
}

/// Keeps an answer beside the samples of a cell.
pub(super) fn aside(db: &Connection, sweep: RecordId, aside: &AsideRecord) -> Result<(), StoreError> {
    let sweep = sweep_row(db, sweep)?;
    let row = run(db, &aside.run)?;
    let branch = aside.branch.as_ref().map(json::<BranchRecord>);
    db.prepare_cached(
        "INSERT INTO asides (sweep_id, cell, number, branch, run_id) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (sweep_id, cell, number) DO UPDATE SET branch = excluded.branch, run_id = excluded.run_id",
    )?
    .execute(params![sweep, aside.cell, aside.number, branch, row])?;
    Ok(())
}

/// Gives each sample of a sweep the latest complete answer with its key, where there is one.
pub(super) fn adopt(db: &Connection, sweep: RecordId) -> Result<(), StoreError> {
    let sweep = sweep_row(db, sweep)?;
    db.prepare_cached(
        "UPDATE samples SET run_id = coalesce(
             (SELECT max(s.run_id) FROM samples s JOIN runs r ON r.id = s.run_id
              WHERE s.key = samples.key AND s.run_id IS NOT NULL AND r.status = 'done'), run_id)
         WHERE sweep_id = ?1",
    )?
    .execute([sweep])?;
    Ok(())
}

/// Keeps the note and the mark of a cell.
pub(super) fn mark(
    db: &Connection,
    sweep: RecordId,
    cell: u32,
    note: &str,
    is_best: bool,
) -> Result<(), StoreError> {
    let sweep = sweep_row(db, sweep)?;
    let changed = db
        .prepare_cached("UPDATE cells SET note = ?3, is_best = ?4 WHERE sweep_id = ?1 AND number = ?2")?
        .execute(params![sweep, cell, note, is_best])?;
    if changed == 0 { Err(StoreError::Missing { what: "this cell of the sweep" }) } else { Ok(()) }
}

/// Keeps a run and returns its row.
fn run(db: &Connection, record: &RunRecord) -> Result<i64, StoreError> {
    let RunRecord { id, begun_ms, dollars, run } = record;
    let (status, finish_reason, fault) = match &run.status {
        RunStatus::Done(reason) => ("done", Some(reason.name()), None),
        RunStatus::Failed(fault) => ("failed", None, Some(json(fault))),
        RunStatus::Cancelled => ("cancelled", None, None),
        RunStatus::Queued | RunStatus::Connecting | RunStatus::Waiting { .. } | RunStatus::Streaming => {
            return Err(StoreError::NotEnded);
        }
    };
    let asked = request(db, &run.request)?;
    let estimated = match run.output_tokens() {
        Some(Count::Estimate(tokens)) => Some(tokens),
        Some(Count::Exact(_)) | None => run.estimated_output_tokens,
    };
    let stages = run.stages();
    let (usage, tally) = (run.usage, run.tally());
    db.prepare_cached(
        "INSERT INTO runs (uid, request_id, endpoint, model, begun_ms, status, finish_reason, fault, text,
             reasoning, attempts, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
             estimated_output_tokens, logprob_sum, logprob_count, dollars, sent_ns, first_ns, last_ns,
             model_reported, server_request_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
             ?21, ?22, ?23, ?24)
         ON CONFLICT (uid) DO UPDATE SET
             request_id = excluded.request_id, endpoint = excluded.endpoint, model = excluded.model,
             begun_ms = excluded.begun_ms, status = excluded.status, finish_reason = excluded.finish_reason,
             fault = excluded.fault, text = excluded.text, reasoning = excluded.reasoning,
             attempts = excluded.attempts, input_tokens = excluded.input_tokens,
             cached_input_tokens = excluded.cached_input_tokens, output_tokens = excluded.output_tokens,
             reasoning_tokens = excluded.reasoning_tokens,
             estimated_output_tokens = excluded.estimated_output_tokens, logprob_sum = excluded.logprob_sum,
             logprob_count = excluded.logprob_count, dollars = excluded.dollars, sent_ns = excluded.sent_ns,
             first_ns = excluded.first_ns, last_ns = excluded.last_ns,
             model_reported = excluded.model_reported, server_request_id = excluded.server_request_id",
    )?
    .execute(params![
        uid(*id),
        asked,
        run.request.endpoint,
        run.request.model,
        begun_ms,
        status,
        finish_reason,
        fault,
        run.text,
        run.reasoning,
        run.attempts,
        usage.map(|usage| whole(usage.input_tokens)),
        usage.map(|usage| whole(usage.cached_input_tokens)),
        usage.map(|usage| whole(usage.output_tokens)),
        usage.map(|usage| whole(usage.reasoning_tokens)),
        estimated.map(whole),
        tally.sum(),
        whole(tally.count() as u64),
        dollars,
        stages.sent.map(nanos),
        stages.first.map(nanos),
        stages.last.map(nanos),
        run.model_reported,
        run.request_id,
    ])?;
    let row = db
        .prepare_cached("SELECT id FROM runs WHERE uid = ?1")?
        .query_row([uid(*id)], |row| row.get::<_, i64>(0))?;
    parts(db, row, run)?;
    Ok(row)
}

/// Keeps what is large or belongs to a run in several pieces.
fn parts(db: &Connection, row: i64, run: &Run) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM attempts WHERE run_id = ?1")?.execute([row])?;
    let mut insert = db.prepare_cached(
        "INSERT INTO attempts (run_id, position, number, after_ns, delay_ms, fault)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (position, FailedAttempt { number, after, fault, delay_ms }) in (0_i64..).zip(&run.failed_attempts) {
        insert.execute(params![
            row,
            position,
            number,
            nanos(*after),
            whole(*delay_ms),
            json::<Fault>(fault)
        ])?;
    }
    if run.tokens.is_empty() {
        db.prepare_cached("DELETE FROM tokens WHERE run_id = ?1")?.execute([row])?;
    } else {
        db.prepare_cached("INSERT OR REPLACE INTO tokens (run_id, tokens) VALUES (?1, ?2)")?
            .execute(params![row, tokens::encode(&run.tokens)])?;
    }
    let Some(exchange) = run.exchange.as_deref() else {
        db.prepare_cached("DELETE FROM exchanges WHERE run_id = ?1")?.execute([row])?;
        return Ok(());
    };
    let Exchange { url, request: sent, status, headers, dropped_bytes, .. } = exchange;
    let sent = body(db, sent)?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO exchanges (run_id, request_id, url, status, headers, frames, dropped_bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        row,
        sent,
        url,
        status,
        json(headers),
        frames::encode(exchange),
        whole(*dropped_bytes as u64),
    ])?;
    Ok(())
}

fn request(db: &Connection, request: &Request) -> Result<i64, StoreError> {
    body(db, &json(request))
}

/// Returns the row of a body, which is kept once.
fn body(db: &Connection, body: &str) -> Result<i64, StoreError> {
    let hash = fingerprint(body);
    // Two bodies may have one hash, so the body itself decides.
    let known = db
        .prepare_cached("SELECT id FROM requests WHERE hash = ?1 AND body = ?2")?
        .query_row(params![hash, body], |row| row.get(0))
        .optional()?;
    if let Some(row) = known {
        return Ok(row);
    }
    Ok(db.prepare_cached("INSERT INTO requests (hash, body) VALUES (?1, ?2)")?.insert(params![hash, body])?)
}

/// Returns a hash by which equal bodies are found.
fn fingerprint(body: &str) -> [u8; 16] {
    crate::core::sweep::hash_of(body).to_be_bytes()
}

/// Returns a value as JSON. Nothing that is kept has parts JSON cannot say.
fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Returns a number as SQLite has them. One that is larger is no count of anything, so the largest stands
/// for it: a server that counts nonsense must not keep its answer from being kept.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}
