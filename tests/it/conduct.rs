//! How the app treats what the user has: nothing is lost, every step shows, every sentence says what
//! to do next.

use crate::support::stage::Stage;
use tokenscope::app::command::Place;
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::app::{Drafting, Screen};
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::request::Role::{Assistant, System, User};
use tokenscope::core::run::Count;
use tokenscope::core::stream::StreamEvent;

/// Returns what the live counter shows for the whole request, every text counted by its letters.
fn context(stage: &mut Stage) -> Count {
    loop {
        let effects = stage.all_effects();
        let mut is_settled = true;
        for effect in effects {
            match effect {
                Effect::Count { encoding, texts } => {
                    let counts =
                        texts.into_iter().map(|(key, text)| (key, text.chars().count() as u64)).collect();
                    stage.tell(Msg::Counted { encoding, counts });
                    is_settled = false;
                }
                Effect::CountDraft { revision, text, .. } => {
                    stage.tell(Msg::DraftCounted { revision, tokens: text.chars().count() as u64 });
                    is_settled = false;
                }
                _ => {}
            }
        }
        if is_settled {
            return stage.app.counter().context(&stage.app.settings.card, None).used;
        }
    }
}

/// Returns the count of a request with texts of these lengths.
fn request(texts: &[u64]) -> Count {
    Count::Exact(texts.iter().sum::<u64>() + 3 + 4 * texts.len() as u64)
}

#[test]
fn deletions_come_back_one_by_one() {
    let mut stage = Stage::new(80, 24);
    stage.exchange("one", "first").exchange("two", "second");
    let all = stage.said();
    stage.press("tab d d");
    assert_eq!(stage.said(), all[..2]);
    stage.press("u");
    assert_eq!((stage.said(), stage.notice()), (all[..3].to_vec(), "brought back; u again: one more step"));
    stage.press("u");
    assert_eq!((stage.said(), stage.notice()), (all.clone(), "brought back"));
    stage.press("u");
    assert_eq!((stage.said(), stage.notice()), (all, "nothing to bring back"));
}

#[test]
fn an_edit_says_how_the_old_branch_comes_back_and_what_was_added_since_is_kept() {
    let mut stage = Stage::new(80, 24);
    stage.exchange("one", "first").exchange("two", "second").press("tab { { { { e").type_text("!");
    stage.press("enter");
    assert!(
        stage.notice().contains("u in the conversation brings the old branch back"),
        "{}",
        stage.notice()
    );
    let run = stage.last_run();
    stage.answer(run, "again").exchange("three", "third");
    let new = ["user: one!", "assistant: again", "user: three", "assistant: third"];
    stage.press("tab u");
    assert_eq!(stage.said(), ["user: one", "assistant: first", "user: two", "assistant: second"]);
    assert!(stage.notice().contains("returns to what stood here"), "{}", stage.notice());
    stage.press("u");
    assert_eq!(stage.said(), new, "the other branch whole, with what was added to it");
}

#[test]
fn a_new_conversation_and_the_last_one_are_both_within_reach() {
    let mut stage = Stage::talking(80, 24, &[(System, "be kind")]);
    stage.exchange("one", "first").press("ctrl-n").exchange("two", "second").press("tab u");
    assert_eq!(stage.said(), ["system: be kind", "user: one", "assistant: first"]);
    stage.press("u");
    assert_eq!(stage.said(), ["system: be kind", "user: two", "assistant: second"]);
}

#[test]
fn ctrl_a_selects_the_whole_draft() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("two\nlines").press("ctrl-a backspace");
    assert!(stage.app.composer.is_empty());
    stage.press("ctrl-z");
    assert_eq!(stage.app.composer.text(), "two\nlines");
}

#[test]
fn unfolding_says_why_it_cannot() {
    let mut stage = Stage::new(80, 24);
    stage.press("alt-u");
    assert_eq!(stage.notice(), "no folded paste in this draft");
    stage.paste(&"x".repeat(300_000)).press("alt-u");
    assert!(stage.notice().contains("too large to edit here: ^O"), "{}", stage.notice());
    stage.press("ctrl-a backspace").paste(&"x\n".repeat(30)).press("ctrl-home alt-u");
    assert_eq!(stage.app.composer.rows().len(), 10, "the only one unfolds wherever the cursor is");
}

