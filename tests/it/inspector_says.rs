//! What the inspector says beside its figures: at which settings they stand, of which token they are,
//! what a key will do, and why there is nothing to see.

use crate::support::stage::{Stage, token};
use std::sync::Arc;
use tokenscope::app::msg::Msg;
use tokenscope::core::cutting::{Cut, Cutting};
use tokenscope::core::id::RunId;
use tokenscope::core::model::Encoding;
use tokenscope::core::stream::{FinishReason, StreamEvent};
use tokenscope::core::token::{Candidate, Piece, Token};

/// Sizes every part must be readable at.
const SIZES: [(u16, u16); 4] = [(80, 24), (100, 30), (120, 40), (200, 60)];

fn piece(bytes: &[u8]) -> Piece {
    Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec()))
}

/// Returns a token with these candidates, the chosen one not necessarily among them.
fn of(chosen: &[u8], p: f64, list: &[(&[u8], f64)]) -> Token {
    let candidate =
        |(bytes, p): &(&[u8], f64)| Candidate { piece: piece(bytes), logprob: Some(p.ln()), id: None };
    Token {
        piece: piece(chosen),
        logprob: Some(p.ln()),
        candidates: list.iter().map(candidate).collect(),
        id: None,
    }
}

/// Returns an answer with a syllable in two pieces and a token outside its list.
fn odd() -> Vec<Token> {
    let quiet = " 뷁".as_bytes();
    vec![
        token(&[("So", 0.9), ("Thus", 0.05)]),
        of(&quiet[..3], 0.42, &[(&quiet[..3], 0.42), (b" the", 0.4), (b" a", 0.1)]),
        of(&quiet[3..], 0.99, &[(&quiet[3..], 0.99), (b"\x80", 0.005)]),
        of(b" zebra", 0.034, &[(b" cat", 0.5), (b" dog", 0.2), (b" cow", 0.05)]),
        token(&[(".", 0.99), ("!", 0.005)]),
    ]
}

fn send(stage: &mut Stage, run: RunId, tokens: Vec<Token>) {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.piece.bytes().to_vec()).collect();
    stage.event(run, StreamEvent::Attempt { number: 1 });
    stage.event(run, StreamEvent::Delta { text: String::from_utf8(bytes).unwrap(), tokens });
    stage.event(run, StreamEvent::Finished(FinishReason::Stop));
}

/// Returns a stage with the inspector on the first token of an answer.
fn inspecting((width, height): (u16, u16), tokens: Vec<Token>) -> Stage {
    let mut stage = Stage::new(width, height);
    stage.type_text("what").press("enter");
    let run = stage.last_run();
    send(&mut stage, run, tokens);
    stage.press("alt-i");
    stage
}

/// Returns a row of the screen that holds a text.
#[track_caller]
fn row<'a>(screen: &'a str, holds: &str) -> &'a str {
    screen.lines().find(|line| line.contains(holds)).unwrap_or_else(|| panic!("{holds}:\n{screen}"))
}

#[test]
fn a_token_outside_the_list_has_a_row_of_its_own_at_every_size() {
    for size in SIZES {
        let mut stage = inspecting(size, odd());
        stage.press("x");
        let screen = stage.screen();
        let own = row(&screen, "▸ ␣zebra");
        assert!(own.contains("3.4 %") && own.contains(" – "), "{size:?}\n{screen}");
        let at = |text: &str| screen.lines().position(|line| line.contains(text)).unwrap();
        assert!(at("␣cow") < at("▸ ␣zebra") && at("▸ ␣zebra") < at("  unseen"), "{screen}");
        assert!(row(&screen, "  unseen").contains("21.6 %"));
        assert!(screen.contains("top 3 · before temperature, assumed"), "{size:?}\n{screen}");
    }
}

#[test]
fn figures_stand_at_the_asked_temperature_before_a_key_is_pressed() {
    for size in SIZES {
        let screen = inspecting(size, odd()).screen();
        assert!(row(&screen, "candidate").contains("p at T 1"), "{screen}");
        assert!(row(&screen, "candidate").contains("at T 0.70"), "{screen}");
        assert!(!screen.contains("reported"), "{screen}");
    }
}

#[test]
fn a_cut_is_told_at_the_temperature_in_force() {
    let mut stage = inspecting((120, 40), odd());
    stage.press("x");
    let cut = |stage: &Stage| row(&stage.screen(), "cut by top_p").to_owned();
    assert!(cut(&stage).contains("at T 0.70"), "{}", cut(&stage));
    let asked = cut(&stage);
    stage.press("+ + + +");
    assert!(cut(&stage).contains("at T 1.70"), "{}", cut(&stage));
    assert_ne!(asked.replace("T 0.70", ""), cut(&stage).replace("T 1.70", ""));
}

