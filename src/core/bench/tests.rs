use super::*;
use crate::core::bench::limiter::{Allowance, Quota, RateLimits};
use crate::core::fault::FaultKind;
use crate::core::request::{Prompt, Role, Sampling};
use crate::core::stream::FinishReason;
use crate::core::sweep::{Axis, Known, Parameter};
use proptest::prelude::*;

const WORST: Worst = Worst { tokens: 100, dollars: 0.25 };

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn axis(name: &str, list: &str) -> Axis {
    let known = Known { personas: Vec::new(), endpoints: vec![("a", Some("m")), ("b", Some("m"))] };
    Axis::parse(Parameter::from_name(name).unwrap(), list, &known).unwrap()
}

fn bench_of(axes: Vec<Axis>, repeats: u32, lanes: usize, budget: Budget) -> Bench {
    let base = Request {
        endpoint: "a".into(),
        model: "m".into(),
        messages: vec![Prompt::new(Role::User, "hi")],
        sampling: Sampling::default(),
        continuation: None,
        stream: true,
    };
    let sweep = Sweep::new(base, axes, repeats).unwrap();
    let (samples, worst) = (sweep.samples(), vec![WORST; sweep.cell_count()]);
    Bench::new(sweep, samples, worst, Terms { lanes, budget })
}

fn bench(repeats: u32, lanes: usize, budget: Budget) -> Bench {
    bench_of(vec![axis("temperature", "0 1 2")], repeats, lanes, budget)
}

fn numbers(starts: &[Start]) -> Vec<usize> {
    starts.iter().map(|start| start.sample).collect()
}

/// Answers a run.
fn answer(bench: &mut Bench, run: RunId, text: &str, now: Timestamp) {
    let delta = StreamEvent::Delta { text: text.to_owned(), tokens: Vec::new() };
    for event in [StreamEvent::Attempt { number: 1 }, delta] {
        assert!(!bench.apply(run, event, now).unwrap().has_ended);
    }
    assert!(bench.apply(run, StreamEvent::Finished(FinishReason::Stop), now).unwrap().has_ended);
}

fn states(bench: &Bench) -> Vec<State> {
    bench.slots().iter().map(Slot::state).collect()
}

#[test]
fn a_quota_holds_requests_back_also_for_the_bench_that_follows() {
    let (mut first, mut ids) = (bench(1, 4, Budget::default()), Ids::default());
    let quota = |_: &str| Quota { requests: Some(2), tokens: None };
    first.keep_to(quota);
    let starts = first.due(&mut ids, at(0));
    assert_eq!((numbers(&starts), first.wake()), (vec![0, 1], Some(at(60_000))));
    for start in starts {
        answer(&mut first, start.run, "x", at(5));
        assert_eq!(first.progress(at(5)).remaining, None, "answers are fast, and yet it takes a minute");
    }
    assert_eq!(first.due(&mut ids, at(10)), []);
    assert_eq!(first.progress(at(10)).held, Some(Hold::Quota(at(60_000))));
    first.stop_all(at(10));
    let mut second = bench(1, 4, Budget::default());
    second.follow(&first);
    second.keep_to(quota);
    assert_eq!(second.due(&mut ids, at(20)), []);
    assert_eq!(numbers(&second.due(&mut ids, at(60_000))), [0, 1]);
}

#[test]
fn every_cell_is_asked_once_before_any_is_asked_twice() {
    let (mut bench, mut ids) = (bench(2, 4, Budget::default()), Ids::default());
    let starts = bench.due(&mut ids, at(0));
    assert_eq!(numbers(&starts), [0, 2, 4, 1]);
    assert_eq!(bench.due(&mut ids, at(0)), []);
    answer(&mut bench, starts[1].run, "b", at(5));
    assert_eq!(numbers(&bench.due(&mut ids, at(5))), [3]);
    assert_eq!(bench.sample_of(starts[0].run), Some(0));
    assert_eq!(bench.statistics(1).unwrap().answers, 1);
    assert_eq!(bench.statistics(0), None);
}

