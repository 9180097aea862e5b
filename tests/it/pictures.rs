//! The pictures of the documentation are the program's own screens, and current.
//!
//! Each is drawn from answers written beforehand, on a fixed clock, and compared with the committed
//! file. `UPDATE_PICTURES=1 cargo test pictures` draws them anew.

use crate::support::canned::tokens;
use crate::support::desk::Desk;
use crate::support::svg::{Window, picture};
use std::path::Path;
use tokenscope::core::stream::FinishReason;

/// Variable with which the committed pictures are replaced.
const UPDATE: &str = "UPDATE_PICTURES";

/// What is asked in all pictures.
const EARLY: &str = "What is good about rising early?";

/// Compares a picture with the committed one, or replaces that.
#[track_caller]
fn assert_current(name: &str, title: &str, rows: &[Vec<Window>]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let drawn = picture(title, rows);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, drawn).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        committed == drawn,
        "docs/{name} does not show the program as it is now: run `{UPDATE}=1 cargo test pictures` and look at it"
    );
}

/// How a complete answer ends.
const STOP: Option<FinishReason> = Some(FinishReason::Stop);

/// A conversation with a list, Korean, and code.
fn conversation(desk: &mut Desk) {
    let early = "The{ best 46| nicest 21| good 14| first 6| main 3} thing about getting up early is \
                 **the{ quiet 52| calm 19| light 11| hour 6| silence 4}**. Before the first{ message 61| call 16| \
                 train 8| email 5| coffee 2} arrives, you can\n\n- finish the one{ task 74| thing 19| job 3| chore 1| \
                 page 0.6} that matters most,\n- eat breakfast{ sitting 67| slowly 18| in 7| at 3| outside 1} down,\n\
                 - walk to the bus instead of{ chasing 58| running 31| missing 4| racing 3| catching 1} it.";
    desk.write(EARLY);
    desk.press("enter");
    desk.answer(&tokens(early, 1.0), (96, 16), STOP);
    desk.wait(30_000);
    desk.write("그 이유를 한 문장으로 말해 줘.");
    desk.press("enter");
    let korean = "일찍 일어나면{ 아무도 38| 하루를 31| 조용한 12| 나만의 9| 머리가 4} 방해하지 않는\
                  { **한 55| **조용한 22| **나만의 11| **긴 4| **맑은 2} 시간**이{ 생겨요 71| 있어요 18| 와요 5| 남아요 2| 열려요 1}.";
    desk.answer(&tokens(korean, 1.0), (88, 17), STOP);
    desk.wait(30_000);
}

#[test]
fn chat_is_current() {
    let mut desk = Desk::new(120, 40, "bamboo");
    conversation(&mut desk);
    desk.write("Explain recursion with a small Python example.");
    desk.press("enter");
    let recursion = "Recursion means that a{ function 72| problem 16| task 6| thing 2| method 1} calls itself with a\
                     { smaller 81| simpler 12| shorter 3| little 1| new 0.7} task until the answer is\
                     { obvious 49| trivial 24| simple 10| clear 8| known 3}:\n\n```python\ndef factorial(n):\n    \
                     if n <= 1:  # stop here\n        return 1\n    return n * factorial(n - 1)\n```\n\nThe base case is the\
                     { brake 36| stop 29| floor 14| key 9| end 4}: without it, Python gives up with a `RecursionError`.";
    desk.answer(&tokens(recursion, 1.0), (91, 16), STOP);
    desk.wait(30_000);
    desk.press("tab ] esc esc");
    desk.write("꼬리 재귀는 뭐가 달라? And does Python have it?");
    let window = desk.window("tokenscope");
    assert_current(
        "chat.svg",
        "A conversation in English and Korean, with the probabilities of the answer's tokens beside it",
        &[vec![window]],
    );
}

#[test]
fn heat_is_current() {
    let mut desk = Desk::new(120, 40, "bamboo");
    desk.press("alt-v");
    conversation(&mut desk);
    desk.write("And what speaks against it?");
    desk.press("enter");
    let against = "Mostly the{ evening 43| night 27| clock 9| alarm 8| winter 3}.{ Friends 31| People 26| Good 14| \
                   Dinner 11| The 9} meet after work, films begin at nine, and whoever gets up at{ five 44| six 39| \
                   dawn 8| four 3| seven 2}{ yawns 7| is 41| sleeps 22| falls 11| leaves 6} through the{ best 35| last 29| \
                   third 4| end 12| second 6} act. Some bodies simply run on a{ later 57| different 24| slower 8| \
                   longer 5| late 2} clock, and no alarm will{ persuade 22| change 46| reset 13| move 8| turn 3} them. \
                   An early start also{ borrows 9| needs 38| costs 29| takes 8| means 5} its hour from somewhere: if it is\
                   { taken 51| stolen 30| borrowed 8| cut 5| lost 1} from sleep, the day is{ longer 63| shorter 11| over 9| \
                   not 6| lost 4} and{ duller 12| you 28| harder 14| not 12| slower 8} at once.";
    desk.answer(&tokens(against, 2.0), (104, 16), STOP);
    desk.wait(30_000);
    desk.press("tab ] ] ] ]");
    let window = desk.window("tokenscope");
    assert_current(
        "heat.svg",
        "An answer coloured by the surprisal of its tokens, with the candidates at a close call beside it",
        &[vec![window]],
    );
}

