//! The program in a real terminal: it starts, answers, and leaves the terminal as it found it,
//! whatever ends it.

use crate::support::DEADLINE;
use crate::support::gated::{Call, GatedServer};
use crate::support::pty::{Home, Pty, file_holds};
use crate::support::wire::{answer, delta};

async fn accept(server: &GatedServer) -> Call {
    tokio::time::timeout(DEADLINE, server.accept()).await.expect("a request comes")
}

/// A program that is ready, with the server it asks.
async fn ready(home: &Home) -> (Pty, GatedServer) {
    let server = GatedServer::start().await;
    let mut terminal = Pty::start(home, &server.base_url(), 80, 24);
    terminal.shows("Write a message");
    (terminal, server)
}

#[tokio::test]
async fn a_question_in_korean_is_answered_and_the_screen_follows_its_size() {
    let home = Home::new();
    let (mut terminal, server) = ready(&home).await;
    terminal.send("오늘 뭐 먹지? 🍜").shows("오늘 뭐 먹지? 🍜");
    terminal.until("the cursor is on the caret", |screen| {
        let row = screen.cursor_position().0;
        !screen.hide_cursor()
            && screen.contents().lines().nth(row.into()).is_some_and(|line| line.contains("🍜"))
    });
    terminal.send("\r");
    let mut call = accept(&server).await;
    assert!(call.body.contains("오늘 뭐 먹지? 🍜"), "{}", call.body);
    call.open().await;
    call.send(answer("김치찌개가 좋겠어요.").as_bytes()).await;
    call.finish().await;
    terminal.shows("김치찌개가 좋겠어요.").shows("ready");
    // Wide enough for two panes: the inspector comes beside the conversation.
    terminal.resize(120, 30).shows("inspector").shows("김치찌개가 좋겠어요.");
    // One pane; drawn anew once the last line is where it belongs.
    terminal.resize(60, 14).until("the last line moved up", |screen| {
        screen.contents().lines().nth(13).is_some_and(|line| line.trim_end().ends_with("F1 help"))
    });
    assert!(!terminal.screen().contains("inspector"), "{}", terminal.screen());
    terminal.shows("김치찌개가 좋겠어요.").send("\x11");
    assert_eq!(terminal.ends(), 0);
}