#[test]
fn lanes_are_those_of_each_endpoint() {
    let axes = vec![axis("endpoint", "a, b"), axis("temperature", "0 1 2")];
    let (mut bench, mut ids) = (bench_of(axes, 1, 2, Budget::default()), Ids::default());
    assert_eq!(numbers(&bench.due(&mut ids, at(0))), [0, 1, 3, 4]);
}

#[test]
fn what_fails_stops_nothing_and_is_asked_again_at_wish() {
    let (mut bench, mut ids) = (bench(1, 3, Budget::default()), Ids::default());
    let starts = bench.due(&mut ids, at(0));
    bench.fail(starts[0].run, Fault::new(FaultKind::Server, "broken"), at(1)).unwrap();
    answer(&mut bench, starts[1].run, "b", at(2));
    assert_eq!(bench.stop(2, at(2)), Some(starts[2].run));
    assert_eq!(states(&bench), [State::Failed, State::Done, State::Stopped]);
    assert!(bench.is_over());
    assert_eq!(bench.apply(starts[2].run, StreamEvent::Finished(FinishReason::Stop), at(3)), None);
    assert_eq!(bench.retry_failed(), 1);
    assert!(!bench.is_over());
    let again = bench.due(&mut ids, at(4));
    assert_eq!(numbers(&again), [0]);
    assert_ne!(again[0].run, starts[0].run);
    answer(&mut bench, again[0].run, "a", at(5));
    assert_eq!(bench.progress(at(5)).counts.of(State::Done), 2);
    assert!(bench.retry(2) && bench.retry(1) && !bench.retry(1));
}

#[test]
fn a_pause_lets_go_on_what_is_under_way() {
    let (mut bench, mut ids) = (bench(1, 1, Budget::default()), Ids::default());
    let starts = bench.due(&mut ids, at(0));
    bench.pause();
    answer(&mut bench, starts[0].run, "a", at(1));
    assert_eq!((bench.due(&mut ids, at(1)), bench.is_over()), (Vec::new(), false));
    bench.resume();
    assert_eq!(numbers(&bench.due(&mut ids, at(2))), [1]);
}

#[test]
fn kept_answers_and_refused_cells_are_not_asked() {
    let (mut bench, mut ids) = (bench(1, 9, Budget::default()), Ids::default());
    let record = RecordId { session: 1, number: 2 };
    let run = Run::recorded(RunId(0), Arc::clone(&bench.slots()[1].sample.request), "b".to_owned());
    bench.put(1, record, run, Some(0.5));
    bench.refuse(2, "takes only the default");
    bench.refuse(1, "too late");
    assert_eq!(numbers(&bench.due(&mut ids, at(0))), [0]);
    assert_eq!(states(&bench), [State::Running, State::Done, State::Refused]);
    let progress = bench.progress(at(0));
    assert_eq!((progress.kept, progress.spent.requests, progress.counts.ended()), (1, 1, 2));
    assert!((progress.spent.dollars - WORST.dollars).abs() < 1e-12);
}

#[test]
fn a_budget_stops_cleanly() {
    let budget = Budget { requests: Some(2), ..Budget::default() };
    let (mut bench, mut ids) = (bench(1, 1, budget), Ids::default());
    let first = bench.due(&mut ids, at(0))[0].run;
    for event in [StreamEvent::Attempt { number: 1 }, StreamEvent::Attempt { number: 2 }] {
        bench.apply(first, event, at(0));
    }
    bench.apply(first, StreamEvent::Finished(FinishReason::Stop), at(1));
    assert_eq!(bench.due(&mut ids, at(1)), []);
    assert!(bench.is_over());
    assert_eq!(bench.progress(at(1)).bound, Some(Bound::Requests(2)));
    bench.set_budget(Budget::default());
    assert_eq!(numbers(&bench.due(&mut ids, at(2))), [1]);
}