#[test]
fn each_esc_in_a_comparison_takes_one_visible_thing_away() {
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.3, 1.8]);
    stage.type_text("q").press("alt-2 enter");
    for run in stage.started.iter().map(|(run, _)| *run).collect::<Vec<_>>() {
        stage.answer(run, "slogan");
    }
    stage.press("z enter");
    let levels = |stage: &Stage| (stage.app.compare.inspecting, stage.app.compare.zoomed, stage.app.zoomed);
    let mut seen = vec![(levels(&stage), stage.screen())];
    for _ in 0..2 {
        stage.press("esc");
        seen.push((levels(&stage), stage.screen()));
    }
    assert_eq!(
        seen.iter().map(|(levels, _)| *levels).collect::<Vec<_>>(),
        [(true, true, false), (false, true, false), (false, false, false)]
    );
    assert!(seen.windows(2).all(|pair| pair[0].1 != pair[1].1));
    // Beside an open inspector the columns can have the whole screen too.
    stage.press("enter shift-tab z");
    assert!(stage.app.layout.inspector.is_empty(), "{}", stage.screen());
    stage.press("esc");
    assert!(!stage.app.layout.inspector.is_empty() && stage.app.compare.inspecting);
}

#[test]
fn the_counter_shows_what_will_be_sent_in_every_way_of_writing() {
    let talk = [(System, "be kind"), (User, "one"), (Assistant, "first"), (User, "two")];
    let mut stage = Stage::talking(80, 24, &talk);
    assert_eq!(context(&mut stage), request(&[7, 3, 5, 3]));
    stage.press("alt-s");
    assert_eq!(context(&mut stage), request(&[7, 3, 5, 3]), "the new text stands for the old one");
    stage.type_text("!!");
    assert_eq!(context(&mut stage), request(&[9, 3, 5, 3]));
    stage.press("esc tab { { { e");
    assert_eq!(stage.app.composer.text(), "one");
    assert_eq!(context(&mut stage), request(&[7, 3]), "what follows an edited question is not sent");
    stage.press("esc tab } e").type_text("?");
    assert_eq!(stage.app.composer.text(), "first?");
    assert_eq!(context(&mut stage), request(&[7, 3, 6, 3]), "an edited answer keeps what follows");
    stage.press("esc tab i").type_text("note");
    assert_eq!(context(&mut stage), request(&[7, 3, 5, 3, 4]));
    stage.press("esc");
    assert_eq!(context(&mut stage), request(&[7, 3, 5, 3]));
}

#[test]
fn a_key_that_types_nothing_leads_to_the_draft_and_a_letter_goes_on_reading() {
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.3, 1.8]);
    stage.exchange("one", "first").press("alt-2 enter");
    assert_eq!(stage.app.focus, Place::Grid);
    stage.press("alt-1");
    assert_eq!((stage.app.screen, stage.app.focus), (Screen::Chat, Place::Composer));
    stage.press("tab alt-2");
    assert_eq!(stage.app.focus, Place::Grid, "there are columns to read");
    stage.press("1");
    assert_eq!((stage.app.screen, stage.app.focus), (Screen::Chat, Place::Transcript));
    let mut stage = Stage::new(120, 40);
    stage.exchange("one", "first").press("tab alt-2");
    assert_eq!(stage.app.focus, Place::Composer, "nothing to read yet");
}

