//! How long laying out takes: `cargo bench --bench markup`.
//!
//! Prints one line a case with the least of several rounds, which is the figure a loaded machine
//! disturbs least.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};
use tokenscope::markup::Document;

/// About 10,000 tokens.
const ANSWER: usize = 50 << 10;
const WIDTH: u16 = 100;
/// Bytes of a delta, and deltas between two frames.
const DELTA: usize = 5;
const DELTAS_PER_FRAME: usize = 16;

/// Returns an answer of many blocks, as models write them.
fn answer(bytes: usize) -> String {
    let mut out = String::new();
    for section in 0.. {
        let _ = write!(
            out,
            "## Section {section}: what a token is\n\nA **token** is a piece of text; models read and write \
             *pieces*, not words. `tokens` are counted, and [the table](https://example.com/{section}) below \
             says how many there are. 한국어 문장도 조각으로 나뉘며, 한 글자가 두 조각이 되기도 합니다.\n\n\
             1. First, the text is cut at spaces and punctuation, so that no piece reaches over two words.\n\
             2. Then the most frequent pairs are joined:\n   - `t` and `h` make `th`\n   - `th` and `e` make \
             `the`\n3. What is left is counted.\n\n| model | vocabulary | bytes a token |\n|:--|--:|--:|\n\
             | small | 32000 | 3.8 |\n| large | 200000 | 4.6 |\n\n```rust\nfn count(text: &str) -> usize {{\n    \
             // every line is highlighted once\n    text.split(' ').map(str::len).sum()\n}}\n```\n\n\
             > A longer vocabulary makes shorter texts, and a larger table.\n\n"
        );
        if out.len() >= bytes {
            break;
        }
    }
    out.truncate(boundary(&out, bytes));
    out
}

/// Returns the last place at or before a byte where a text may be cut.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

fn stream(text: &str, documents: usize) {
    let mut documents = vec![Document::markdown(); documents];
    let step = DELTA * DELTAS_PER_FRAME;
    for end in (step..text.len() + step).step_by(step) {
        let arrived = &text[..boundary(text, end)];
        for document in &mut documents {
            document.update(arrived, WIDTH);
        }
    }
}

fn whole(text: &str, mut document: Document) {
    document.update(text, WIDTH);
}

fn least(rounds: usize, mut work: impl FnMut()) -> Duration {
    let round = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..rounds).map(round).min().unwrap_or_default()
}

fn main() {
    let many = answer(ANSWER);
    let paragraph = "the word and **another** one ".repeat(ANSWER / 29);
    let code = format!("```rust\n{}", "    let value = compute(other, 12); // why\n".repeat(ANSWER / 43));
    let list = format!("- all of it\n{}", "  - one `item` of the list\n".repeat(ANSWER / 27));
    let table = format!("|a|b|c|\n|-|-|-|\n{}", "| one cell | 12 | *words* in it |\n".repeat(ANSWER / 34));
    let cases: [(&str, usize, &dyn Fn()); 13] = [
        ("50 KB of many blocks, whole", 20, &|| whole(&many, Document::markdown())),
        ("50 KB of many blocks, as it is", 20, &|| whole(&many, Document::plain())),
        ("50 KB of many blocks, streamed", 5, &|| stream(&many, 1)),
        ("50 KB of many blocks, streamed to 8 documents", 3, &|| stream(&many, 8)),
        ("50 KB in one paragraph, whole", 20, &|| whole(&paragraph, Document::markdown())),
        ("50 KB in one paragraph, streamed", 5, &|| stream(&paragraph, 1)),
        ("50 KB in one block of code, streamed", 5, &|| stream(&code, 1)),
        ("50 KB in one item of a list, streamed", 3, &|| stream(&list, 1)),
        ("50 KB in one table, streamed", 3, &|| stream(&table, 1)),
        ("1 MB in one line, whole", 3, &|| whole(&paragraph.repeat(20), Document::markdown())),
        ("1 MB of one letter, whole", 3, &|| whole(&"x".repeat(1 << 20), Document::markdown())),
        ("1 MB of Hangul, whole", 3, &|| whole(&"가나 다라마 ".repeat(60_000), Document::markdown())),
        ("100,000 items, whole", 3, &|| whole(&"- item\n".repeat(100_000), Document::markdown())),
    ];
    let mut out = std::io::stdout().lock();
    for (name, rounds, work) in cases {
        let millis = least(rounds, work).as_secs_f64() * 1000.0;
        let _ = writeln!(out, "{millis:9.2} ms  {name}");
    }
}