#[test]
fn what_turns_out_cheaper_leaves_room_for_more() {
    let budget = Budget { dollars: Some(0.3), ..Budget::default() };
    let (mut bench, mut ids) = (bench(1, 3, budget), Ids::default());
    let first = bench.due(&mut ids, at(0));
    assert_eq!(numbers(&first), [0]);
    assert!(!bench.is_over());
    answer(&mut bench, first[0].run, "a", at(1));
    bench.charge(0, Some(0.01));
    let second = bench.due(&mut ids, at(1));
    assert_eq!(numbers(&second), [1]);
    answer(&mut bench, second[0].run, "b", at(2));
    bench.charge(1, Some(0.2));
    assert_eq!(bench.due(&mut ids, at(2)), []);
    assert_eq!(bench.progress(at(2)).bound, Some(Bound::Dollars(0.3)));
    assert!(bench.is_over());
}

#[test]
fn a_servers_limits_are_waited_for() {
    let (mut bench, mut ids) = (bench(1, 2, Budget::default()), Ids::default());
    let starts = bench.due(&mut ids, at(0));
    let allowance = Allowance { limit: Some(2), remaining: 1, reset: Duration::from_secs(2) };
    let limits = RateLimits { requests: Some(allowance), tokens: None };
    bench.apply(starts[0].run, StreamEvent::Limits(limits), at(10));
    answer(&mut bench, starts[0].run, "a", at(20));
    // One is left, and one is under way.
    assert_eq!((bench.due(&mut ids, at(20)), bench.wake()), (Vec::new(), Some(at(2_010))));
    let busy = Fault::new(FaultKind::RateLimited, "busy");
    bench.apply(starts[1].run, StreamEvent::Retrying { fault: busy, delay_ms: 5 }, at(21));
    answer(&mut bench, starts[1].run, "b", at(30));
    assert_eq!((numbers(&bench.due(&mut ids, at(30))), bench.wake()), (vec![2], None));
}

#[test]
fn statistics_follow_what_comes() {
    let (mut bench, mut ids) = (bench(2, 9, Budget::default()), Ids::default());
    let starts = bench.due(&mut ids, at(0));
    answer(&mut bench, starts[0].run, "{\"a\":1}", at(1));
    assert_eq!(bench.statistics(0).unwrap().answers, 1);
    answer(&mut bench, starts[3].run, "{\"a\":2}", at(1));
    assert_eq!(bench.statistics(0).unwrap().distinct, 2);
    assert_eq!(bench.agreement(0).unwrap().fields[0].values.len(), 2);
    let record = RecordId { session: 1, number: 1 };
    bench.kept(0, record);
    assert_eq!((bench.slots()[0].record, bench.slots()[2].record), (Some(record), None));
}

proptest! {
    /// Whatever happens in whatever order: lanes are kept to, every sample ends once, none is lost.
    #[test]
    fn every_sample_comes_to_its_end(
        doings in prop::collection::vec((0usize..6, any::<prop::sample::Index>()), 0..60),
        lanes in 1usize..4, repeats in 1u32..4,
    ) {
        let (mut bench, mut ids) = (bench(repeats, lanes, Budget::default()), Ids::default());
        let mut under_way: Vec<RunId> = Vec::new();
        let mut now = 0;
        for (doing, which) in doings {
            now += 1;
            under_way.extend(bench.due(&mut ids, at(now)).iter().map(|start| start.run));
            prop_assert!(under_way.len() <= lanes);
            let sample = which.index(bench.slots().len());
            match doing {
                0 | 1 if !under_way.is_empty() => {
                    let run = under_way.swap_remove(which.index(under_way.len()));
                    answer(&mut bench, run, "x", at(now));
                }
                2 if !under_way.is_empty() => {
                    let run = under_way.swap_remove(which.index(under_way.len()));
                    bench.fail(run, Fault::new(FaultKind::Cut, "cut"), at(now)).unwrap();
                }
                3 => {
                    let stopped = bench.stop(sample, at(now));
                    under_way.retain(|run| Some(*run) != stopped);
                }
                4 => {
                    bench.retry(sample);
                }
                _ => {}
            }
        }
        for _ in 0..1000 {
            if bench.is_over() {
                break;
            }
            under_way.extend(bench.due(&mut ids, at(now)).iter().map(|start| start.run));
            for run in under_way.drain(..) {
                answer(&mut bench, run, "x", at(now));
            }
        }
        prop_assert!(bench.is_over());
        prop_assert!(states(&bench).into_iter().all(State::is_ended));
        let running = bench.progress(at(now)).counts.of(State::Running);
        prop_assert_eq!(running, 0);
    }
}

