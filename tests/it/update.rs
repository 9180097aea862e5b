//! The app alone: a state and messages give a state and effects. No loop, no server, no clock.

use crate::support::stage::{Stage, chord};
use std::sync::Arc;
use tokenscope::app::archive::ArchiveJob;
use tokenscope::app::command::Place;
use tokenscope::app::msg::{CountKey, Effect, Msg};
use tokenscope::app::{Drafting, SUGGESTION, Screen};
use tokenscope::core::exchange::Exchange;
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::id::RunId;
use tokenscope::core::model::Encoding;
use tokenscope::core::request::Role::{Assistant, System, User};
use tokenscope::core::run::{Count, RunStatus};
use tokenscope::core::stream::{FinishReason, StreamEvent, Usage};

fn fault() -> Fault {
    Fault::new(FaultKind::Server, "it broke")
}

fn delta(text: &str) -> StreamEvent {
    StreamEvent::Delta { text: text.to_owned(), tokens: Vec::new() }
}

fn status(run: &RunStatus) -> &'static str {
    match run {
        RunStatus::Queued => "queued",
        RunStatus::Connecting => "connecting",
        RunStatus::Waiting { .. } => "waiting",
        RunStatus::Streaming => "streaming",
        RunStatus::Done(_) => "done",
        RunStatus::Failed(_) => "failed",
        RunStatus::Cancelled => "cancelled",
    }
}

/// Returns a question and a run that answers it, brought to a status the way a provider does.
fn reached(wanted: &str) -> (Stage, RunId) {
    let mut stage = Stage::new(80, 24);
    stage.type_text("question").press("enter");
    let run = stage.last_run();
    let attempt = StreamEvent::Attempt { number: 1 };
    match wanted {
        "queued" => {}
        "connecting" => {
            stage.event(run, attempt);
        }
        "waiting" => {
            stage.event(run, attempt).event(run, StreamEvent::Retrying { fault: fault(), delay_ms: 500 });
        }
        "streaming" => {
            stage.stream(run, ["so far"]);
        }
        "done" => {
            stage.answer(run, "so far");
        }
        "failed" => {
            stage.stream(run, ["so far"]).event(run, StreamEvent::Failed(fault()));
        }
        _ => {
            stage.stream(run, ["so far"]).press("esc");
        }
    }
    assert_eq!(status(&stage.run(run).status), wanted);
    stage.effects();
    (stage, run)
}

#[test]
fn every_step_leads_from_every_status_where_it_should() {
    let steps: [(&str, StreamEvent); 9] = [
        ("attempt", StreamEvent::Attempt { number: 2 }),
        ("retrying", StreamEvent::Retrying { fault: fault(), delay_ms: 10 }),
        ("opened", StreamEvent::Opened { model: Some("m-1-2026".into()), request_id: None }),
        ("delta", delta(" and on")),
        ("reasoning", StreamEvent::Reasoning { text: "hm".to_owned() }),
        ("usage", StreamEvent::Usage(Usage { output_tokens: 3, ..Usage::default() })),
        ("exchanged", StreamEvent::Exchanged(Arc::new(Exchange::default()))),
        ("finished", StreamEvent::Finished(FinishReason::Stop)),
        ("failed", StreamEvent::Failed(fault())),
    ];
    // Where each of the steps above leads. A provider tries again only before a part was shown.
    let open =
        |own, opened| ["connecting", "waiting", own, "streaming", "streaming", own, opened, "done", "failed"];
    let streaming =
        ["", "", "streaming", "streaming", "streaming", "streaming", "streaming", "done", "failed"];
    let table = [
        ("queued", open("queued", "queued")),
        ("connecting", open("connecting", "connecting")),
        ("waiting", open("waiting", "waiting")),
        ("streaming", streaming),
        ("done", ["done"; 9]),
        ("failed", ["failed"; 9]),
        ("cancelled", ["cancelled"; 9]),
    ];
    for (from, leads_to) in table {
        for ((name, step), to) in steps.iter().zip(leads_to).filter(|(_, to)| !to.is_empty()) {
            let (mut stage, run) = reached(from);
            let (before, was_ended) = (stage.run(run).clone(), stage.run(run).status.is_ended());
            stage.all_effects();
            stage.event(run, step.clone());
            let after = stage.run(run).clone();
            assert_eq!(status(&after.status), to, "{name} while {from}");
            let kept = stage.all_effects().iter().any(|effect| matches!(effect, Effect::KeepConversation(_)));
            if was_ended {
                assert_eq!(after, before, "{name} while {from} changes nothing");
                assert_eq!((stage.app.stale, kept), (1, false), "{name} while {from} is stale");
            } else {
                let text = if *name == "delta" { format!("{} and on", before.text) } else { before.text };
                assert_eq!(after.text, text, "{name} while {from}");
                let is_ended = after.status.is_ended();
                assert_eq!(kept, is_ended, "{name} while {from}: an ended answer is kept");
                assert_eq!((stage.app.running(), stage.app.stale), (usize::from(!is_ended), 0));
            }
        }
    }
}

