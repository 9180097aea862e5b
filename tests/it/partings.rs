//! Where answers part in a comparison that is too large to be held whole: what was let go is fetched.

use crate::support::stage::{Stage, token};
use std::sync::Arc;
use tokenscope::app::archive::{ArchiveJob, ArchiveNews};
use tokenscope::app::compare::partings::Wanted;
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::core::exchange::Exchange;
use tokenscope::core::id::RunId;
use tokenscope::core::job::RecordId;
use tokenscope::core::stream::{FinishReason, StreamEvent};
use tokenscope::core::token::Token;

/// What the columns say: they part at their second token.
const SECOND: [[(&str, f64); 2]; 2] = [[("quiet", 0.5), ("loud", 0.25)], [("loud", 0.75), ("calm", 0.125)]];

/// What was kept of an answer, and what the archive was told it is called.
struct Kept {
    sweep: RecordId,
    sample: usize,
    record: RecordId,
    tokens: Vec<Token>,
}

/// A comparison of two temperatures with so many repeats, of which all is answered and kept.
fn kept((width, height): (u16, u16), repeats: u32) -> (Stage, Vec<Kept>) {
    let mut stage = Stage::with(width, height, |start| {
        start.temperatures = vec![0.3, 1.8];
        start.repeats = repeats;
        start.concurrency = 100;
    });
    stage.press("alt-2").type_text("hi").press("enter");
    let runs: Vec<RunId> = stage.app.compare.runs().map(|run| run.id).collect();
    for (number, run) in runs.iter().enumerate() {
        let second = &SECOND[number / repeats as usize];
        let tokens = vec![token(&[("a ", 0.5), ("the ", 0.25)]), token(second)];
        stage.event(*run, StreamEvent::Attempt { number: 1 });
        stage.event(*run, StreamEvent::Delta { text: format!("a {}", second[0].0), tokens });
        stage.event(*run, StreamEvent::Finished(FinishReason::Stop));
    }
    let kept = |effect: Effect| match effect {
        Effect::Archive(ArchiveJob::Keep { sweep, sample, run, .. }) => {
            Some(Kept { sweep, sample, record: run.id, tokens: run.run.tokens })
        }
        _ => None,
    };
    let all: Vec<Kept> = stage.all_effects().into_iter().filter_map(kept).collect();
    assert_eq!(all.len(), runs.len());
    for Kept { sweep, sample, record, .. } in &all {
        let news = ArchiveNews::Kept { sweep: *sweep, sample: *sample, record: *record };
        stage.tell(Msg::Archive(news));
    }
    (stage, all)
}

/// Returns the tokens that were asked for since this was last called.
fn wanted(stage: &mut Stage) -> Vec<Wanted> {
    let token = |effect: Effect| match effect {
        Effect::Archive(ArchiveJob::LoadToken { wanted, .. }) => Some(wanted),
        _ => None,
    };
    stage.all_effects().into_iter().filter_map(token).collect()
}

/// Tells the app a token it asked for.
fn load(stage: &mut Stage, kept: &[Kept], wanted: Wanted) {
    let own = kept.iter().find(|kept| kept.record == wanted.record).unwrap();
    assert_eq!(own.sample, wanted.sample);
    let token = Box::new(own.tokens[wanted.at].clone());
    stage.tell(Msg::Archive(ArchiveNews::TokenLoaded { sweep: own.sweep, wanted, token }));
}

