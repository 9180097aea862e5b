//! Limits of the configuration in the workbench: what they hold back, what is said, when it goes on.

use crate::support::stage::{Fixed, Stage};
use tokenscope::app::Knowledge;
use tokenscope::app::msg::Msg;
use tokenscope::core::bench::limiter::Quota;
use tokenscope::core::model::{Encoding, ModelCard};
use tokenscope::core::time::Timestamp;

/// Knows the same of every model, and how much may be sent in a minute.
#[derive(Debug)]
struct Limited(Fixed, Quota);

impl Knowledge for Limited {
    fn card(&self, model: &str) -> ModelCard {
        self.0.card(model)
    }

    fn encoding(&self, model: &str) -> (Encoding, bool) {
        self.0.encoding(model)
    }

    fn logprobs_before_temperature(&self, endpoint: &str) -> Option<bool> {
        self.0.logprobs_before_temperature(endpoint)
    }

    fn quota(&self, _: &str) -> Quota {
        self.1
    }
}

fn comparing(quota: Quota) -> Stage {
    let mut stage = Stage::with(80, 24, |start| start.knowledge = Box::new(Limited(Fixed::default(), quota)));
    stage.press("alt-2").type_text("질문").press("enter");
    stage
}

/// Answers everything that was asked and not answered yet.
fn answer_from(stage: &mut Stage, first: usize) {
    let runs: Vec<_> = stage.started[first..].iter().map(|(run, _)| *run).collect();
    for run in runs {
        stage.answer(run, "답");
    }
}

#[test]
fn requests_per_minute_hold_a_comparison_back_and_the_screen_says_so() {
    let mut stage = comparing(Quota { requests: Some(3), tokens: None });
    assert_eq!(stage.started.len(), 3);
    answer_from(&mut stage, 0);
    assert_eq!(stage.started.len(), 3);
    stage.press("j");
    assert!(stage.screen().contains("waits for the configured limit"), "{}", stage.screen());
    // The loop sleeps until the minute is over.
    assert_eq!(stage.app.wakes_at(), Some(Timestamp::from_millis(61_000)));
    stage.wait(60_000).tell(Msg::Tick);
    assert_eq!(stage.started.len(), 6);
    assert!(!stage.screen().contains("waits for"), "{}", stage.screen());
    answer_from(&mut stage, 3);
    // Another comparison goes on counting.
    stage.press("X tab").type_text("다른 질문").press("enter");
    assert_eq!(stage.started.len(), 6);
    stage.wait(60_000).tell(Msg::Tick);
    assert_eq!(stage.started.len(), 9);
}

#[test]
fn tokens_per_minute_count_the_longest_answer() {
    // Nine tokens of prompt and 512 of answer each.
    let stage = comparing(Quota { requests: None, tokens: Some(1_100) });
    assert_eq!(stage.started.len(), 2);
}