#[test]
fn a_step_of_a_run_nobody_knows_is_dropped() {
    let mut stage = Stage::new(80, 24);
    stage.event(RunId(99), delta("ghost"));
    assert_eq!((stage.app.stale, stage.effects()), (1, vec![]));
    assert!(!stage.screen().contains("ghost"));
}

#[test]
fn sending_starts_a_run_and_keeps_the_question() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("안녕").press("enter");
    let (run, request) = stage.started[0].clone();
    assert_eq!(stage.effects(), [Effect::Start { run, request: Arc::clone(&request), timeout: None }]);
    assert_eq!((&*request.endpoint, &*request.model, request.stream), ("local", "m-1", true));
    assert_eq!(request.sampling, stage.app.settings.sampling);
    assert_eq!(stage.sent(), ["user: 안녕"]);
    assert!(stage.app.composer.is_empty());
    // One answer at a time: the draft stays where it is.
    stage.type_text("more").press("enter");
    assert_eq!((stage.started.len(), stage.app.composer.text().as_str()), (1, "more"));
    assert!(stage.notice().starts_with("still answering"), "{}", stage.notice());
}

#[test]
fn stopping_keeps_the_text_and_cancels_once() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("count").press("enter");
    let run = stage.last_run();
    stage.stream(run, ["one ", "two"]);
    stage.effects();
    stage.press("esc");
    assert_eq!(stage.effects(), [Effect::Cancel(run)]);
    assert_eq!(stage.said(), ["user: count", "assistant: one two"]);
    stage.press("esc").event(run, delta(" three"));
    assert_eq!((stage.effects(), stage.said()[1].as_str()), (vec![], "assistant: one two"));
}

#[test]
fn memory_decides_what_is_sent() {
    let mut stage = Stage::talking(80, 24, &[(System, "be kind")]);
    stage.exchange("one", "first").press("alt-h").type_text("two").press("enter");
    assert_eq!(stage.sent(), ["system: be kind", "user: two"]);
    let run = stage.last_run();
    stage.answer(run, "second").press("alt-h").type_text("three").press("enter");
    let all =
        ["system: be kind", "user: one", "assistant: first", "user: two", "assistant: second", "user: three"];
    assert_eq!(stage.sent(), all);
    assert!(Stage::new(80, 24).press("alt-h").screen().contains("no memory"));
}

#[test]
fn an_answer_that_failed_before_its_first_token_is_not_sent_back() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("one").press("enter");
    let run = stage.last_run();
    stage.event(run, StreamEvent::Failed(fault())).type_text("two").press("enter");
    assert_eq!(stage.sent(), ["user: one", "user: two"]);
}

#[test]
fn the_system_message_is_set_edited_removed_and_brought_back() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("half a thought").press("alt-s");
    assert_eq!((stage.app.drafting, stage.app.composer.text().as_str()), (Drafting::System, ""));
    stage.type_text("be kind").press("enter");
    assert_eq!(stage.said(), ["system: be kind"]);
    assert_eq!(stage.app.composer.text(), "half a thought", "the draft comes back");
    stage.press("alt-s");
    assert_eq!(stage.app.composer.text(), "be kind");
    stage.type_text(" and brief").press("enter");
    assert_eq!(stage.said(), ["system: be kind and brief"]);
    stage.press("alt-s ctrl-u enter");
    assert_eq!((stage.said(), stage.notice()), (vec![], "system message removed"));
    stage.press("tab u");
    assert_eq!(stage.said(), ["system: be kind and brief"]);
    assert_eq!(stage.started.len(), 0, "none of this asks for an answer");
}

