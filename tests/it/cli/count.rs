//! Counts of files, of standard input and of lines.

use super::Home;
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use tokenscope::core::model::Encoding;
use tokenscope::tokenizer::table;

#[test]
fn one_input_gives_one_number() {
    let home = Home::new();
    let text = "안녕하세요, tokens 👩‍👩‍👧‍👦!\n";
    let file = home.write("한글.txt", text);
    let o200k = format!("{}\n", table(Encoding::O200kBase).count(text));
    let cl100k = format!("{}\n", table(Encoding::Cl100kBase).count(text));
    assert_ne!(o200k, cl100k);
    assert_eq!(home.run(&["count", "--model", "gpt-4o", &file]).fine(), o200k);
    assert_eq!(home.run(&["count", "--model", "gpt-4", &file]).fine(), cl100k);
    assert_eq!(home.run(&["count", "--encoding", "cl100k_base", &file]).fine(), cl100k);
    assert_eq!(home.pipe(&["count"], text.as_bytes()).fine(), o200k);
    assert_eq!(home.pipe(&["count", "-"], text.as_bytes()).fine(), o200k);
}

#[test]
fn several_inputs_are_listed_with_their_sum() {
    let home = Home::new();
    home.write("a", "one two three");
    home.write("b", "word ".repeat(20));
    let listed = home.run(&["count", "--model", "gpt-4o", "a", "b"]).fine();
    assert_eq!(listed, " 3  a\n21  b\n24  total\n");
    let partly = home.run(&["count", "--model", "gpt-4o", "a", "missing", "b"]);
    partly.fails(2, &["missing cannot be read"]);
    assert_eq!(partly.out, listed);
}

#[test]
fn what_is_no_exact_count_is_told_beside_the_number() {
    let home = Home::new();
    let guessed = home.pipe(&["count", "--model", "llama3.2"], b"one two three");
    assert_eq!((guessed.out.as_str(), guessed.code), ("3\n", Some(0)));
    assert_eq!(guessed.err, "≈ unknown model, counted as o200k_base\n");
    let exact = home.pipe(&["count", "--model", "gpt-4o"], b"one two three");
    assert_eq!(exact.err, "");
    let bytes = home.pipe(&["count", "--encoding", "o200k_base"], b"one \xff two");
    assert_eq!(bytes.out, format!("{}\n", table(Encoding::O200kBase).count("one \u{fffd} two")));
    assert!(bytes.err.contains("no UTF-8 from byte 4"), "{}", bytes.err);
}

#[test]
fn hostile_texts_are_counted() {
    let home = Home::new();
    let table = table(Encoding::O200kBase);
    for text in ["a", " ", "\n", "가", "👩‍👩‍👧‍👦", "\u{0}", "\x1b[2J"] {
        let text = text.repeat(200_000 / text.len());
        let counted = home.pipe(&["count", "--encoding", "o200k_base"], text.as_bytes()).fine();
        assert_eq!(counted, format!("{}\n", table.count(&text)));
    }
}

#[test]
fn lines_are_counted_one_by_one() {
    let texts = ["", "안녕하세요", "two\nlines", "\u{2028}", "👩‍👩‍👧‍👦", "<|endoftext|>", "\u{0}"];
    let (mut input, mut expected) = (String::new(), String::new());
    let table = table(Encoding::Cl100kBase);
    for text in texts {
        input.push_str(&format!("{}\n", json!(text)));
        expected.push_str(&format!("{}\n", table.count(text)));
    }
    // The last line may lack its end, and characters may be written as escapes.
    input.push_str(r#""\uac00\ud83d\ude00""#);
    expected.push_str(&format!("{}\n", table.count("가😀")));
    let home = Home::new();
    for flags in
        [&["count", "--lines", "--encoding", "cl100k_base"][..], &["count", "--lines", "cl100k_base"]]
    {
        assert_eq!(home.pipe(flags, input.as_bytes()).fine(), expected);
    }
    let file = home.write("texts.jsonl", &input);
    assert_eq!(home.run(&["count", "--lines", "--encoding", "cl100k_base", &file]).fine(), expected);
}

#[test]
fn a_line_is_answered_before_the_next_one_comes() {
    let mut child =
        Home::new().command(&["count", "--lines", "o200k_base"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for (line, count) in [("\"one\"\n", "1\n"), ("\"one two\"\n\"thr", "2\n"), ("ee\"\n", "1\n")] {
        stdin.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert_eq!(answer, count);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_line_that_is_no_string_is_told_with_its_number() {
    let done = Home::new().pipe(&["count", "--lines", "o200k_base"], b"\"fine\"\n\"half\n\"never\"\n");
    done.fails(2, &["standard input:2:", "no JSON string"]);
    assert_eq!(done.out, "1\n");
}

#[test]
fn pieces_have_their_numbers_and_the_text_its_price() {
    let home = Home::new();
    let out = home.pipe(&["count", "--pieces", "--encoding", "cl100k_base"], "안 the".as_bytes()).fine();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines,
        [
            "1   31495  \\xec\\x95",
            "2     230  \\x88",
            "3     279  ␣the",
            "3 tokens · 5 graphemes · 0.60 tokens per grapheme · 2 words · 1.50 tokens per word · cl100k_base",
        ]
    );
    let ends = home.pipe(&["count", "--pieces", "--encoding", "cl100k_base"], b"a\r\nb\n").fine();
    assert!(ends.contains("  ␍⏎\n") && ends.contains("  ⏎\n"), "{ends}");
    let one = home.pipe(&["count", "--pieces", "--encoding", "o200k_base"], b"a").fine();
    assert!(
        one.ends_with(
            "\n1 token · 1 grapheme · 1.00 tokens per grapheme · 1 word · 1.00 tokens per word · o200k_base\n"
        ),
        "{one}"
    );
    let garbled: String = "안녕하세요".bytes().map(char::from).collect();
    let done = home.pipe(&["count", "--pieces", "--encoding", "o200k_base"], garbled.as_bytes());
    assert!(done.err.contains("looks like UTF-8 read as Latin-1"), "{done:?}");
    home.pipe(&["count", "--pieces", "--lines"], b"").fails(2, &["--pieces"]);
}
