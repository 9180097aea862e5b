//! Checks in the workbench: written in the form, judged beside the loop, shown in cells and statistics; and
//! programs, which are run after a yes only.

use crate::support::DEADLINE;
use crate::support::gated::GatedServer;
use crate::support::harness::Harness;
use crate::support::pty::{Home, Pty};
use crate::support::stage::Stage;
use crate::support::wire::answer;
use tokenscope::app::archive::ArchiveJob;
use tokenscope::app::msg::{Effect, JudgeJob, Msg};
use tokenscope::app::overlay::Overlay;
use tokenscope::check::{Check, Examiner};
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::id::RunId;
use tokenscope::core::stream::StreamEvent;

/// Returns the form of the comparison, on the place for a check more.
fn form(width: u16, height: u16) -> Stage {
    let mut stage = Stage::with(width, height, |start| {
        start.temperatures = vec![0.3, 1.0];
        start.concurrency = 100;
    });
    stage.press("alt-2").type_text("아침?").press("alt-t down down down down");
    stage
}

/// Returns the checks that are begun to be judged by, and whether their programs may run.
fn begun(effects: &[Effect]) -> Option<(Vec<Check>, bool)> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::Judge(JudgeJob::Begin { checks, runs_programs, .. }) => {
            Some((checks.clone(), *runs_programs))
        }
        _ => None,
    })
}

/// Judges what the app wants judged, as the driver would.
fn judge(stage: &mut Stage) {
    let checks = stage.app.compare.checks.checks().to_vec();
    let examiner = Examiner::new(checks).unwrap();
    for effect in stage.all_effects() {
        if let Effect::Judge(JudgeJob::Answers { number, answers }) = effect {
            let verdicts =
                answers.into_iter().map(|(sample, run, own)| (sample, run, examiner.examine(&own)));
            stage.tell(Msg::Judged { number, verdicts: verdicts.collect() });
        }
    }
}

fn runs(stage: &Stage) -> Vec<RunId> {
    stage.started.iter().map(|(run, _)| *run).collect()
}

/// A comparison of two columns, held to two checks; the second column passes one of them.
fn judged(width: u16, height: u16) -> Stage {
    let mut stage = form(width, height);
    stage.type_text("국밥").press("down").type_text("regex=^서울").press("enter enter");
    let open = runs(&stage);
    stage.answer(open[0], "서울의 국밥").answer(open[1], "서울의 빵");
    judge(&mut stage);
    stage
}

#[test]
fn checks_are_lines_of_the_form() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut stage = form(width, height);
        assert!(stage.screen().contains("checks     + one more"), "{}", stage.screen());
        stage.type_text("regex=(").press("enter");
        assert!(stage.screen().contains("'(' is no pattern: unclosed group"), "{}", stage.screen());
        stage.press("backspace").type_text("^서").press("down").type_text("json_schema={\"type\":\"thing\"}");
        stage.press("enter");
        let Some(Overlay::Sweep(form)) = &stage.app.overlay else { panic!("the form is closed") };
        assert!(form.error.is_some() && form.selected == 5, "{:?}", form.error);
        stage.press("delete right right right").press("left").type_text("200").press("enter");
        assert!(stage.app.overlay.is_none(), "{}", stage.screen());
        let expected = ["regex=^서", "regex=200"].map(|text| Check::parse(text).unwrap());
        assert_eq!(stage.app.compare.setup.checks, expected);
        stage.press("alt-t").press("down down down down delete delete enter");
        assert_eq!(stage.app.compare.setup.checks, []);
    }
}

#[test]
fn verdicts_stand_in_cells_statistics_and_the_status_line() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut stage = judged(width, height);
        let screen = stage.screen();
        assert!(screen.contains("stop ✓2") && screen.contains("stop ✓1 ✗1"), "{screen}");
        assert!(screen.contains("1/2 pass"), "{screen}");
        stage.press("right z");
        assert!(stage.screen().contains("✗ contains '국밥': '국밥' is not in it"), "{}", stage.screen());
        stage.press("z s G");
        let screen = stage.screen();
        for row in ["pass rate", "contains '국밥'", "matches ^서울"] {
            let line =
                screen.lines().find(|line| line.contains(row)).unwrap_or_else(|| panic!("{row}: {screen}"));
            let (first, second) =
                if row == "matches ^서울" { ("100.0 %", "100.0 %") } else { ("100.0 %", "0.0 %") };
            assert!(line.contains(first) && line.trim_end_matches(['│', ' ']).ends_with(second), "{line}");
        }
        assert!(screen.lines().last().unwrap().contains("↑↓ statistic  G end"), "{screen}");
        stage.press("s").use_ascii();
        assert!(stage.screen().contains("stop +1 !1"), "{}", stage.screen());
    }
}