#[test]
fn a_message_of_any_role_goes_anywhere() {
    let talk = [(User, "a"), (Assistant, "b"), (User, "c"), (Assistant, "d")];
    for (up, role, keys) in
        [(1, System, ""), (2, User, "alt-r alt-r"), (3, Assistant, "alt-r"), (4, System, "")]
    {
        let mut stage = Stage::talking(80, 24, &talk);
        stage.type_text("kept").press("tab").press(&"{ ".repeat(up)).press("i").press(keys);
        stage.type_text("new").press("enter");
        let mut expected = talk.to_vec();
        expected.insert(talk.len() + 1 - up, (role, "new"));
        let expected: Vec<String> =
            expected.iter().map(|(role, text)| format!("{}: {text}", role.name())).collect();
        assert_eq!(stage.said(), expected);
        assert_eq!((stage.started.len(), stage.app.drafting), (0, Drafting::New));
        assert_eq!(stage.app.composer.text(), "kept", "the draft comes back");
    }
}

#[test]
fn a_draft_can_be_sent_as_another_role_without_an_answer() {
    let mut stage = Stage::new(80, 24);
    stage
        .press("alt-r")
        .type_text("rules")
        .press("enter")
        .press("alt-r alt-r")
        .type_text("I said")
        .press("enter");
    assert_eq!(stage.said(), ["system: rules", "assistant: I said"]);
    assert_eq!((stage.started.len(), stage.app.draft_role), (0, User));
    stage.type_text("go on").press("enter");
    assert_eq!(stage.sent(), ["system: rules", "assistant: I said", "user: go on"]);
}

#[test]
fn an_edited_question_is_asked_again_and_undone() {
    let mut stage = Stage::new(80, 24);
    stage.exchange("one", "first").exchange("two", "second").type_text("later");
    // From the bottom: answer, question, answer, question.
    stage.press("tab { { { { e");
    assert_eq!(stage.app.composer.text(), "one");
    stage.type_text("!").press("enter");
    assert_eq!(stage.sent(), ["user: one!"]);
    let run = stage.last_run();
    stage.answer(run, "again");
    assert_eq!(stage.said(), ["user: one!", "assistant: again"]);
    assert_eq!(stage.app.composer.text(), "later", "the draft comes back");
    let before = ["user: one", "assistant: first", "user: two", "assistant: second"];
    stage.press("tab u");
    assert_eq!(stage.said(), before);
    stage.press("u");
    assert_eq!(stage.said(), ["user: one!", "assistant: again"], "undoing is undone the same way");
    stage.press("{ { e esc");
    assert_eq!((stage.app.drafting, stage.app.composer.text().as_str()), (Drafting::New, "later"));
}

#[test]
fn an_edited_answer_stays_where_it_is() {
    let mut stage = Stage::new(80, 24);
    stage.exchange("one", "first").exchange("two", "second").press("tab { { { e").type_text(" edition");
    stage.press("enter");
    assert_eq!(stage.said(), ["user: one", "assistant: first edition", "user: two", "assistant: second"]);
    assert_eq!(stage.started.len(), 2);
}

#[test]
fn what_is_deleted_can_be_brought_back() {
    let mut stage = Stage::new(80, 24);
    stage.exchange("one", "first").exchange("two", "second");
    let all = stage.said();
    stage.press("tab { { d");
    assert_eq!(stage.said(), ["user: one", "assistant: first", "assistant: second"]);
    stage.press("u");
    assert_eq!(stage.said(), all);
    stage.press("u");
    assert_eq!((stage.said(), stage.notice()), (all, "nothing to bring back"));
}

#[test]
fn deleting_an_answer_under_way_stops_it() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("one").press("enter");
    let run = stage.last_run();
    stage.stream(run, ["half"]);
    stage.effects();
    stage.press("tab d");
    assert_eq!(stage.effects(), [Effect::Cancel(run)]);
    assert_eq!(stage.said(), ["user: one"]);
    stage.press("u");
    assert_eq!(stage.said(), ["user: one", "assistant: half"]);
}