#[test]
fn both_tokens_are_fetched_once_and_their_probabilities_stand_in_both_runs() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let (mut stage, kept) = kept(size, 40);
        assert!(stage.app.compare.runs().all(|run| run.is_light));
        assert_eq!(wanted(&mut stage), []);
        stage.press("d");
        assert!(stage.screen().contains("unknown"), "{}", stage.screen());
        let tokens = wanted(&mut stage);
        assert_eq!(
            tokens.iter().map(|token| (token.sample, token.at)).collect::<Vec<_>>(),
            [(40, 1), (0, 1)]
        );
        stage.press("d d right left");
        assert_eq!(wanted(&mut stage), []);
        for token in tokens {
            load(&mut stage, &kept, token);
        }
        let screen = stage.screen();
        assert!(
            !screen.contains("unknown") && screen.contains("25.0") && screen.contains("75.0"),
            "{screen}"
        );
        assert!(screen.contains("≤ 12.5") && screen.contains("50.0"), "{screen}");
        // Another repeat is another answer.
        stage.press("right ]");
        assert_eq!(
            wanted(&mut stage).iter().map(|token| (token.sample, token.at)).collect::<Vec<_>>(),
            [(41, 1)]
        );
        let held =
            stage.app.compare.runs().flat_map(|run| &run.tokens).filter(|token| !token.candidates.is_empty());
        assert_eq!(held.count(), 2, "the rest stays where it is kept");
    }
}

#[test]
fn what_is_held_whole_is_not_fetched() {
    let (mut stage, _) = kept((120, 40), 32);
    stage.press("d");
    assert_eq!(wanted(&mut stage), []);
    assert!(stage.screen().contains("25.0") && !stage.screen().contains("unknown"), "{}", stage.screen());
}

#[test]
fn a_token_of_an_answer_that_is_gone_changes_nothing() {
    let (mut stage, kept) = kept((120, 40), 40);
    stage.press("d");
    let tokens = wanted(&mut stage);
    let other = RecordId { session: 9, number: 9 };
    let token = Box::new(kept[0].tokens[1].clone());
    for (sweep, wanted) in [
        (other, tokens[0]),
        (kept[0].sweep, Wanted { record: other, ..tokens[0] }),
        (kept[0].sweep, Wanted { sample: usize::MAX, ..tokens[0] }),
        (kept[0].sweep, Wanted { at: usize::MAX, ..tokens[0] }),
        (kept[0].sweep, Wanted { at: 0, ..tokens[0] }),
    ] {
        stage.tell(Msg::Archive(ArchiveNews::TokenLoaded { sweep, wanted, token: token.clone() }));
    }
    assert!(stage.app.compare.runs().flat_map(|run| &run.tokens).all(|token| token.candidates.is_empty()));
}

#[test]
fn the_raw_exchange_is_that_of_the_cell_and_fetched_where_it_was_let_go() {
    let raw = |sample: usize| {
        let mut exchange = Exchange::default();
        exchange.url = format!("http://here/{sample}");
        exchange.push(std::time::Duration::ZERO, "a frame");
        Arc::new(exchange)
    };
    // Of a small comparison all is there.
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.3, 1.8]);
    stage.press("alt-2").type_text("hi").press("enter f2");
    assert!(stage.screen().contains("this answer is still coming"), "{}", stage.screen());
    let runs: Vec<RunId> = stage.started.iter().map(|(run, _)| *run).collect();
    stage.press("esc");
    for (number, run) in runs.into_iter().enumerate() {
        stage.event(run, StreamEvent::Exchanged(raw(number))).answer(run, "slogan");
    }
    stage.press("right f2");
    assert!(stage.screen().contains("POST http://here/1"), "{}", stage.screen());
    // Of a large one it is read from the archive.
    let (mut stage, kept) = kept((120, 40), 40);
    stage.press("right f2");
    assert!(stage.screen().contains("reading what was kept of it"), "{}", stage.screen());
    let load = |effect: Effect| match effect {
        Effect::Archive(ArchiveJob::Load { sweep, sample, record }) => Some((sweep, sample, record)),
        _ => None,
    };
    let loads: Vec<_> = stage.all_effects().into_iter().filter_map(load).collect();
    let own = &kept[40];
    assert_eq!(loads, [(own.sweep, 40, own.record)]);
    let mut whole = stage.app.compare.current().unwrap().run.unwrap().clone();
    (whole.exchange, whole.is_light) = (Some(raw(40)), false);
    let news = ArchiveNews::Loaded { sweep: own.sweep, sample: 40, run: Box::new(whole) };
    stage.tell(Msg::Archive(news));
    assert!(stage.screen().contains("POST http://here/40"), "{}", stage.screen());
}