#[test]
fn a_what_if_is_said_wherever_it_is_shown() {
    for size in SIZES {
        let mut stage = inspecting(size, odd());
        stage.press("= = s _");
        let screen = stage.screen();
        let names = row(&screen, "candidate");
        let is_named = ["T 0.80 top_p 0.95", "T 0.80 p 0.95"].iter().any(|name| names.contains(name));
        assert!(is_named, "{size:?}\n{screen}");
        assert!(screen.contains("reported entropy") && screen.contains("reported 90.0 %"), "{screen}");
        let table = screen.lines().filter(|line| line.contains("#  token")).count();
        assert_eq!(table, 1, "{screen}");
        assert!(row(&screen, "#  token").contains("T 0.80"), "{screen}");
        assert!(row(&screen, "ppl").contains("reported") || row(&screen, "ppl").contains("was"), "{screen}");
        assert!(screen.lines().last().unwrap().contains("0 as reported"), "{screen}");
    }
}

#[test]
fn the_points_are_those_of_the_chosen_token() {
    let mut stage = inspecting((120, 40), odd());
    stage.press("x + +");
    let run = stage.app.inspected().unwrap();
    let (_, what_if) = stage.app.in_force(run).unwrap();
    let points = what_if.outcome(&run.tokens[3]).unwrap().chosen.band.width() * 50.0;
    let screen = stage.screen();
    assert!(screen.contains(&format!("chosen ±{points:.1} points")), "{points}\n{screen}");
}

#[test]
fn a_joined_character_opens_on_its_least_certain_piece() {
    for size in SIZES {
        let mut stage = inspecting(size, odd());
        stage.press("l");
        let screen = stage.screen();
        assert!(screen.contains("␣뷁") && screen.contains("2 pieces"), "{screen}");
        assert!(screen.contains("piece 1 of 2") || screen.contains("piece 1/2"), "{size:?}\n{screen}");
        assert!(row(&screen, "␣the").contains("40.0 %"), "{screen}");
        assert!(screen.lines().last().unwrap().contains("p pieces"), "{screen}");
        stage.press("p");
        assert!(stage.screen().contains("token 2 / 5"), "on the same piece\n{}", stage.screen());
    }
}

#[test]
fn enter_is_announced_with_the_candidate_it_goes_on_from() {
    for size in SIZES {
        let mut stage = inspecting(size, odd());
        assert!(
            stage.screen().lines().last().unwrap().contains("Enter branch from Thus"),
            "{}",
            stage.screen()
        );
        stage.press("l . .");
        assert!(
            stage.screen().lines().last().unwrap().contains("Enter branch from ␣a"),
            "{}",
            stage.screen()
        );
    }
}

#[test]
fn in_the_tree_of_endings_enter_shows_and_sends_nothing() {
    let mut stage = inspecting((80, 24), odd());
    stage.press("enter");
    let second = stage.last_run();
    send(&mut stage, second, vec![token(&[(" then", 0.5), (" now", 0.2)])]);
    stage.press("t");
    let sent = stage.started.len();
    assert!(stage.screen().lines().last().unwrap().contains("Enter show the ending"), "{}", stage.screen());
    stage.press("enter");
    assert!(stage.notice().starts_with("this ending is shown: . takes a candidate"), "{}", stage.notice());
    stage.press("up");
    assert_eq!(stage.said().last().unwrap(), "assistant: Thus then", "chosen is not shown yet");
    stage.press("enter");
    assert_eq!(stage.said().last().unwrap(), "assistant: So 뷁 zebra.");
    stage.press("up up down enter");
    assert_eq!(stage.said().last().unwrap(), "assistant: Thus then");
    assert_eq!(stage.started.len(), sent, "nothing was sent");
    stage.press(". enter");
    assert_eq!(stage.started.len(), sent + 1, "a candidate in hand is gone on from");
}

#[test]
fn a_page_of_the_table_is_its_rows_less_one() {
    let many = (0..90).map(|_| token(&[("a ", 0.9), ("b", 0.05)])).collect();
    let mut stage = inspecting((120, 40), many);
    let rows = stage.app.areas.table_rows();
    stage.press("pagedown");
    assert_eq!(stage.app.inspector.cursor(), Some(rows - 1));
    stage.press("pagedown");
    assert_eq!(stage.app.inspector.cursor(), Some(2 * (rows - 1)));
    stage.press("pageup pageup");
    assert_eq!(stage.app.inspector.cursor(), Some(0));
}