#[test]
fn columns_have_the_answers_of_their_cells_as_they_are_now() {
    let axes = vec![axis("temperature", "0 1 2"), axis("seed", "1 2")];
    let (mut bench, mut ids) = (bench_of(axes, 2, 99, Budget::default()), Ids::default());
    assert_eq!((bench.column_of(0), bench.column_of(2)), (0..2, 4..6));
    assert_eq!((bench.column_statistics(1), bench.column_statistics(9)), (None, None));
    let starts = bench.due(&mut ids, at(0));
    let run = |sample: usize| starts.iter().find(|start| start.sample == sample).unwrap().run;
    let before = bench.revision();
    for sample in 4..7 {
        answer(&mut bench, run(sample), "same", at(1));
    }
    assert_eq!(bench.column_statistics(1).unwrap().answers, 3);
    assert!(bench.revision() > before && bench.column_statistics(0).is_none());
    answer(&mut bench, run(7), "other", at(2));
    let column = bench.column_statistics(1).unwrap().clone();
    assert_eq!((column.answers, column.distinct), (4, 2));
    assert_eq!(bench.column_material(1).unwrap().into_owned().figures(), column);
    assert_eq!(bench.column_statistics(2), None);
    // An answer that is asked for again is none until it comes.
    assert!(bench.retry(7));
    assert_eq!(bench.column_statistics(1).unwrap().distinct, 1);
}

#[test]
fn one_token_of_a_light_run_gets_its_candidates_back() {
    let (mut bench, mut ids) = (bench(1, 9, Budget::default()), Ids::default());
    let starts = bench.due(&mut ids, at(0));
    let token = |text: &str| {
        let piece = crate::core::token::Piece::new(text, None);
        let other = crate::core::token::Candidate { piece: piece.clone(), logprob: Some(-0.5), id: None };
        Token { piece, logprob: Some(-0.5), candidates: Box::new([other]), id: None }
    };
    for event in [
        StreamEvent::Attempt { number: 1 },
        StreamEvent::Delta { text: "ab".to_owned(), tokens: vec![token("a"), token("b")] },
        StreamEvent::Finished(FinishReason::Stop),
    ] {
        bench.apply(starts[0].run, event, at(1));
    }
    bench.kept(0, RecordId { session: 1, number: 1 });
    let candidates = |bench: &Bench| -> Vec<usize> {
        let run = bench.slots()[0].run.as_ref().unwrap();
        run.tokens.iter().map(|token| token.candidates.len()).collect()
    };
    for (sample, at, text) in [(0, 1, "a"), (0, 9, "b"), (1, 0, "a"), (99, 0, "a")] {
        bench.restore_token(sample, at, token(text));
    }
    assert_eq!(candidates(&bench), [0, 0]);
    bench.restore_token(0, 1, token("b"));
    assert_eq!(candidates(&bench), [0, 1]);
}

#[test]
fn what_was_stopped_goes_on_and_its_text_stands_until_it_is_asked() {
    let (mut bench, mut ids) = (bench(2, 2, Budget::default()), Ids::default());
    let starts = bench.due(&mut ids, at(0));
    answer(&mut bench, starts[0].run, "a", at(1));
    bench.apply(starts[1].run, StreamEvent::Attempt { number: 1 }, at(1));
    bench.apply(starts[1].run, StreamEvent::Delta { text: "hal".to_owned(), tokens: Vec::new() }, at(2));
    bench.pause();
    assert_eq!(bench.stop_all(at(3)), [(2, starts[1].run)]);
    assert_eq!((bench.is_over(), bench.is_going(), bench.progress(at(3)).is_paused), (true, false, false));
    assert_eq!(bench.go_on(), 5);
    assert_eq!(bench.progress(at(4)).counts.of(State::Waiting), 5);
    assert_eq!(bench.slots()[2].run.as_ref().unwrap().text, "hal");
    // Stopped once more before its turn it is what it was.
    assert_eq!((bench.stop(2, at(4)), states(&bench)[2]), (None, State::Stopped));
    assert_eq!(bench.go_on(), 1);
    let again = bench.due(&mut ids, at(5));
    assert_eq!(numbers(&again), [4, 1]);
    answer(&mut bench, again[0].run, "c", at(6));
    answer(&mut bench, again[1].run, "b", at(6));
    assert_eq!(numbers(&bench.due(&mut ids, at(7))), [3, 5]);
    assert_eq!((states(&bench)[2], bench.go_on()), (State::Waiting, 0));
}