#[test]
fn a_column_brings_its_temperature_for_this_conversation_only() {
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.3, 1.8]);
    stage.type_text("q").press("alt-2 enter");
    for run in stage.started.iter().map(|(run, _)| *run).collect::<Vec<_>>() {
        stage.answer(run, "slogan");
    }
    stage.press("c");
    assert_eq!(stage.notice(), "this conversation goes on at temperature 0.3: ^T sets it, ^N returns to 0.7");
    stage.press("alt-2 tab right c");
    assert!(stage.notice().ends_with("^N returns to 0.7"), "{}", stage.notice());
    stage.press("ctrl-n");
    assert_eq!(stage.app.settings.sampling.temperature, Some(0.7));
    assert!(stage.notice().starts_with("new conversation at temperature 0.7"), "{}", stage.notice());
    // What the user sets stays.
    stage.press("alt-2 tab c ctrl-t right esc ctrl-n");
    assert_eq!(stage.app.settings.sampling.temperature, Some(1.9));
}

#[test]
fn a_notice_goes_with_what_is_sent_or_by_itself() {
    let mut stage = Stage::new(80, 24);
    assert_eq!(stage.app.wakes_at(), None, "an idle screen sleeps");
    stage.press("enter");
    assert!(!stage.notice().is_empty());
    let ends = stage.app.wakes_at().unwrap();
    stage.type_text("x");
    assert!(!stage.notice().is_empty(), "typing takes nothing away that nobody could have read");
    stage.press("enter");
    assert_eq!((stage.notice(), stage.app.wakes_at()), ("", None));
    stage.press("esc");
    assert_eq!(stage.notice(), "stopped; the text is kept");
    stage.wait(10_000).tell(Msg::Tick);
    assert_eq!((stage.notice(), stage.app.wakes_at()), ("", None));
    assert!(ends > tokenscope::core::time::Timestamp::from_millis(3000), "there is time to read it");
}

#[test]
fn a_draft_that_does_not_fit_is_sent_when_the_user_says_so_again() {
    let mut stage = Stage::talking(80, 24, &[(User, "one")]);
    stage.paste(&"x ".repeat(9000));
    assert_eq!(context(&mut stage), request(&[3, 18_000]));
    stage.press("enter");
    assert_eq!((stage.started.len(), stage.app.drafting), (0, Drafting::New));
    assert!(
        stage.notice().starts_with(
            "this does not fit: 18,014 tokens, and m-1 takes 8,192. Shorten it, leave the history out (Alt-h)"
        ),
        "{}",
        stage.notice()
    );
    stage.press("enter");
    assert_eq!(stage.started.len(), 1);
    // Another draft is another question.
    stage.press("esc").paste(&"y ".repeat(9000));
    context(&mut stage);
    stage.press("enter");
    assert_eq!(stage.started.len(), 1);
}

/// Asserts that a screen has each of these, whole.
#[track_caller]
fn assert_shows(stage: &Stage, wanted: &[&str]) {
    let screen = stage.screen();
    for text in wanted {
        assert!(screen.contains(text), "{text:?} is missing:\n{screen}");
    }
}

#[test]
fn the_first_screen_is_whole_at_every_size() {
    for (width, height, wanted) in [
        (40, 12, ["The sandbox: a tiny model, offline.", "ask the question below", "7 temperatures at once"]),
        (41, 12, ["The sandbox: a tiny model, offline.", "ask the question below", "7 temperatures at once"]),
        (60, 15, ["It needs no", "ask the question below, or your own", "the probability of every token"]),
        (80, 24, ["It needs no", "at 7 temperatures, side by side", "--base-url URL."]),
        (200, 50, ["It needs no key and no network.", "at 7 temperatures, side by side", "--base-url URL."]),
    ] {
        let mut stage = Stage::with(width, height, |start| start.settings.endpoint = 1);
        assert_shows(&stage, &wanted);
        stage.press("alt-2");
        assert_shows(
            &stage,
            &["One question, ", "ask the question below", "vary something else", "edit what all"],
        );
    }
}

#[test]
fn columns_show_text_at_every_height() {
    for (width, height) in [(41, 12), (120, 12), (120, 13), (80, 16), (120, 40)] {
        let mut stage = Stage::with(width, height, |start| start.temperatures = vec![0.3, 1.8]);
        stage.type_text("q").press("alt-2 enter");
        for run in stage.started.iter().map(|(run, _)| *run).collect::<Vec<_>>() {
            stage.answer(run, "Step out.");
        }
        assert_shows(&stage, &["Step out.", "stop", "tok"]);
    }
    // The line above the draft leaves the columns two rows.
    let mut stage = Stage::with(80, 12, |start| start.temperatures = vec![0.3, 1.8]);
    stage.type_text("q").press("alt-2 enter");
    let run = stage.started[0].0;
    stage.answer(run, "Step out.").press("tab").type_text("a\nb\nc\nd\ne");
    assert_shows(&stage, &["Step out."]);
}