#[test]
fn searching_tells_where_it_is_and_where_it_goes_around() {
    let words = ["a", " panda", " and", " panda", " and", " more"];
    let mut stage = inspecting((80, 24), words.map(|word| token(&[(word, 0.9), ("x", 0.05)])).to_vec());
    stage.press("n");
    assert_eq!(stage.notice(), "nothing was looked for yet: / looks for text");
    stage.press("/").type_text("pan");
    assert!(stage.screen().lines().last().unwrap().ends_with("1 of 2"), "{}", stage.screen());
    stage.press("enter n");
    assert_eq!(stage.notice(), "2 of 2 · \"pan\"");
    stage.press("n");
    assert_eq!(stage.notice(), "1 of 2 · \"pan\", around the end of the answer");
    stage.press("/");
    let line = stage.screen().lines().last().unwrap().to_owned();
    assert!(line.starts_with(" / ") && line.contains("Esc, then n N: \"pan\" again"), "{line}");
    stage.press("esc n");
    assert_eq!(stage.notice(), "2 of 2 · \"pan\"");
    stage.press("/").type_text("tiger").press("enter");
    assert_eq!(stage.notice(), "this answer does not hold \"tiger\"");
    stage.press("]");
    assert_eq!(stage.notice(), "no close call in this answer");
}

#[test]
fn tokens_without_logprobs_are_no_waiting_and_offer_no_dead_keys() {
    let mut stage = Stage::new(120, 40);
    stage.type_text("what").press("enter");
    let run = stage.last_run();
    stage.stream(run, ["many", " words"]).press("alt-i");
    let screen = stage.screen();
    assert!(
        screen.contains("without logprobs") && !screen.contains("Waiting for the first token"),
        "{screen}"
    );
    let footer = screen.lines().last().unwrap();
    assert!(
        !footer.contains("branch") && !footer.contains("what if") && footer.contains("Esc back"),
        "{footer}"
    );
}

#[test]
fn the_tokens_of_a_draft_fit_their_box_and_the_same_key_closes_it() {
    for size in SIZES {
        let mut stage = Stage::new(size.0, size.1);
        stage.type_text("hi 뷁").press("alt-c");
        let text: Arc<str> = "hi 뷁".into();
        let ends = [2, 4, 6];
        let starts = [0, 2, 4];
        let pieces: Vec<_> = starts.into_iter().zip(ends).map(|(start, end)| start..end).collect();
        let cuts = Encoding::ALL.map(|encoding| Cut::new(encoding, &text, &pieces));
        let cutting = Arc::new(Cutting::new(Arc::clone(&text), text.len(), cuts, None));
        stage.tell(Msg::TokensCut { revision: 1, cutting });
        let screen = stage.screen();
        assert!(screen.contains("hi␣뷁⟨2⟩") && !screen.contains("\\xeb"), "{screen}");
        let first = row(&screen, "per grapheme");
        assert!(first.contains("× the other") || first.contains("per word"), "{first}");
        assert!(!first.trim_end_matches([' ', '│']).ends_with(|c: char| c.is_ascii_digit()), "{first}");
        let top = screen.lines().position(|line| line.contains("tokens of the draft")).unwrap();
        let bottom = screen.lines().position(|line| line.contains("Esc closes")).unwrap();
        assert!(bottom - top < 10, "{screen}");
        stage.press("alt-c");
        assert!(!stage.screen().contains("tokens of the draft"));
    }
}

#[test]
fn a_long_path_is_not_written_over() {
    let mut stage = Stage::new(80, 24);
    stage.press("ctrl-t down down down down down down down down");
    stage.type_text("a/long/way/to/the/schema/of/an/answer/that/is/deep/below/schema.json");
    let screen = stage.screen();
    let line = row(&screen, "response_format");
    assert!(
        line.contains("…") && line.contains("below/schema.json") && !line.contains("text, json"),
        "{line}"
    );
}

#[test]
fn every_legend_has_a_name_and_ascii_draws_it_too() {
    for size in SIZES {
        let mut stage = inspecting(size, odd());
        let screen = stage.screen();
        assert!(screen.contains("surprisal") && screen.contains("by T"), "{size:?}\n{screen}");
        stage.press("v v");
        let names = ["rel. ▁1", "relative ▁1", "relative to the best ▁1"];
        let screen = stage.screen();
        // In one column the line is the frame's own and has another title.
        let is_answers = |line: &str| size.0 < 100 || line.contains("answer ─");
        let is_named = |line: &str| is_answers(line) && names.iter().any(|name| line.contains(name));
        assert!(screen.lines().any(is_named), "{screen}");
        stage.press("v v + + + +");
        assert!(stage.screen().contains("░wide"), "{size:?}\n{}", stage.screen());
        stage.use_ascii();
        let screen = stage.screen();
        // Decimals are longer than the fractions they stand for, so the narrowest line has its name alone.
        assert!(screen.is_ascii() && (size.0 == 100 || screen.contains(".wide")), "{screen}");
        assert!(!row(&screen, " bits _0 ..5").contains('?'), "{screen}");
        stage.press("0 =");
        assert!(stage.screen().contains("chosen +-"), "{}", stage.screen());
    }
}