#[tokio::test]
async fn ctrl_c_twice_leaves() {
    let home = Home::new();
    let (mut terminal, _server) = ready(&home).await;
    terminal.send("\x03").shows("Ctrl-C again quits").send("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[tokio::test]
async fn ctrl_c_stops_an_answer_first() {
    let home = Home::new();
    let (mut terminal, server) = ready(&home).await;
    terminal.send("hello\r");
    let mut call = accept(&server).await;
    call.open().await;
    call.send(delta("half").as_bytes()).await;
    terminal.shows("half").send("\x03").shows("stopped; Ctrl-C again quits").shows("half");
    tokio::time::timeout(DEADLINE, call.closed()).await.unwrap();
    terminal.send("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[tokio::test]
async fn signals_end_it_with_their_code_and_a_whole_terminal() {
    for (name, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let home = Home::new();
        let (mut terminal, _server) = ready(&home).await;
        terminal.send("unsent").shows("unsent").signal(name);
        assert_eq!(terminal.ends(), code, "SIG{name}");
        file_holds(&home.draft(), "unsent");
    }
}

#[tokio::test]
async fn a_panic_restores_the_terminal_before_it_is_told_and_keeps_the_draft() {
    let home = Home::new();
    let server = GatedServer::start().await;
    let debug = [("TOKENSCOPE_DEBUG", "panic")];
    let mut terminal = Pty::start_with(&home, &server.base_url(), (80, 24), &debug);
    terminal.shows("Write a message").send("precious").shows("precious").send("\x1b[24~");
    assert_eq!(terminal.ends(), 101);
    assert!(terminal.screen().contains("TOKENSCOPE_DEBUG=panic"), "{}", terminal.screen());
    file_holds(&home.draft(), "precious");
}

#[tokio::test]
async fn without_the_debugging_aid_f12_is_no_key() {
    let home = Home::new();
    let (mut terminal, _server) = ready(&home).await;
    terminal.send("\x1b[24~").send("alive").shows("alive").send("\x11");
    assert_eq!(terminal.ends(), 0);
}

#[tokio::test]
async fn closing_the_window_ends_it_at_once_and_keeps_the_draft() {
    let home = Home::new();
    let (mut terminal, _server) = ready(&home).await;
    terminal.send("left behin").shows("left behin");
    assert_eq!(terminal.close(), 129);
    let kept = std::fs::read_to_string(home.draft()).unwrap();
    assert!(kept.starts_with("left behin"), "{kept:?}");
}

#[tokio::test]
async fn a_draft_outlives_being_killed() {
    let home = Home::new();
    let (mut terminal, server) = ready(&home).await;
    terminal.send("살아남은 글").shows("살아남은 글");
    file_holds(&home.draft(), "살아남은 글");
    terminal.kill();
    let mut terminal = Pty::start(&home, &server.base_url(), 80, 24);
    terminal.shows("살아남은 글").send("\x11");
    assert_eq!(terminal.ends(), 0);
}

#[tokio::test]
async fn drawing_anew_asks_nothing_of_a_terminal_that_does_not_answer() {
    let home = Home::new();
    let (mut terminal, _server) = ready(&home).await;
    let before = terminal.bytes().len();
    terminal.send("\x0cstill here").shows("still here");
    let drawn = terminal.bytes();
    let asked = drawn[before..].windows(4).any(|bytes| bytes == b"\x1b[6n");
    assert!(!asked, "{:?}", String::from_utf8_lossy(&drawn[before..]));
    terminal.send("\x11");
    assert_eq!(terminal.ends(), 0);
}

#[tokio::test]
async fn control_sequences_in_an_answer_never_reach_the_terminal() {
    let home = Home::new();
    let (mut terminal, server) = ready(&home).await;
    terminal.send("attack\r");
    let mut call = accept(&server).await;
    call.open().await;
    let hostile = concat!(
        "begin \u{1b}]0;owned\u{7} \u{1b}[31mred \u{9b}2J \u{1b}P+q\u{1b}\\ \u{202e}reversed\u{202c} ",
        "\u{2066}isolated\u{2069} \u{200b}\u{feff}joined \r\u{8}\u{c}\u{7f} [link](javascript:alert) `\u{1b}c` end\n\n",
        "```\n\u{1b}[2Jcode\u{9d}8;;http://x\u{9c}\n```\n\nover"
    );
    // In two pieces, so that a sequence is cut in the middle as well.
    for piece in [&hostile[..7], &hostile[7..]] {
        call.send(delta(piece).as_bytes()).await;
    }
    call.send(answer("").as_bytes()).await;
    call.finish().await;
    terminal.shows("over").shows("ready").send("\x11");
    assert_eq!(terminal.ends(), 0);
    let bytes = terminal.bytes();
    let holds = |wanted: &str| bytes.windows(wanted.len()).any(|found| found == wanted.as_bytes());
    for sequence in ["\u{1b}]0;", "\u{7}", "\u{1b}[31mred", "\u{1b}P", "\u{8}", "\u{c}", "\u{7f}", "\u{1b}c"]
    {
        assert!(!holds(sequence), "{}", sequence.escape_debug());
    }
    for character in
        ['\u{9b}', '\u{9c}', '\u{9d}', '\u{202e}', '\u{202c}', '\u{2066}', '\u{2069}', '\u{200b}', '\u{feff}']
    {
        assert!(!holds(&character.to_string()), "{}", character.escape_unicode());
    }
    assert!(holds("owned") && holds("code"));
}

#[test]
fn without_a_terminal_it_says_so_in_one_line() {
    let (code, told) = Home::new().run_without_terminal("http://127.0.0.1:9/v1");
    assert!(code.is_some_and(|code| code > 0), "{code:?}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("terminal") && told.contains("tokenscope ask"), "{told}");
}

#[tokio::test]
async fn a_window_that_is_too_small_says_what_it_needs() {
    let server = GatedServer::start().await;
    let home = Home::new();
    let mut terminal = Pty::start(&home, &server.base_url(), 30, 8);
    terminal.shows("needs 40x12, has 30x8");
    let screen = terminal.screen();
    assert_eq!(screen.lines().filter(|line| !line.trim().is_empty()).count(), 1, "{screen}");
    terminal.resize(40, 12).shows("Write a message").send("\x11");
    assert_eq!(terminal.ends(), 0);
}
