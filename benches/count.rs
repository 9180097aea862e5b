//! Prints how fast texts are counted, how long a table takes to load, and what it costs in memory.
//!
//! `cargo bench --bench count`; a table of what a run gave stays out of the code, as machines differ.

#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

use std::hint::black_box;
use std::time::{Duration, Instant};
use tokenscope::core::model::Encoding;
use tokenscope::tokenizer::incremental::Counter;
use tokenscope::tokenizer::{Table, table};

/// Bytes of each text.
const SIZE: usize = 1 << 20;
/// How long each text is counted again and again; the fastest time is printed.
const PATIENCE: Duration = Duration::from_millis(300);

fn main() {
    for encoding in Encoding::ALL {
        let resident = status_kib("VmRSS");
        let start = Instant::now();
        let table = table(encoding);
        let load = start.elapsed();
        println!(
            "{}: loaded in {load:.1?}, resident {resident} -> {} KiB",
            encoding.name(),
            status_kib("VmRSS")
        );
        for (name, text) in texts() {
            let time = fastest(|| black_box(table.count(&text)));
            let rate = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)) / time.as_secs_f64() / 1e6;
            let draft = if encoding == Encoding::O200kBase { keystroke(table, &text) } else { String::new() };
            println!("  {name:<24} {rate:>7.1} MB/s, {:>8} tokens{draft}", table.count(&text));
        }
        println!("  resident afterwards {} KiB, at most {} KiB", status_kib("VmRSS"), status_kib("VmHWM"));
    }
}

/// Returns how long counting takes after one character in the middle of a draft changed.
fn keystroke(table: &'static Table, text: &str) -> String {
    let mut counter = Counter::new(table);
    counter.set_text(text);
    let mut at = text.len() / 2;
    while !text.is_char_boundary(at) {
        at += 1;
    }
    let mut changed = text.to_owned();
    changed.insert(at, 'x');
    let mut is_changed = false;
    let time = fastest(|| {
        is_changed = !is_changed;
        counter.set_text(if is_changed { &changed } else { text })
    });
    format!(", a keystroke {time:.1?}, longest chunk {}", counter.longest_chunk())
}

fn fastest(mut run: impl FnMut() -> u64) -> Duration {
    let (begin, mut best) = (Instant::now(), Duration::MAX);
    while begin.elapsed() < PATIENCE {
        let start = Instant::now();
        black_box(run());
        best = best.min(start.elapsed());
    }
    best
}

fn texts() -> Vec<(&'static str, String)> {
    let mut random = Random(3);
    let mut drawn = |words: &[String], gap: &str| {
        let mut text = String::with_capacity(SIZE + 64);
        while text.len() < SIZE {
            text.push_str(&words[random.below(words.len())]);
            text.push_str(gap);
        }
        text
    };
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let range = |from: char, to: char| (from..=to).map(String::from).collect::<Vec<_>>();
    let base64 = [range('a', 'z'), range('A', 'Z'), range('0', '9'), vec!["+".into(), "/".into()]].concat();
    let repeat = |text: &str| text.repeat(SIZE / text.len());
    vec![
        ("English", drawn(&words(ENGLISH), " ")),
        ("Korean", drawn(&words(KOREAN), " ")),
        ("Rust code", repeat(include_str!("../src/tokenizer/split.rs"))),
        ("one letter", repeat("a")),
        ("random letters", drawn(&range('a', 'z'), "")),
        ("base64", drawn(&base64, "")),
        ("spaces", repeat(" ")),
        ("new lines", repeat("\n")),
        ("hyphens", repeat("-")),
        ("Hangul without spaces", drawn(&range('가', '힣'), "")),
        ("emoji", repeat("👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇰🇷")),
        ("random bytes", random_bytes()),
    ]
}

const ENGLISH: &str = "The river kept its own calendar, and nobody who lived along the embankment thought to argue with it. \
    In March it brought down branches, fence posts and once an entire rowing boat; by August you could cross it \
    in sandals. Seventeen engineers had measured it, photographed it, modelled its turbidity (badly) and gone home. \
    What they couldn't explain was the sound: a low, deliberate humming after midnight, loudest near the abandoned \
    waterworks, which the fishermen's children imitated and their grandmothers pretended not to hear.";
const KOREAN: &str = "강은 자기만의 달력이 있었고 둑을 따라 사는 사람들은 아무도 그것과 다투려 하지 않았다 삼월이면 나뭇가지와 \
    울타리 기둥을 실어 왔고 한번은 배 한 척을 통째로 데려왔다 팔월에는 샌들을 신고 건널 수 있었다 기술자 열일곱 명이 \
    재고 찍고 계산하고 집으로 돌아갔지만 자정이 지나면 들리는 낮은 소리만은 설명하지 못했다";

fn random_bytes() -> String {
    let mut random = Random(5);
    let bytes: Vec<u8> = (0..SIZE).map(|_| random.next().to_le_bytes()[0]).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Gives the same pseudo-random numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % limit
    }
}

/// Returns a figure of this process's status, where the system tells it.
fn status_kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