/// Answers at the preset temperatures, how uncertain the model was, and whether each is complete.
const SWEEP: [(&str, f64, bool); 7] = [
    (
        "The best thing about getting up early is the quiet. Before the first message arrives, you can finish the \
         one task that matters most, and the rest of the day feels lighter. The morning light also tells your body \
         clock that the day has begun, so you tend to get sleepy at a sensible hour. Go to bed a little earlier too.",
        1.0,
        true,
    ),
    (
        "The best thing about getting up early is the quiet. The street is empty, the air is fresh, and the sunrise \
         costs nothing. Before the day gets loud, you can plan it before it plans you. Try it for a week and go to \
         bed a little earlier too, because it only works if you have slept enough.",
        4.0,
        true,
    ),
    (
        "Getting up early gives you a calm start to the day. You can eat breakfast sitting down, walk to the bus \
         instead of chasing it, and arrive before your excuses do. In the end, it is not about being a hero but \
         about starting the day on your own terms.",
        8.0,
        true,
    ),
    (
        "An early morning is like a clean desk: there is room to begin. The coffee stays hot, the bread is still \
         warm, and a page read before seven counts twice. Some people call it discipline. I call it an hour nobody \
         else has asked for yet, and I spend it slowly, like the last coin of a holiday.",
        17.0,
        true,
    ),
    (
        "If you get up early, the street belongs to bakers and cats. A kettle sings, the moon is late for work, and \
         you can walk home with the first light in your pockets. 일찍 일어나면 the bread is louder than the news, and \
         even the stairs forgive you. Set two alarms: one for the body, one for the soup.",
        34.0,
        true,
    ),
    (
        "Early? The rice is washed three times and the birds keep the receipts. Tie one shoe before sunrise, add \
         patience by the spoon, 그리고 천천히 저어요, because a comet has no alarm and every ladder begins at the \
         window. A bishop takes the morning on c4; the tea answers in wool, and nobody",
        62.0,
        false,
    ),
    (
        "Rising bread of violins, 달은 김치 냄새, seventeen umbrellas vote for Tuesday, return n minus dawn, 바다가 \
         문을 두드려 and the knight to f3 forgot its luggage; perplexity with basil, a lullaby in square brackets, \
         nobody's bicycle 별 하나",
        120.0,
        false,
    ),
];

#[test]
fn compare_is_current() {
    let mut desk = Desk::new(184, 33, "bamboo");
    desk.press("alt-2 alt-v");
    desk.write(EARLY);
    desk.press("enter");
    for (number, (answer, heat, is_done)) in (0..).zip(SWEEP) {
        let ending = is_done.then_some(FinishReason::Stop);
        desk.answer(&tokens(answer, heat), (84 + number * 7, 15 + number % 3), ending);
    }
    desk.press("right right right");
    let window = desk.window("tokenscope");
    assert_current(
        "compare.svg",
        "One question at seven temperatures, from 0.3 to 1.8, coloured by surprisal",
        &[vec![window]],
    );
}

#[test]
fn small_is_current() {
    let mut desk = Desk::new(80, 24, "bamboo");
    desk.press("alt-s");
    desk.write("You are a wise panda in a bamboo grove.");
    desk.press("enter");
    desk.write("일찍 일어나면 뭐가 좋아?");
    desk.press("enter");
    let panda = "음... 젊은{ 벗이여 64| 친구여 22| 이여 5| 벗아 4| 그대 2}, 대나무는 이슬이 맺혀 있을 때\
                 { 가장 77| 제일 15| 더 4| 참 2| 아주 0.8} 달다네. 일찍 일어난 판다는{ 서두르지 69| 뛰지 14| 조급하지 8| 말이 3| \
                 걱정하지 2} 않아. 새들이 수다를 시작하기 전에 숲이 숨 쉬는 소리를{ 먼저 58| 홀로 17| 가만히 12| 다 5| 혼자 3} \
                 듣지. 물론 그다음은{ 낮잠 81| 아침 9| 대나무 4| 잠 2| 또 1}이라네.";
    desk.answer(&tokens(panda, 1.5), (97, 16), STOP);
    desk.wait(30_000);
    desk.write("낮잠은");
    let window = desk.window("tokenscope");
    assert_current("small.svg", "The workbench in a terminal of 80 by 24 cells", &[vec![window]]);
}

#[test]
fn themes_are_current() {
    let mut windows = Vec::new();
    for theme in ["bamboo", "dusk", "contrast", "paper", "porcelain", "terminal"] {
        let mut desk = Desk::new(62, 19, theme);
        desk.press("alt-v");
        desk.write(EARLY);
        desk.press("enter");
        let answer = "The best thing about getting up early is the{ quiet 32| calm 29| light 11| hour 6| silence 4}. The \
                      street is{ empty 56| quiet 21| dark 9| still 6| asleep 2}, the air is fresh, and the sunrise\
                      { costs 14| is 61| comes 9| belongs 4| waits 3} nothing.{ Coffee 6| Before 38| The 22| You 17| In 8} \
                      tastes{ louder 0.4| better 71| of 9| like 8| best 5}.";
        desk.answer(&tokens(answer, 4.0), (96, 16), STOP);
        desk.wait(30_000);
        desk.press("esc");
        windows.push(desk.window(theme));
    }
    let mut rows = Vec::new();
    while !windows.is_empty() {
        rows.push(windows.drain(..2).collect());
    }
    assert_current("themes.svg", "The six themes: bamboo, dusk, contrast, paper, porcelain, terminal", &rows);
}