#[test]
fn every_change_of_the_conversation_is_kept_at_once() {
    type Change = fn(&mut Stage) -> &mut Stage;
    let changes: [(&str, Change); 9] = [
        ("send", |stage| stage.type_text("new").press("enter")),
        ("another role", |stage| stage.press("alt-r").type_text("rules").press("enter")),
        ("system", |stage| stage.press("alt-s").type_text("be kind").press("enter")),
        ("insert", |stage| stage.press("tab i").type_text("note").press("enter")),
        ("edit an answer", |stage| stage.press("tab e").type_text("!").press("enter")),
        ("delete", |stage| stage.press("tab d")),
        ("undo", |stage| stage.press("tab d u")),
        ("variant", |stage| stage.press("tab left")),
        ("stop", |stage| stage.type_text("x").press("enter").press("esc")),
    ];
    for (name, change) in changes {
        let mut stage = Stage::new(80, 24);
        stage.exchange("one", "first").press("ctrl-r");
        let run = stage.last_run();
        stage.answer(run, "second");
        stage.all_effects();
        change(&mut stage);
        let kept = stage.all_effects().into_iter().rev().find_map(|effect| match effect {
            Effect::KeepConversation(prompts) => Some(prompts),
            _ => None,
        });
        let kept: Vec<String> = kept
            .unwrap_or_else(|| panic!("{name}: nothing is kept"))
            .iter()
            .map(|prompt| format!("{}: {}", prompt.role.name(), prompt.content))
            .collect();
        let said: Vec<String> = stage.said().into_iter().filter(|line| !line.ends_with(": ")).collect();
        assert_eq!(kept, said, "{name}");
    }
}

#[test]
fn asking_again_keeps_both_answers_and_the_shown_one_is_sent_back() {
    let mut stage = Stage::new(80, 24);
    stage.exchange("one", "first").press("ctrl-r");
    assert_eq!(stage.sent(), ["user: one"]);
    let run = stage.last_run();
    stage.answer(run, "second");
    assert!(stage.screen().contains("‹ 2/2 ›"), "{}", stage.screen());
    stage.press("tab left");
    assert_eq!(stage.said(), ["user: one", "assistant: first"]);
    stage.press("left shift-tab").type_text("two").press("enter");
    assert_eq!(stage.sent(), ["user: one", "assistant: first", "user: two"]);
    let run = stage.last_run();
    stage.answer(run, "third").press("tab { right");
    assert!(stage.notice().starts_with("one answer so far"), "{}", stage.notice());
}

#[test]
fn an_answer_from_a_file_gets_a_variant_beside_it() {
    let mut stage = Stage::talking(80, 24, &[(User, "one"), (Assistant, "old")]);
    stage.press("ctrl-r");
    let run = stage.last_run();
    stage.answer(run, "new").press("tab left");
    assert_eq!(stage.said(), ["user: one", "assistant: old"]);
    stage.press("right");
    assert_eq!(stage.said(), ["user: one", "assistant: new"]);
}

#[test]
fn questions_are_recalled_with_the_arrows() {
    let mut stage =
        Stage::talking(80, 24, &[(User, "one"), (Assistant, "b"), (User, "둘"), (Assistant, "d")]);
    let drafts: Vec<String> = ["up", "up", "up", "down", "down", "down"]
        .iter()
        .map(|key| stage.press(key).app.composer.text())
        .collect();
    assert_eq!(drafts, ["둘", "one", "one", "둘", "", ""]);
    // What was typed is never replaced.
    stage.type_text("mine").press("up");
    assert_eq!(stage.app.composer.text(), "mine");
}

#[test]
fn esc_steps_back_one_level_at_a_time() {
    let mut stage = Stage::new(120, 40);
    stage.exchange("one", "first").press("tab {").press("alt-z").type_text("e");
    assert!(stage.app.zoomed && stage.app.transcript.selected.is_some());
    stage.press("ctrl-p");
    let mut levels = Vec::new();
    for _ in 0..6 {
        let app = &stage.app;
        levels.push((
            app.overlay.is_some(),
            app.drafting != Drafting::New,
            app.zoomed,
            app.transcript.selected.is_some(),
            app.focus,
        ));
        stage.press("esc");
    }
    let composer = Place::Composer;
    assert_eq!(
        levels,
        [
            (true, true, true, true, composer),
            (false, true, true, true, composer),
            (false, false, true, true, composer),
            (false, false, false, true, composer),
            (false, false, false, false, composer),
            (false, false, false, false, composer),
        ]
    );
    stage.press("tab esc");
    assert_eq!(stage.app.focus, composer, "with nothing else to leave, Esc goes to the draft");
}

