//! Prints how fast a JSON answer is read, laid under its tokens, checked, and written out.
//!
//! `cargo bench --bench structured`; a table of what a run gave stays out of the code, as machines differ.

#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

use std::hint::black_box;
use std::time::{Duration, Instant};
use tokenscope::core::token::{Candidate, Piece, Token};
use tokenscope::structured::document::Document;
use tokenscope::structured::schema::Schema;
use tokenscope::structured::tree::Tree;

/// Bytes of each document.
const SIZE: usize = 1 << 20;
/// Bytes of a token; makes about 100,000 of them.
const PIECE: usize = 10;
/// How long each step is done again and again; the fastest time is printed.
const PATIENCE: Duration = Duration::from_millis(500);

fn main() {
    for (name, text, schema) in documents() {
        let tokens = tokens(&text);
        let document = Document::read(&text);
        println!(
            "{name}: {} bytes, {} values, {} tokens, fault {:?}",
            text.len(),
            document.nodes.len(),
            tokens.len(),
            document.fault
        );
        let schema = Schema::from_text(schema).ok();
        let tree = Tree::new(&text, &tokens, schema.as_ref(), false);
        println!("  read                {:>9.1?}", fastest(|| Document::read(&text)));
        println!("  tree                {:>9.1?}", fastest(|| Tree::new(&text, &tokens, None, false)));
        println!(
            "  tree with a schema  {:>9.1?}",
            fastest(|| Tree::new(&text, &tokens, schema.as_ref(), false))
        );
        println!("  as JSON             {:>9.1?}", fastest(|| serde_json::to_vec(&tree).unwrap_or_default()));
    }
}

/// Returns a document as answers have them, and two that are made to take long.
fn documents() -> Vec<(&'static str, String, &'static str)> {
    let row = |n: usize| {
        format!(
            "{{\"id\": {n}, \"이름\": \"패널 {n}\", \"level\": \"high\", \"ok\": true, \"score\": {n}.25, \"tags\": [\"a\", null]}}"
        )
    };
    let rows = |row: &dyn Fn(usize) -> String| {
        let mut all = String::from("[");
        for n in 0.. {
            if all.len() >= SIZE {
                break;
            }
            if n > 0 {
                all.push_str(", ");
            }
            all.push_str(&row(n));
        }
        all + "]"
    };
    let schema = r#"{"items": {"properties": {"level": {"enum": ["low", "high", "higher"]}, "id": {"type": "integer"}}}}"#;
    let deep = format!(
        "{}{}{}",
        "{\"a long key to walk through\":".repeat(120),
        rows(&|_| "1".into()),
        "}".repeat(120)
    );
    let keys = rows(&|n| format!("{{\"k{n}\": true}}"));
    vec![
        ("rows", rows(&row), schema),
        (
            "deep",
            deep,
            "{\"$ref\": \"#/$defs/x\", \"$defs\": {\"x\": {\"additionalProperties\": {\"$ref\": \"#\"}}}}",
        ),
        ("keys", keys, "{\"items\": {\"additionalProperties\": {\"type\": [\"boolean\", \"null\"]}}}"),
    ]
}

/// Returns the text cut into tokens without regard to characters, each with five candidates.
fn tokens(text: &str) -> Vec<Token> {
    let piece = |bytes: &[u8]| Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec()));
    let token = |bytes: &[u8]| Token {
        piece: piece(bytes),
        logprob: Some(-0.1),
        candidates: [bytes, b"true", b" 1", b"low\"", b"\": fal"]
            .iter()
            .zip([-0.1, -3.0, -3.5, -4.0, -5.0])
            .map(|(bytes, logprob)| Candidate { piece: piece(bytes), logprob: Some(logprob), id: None })
            .collect(),
        id: None,
    };
    text.as_bytes().chunks(PIECE).map(token).collect()
}

/// Returns the shortest time that something took, dropping what it made not included.
fn fastest<T>(mut run: impl FnMut() -> T) -> Duration {
    let begun = Instant::now();
    let mut best = Duration::MAX;
    while begun.elapsed() < PATIENCE {
        let start = Instant::now();
        let made = black_box(run());
        best = best.min(start.elapsed());
        drop(made);
    }
    best
}
