//! Measures what a key costs in a draft as long as may be edited live, layout included.

use std::io::Write;
use std::time::Instant;
use tokenscope::app::chord::Chord;
use tokenscope::app::composer::Composer;

const ROUNDS: usize = 200;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let drafts = [
        ("one line of English, 256 KB", "the quick brown fox ".repeat(13_107)),
        ("one line of Korean, 256 KB", "한국어 문장입니다 ".repeat(10_082)),
        ("one line of emoji, 256 KB", "👨‍👩‍👧‍👦🇰🇷".repeat(7_900)),
        ("one line of flags, 256 KB", "🇰🇷".repeat(32_000)),
        ("20,000 lines, 240 KB", "hello world\n".repeat(19_990)),
    ];
    for (name, text) in drafts {
        writeln!(out, "{name}")?;
        for place in ["ctrl-end", "ctrl-home"] {
            for keys in [
                "x",
                "가",
                "backspace",
                "delete",
                "ctrl-w",
                "left right",
                "up",
                "down",
                "ctrl-left",
                "shift-left",
                "ctrl-z",
                "ctrl-j",
                "ctrl-home",
                "ctrl-end",
                "x ctrl-home",
                "x ctrl-end",
            ] {
                let mut composer = Composer::new();
                composer.set_text(&text);
                composer.settle(100, 10);
                let mut times = Vec::new();
                for _ in 0..ROUNDS {
                    press(&mut composer, place);
                    if keys == "ctrl-z" {
                        press(&mut composer, "w o r d s");
                    }
                    let start = Instant::now();
                    press(&mut composer, keys);
                    times.push(start.elapsed().as_micros());
                }
                times.sort_unstable();
                writeln!(
                    out,
                    "  {place:9} {keys:12} median {:5} µs, worst {:6} µs",
                    times[ROUNDS / 2],
                    times[ROUNDS - 1]
                )?;
            }
        }
    }
    let large = "line\r\n".repeat(9_000_000);
    let mut composer = Composer::new();
    let start = Instant::now();
    let pasted = composer.paste(&large);
    composer.settle(100, 10);
    writeln!(out, "paste of {} MB ({pasted:?}): {} ms", large.len() >> 20, start.elapsed().as_millis())?;
    let start = Instant::now();
    let mut composer = Composer::new();
    for _ in 0..20_000 {
        press(&mut composer, "x");
    }
    writeln!(out, "20,000 keys in a burst: {} ms", start.elapsed().as_millis())
}

fn press(composer: &mut Composer, keys: &str) {
    for key in keys.split(' ') {
        if let Ok(chord) = key.parse::<Chord>() {
            composer.on_key(chord);
            composer.settle(100, 10);
        }
    }
}
