//! What a comparison is expected to take: how fast models answered before, and what a cache may hold.

use crate::support::stage::Stage;
use tokenscope::app::archive::{ArchiveJob, ArchiveNews};
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::app::paces::Speaker;
use tokenscope::core::request::Role;
use tokenscope::core::sweep::pace::Timing;

/// Returns the models the archive was asked for since this was last called.
fn asked_for(stage: &mut Stage) -> Vec<Speaker> {
    let speaker = |effect: Effect| match effect {
        Effect::Archive(ArchiveJob::Timings(speaker)) => Some(speaker),
        _ => None,
    };
    let mut asked: Vec<Speaker> = stage.all_effects().into_iter().filter_map(speaker).collect();
    asked.sort();
    asked
}

fn speaker(model: &str) -> Speaker {
    ("local".into(), model.into())
}

fn timings(first_token_ms: f64) -> Vec<Timing> {
    vec![Timing { first_token_ms, rest_ms: 1_000.0, output_tokens: 101 }; 3]
}

/// Returns the time that the line of the axes tells.
fn time(stage: &Stage) -> Option<String> {
    let screen = stage.screen();
    let line = screen.lines().nth(1).unwrap().trim_end_matches("  Alt-t edits");
    let last = line.rsplit(" · ").next().filter(|last| last.ends_with(" s") || last.ends_with(" ms"))?;
    Some(last.to_owned())
}

#[test]
fn the_archive_is_asked_once_and_what_it_tells_is_an_estimate() {
    let mut stage =
        Stage::with(200, 60, |start| (start.temperatures, start.concurrency) = (vec![0.0, 1.0], 1));
    stage.press("alt-2").type_text("hello there");
    assert_eq!(asked_for(&mut stage), [speaker("m-1")]);
    assert_eq!(time(&stage), None);
    stage.tell(Msg::Archive(ArchiveNews::Timings { speaker: speaker("m-1"), timings: timings(500.0) }));
    // Two answers of 0.5 s and 100 tokens after the first, one after the other.
    assert_eq!(time(&stage).as_deref(), Some("≈ 3.0 s"));
    stage.press("alt-t");
    let screen = stage.screen();
    assert!(
        screen.contains(" · ≈ 3.0 s · ≈ 10 tok in ") && screen.contains("repeated (≈ 50.0 %)"),
        "{screen}"
    );
    // Another model, of which nothing is known, is asked for; the first one is not again.
    stage.press("down right").type_text("");
    stage.press("esc").type_text("!");
    assert_eq!(asked_for(&mut stage), []);
}

#[test]
fn every_model_of_an_axis_must_be_known() {
    let mut stage = Stage::with(200, 60, |start| start.temperatures = vec![1.0]);
    stage.press("alt-2").type_text("hello").press("alt-t down right");
    for _ in 0..12 {
        if stage.screen().contains(" model ") {
            break;
        }
        stage.press("right");
    }
    stage.type_text("m-1, m-2").press("enter");
    assert_eq!(asked_for(&mut stage), [speaker("m-1"), speaker("m-2")]);
    stage.tell(Msg::Archive(ArchiveNews::Timings { speaker: speaker("m-1"), timings: timings(500.0) }));
    assert_eq!(time(&stage), None);
    stage.tell(Msg::Archive(ArchiveNews::Timings { speaker: speaker("m-2"), timings: timings(900.0) }));
    assert_eq!(time(&stage).as_deref(), Some("≈ 1.9 s"));
}

#[test]
fn answers_of_this_session_count_too() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut stage = Stage::with(size.0, size.1, |start| start.temperatures = vec![0.5]);
        stage.exchange("hi", "ho");
        // Nobody said how many tokens that was; it came in one piece, 20 ms after it was sent.
        stage.press("alt-2").type_text("and?");
        assert_eq!(time(&stage).as_deref(), Some("≈ 20 ms"));
        stage.press("enter");
        let run = stage.last_run();
        stage.event(run, tokenscope::core::stream::StreamEvent::Attempt { number: 1 }).wait(400);
        let delta =
            tokenscope::core::stream::StreamEvent::Delta { text: "a b".to_owned(), tokens: Vec::new() };
        stage.event(run, delta).wait(200);
        let usage = tokenscope::core::stream::Usage { output_tokens: 3, ..Default::default() };
        stage.event(run, tokenscope::core::stream::StreamEvent::Usage(usage));
        let reason = tokenscope::core::stream::FinishReason::Stop;
        stage.event(run, tokenscope::core::stream::StreamEvent::Finished(reason));
        // Between 20 ms and 400, and a second token after 100.
        assert_eq!(time(&stage).as_deref(), Some("≈ 310 ms"));
    }
}

