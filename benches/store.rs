//! What keeping answers costs: answers per second, time of the processor, and bytes on disk.
//!
//! Each answer has 200 tokens with five candidates and the raw frames of its stream, as OpenAI sends
//! them. Run with `cargo bench --bench store`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot keep anything has nothing to say")]
#![expect(clippy::cast_precision_loss, reason = "the numbers are small")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use tokenscope::core::exchange::Exchange;
use tokenscope::core::id::RunId;
use tokenscope::core::job::{
    CellRecord, RecordId, RunRecord, SampleRecord, StoreJob, StoreReply, SweepRecord,
};
use tokenscope::core::request::{Prompt, Request, Role, Sampling};
use tokenscope::core::run::Run;
use tokenscope::core::stream::{FinishReason, StreamEvent, Usage};
use tokenscope::core::sweep::SampleKey;
use tokenscope::core::time::Timestamp;
use tokenscope::core::token::{Candidate, Piece, Token};
use tokenscope::store::Store;

const CELLS: u32 = 500;
const REPEATS: u32 = 4;
const TOKENS: usize = 200;
const WORDS: [&str; 9] = [" the", " morning", " 안녕", "하세요", " bamboo", ".", " quietly", ",", " panda"];

/// Logprobs as OpenAI writes them (eight digits or so), or with all the digits a number has.
#[derive(Clone, Copy, PartialEq)]
enum Digits {
    Few,
    All,
}

fn token(at: usize, digits: Digits) -> Token {
    let candidate = |rank: usize| {
        let share = ((at * 7919 + rank * 104_729) * 31 % 1_000_003) as f64 / 1_000_003.0;
        let value = -(share * 3.0 + rank as f64);
        let logprob = match digits {
            Digits::Few => format!("{value:.8}").parse().unwrap(),
            Digits::All => value,
        };
        let text = WORDS[(at * 5 + rank * 2 + at / 9) % WORDS.len()];
        Candidate {
            piece: Piece::new(text, Some(text.as_bytes().to_vec())),
            logprob: Some(logprob),
            id: None,
        }
    };
    let candidates: Box<[Candidate]> = (0..5).map(candidate).collect();
    let chosen = candidates[at % 2].clone();
    Token { piece: chosen.piece, logprob: chosen.logprob, candidates, id: None }
}

/// Returns a frame as OpenAI writes it.
fn frame(token: &Token) -> String {
    let entry = |piece: &Piece, logprob: Option<f64>| {
        let bytes: Vec<String> = piece.bytes().iter().map(u8::to_string).collect();
        let logprob = logprob.unwrap_or_default();
        format!("\"token\":\"{}\",\"logprob\":{logprob},\"bytes\":[{}]", piece.text(), bytes.join(","))
    };
    let top: Vec<String> =
        token.candidates.iter().map(|other| format!("{{{}}}", entry(&other.piece, other.logprob))).collect();
    format!(
        "{{\"id\":\"chatcmpl-CqWm7Yd1z0aXnB3c4D5e6F7g8H9i\",\"object\":\"chat.completion.chunk\",\"created\":1763600000,\
         \"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\",\
         \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}},\"logprobs\":{{\"content\":[{{{},\"top_logprobs\":[{}]}}],\
         \"refusal\":null}},\"finish_reason\":null}}],\"usage\":null}}",
        token.piece.text(),
        entry(&token.piece, token.logprob),
        top.join(",")
    )
}

fn run(request: &Arc<Request>, seed: usize, digits: Digits) -> Run {
    let mut run = Run::new(RunId(1), Arc::clone(request), Timestamp::default());
    let mut exchange = Exchange::default();
    "https://api.openai.com/v1/chat/completions".clone_into(&mut exchange.url);
    exchange.request = format!("{{\"model\":\"gpt-4o-mini\",\"seed\":{}}}", seed % CELLS as usize);
    exchange.status = Some(200);
    run.apply(StreamEvent::Attempt { number: 1 }, Timestamp::from_millis(1));
    for at in 0..TOKENS {
        let token = token(seed * 31 + at, digits);
        let now = Duration::from_micros(300_000 + at as u64 * 8_123);
        exchange.push(now, &frame(&token));
        let text = token.piece.text().to_owned();
        run.apply(StreamEvent::Delta { text, tokens: vec![token] }, Timestamp(now));
    }
    let usage = Usage { input_tokens: 40, output_tokens: TOKENS as u64, ..Usage::default() };
    run.apply(StreamEvent::Usage(usage), Timestamp::from_millis(2_000));
    run.apply(StreamEvent::Exchanged(Arc::new(exchange)), Timestamp::from_millis(2_000));
    run.apply(StreamEvent::Finished(FinishReason::Stop), Timestamp::from_millis(2_000));
    run
}