#[test]
fn how_an_answer_ended_outranks_its_figures() {
    let mut stage = Stage::new(41, 24);
    stage.type_text("q").press("enter");
    let run = stage.last_run();
    stage.stream(run, ["half ", "an ", "answer"]).press("esc");
    assert_shows(&stage, &["m-1 · T 0.7 · ≈ 3 tok · stopped"]);
    stage.resize(80, 24);
    assert_shows(&stage, &["m-1 · T 0.7 · ≈ 3 tok · 20 ms first · 50 tok/s · stopped"]);
    stage.resize(41, 24).exchange("q", "all of it");
    assert_shows(&stage, &["m-1 · T 0.7 · ≈ 1 tok · 20 ms first"]);
}

#[test]
fn a_silent_server_has_a_clock() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("q").press("enter");
    let run = stage.last_run();
    stage.stream(run, ["one ", "two"]).wait(1900).tell(Msg::Tick);
    assert_shows(&stage, &["50 tok/s"]);
    stage.wait(3300).tell(Msg::Tick);
    assert_shows(&stage, &["silent for 5.2 s"]);
    stage.stream(run, [" three"]);
    assert!(!stage.screen().contains("silent"), "{}", stage.screen());
    let mut stage = Stage::with(80, 24, |start| start.temperatures = vec![0.3]);
    stage.type_text("q").press("alt-2 enter");
    let run = stage.last_run();
    stage.stream(run, ["one ", "two"]).wait(5200).tell(Msg::Tick);
    assert_shows(&stage, &["silent 5.2 s"]);
}

#[test]
fn a_fault_names_the_key_that_helps() {
    let fault = |kind, status, param: Option<&str>| {
        let mut fault = Fault::new(kind, "it broke").remedy("Do something");
        (fault.status, fault.param) = (status, param.map(str::to_owned));
        fault
    };
    for (fault, ending) in [
        (fault(FaultKind::Server, Some(500), None), "it broke (HTTP 500). Do something. ^R asks again."),
        (fault(FaultKind::Refused, Some(400), Some("temperature")), "Do something. ^T sets the parameters."),
        (fault(FaultKind::Refused, Some(400), Some("tools")), "(HTTP 400). Do something."),
        (fault(FaultKind::NotFound, Some(404), None), "Do something. Alt-m lists the models."),
        (fault(FaultKind::Unauthorized, Some(401), None), "Do something. Alt-e chooses another endpoint."),
        (Fault::new(FaultKind::Local, "no key"), "no key."),
    ] {
        let mut stage = Stage::new(99, 24);
        stage.type_text("q").press("enter");
        let run = stage.last_run();
        stage.event(run, StreamEvent::Failed(fault));
        assert_shows(&stage, &[ending]);
    }
    let mut stage = Stage::with(100, 24, |start| start.temperatures = vec![0.3]);
    stage.type_text("q").press("alt-2 enter");
    let run = stage.last_run();
    stage.event(run, StreamEvent::Failed(fault(FaultKind::Cut, None, None)));
    assert_shows(&stage, &["Do something. r asks again."]);
}

#[test]
fn pages_turn_by_what_is_shown_less_a_line_and_no_further_than_they_go() {
    let mut stage = Stage::new(80, 24);
    let place = |stage: &Stage| {
        let screen = stage.screen();
        let line = screen.lines().find(|line| line.contains(" of ")).unwrap().to_owned();
        line.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
    };
    stage.press("f1");
    let first = place(&stage);
    let rows: usize = first.split(['-', ' ']).nth(1).unwrap().parse().unwrap();
    stage.press("pagedown");
    assert!(place(&stage).starts_with(&format!("{rows}-")), "{first} then {}", place(&stage));
    stage.press("end");
    let last = place(&stage);
    stage.press("pageup");
    assert_ne!(place(&stage), last, "the page turns back at once");
    stage.press("home");
    assert_eq!(place(&stage), first);
}