#[test]
fn a_vote_tells_nothing_of_verdicts() {
    let mut stage = judged(120, 40);
    stage.press("right z w");
    let screen = stage.screen().lines().skip(2).collect::<String>();
    assert!(!screen.contains('✓') && !screen.contains('✗'), "{screen}");
    stage.press("!");
    assert!(stage.notice().contains("votes for A to B"), "{}", stage.notice());
}

#[test]
fn an_answer_asked_again_is_judged_again() {
    let mut stage = form(120, 40);
    stage.type_text("국밥").press("enter enter");
    let open = runs(&stage);
    stage.event(open[0], StreamEvent::Failed(Fault::new(FaultKind::Server, "broken")));
    judge(&mut stage);
    assert!(stage.screen().contains("failed ✗1"), "{}", stage.screen());
    stage.press("R");
    assert!(!stage.screen().contains('✗'), "{}", stage.screen());
    let again = stage.last_run();
    // A verdict on the answer before is late.
    let number = stage.app.compare.checks.number();
    stage
        .tell(Msg::Judged { number, verdicts: vec![(0, open[0], vec![tokenscope::check::Verdict::Passed])] });
    assert!(!stage.screen().contains('✓'), "{}", stage.screen());
    stage.answer(again, "국밥");
    judge(&mut stage);
    assert!(stage.screen().contains("stop ✓1"), "{}", stage.screen());
}

#[test]
fn other_checks_go_for_what_is_answered_too() {
    let mut stage = judged(120, 40);
    stage.press("* alt-t down down down down delete").type_text("의").press("enter");
    let effects = stage.all_effects();
    let Some((checks, _)) = begun(&effects) else { panic!("{effects:?}") };
    assert_eq!(checks, [Check::parse("regex=의").unwrap()]);
    let kept = effects.iter().find_map(|effect| match effect {
        Effect::Archive(ArchiveJob::Begin { record, checks, .. }) => {
            Some((record.cells[0].is_best, checks.clone()))
        }
        _ => None,
    });
    assert_eq!(kept, Some((true, checks)), "the mark stays with what is kept");
}

#[test]
fn programs_are_shown_and_run_after_a_yes_only() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut stage = form(width, height);
        stage.type_text("command=sh -c rm").press("enter enter");
        assert!(stage.started.is_empty());
        let screen = stage.screen();
        assert!(screen.contains("run these programs?") && screen.contains("$ sh -c rm"), "{screen}");
        stage.press("esc alt-t down down down down delete").type_text("command=sh -c");
        stage.type_text(&" 긴 argument".repeat(20)).press("enter enter");
        let shown: String = stage.screen().lines().filter(|line| line.contains("argument")).collect();
        assert_eq!(shown.matches("argument").count(), 20, "{}", stage.screen());
        // Neither what is pasted nor Enter is a yes.
        stage.paste("y").press("enter enter x");
        assert!(stage.started.is_empty() && matches!(stage.app.overlay, Some(Overlay::Allow(_))));
        stage.press("esc");
        assert!(stage.app.overlay.is_none() && stage.started.is_empty());
        assert_eq!(stage.notice(), "no program is run");
        stage.press("enter n");
        assert_eq!((stage.started.len(), begun(&stage.all_effects()).unwrap().1), (2, false));
        let open = runs(&stage);
        stage.answer(open[0], "하나").answer(open[1], "둘");
        judge(&mut stage);
        assert!(!stage.screen().contains('✓') && !stage.screen().contains("pass"), "{}", stage.screen());
        stage.press("!").type_text("ㅛ");
        assert_eq!(begun(&stage.all_effects()).map(|(_, runs)| runs), Some(true));
        // Asked once, it is not asked again.
        stage.press("ctrl-r");
        assert_eq!((stage.started.len(), begun(&stage.all_effects()).unwrap().1), (4, true));
        // Other programs are not run for what is answered already, and nobody is asked, before that is wanted.
        stage.press("alt-t down down down down").type_text("command=sh -c ls").press("enter");
        assert!(
            stage.app.overlay.is_none() && stage.notice().contains("by all but programs: Tab, then !"),
            "{}: {}",
            stage.notice(),
            stage.screen()
        );
        assert_eq!(begun(&stage.all_effects()).map(|(_, runs)| runs), Some(false));
        stage.press("tab !");
        assert!(stage.screen().contains("$ sh -c ls"), "{}", stage.screen());
    }
}