#[test]
fn esc_leaves_an_overlay_before_it_stops_an_answer() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("one").press("enter").press("f1 esc");
    assert_eq!((stage.app.running(), stage.app.overlay.is_none()), (1, true));
    stage.press("esc");
    assert_eq!(stage.app.running(), 0);
}

#[test]
fn ctrl_c_stops_first_and_quits_when_pressed_twice_in_a_row() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("one").press("enter").press("ctrl-c");
    assert_eq!((stage.app.running(), stage.app.exit_code()), (0, None));
    stage.type_text("x").press("ctrl-c");
    assert_eq!(stage.app.exit_code(), None, "another key came between");
    stage.press("ctrl-c");
    assert_eq!(stage.app.exit_code(), Some(0));
}

#[test]
fn ctrl_d_quits_on_an_empty_draft_only() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("ab").press("home ctrl-d");
    assert_eq!((stage.app.composer.text().as_str(), stage.app.exit_code()), ("b", None));
    stage.press("ctrl-d ctrl-d");
    assert_eq!(stage.app.exit_code(), Some(0));
}

#[test]
fn leaving_keeps_the_conversation_and_cancels_what_runs() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("one").press("enter");
    let run = stage.last_run();
    stage.stream(run, ["half"]).all_effects();
    stage.tell(Msg::Quit(143));
    let effects = stage.all_effects();
    assert!(effects.contains(&Effect::Cancel(run)), "{effects:?}");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::KeepConversation(all) if all.len() == 2)));
    assert_eq!(stage.app.exit_code(), Some(143));
}

#[test]
fn every_stop_of_tab_is_on_screen_in_every_layout() {
    for (width, height) in [(40, 12), (80, 24), (100, 30), (120, 40), (160, 50), (200, 60)] {
        for start in ["alt-1", "alt-2"] {
            let mut stage = Stage::new(width, height);
            stage.exchange("one", "first").press(start);
            let first = stage.app.focus;
            let mut seen = Vec::new();
            loop {
                assert_focus_is_visible(&stage);
                seen.push(stage.app.focus);
                stage.press("tab");
                if stage.app.focus == first {
                    break;
                }
            }
            for place in seen.iter().rev() {
                stage.press("shift-tab");
                assert_eq!(stage.app.focus, *place);
            }
            let expected: &[Place] = if start == "alt-1" {
                &[Place::Composer, Place::Transcript, Place::Inspector]
            } else {
                &[Place::Composer, Place::Grid]
            };
            assert!(expected.iter().all(|place| seen.contains(place)), "{width}x{height}: {seen:?}");
        }
    }
}

#[test]
fn narrow_layouts_show_one_pane_and_wide_ones_two() {
    let panes = |width, height, keys: &str| {
        let mut stage = Stage::new(width, height);
        stage.exchange("one", "first").press(keys);
        (!stage.app.layout.transcript.is_empty(), !stage.app.layout.inspector.is_empty())
    };
    assert_eq!(panes(80, 24, "tab"), (true, false));
    assert_eq!(panes(80, 24, "tab tab"), (false, true));
    assert_eq!(panes(120, 40, "tab"), (true, true));
    assert_eq!(panes(120, 40, "tab tab alt-z"), (false, true));
    assert_eq!(panes(120, 40, "tab alt-z"), (true, false));
}

#[test]
fn single_keys_are_commands_everywhere_but_in_the_draft() {
    let mut stage = Stage::new(80, 24);
    stage.exchange("one", "first").type_text("?v1q");
    assert_eq!((stage.app.composer.text().as_str(), stage.app.exit_code()), ("?v1q", None));
    stage.press("tab ?");
    assert!(stage.app.overlay.is_some());
    // The Korean letter on the same key.
    stage.press("esc tab").tell(Msg::Key(chord("ㅂ")));
    assert_eq!(stage.app.exit_code(), Some(0));
}