fn request() -> Arc<Request> {
    Arc::new(Request {
        endpoint: "openai".into(),
        model: "gpt-4o-mini".into(),
        messages: vec![Prompt::new(Role::User, "What is good about rising early?")],
        sampling: Sampling { top_logprobs: Some(5), ..Sampling::default() },
        continuation: None,
        stream: true,
    })
}

fn sweep(request: &Arc<Request>) -> SweepRecord {
    let cell = |number: u32| CellRecord {
        labels: vec![number.to_string()],
        request: Arc::clone(request),
        note: String::new(),
        is_best: false,
    };
    let sample = |number: u32| SampleRecord {
        cell: number / REPEATS,
        repeat: number % REPEATS,
        key: SampleKey(u128::from(number)),
    };
    SweepRecord {
        id: id(0),
        title: "sweep".to_owned(),
        plan: String::new(),
        begun_ms: 0,
        cells: (0..CELLS).map(cell).collect(),
        samples: (0..CELLS * REPEATS).map(sample).collect(),
    }
}

fn id(number: u32) -> RecordId {
    RecordId { session: 1, number: u64::from(number) }
}

/// Returns the processor time of this process so far.
fn cpu() -> Duration {
    // Fields 14 and 15, counted after the name, in hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn main() {
    let mut out = std::io::stdout();
    let request = request();
    for (name, digits) in [("few digits", Digits::Few), ("all digits", Digits::All)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenscope.db");
        let store = Store::start(path.clone());
        assert_eq!(store.ask(StoreJob::KeepSweep(Box::new(sweep(&request)))), StoreReply::Kept);
        let answers = CELLS * REPEATS;
        let runs: Vec<Run> = (0..answers).map(|number| run(&request, number as usize, digits)).collect();
        let raw: usize = runs[0].exchange.iter().flat_map(|e| e.frames()).map(|(_, frame)| frame.len()).sum();
        let (start, before) = (Instant::now(), cpu());
        let (tell, told) = channel();
        for (number, run) in (0..).zip(runs) {
            let record = RunRecord { id: id(number + 1), begun_ms: 0, dollars: None, run };
            let job = StoreJob::FinishSample {
                sweep: id(0),
                cell: number / REPEATS,
                repeat: number % REPEATS,
                run: Box::new(record),
            };
            let tell = tell.clone();
            store.submit(job, move |reply| tell.send(reply == StoreReply::Kept).unwrap());
        }
        drop(tell);
        assert!(told.iter().all(|kept| kept));
        let (wall, spent) = (start.elapsed(), cpu().saturating_sub(before));
        let start = Instant::now();
        let StoreReply::Sweep { answers: loaded, .. } = store.ask(StoreJob::LoadSweep(id(0))) else { return };
        let loading = start.elapsed();
        assert_eq!(loaded.iter().flatten().count(), answers as usize);
        let start = Instant::now();
        for number in 1..=100 {
            let StoreReply::Run(record) = store.ask(StoreJob::LoadRun(id(number))) else { return };
            assert_eq!(record.run.tokens.len(), TOKENS);
        }
        let whole = start.elapsed() / 100;
        drop(store);
        let bytes = size(&path) / u64::from(answers);
        let _ = writeln!(
            out,
            "{name}: {:.0} answers/s, {:.2} ms of processor each; {bytes} bytes each on disk ({raw} bytes of frames)",
            f64::from(answers) / wall.as_secs_f64(),
            spent.as_secs_f64() * 1e3 / f64::from(answers),
        );
        let _ = writeln!(
            out,
            "{name}: the sweep loads in {:.0} ms, one whole answer in {:.2} ms",
            loading.as_secs_f64() * 1e3,
            whole.as_secs_f64() * 1e3,
        );
        let db = rusqlite::Connection::open(&path).unwrap();
        for table in ["tokens", "exchanges"] {
            let column = if table == "tokens" { "tokens" } else { "frames" };
            let mean: f64 = db
                .query_row(&format!("SELECT avg(length({column})) FROM {table}"), [], |row| row.get(0))
                .unwrap();
            let _ = writeln!(out, "{name}: {mean:.0} bytes a blob of {table}");
        }
    }
}
