//! Answers beside the samples of a comparison: kept when they end, and there again when it is opened.

use crate::support::stage::{Stage, token};
use tokenscope::app::archive::{ArchiveJob, ArchiveNews, Opened};
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::core::job::{AsideRecord, RunRecord};
use tokenscope::core::run::Run;
use tokenscope::core::stream::{FinishReason, StreamEvent};

/// What the archive was asked to keep.
#[derive(Default)]
struct Kept {
    begun: Option<Opened>,
    asides: Vec<AsideRecord>,
}

fn kept(stage: &mut Stage) -> Kept {
    let mut kept = Kept::default();
    for effect in stage.all_effects() {
        match effect {
            Effect::Archive(ArchiveJob::Begin { record, sweep, checks }) => {
                let answers = vec![None; record.samples.len()];
                kept.begun =
                    Some(Opened { record: *record, sweep: *sweep, checks, answers, asides: Vec::new() });
            }
            Effect::Archive(ArchiveJob::Keep { sample, run, .. }) => {
                kept.begun.as_mut().unwrap().answers[sample] = Some(*run);
            }
            Effect::Archive(ArchiveJob::KeepAside { aside, .. }) => kept.asides.push(*aside),
            _ => {}
        }
    }
    kept
}

/// Returns a comparison of two temperatures whose answers have two tokens each.
fn compared() -> Stage {
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.3, 1.0]);
    stage.press("alt-2").type_text("질문").press("enter");
    for run in [stage.started[0].0, stage.started[1].0] {
        stage.event(run, StreamEvent::Attempt { number: 1 });
        for candidates in [[("비", 0.6), ("눈", 0.3)], [("가", 0.7), ("는", 0.2)]] {
            let token = token(&candidates);
            stage.event(run, StreamEvent::Delta { text: candidates[0].0.to_owned(), tokens: vec![token] });
        }
        stage.event(run, StreamEvent::Finished(FinishReason::Stop));
    }
    stage
}

/// Opens what was kept in a new session, as the database gives it back.
fn reopened(kept: Kept) -> Stage {
    let mut opened = kept.begun.unwrap();
    // The store has an answer once, whatever became of its number.
    let mut last: Vec<AsideRecord> = Vec::new();
    for aside in kept.asides {
        last.retain(|own| (own.cell, own.number) != (aside.cell, aside.number));
        let RunRecord { run, .. } = &aside.run;
        let mut stored = Run::recorded(run.id, run.request.clone(), run.text.clone());
        stored.tokens.clone_from(&run.tokens);
        last.push(AsideRecord { run: RunRecord { run: stored, ..aside.run.clone() }, ..aside });
    }
    opened.asides = last;
    let mut stage = Stage::new(120, 40);
    stage.tell(Msg::Archive(ArchiveNews::Opened(Box::new(opened))));
    stage
}

#[test]
fn an_answer_asked_once_more_is_there_again() {
    let mut stage = compared();
    stage.press("l r");
    let again = stage.last_run();
    stage.answer(again, "다시 물은 답");
    let kept = kept(&mut stage);
    let aside = &kept.asides[0];
    assert_eq!((aside.cell, aside.number, aside.branch), (1, 0, None));
    let mut stage = reopened(kept);
    assert!(!stage.screen().contains("다시 물은 답"), "{}", stage.screen());
    stage.press("l ]");
    assert!(
        stage.screen().contains("다시 물은 답") && stage.screen().contains("again 2/2"),
        "{}",
        stage.screen()
    );
}

#[test]
fn an_ending_hangs_again_on_the_answer_it_goes_on_from() {
    let mut stage = compared();
    stage.press("enter enter");
    let ending = stage.last_run();
    stage.event(ending, StreamEvent::Attempt { number: 1 });
    stage.event(ending, StreamEvent::Delta { text: " 온다".to_owned(), tokens: Vec::new() });
    // Stopped in the middle it is kept as well: the inspector closes first.
    stage.press("esc esc");
    let kept = kept(&mut stage);
    let branch = kept.asides.last().unwrap().branch.unwrap();
    assert_eq!((branch.parent, branch.inherited > 0), (0, true));
    let stage = reopened(kept);
    let compare = &stage.app.compare;
    let (parent, ending) = (compare.answer(0, 0).unwrap(), compare.answer(0, 1).unwrap());
    let restored = ending.branch.unwrap();
    assert_eq!((restored.parent, restored.at, restored.means), (parent.id, branch.at, branch.means));
    assert!(ending.text.ends_with(" 온다"), "{}", ending.text);
}

#[test]
fn what_the_next_comparison_stops_is_kept_in_its_own() {
    let mut stage = compared();
    stage.press("r");
    let again = stage.last_run();
    stage.stream(again, ["한참 걸리는"]);
    stage.press("tab").type_text("다른 질문").press("enter");
    let kept = kept(&mut stage);
    assert_eq!(kept.asides[0].run.run.text, "한참 걸리는");
    assert_eq!(kept.asides.len(), 1);
}

#[test]
fn a_click_in_figures_moves_no_cursor() {
    use tokenscope::app::msg::{Mouse, MouseKind};
    let mut stage = compared();
    for lens in ["s", "s m"] {
        stage.press(lens).tell(Msg::Mouse(Mouse { kind: MouseKind::Press, x: 100, y: 10 }));
        assert_eq!(stage.app.compare.cursor, 0, "{lens}");
    }
    stage.press("m").tell(Msg::Mouse(Mouse { kind: MouseKind::Press, x: 100, y: 10 }));
    assert_eq!(stage.app.compare.cursor, 1);
}