#[test]
fn the_sandbox_offers_a_question_and_nothing_else_does() {
    let mut stage = Stage::with(80, 24, |start| start.settings.endpoint = 1);
    assert!(stage.screen().contains(SUGGESTION), "{}", stage.screen());
    stage.type_text("x");
    assert!(!stage.screen().contains(SUGGESTION));
    stage.press("backspace enter");
    assert_eq!(stage.sent(), [format!("user: {SUGGESTION}")]);
    let mut stage = Stage::new(80, 24);
    stage.press("enter");
    assert_eq!((stage.started.len(), stage.app.suggestion()), (0, None));
    assert!(stage.notice().starts_with("nothing to send yet"), "{}", stage.notice());
}

/// A comparison at three temperatures that is under way.
fn comparing() -> Stage {
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.3, 1.0, 1.8]);
    stage.type_text("a slogan").press("alt-2 enter");
    stage.effects();
    stage
}

#[test]
fn a_comparison_asks_the_same_at_every_temperature() {
    let stage = comparing();
    let asked: Vec<_> = stage
        .started
        .iter()
        .map(|(_, request)| (request.sampling.temperature, request.messages.len()))
        .collect();
    assert_eq!(asked, [(Some(0.3), 1), (Some(1.0), 1), (Some(1.8), 1)]);
    assert_eq!((stage.app.screen, stage.app.focus), (Screen::Compare, Place::Grid));
    assert_eq!(stage.said(), [""; 0], "the conversation is not touched");
}

#[test]
fn one_answer_of_a_comparison_is_stopped_or_all_are() {
    let mut stage = comparing();
    let runs: Vec<RunId> = stage.started.iter().map(|(run, _)| *run).collect();
    stage.press("right x");
    assert_eq!(stage.effects(), [Effect::Cancel(runs[1])]);
    stage.press("X");
    assert_eq!(stage.effects(), [Effect::Cancel(runs[0]), Effect::Cancel(runs[2])]);
    stage.press("x X");
    assert_eq!(stage.effects(), []);
}

#[test]
fn leaving_keeps_what_came_of_a_comparison() {
    let mut stage = comparing();
    let run = stage.started[1].0;
    stage.stream(run, ["half"]).all_effects();
    stage.tell(Msg::Quit(0));
    let effects = stage.all_effects();
    let kept: Vec<&str> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Archive(ArchiveJob::Keep { run, .. }) => Some(run.run.text.as_str()),
            _ => None,
        })
        .filter(|text| !text.is_empty())
        .collect();
    assert_eq!(kept, ["half"]);
    assert!(effects.contains(&Effect::Cancel(run)));
}

#[test]
fn a_column_is_asked_again_and_its_answer_kept() {
    let mut stage = comparing();
    let (old, request) = stage.started[1].clone();
    stage.stream(old, ["meh"]).press("right r");
    let new = stage.last_run();
    assert_eq!(stage.effects(), [Effect::Cancel(old), Effect::Start { run: new, request, timeout: None }]);
    stage.event(old, delta(" late")).answer(new, "better");
    let texts: Vec<_> = stage.app.compare.runs().map(|run| run.text.as_str()).collect();
    assert_eq!((texts, stage.app.stale), (vec!["", "meh", "", "better"], 1), "the old answer is kept");
    let shown = |stage: &Stage| stage.app.compare.current().unwrap().run.unwrap().text.clone();
    assert_eq!(shown(&stage), "better");
    stage.press("[");
    assert_eq!(shown(&stage), "meh");
    // Where nothing came there is nothing to keep.
    stage.press("right r");
    assert_eq!(stage.app.compare.runs().count(), 4);
}

#[test]
fn a_column_goes_on_as_the_conversation() {
    let mut stage = comparing();
    let run = stage.started[2].0;
    stage.press("right right c");
    assert!(stage.notice().contains("not complete"), "{}", stage.notice());
    stage.answer(run, "Gravity called.").press("c");
    assert_eq!(stage.said(), ["user: a slogan", "assistant: Gravity called."]);
    assert_eq!((stage.app.screen, stage.app.focus), (Screen::Chat, Place::Composer));
    assert_eq!(stage.app.settings.sampling.temperature, Some(1.8));
    stage.type_text("more").press("enter");
    assert_eq!(stage.sent(), ["user: a slogan", "assistant: Gravity called.", "user: more"]);
    // A second column becomes a variant of the same answer.
    let (first, answer) = (stage.started[0].0, stage.last_run());
    stage.answer(answer, "ok").answer(first, "Step out.").press("alt-2 tab left left c");
    assert_eq!(stage.said()[..2], ["user: a slogan", "assistant: Step out."]);
}