#[test]
fn lists_mark_what_is_in_force_and_popups_say_what_their_keys_do() {
    let mut stage = Stage::new(80, 24);
    stage.press("f9 down");
    assert_shows(&stage, &["● bamboo", "  dusk"]);
    stage.press("esc alt-e");
    assert_shows(&stage, &["● local"]);
    stage.press("esc alt-t");
    stage.type_text("warm").press("enter");
    let error = "is no temperature: write a number from 0 to 2, or omit";
    let words = stage.screen().replace(['│', '╭', '╰'], " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    assert!(words.join(" ").contains(error), "{}", stage.screen());
    stage.press("esc ctrl-t");
    assert_shows(&stage, &["← → change · type a value · Del omits", "← lower", "→ raise", "Del omit"]);
    stage.press("down down down down");
    assert_shows(&stage, &["type a text, several with | · Del omits"]);
    // Where not all parameters have a row the selected one does, and no hint is drawn over it.
    stage.resize(41, 12);
    assert_shows(&stage, &["seed  ", "stop  ", "type a text, several with |"]);
    stage.press("down down down");
    assert_shows(&stage, &["top_logprobs       5", "← → change · type a value"]);
}

#[test]
fn a_terminal_without_unicode_is_told_ascii_only() {
    let mut stage = Stage::with(120, 30, |start| start.settings.endpoint = 1);
    stage.use_ascii();
    let screens = ["", "enter", "alt-i", "f1", "esc ctrl-p", "esc ctrl-t", "esc alt-e", "esc alt-2", "enter"];
    for keys in screens {
        stage.press(keys);
        let screen = stage.screen();
        assert!(screen.is_ascii(), "{screen}");
    }
    let mut stage = Stage::new(80, 24);
    stage.use_ascii();
    stage.exchange("어디?", "- 서울 → here…");
    assert_shows(&stage, &["T 0.7 | ~ 1 tok | 20 ms first", "???? > here.", "| reply <= 512"]);
}

#[test]
fn esc_closes_what_is_over_the_board_before_it_stops_a_sweep() {
    let mut stage = Stage::with(120, 40, |start| start.concurrency = 2);
    stage.type_text("q").press("alt-2 enter /").type_text("1.").press("enter s");
    let run = stage.started[0].0;
    stage.stream(run, ["half"]);
    let hint = |stage: &Stage| stage.screen().lines().last().unwrap().trim().to_owned();
    for (word, then) in [("Esc cells", 2), ("Esc show all", 2), ("Esc stop all", 0)] {
        assert!(hint(&stage).starts_with(word), "{word}: {}", hint(&stage));
        stage.press("esc");
        assert_eq!(stage.app.running(), then, "{word}");
        stage.wait(60_000).tell(Msg::Tick);
    }
    assert!(!hint(&stage).contains("Esc"), "{}", hint(&stage));
    // An open inspector goes before anything is stopped, from inside it and from beside it.
    for keys in ["enter", "enter shift-tab"] {
        let mut stage = Stage::with(120, 40, |start| start.concurrency = 2);
        stage.type_text("q").press("alt-2 enter").press(keys);
        assert!(stage.app.compare.inspecting, "{}", stage.screen());
        stage.press("esc");
        assert_eq!((stage.app.compare.inspecting, stage.app.running()), (false, 2));
        stage.press("esc");
        assert_eq!(stage.app.running(), 0);
    }
}

#[test]
fn what_was_stopped_goes_on_with_the_key_that_is_named() {
    for stop in ["X", "esc"] {
        let mut stage = Stage::with(120, 40, |start| {
            (start.temperatures, start.concurrency) = (vec![0.3, 0.8, 1.0, 1.3], 2);
        });
        stage.type_text("q").press("alt-2 enter");
        let runs = [stage.started[0].0, stage.started[1].0];
        stage.answer(runs[0], "done").stream(runs[1], ["half"]).press(stop);
        assert_eq!(stage.notice(), "stopped; the text is kept; p asks for the rest");
        assert_shows(&stage, &["1 / 4 · stopped", "half", "done"]);
        // Who writes another question sees what that takes.
        stage.press("tab").type_text("x");
        assert!(!stage.screen().contains("1 / 4"), "{}", stage.screen());
        stage.press("backspace tab R");
        assert_eq!(stage.notice(), "nothing failed: p asks for what was stopped");
        let before = stage.started.len();
        stage.press("p");
        assert_eq!(stage.notice(), "goes on with 3 answers");
        let asked: Vec<_> =
            stage.started[before..].iter().map(|(_, request)| request.sampling.temperature).collect();
        assert_eq!(asked, [Some(0.8), Some(1.0)]);
        while stage.app.running() > 0 {
            let run = stage.app.compare.runs().find(|run| !run.status.is_ended()).unwrap().id;
            stage.answer(run, "whole");
        }
        assert_eq!(stage.screen().matches("whole").count(), 3, "{}", stage.screen());
        stage.press("X");
        assert_eq!(stage.notice(), "nothing is under way");
    }
}

#[test]
fn a_used_up_budget_is_named_whenever_the_rest_is_wanted() {
    let mut stage = Stage::with(120, 40, |start| start.concurrency = 1);
    stage.press("alt-2").type_text("hi").press("alt-t").type_text("0.3 0.8 1").press("down down down");
    stage.type_text("requests=1").press("enter enter");
    let run = stage.last_run();
    stage.answer(run, "one");
    for keys in ["p", "p", "X p"] {
        stage.press(keys);
        assert_eq!(stage.notice(), "not sent: the budget of 1 request is used up; Alt-t sets another");
        assert_eq!(stage.started.len(), 1);
    }
    stage.press("alt-t down down down").type_text("requests=9").press("enter p");
    assert_eq!(stage.started.len(), 2);
}

#[test]
fn a_sweep_under_way_ends_for_another_when_the_user_says_so_again() {
    let mut stage = Stage::with(120, 40, |start| start.concurrency = 2);
    stage.type_text("q").press("alt-2 enter");
    let run = stage.started[0].0;
    stage.answer(run, "done").press("tab").type_text("another").press("enter");
    let said = "1 / 7 answered: Enter again stops the rest and asks this; Alt-o goes on with it later";
    assert_eq!((stage.notice(), stage.started.len()), (said, 3));
    // Another draft is another question.
    stage.type_text("!").press("enter");
    assert_eq!((stage.notice(), stage.started.len(), stage.app.running()), (said, 3, 2));
    stage.press("enter");
    assert_eq!((stage.sent(), stage.app.running()), (vec!["user: another!".to_owned()], 2));
    stage.press("ctrl-r");
    assert!(stage.notice().starts_with("0 / 7 answered: ^R again stops the rest"), "{}", stage.notice());
    // One that is over makes way at once.
    stage.press("X tab").type_text("third").press("enter");
    assert_eq!(stage.sent(), ["user: third"]);
}

#[test]
fn a_letter_does_not_quit_while_answers_are_under_way_or_a_vote_is_on() {
    let mut stage = Stage::with(120, 40, |start| start.temperatures = vec![0.3, 1.8]);
    stage.type_text("hi").press("alt-2 enter q");
    assert_eq!(stage.notice(), "answers are under way: q again quits all the same, as ^Q does");
    stage.press("right q");
    assert_eq!(stage.app.exit_code(), None, "only twice in a row is again");
    for run in stage.started.iter().map(|(run, _)| *run).collect::<Vec<_>>() {
        stage.answer(run, "slogan");
    }
    stage.press("right w q");
    assert!(stage.notice().starts_with("no vote was cast yet: q again"), "{}", stage.notice());
    stage.press("q");
    assert_eq!(stage.app.exit_code(), Some(0));
}