/// Counts what is asked for, a token for each character.
fn count(stage: &mut Stage) {
    for effect in stage.all_effects() {
        match effect {
            Effect::Count { encoding, texts } => {
                let counts =
                    texts.into_iter().map(|(key, text)| (key, text.chars().count() as u64)).collect();
                stage.tell(Msg::Counted { encoding, counts });
            }
            Effect::CountDraft { revision, text, .. } => {
                stage.tell(Msg::DraftCounted { revision, tokens: text.chars().count() as u64 });
            }
            _ => {}
        }
    }
}

#[test]
fn texts_of_axes_are_bounded_until_they_are_counted() {
    let line = |stage: &Stage| stage.screen().lines().nth(1).unwrap().to_owned();
    let mut stage =
        Stage::talking(200, 60, &[(Role::System, "Be."), (Role::User, "a"), (Role::Assistant, "b")]);
    count(&mut stage);
    stage.press("alt-2").type_text("하나?\n둘?").press("alt-t right right");
    assert!(stage.screen().contains("2 requests · ≤ "), "{}", stage.screen());
    (0..3).for_each(|_| count(&mut stage));
    // Three tokens of framing and four of each message; those of the texts are its characters.
    let before = 3 + 4 * 4 + "Be.".len() + 2;
    let expected = format!("2 requests · {} in", 2 * before + 3 + 2);
    assert!(stage.screen().contains(&expected), "{expected}: {}", stage.screen());
    stage.press("enter");
    assert!(line(&stage).contains(&expected), "{}", line(&stage));
    // Personas take the place of the system message, or leave it out.
    stage.press("alt-t down right right").type_text("none, chef").press("enter");
    (0..3).for_each(|_| count(&mut stage));
    let chef = "You are a chef.".len();
    let expected = format!("4 requests · {} in", 2 * (2 * (3 + 3 * 4 + 2) + 3 + 2) + 2 * (4 + chef));
    assert!(line(&stage).contains(&expected), "{expected}: {}", line(&stage));
    // What another model counts stays bounded.
    stage.press("alt-t");
    while !stage.screen().contains("columns    model") {
        stage.press("right");
    }
    stage.type_text("m-1, m-2").press("enter");
    (0..3).for_each(|_| count(&mut stage));
    assert!(line(&stage).contains("4 requests · ≤ "), "{}", line(&stage));
}

#[test]
fn the_plan_says_where_the_budget_stops_it() {
    for (size, told) in
        [((80, 24), "= 7 requests"), ((120, 40), "stops at 5 requests"), ((200, 60), "stops at 5 requests")]
    {
        let mut stage = Stage::new(size.0, size.1);
        stage.press("alt-2").type_text("hi").press("alt-t down down down");
        stage.type_text("requests=5, dollars=0.5, seconds=60");
        assert!(
            stage.screen().contains("7 requests · stops at 5 requests, $0.50, 60 s"),
            "{}",
            stage.screen()
        );
        stage.press("enter");
        let line = stage.screen().lines().nth(1).unwrap().to_owned();
        assert!(line.contains(told), "{line}");
        // One that is not reached is not told.
        stage.press("alt-t down down down").type_text("requests=7");
        assert!(stage.screen().contains("7 cells · 7 requests · ≈"), "{}", stage.screen());
    }
}

#[test]
fn a_large_board_has_an_outlook_too() {
    let mut stage = Stage::new(120, 40);
    stage.press("alt-2").press("alt-t").type_text("0.02..2 step 0.02").press("down right");
    while !stage.screen().contains("seed") {
        stage.press("right");
    }
    stage.type_text("1..20").press("enter").type_text("Why rise early?");
    let line = stage.screen().lines().nth(1).unwrap().to_owned();
    assert!(line.contains("= 2,000 requests") && line.contains("1,024,000 out"), "{line}");
}