/// Returns the milliseconds that are left.
fn left(bench: &Bench, now: u64) -> Option<u128> {
    bench.progress(at(now)).remaining.map(|left| left.as_millis())
}

#[test]
fn the_time_left_is_that_of_the_lanes() {
    let (mut bench, mut ids) = (bench(3, 2, Budget::default()), Ids::default());
    let mut runs: VecDeque<RunId> = bench.due(&mut ids, at(0)).iter().map(|start| start.run).collect();
    assert_eq!(left(&bench, 900), None, "nothing is known before an answer is complete");
    let mut seen = Vec::new();
    // Nine answers of a second each, two at once: five rounds.
    for round in 1..=5 {
        let now = round * 1000;
        for run in std::mem::take(&mut runs) {
            answer(&mut bench, run, "x", at(now));
        }
        runs.extend(bench.due(&mut ids, at(now)).iter().map(|start| start.run));
        seen.extend([left(&bench, now), left(&bench, now + 600)]);
    }
    let expected = [4000, 3400, 3000, 2400, 2000, 1400, 1000, 400].map(Some);
    assert_eq!(seen, [&expected[..], &[None, None]].concat());
}

#[test]
fn the_time_left_never_grows_towards_the_end() {
    let (mut bench, mut ids) = (bench(2, 6, Budget::default()), Ids::default());
    let starts = bench.due(&mut ids, at(0));
    let mut seen = Vec::new();
    // Each takes longer than the one before it.
    for (start, now) in starts.iter().zip([100, 200, 400, 800, 1600]) {
        answer(&mut bench, start.run, "x", at(now));
        seen.extend([left(&bench, now), left(&bench, now + 50)]);
    }
    assert!(seen.windows(2).all(|pair| pair[0] >= pair[1]), "{seen:?}");
    assert_eq!(seen.last(), Some(&Some(0)));
}

#[test]
fn neither_a_pause_nor_what_was_there_before_counts_as_time() {
    let (mut bench, mut ids) = (bench(2, 1, Budget::default()), Ids::default());
    let record = RecordId { session: 1, number: 2 };
    let kept = Run::recorded(RunId(0), Arc::clone(&bench.slots()[1].sample.request), "b".to_owned());
    bench.put(1, record, kept, None);
    let first = bench.due(&mut ids, at(60_000))[0].run;
    assert_eq!(left(&bench, 61_000), None);
    answer(&mut bench, first, "a", at(62_000));
    bench.pause();
    assert_eq!(left(&bench, 62_000), left(&bench, 962_000));
    bench.resume();
    let second = bench.due(&mut ids, at(962_000))[0].run;
    assert_eq!(left(&bench, 962_000), Some(8_000));
    // One that takes longer than usual may end at any moment.
    assert_eq!(left(&bench, 969_000), Some(6_000));
    bench.fail(second, Fault::new(FaultKind::Cut, "cut"), at(969_000)).unwrap();
    assert_eq!(left(&bench, 969_000), Some(6_000), "what fails says nothing of how long an answer takes");
    bench.stop_all(at(969_000));
    assert_eq!(left(&bench, 969_000), None);
}

#[test]
fn the_slowest_endpoint_says_how_long_it_takes() {
    let axes = vec![axis("endpoint", "a, b"), axis("temperature", "0 1 2")];
    let (mut bench, mut ids) = (bench_of(axes, 1, 1, Budget::default()), Ids::default());
    let starts = bench.due(&mut ids, at(0));
    answer(&mut bench, starts[0].run, "x", at(100));
    // The other one is taken to be as fast, as long as it has not answered.
    assert_eq!(left(&bench, 100), Some(200));
    answer(&mut bench, starts[1].run, "y", at(1000));
    assert_eq!(left(&bench, 1000), Some(2000));
}