#[test]
fn a_new_comparison_stops_the_old_one_and_drops_what_comes_late() {
    let mut stage = comparing();
    let old: Vec<RunId> = stage.started.iter().map(|(run, _)| *run).collect();
    stage.press("ctrl-r ctrl-r");
    let effects = stage.effects();
    assert!(old.iter().all(|run| effects.contains(&Effect::Cancel(*run))), "{effects:?}");
    assert_eq!(stage.started.len(), 6);
    stage.event(old[0], delta("late"));
    assert_eq!(stage.app.stale, 1);
}

#[test]
fn the_question_of_the_chat_is_compared_with_what_came_before_it() {
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.3, 1.8]);
    stage.exchange("one", "first").exchange("two", "second").press("alt-2 enter");
    assert_eq!(stage.sent(), ["user: one", "assistant: first", "user: two"]);
    assert_eq!(stage.started.len(), 4);
}

#[test]
fn a_count_of_an_older_draft_is_only_an_estimate() {
    let mut stage = Stage::new(80, 24);
    let draft = |stage: &Stage| stage.app.counter().draft();
    let asked = |stage: &mut Stage| {
        stage.all_effects().into_iter().find_map(|effect| match effect {
            Effect::CountDraft { revision, text, .. } => Some((revision, text)),
            _ => None,
        })
    };
    let (empty, _) = asked(&mut stage).unwrap();
    stage.tell(Msg::DraftCounted { revision: empty, tokens: 0 }).all_effects();
    stage.type_text("a");
    let (first, text) = asked(&mut stage).unwrap();
    assert_eq!((text.as_str(), draft(&stage)), ("a", Count::Estimate(0)));
    stage.type_text("bc");
    assert_eq!(asked(&mut stage), None, "one count at a time");
    stage.tell(Msg::DraftCounted { revision: first, tokens: 1 });
    assert_eq!(draft(&stage), Count::Estimate(1));
    let (latest, text) = asked(&mut stage).unwrap();
    assert_eq!(text, "abc");
    stage.tell(Msg::DraftCounted { revision: latest, tokens: 7 });
    assert_eq!(draft(&stage), Count::Exact(7));
}

#[test]
fn messages_are_counted_once_and_under_their_vocabulary() {
    let mut stage = Stage::talking(80, 24, &[(System, "be kind"), (User, "one")]);
    let keys: Vec<CountKey> = stage
        .all_effects()
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Count { texts, .. } => Some(texts.into_iter().map(|(key, _)| key).collect()),
            _ => None,
        })
        .unwrap();
    assert_eq!(keys.len(), 2);
    let counted = |encoding| Msg::Counted { encoding, counts: vec![(keys[0], 2), (keys[1], 1)] };
    stage.tell(counted(Encoding::Cl100kBase));
    let used = |stage: &Stage| stage.app.counter().context(&stage.app.settings.card, None).used;
    assert!(matches!(used(&stage), Count::Estimate(_)));
    stage.tell(counted(Encoding::O200kBase));
    assert_eq!(used(&stage), Count::Exact(2 + 1 + 3 + 2 * 4));
    assert!(!stage.all_effects().iter().any(|effect| matches!(effect, Effect::Count { .. })));
}

#[test]
fn a_new_conversation_keeps_the_system_message_and_can_be_undone() {
    let mut stage = Stage::talking(80, 24, &[(System, "be kind")]);
    stage.exchange("one", "first");
    stage.all_effects();
    stage.press("ctrl-n");
    assert_eq!(stage.said(), ["system: be kind"]);
    let effects = stage.all_effects();
    let kept = effects.iter().position(|effect| matches!(effect, Effect::KeepConversation(_)));
    let begun = effects.iter().position(|effect| *effect == Effect::BeginConversation);
    assert!(kept.is_some() && kept < begun, "{effects:?}");
    stage.press("tab u");
    assert_eq!(stage.said(), ["system: be kind", "user: one", "assistant: first"]);
}