#[test]
fn while_programs_run_cells_and_the_status_line_say_so() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut stage = form(width, height);
        stage.type_text("command=sh -c ls").press("enter enter y");
        let open = runs(&stage);
        stage.answer(open[0], "하나").answer(open[1], "둘");
        assert!(!stage.screen().contains("checking"), "{}", stage.screen());
        // What needs no program is told first, and leaves the verdicts of programs open.
        let number = stage.app.compare.checks.number();
        let open_still = |sample: usize| (sample, open[sample], vec![tokenscope::check::Verdict::Open]);
        stage.tell(Msg::Judged { number, verdicts: vec![open_still(0), open_still(1)] });
        assert_eq!(stage.screen().matches("checking …").count(), 3, "{}", stage.screen());
        let passed = |sample: usize| (sample, open[sample], vec![tokenscope::check::Verdict::Passed]);
        stage.tell(Msg::Judged { number, verdicts: vec![passed(0), passed(1)] });
        assert!(
            !stage.screen().contains("checking") && stage.screen().contains("2/2 pass"),
            "{}",
            stage.screen()
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn programs_judge_beside_the_loop() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let server = GatedServer::start().await;
    let desk = Harness::new(120, 40, &server);
    desk.press("alt-2").type_text("아침?").press("alt-t").type_text("0.3").press("down down down down");
    desk.type_text(&format!("command=tee {}", seen.display())).press("down");
    desk.type_text("command=grep -q 빵").press("enter enter");
    desk.shows("run these programs?").await;
    assert!(!seen.exists());
    desk.press("y");
    let mut call = tokio::time::timeout(DEADLINE, server.accept()).await.expect("a request comes");
    call.open().await;
    call.send(answer("서울의 국밥").as_bytes()).await;
    call.finish().await;
    desk.shows("stop ✓1 ✗1").await.shows("0/1 pass").await.press("z").shows("grep ended with 1").await;
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "서울의 국밥");
    desk.press("ctrl-q");
    desk.ends().await;
}

#[test]
fn a_cell_says_how_many_of_its_answers_pass() {
    let mut stage = form(120, 40);
    stage.type_text("국밥").press("up up right enter enter");
    for (run, text) in runs(&stage).into_iter().zip(["국밥", "국밥", "빵", "국밥"]) {
        stage.answer(run, text);
    }
    judge(&mut stage);
    let screen = stage.screen();
    let line = screen.lines().find(|line| line.contains("stop")).unwrap();
    // Every cell is asked once before any is asked twice.
    assert!(line.contains("stop ✓1 · 1/2 pass") && line.contains("stop ✓1 · 2/2 pass"), "{screen}");
    assert!(screen.contains("3/4 pass"), "{screen}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_earlier_comparison_runs_no_program_by_being_opened() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let (file, seen) = (home.data().join("s.toml"), home.data().join("seen"));
    let text = format!("prompt = \"아침?\"\n[[checks]]\ncommand = [\"tee\", \"{}\"]\n", seen.display());
    std::fs::write(&file, text).unwrap();
    let server = GatedServer::start().await;
    let mut terminal = Pty::open(&home, &server.base_url(), (120, 30), &file);
    terminal.shows("programs of its checks only after a yes").send("\r").shows("$ tee").send("n");
    let mut call = tokio::time::timeout(DEADLINE, server.accept()).await.expect("a request comes");
    call.open().await;
    call.send(answer("서울의 국밥").as_bytes()).await;
    call.finish().await;
    terminal.shows("국밥").send("\x11");
    assert_eq!(terminal.ends(), 0);
    let mut terminal = Pty::start(&home, &server.base_url(), 120, 30);
    terminal.shows("Write a message").send("\x1bo").shows("1/1 · just now").send("\r");
    terminal.shows("its checks name programs: !");
    assert!(!seen.exists());
    terminal.send("!").shows("$ tee").send("y").shows("✓1").send("\x11");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "서울의 국밥");
}

#[cfg(unix)]
#[tokio::test]
async fn leaving_ends_a_program_that_does_not() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.press("alt-2").type_text("아침?").press("alt-t").type_text("0.3").press("down down down down");
    desk.type_text("command=sleep 600").press("enter enter").shows("run these programs?").await.press("y");
    let mut call = tokio::time::timeout(DEADLINE, server.accept()).await.expect("a request comes");
    call.open().await;
    call.send(answer("국밥").as_bytes()).await;
    call.finish().await;
    desk.shows("국밥").await.press("ctrl-q");
    assert_eq!(desk.ends().await.code, 0);
}
