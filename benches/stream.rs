//! CPU time of receiving an answer of 10,000 tokens, with and without candidates.
//!
//! The server runs in a thread of its own and is not counted: what is measured is the thread that
//! polls the run and folds it, from the socket to the last token.
//!
//! Run with `cargo bench --bench stream`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot set up its server has nothing to say")]

use futures_util::StreamExt;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokenscope::core::endpoint::{Endpoint, Limits, ProviderKind};
use tokenscope::core::id::RunId;
use tokenscope::core::request::{Prompt, Request, Role, Sampling};
use tokenscope::core::run::Run;
use tokenscope::core::time::Timestamp;
use tokenscope::provider::Client;

const TOKENS: usize = 10_000;
const ROUNDS: usize = 7;

fn main() {
    let mut out = std::io::stdout().lock();
    for candidates in [0, 5] {
        for split in [false, true] {
            let (mut cpu, mut wall, mut bytes) = (Vec::new(), Vec::new(), 0);
            for _ in 0..ROUNDS {
                let body = body(candidates);
                bytes = body.len();
                let (spent, took) = receive(body, split);
                cpu.push(spent);
                wall.push(took);
            }
            cpu.sort();
            wall.sort();
            let _ = writeln!(
                out,
                "{TOKENS} tokens, {candidates} candidates, {:>4} KiB, {}: cpu {:.1} ms, wall {:.1} ms (medians of {ROUNDS})",
                bytes / 1024,
                if split { "a write per event " } else { "as one long write" },
                cpu[ROUNDS / 2].as_secs_f64() * 1e3,
                wall[ROUNDS / 2].as_secs_f64() * 1e3,
            );
        }
    }
}

/// Returns an event stream as OpenAI writes it.
fn body(candidates: u8) -> String {
    let mut body = String::new();
    let entry = |text: &str, logprob: f64| -> String {
        let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
        format!("\"token\":\"{text}\",\"logprob\":{logprob},\"bytes\":[{}]", bytes.join(","))
    };
    for index in 0..TOKENS {
        let text = [" the", " morning", " bamboo", "안녕", "."][index % 5];
        let logprobs = if candidates == 0 {
            "null".to_owned()
        } else {
            let top: Vec<String> = (0..candidates)
                .map(|rank| format!("{{{}}}", entry(text, -0.123_456_78 - f64::from(rank))))
                .collect();
            format!(
                "{{\"content\":[{{{},\"top_logprobs\":[{}]}}],\"refusal\":null}}",
                entry(text, -0.123_456_78),
                top.join(",")
            )
        };
        let _ = write!(
            body,
            "data: {{\"id\":\"chatcmpl-CqWm7Yd1z0aXnB3c4D5e6F7g8H9i\",\"object\":\"chat.completion.chunk\",\"created\":1763600000,\
             \"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\",\
             \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"logprobs\":{logprobs},\"finish_reason\":null}}],\
             \"usage\":null,\"obfuscation\":\"aB3dE5fG7h\"}}\n\n"
        );
    }
    body.push_str("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    body.push_str("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":10000}}\n\ndata: [DONE]\n\n");
    body
}

/// Receives the body once; returns the CPU time of this thread and the wall time.
fn receive(body: String, split: bool) -> (Duration, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.set_nodelay(true);
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        if split {
            for event in body.split_inclusive("\n\n") {
                stream.write_all(event.as_bytes()).unwrap();
            }
        } else {
            stream.write_all(body.as_bytes()).unwrap();
        }
    });
    let endpoint = Endpoint {
        name: "bench".into(),
        base_url: format!("http://{address}/v1"),
        provider: ProviderKind::OpenaiChat,
        limits: Limits::default(),
        legacy_max_tokens: false,
    };
    let request = Arc::new(Request {
        endpoint: "bench".into(),
        model: "m".into(),
        messages: vec![Prompt::new(Role::User, "go")],
        sampling: Sampling::default(),
        continuation: None,
        stream: true,
    });
    let client = Client::new(&endpoint, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut run = Run::new(RunId(1), Arc::clone(&request), Timestamp::default());
    let (started, cpu) = (Instant::now(), thread_cpu());
    runtime.block_on(async {
        let mut events = std::pin::pin!(client.run(request));
        while let Some(event) = events.next().await {
            run.apply(event, Timestamp(started.elapsed()));
        }
    });
    let (spent, took) = (thread_cpu().saturating_sub(cpu), started.elapsed());
    assert_eq!(run.usage.unwrap().output_tokens, TOKENS as u64, "{:?}", run.status);
    server.join().unwrap();
    (spent, took)
}

/// Returns the CPU time this thread has used; zero where the system does not tell.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}