#[test]
fn the_model_is_chosen_from_what_the_endpoint_lists_or_by_name() {
    let mut stage = Stage::new(80, 24);
    stage.press("alt-m");
    assert_eq!(stage.effects(), [Effect::ListModels("local".into())]);
    let models = |endpoint: &str, names: &[&str]| Msg::Models {
        endpoint: endpoint.into(),
        result: Ok(names.iter().map(|name| (*name).to_owned()).collect()),
    };
    stage.tell(models("elsewhere", &["not-mine"])).tell(models("local", &["m-1", "m-2", "큰-모델"]));
    assert!(!stage.screen().contains("not-mine"));
    stage.type_text("큰").press("enter");
    assert_eq!((&*stage.app.settings.model, stage.app.overlay.is_none()), ("큰-모델", true));
    let failed = Msg::Models { endpoint: "local".into(), result: Err(fault()) };
    stage.press("alt-m").tell(failed).type_text("by-name").press("enter");
    assert_eq!(&*stage.app.settings.model, "by-name");
}

#[test]
fn parameters_are_set_stepped_and_omitted() {
    let mut stage = Stage::new(80, 24);
    stage.press("ctrl-t right right");
    assert_eq!(stage.app.settings.sampling.temperature, Some(0.9));
    stage.type_text("3").press("enter");
    assert!(stage.screen().contains("0 to 2; '3' is not"), "{}", stage.screen());
    stage.press("backspace").type_text("1.25").press("enter down delete esc");
    let sampling = &stage.app.settings.sampling;
    assert_eq!((sampling.temperature, sampling.top_p, stage.app.overlay.is_none()), (Some(1.25), None, true));
    stage.press("ctrl-t delete esc").type_text("x").press("enter");
    assert_eq!(stage.started[0].1.sampling.temperature, None);
}

#[test]
fn a_pasted_text_never_sends_or_commands() {
    let mut stage = Stage::new(80, 24);
    stage.press("tab").paste("line one\nq\nline three");
    assert_eq!((stage.started.len(), stage.app.focus, stage.app.exit_code()), (0, Place::Composer, None));
    assert_eq!(stage.app.composer.text(), "line one\nq\nline three");
}

#[test]
fn an_answer_is_inspected_from_where_the_user_reads() {
    let mut stage = Stage::new(120, 40);
    stage.exchange("one", "first").press("tab enter");
    assert_eq!(stage.app.focus, Place::Inspector);
    assert!(stage.screen().contains("logprobs"), "an answer without logprobs says so: {}", stage.screen());
}

/// Asserts that the place the keyboard is in has room on screen.
#[track_caller]
fn assert_focus_is_visible(stage: &Stage) {
    let layout = &stage.app.layout;
    let room = match stage.app.place() {
        Place::Composer => layout.composer,
        Place::Transcript | Place::Grid => layout.transcript,
        Place::Inspector => layout.inspector,
        Place::Overlay | Place::Personas => layout.main,
    };
    assert!(
        !room.is_empty(),
        "{:?} has the keyboard and is not on screen:\n{}",
        stage.app.place(),
        stage.screen()
    );
}

#[test]
fn the_counter_shows_what_enter_would_send_although_nothing_is_typed() {
    let mut stage = Stage::talking(80, 24, &[(System, "be kind"), (User, "one"), (User, "two")]);
    let used = |stage: &Stage| stage.app.counter().context(&stage.app.settings.card, None).used;
    let count_all = |stage: &mut Stage| {
        for effect in stage.all_effects() {
            if let Effect::Count { encoding, texts } = effect {
                let counts = texts.into_iter().map(|(key, text)| (key, text.len() as u64)).collect();
                stage.tell(Msg::Counted { encoding, counts });
            }
        }
    };
    count_all(&mut stage);
    assert_eq!(used(&stage), Count::Exact(7 + 3 + 3 + 3 + 3 * 4));
    // Asking the last question again sends what stands before it, and the question.
    stage.press("alt-2");
    count_all(&mut stage);
    assert_eq!(used(&stage), Count::Exact(7 + 3 + 3 + 3 + 3 * 4));
    stage.press("alt-h");
    assert_eq!(used(&stage), Count::Exact(7 + 3 + 3 + 2 * 4));
    stage.press("alt-1");
    assert_eq!(used(&stage), Count::Exact(7 + 3 + 4));
}
