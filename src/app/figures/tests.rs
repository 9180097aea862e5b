use super::*;
use crate::core::bench::Terms;
use crate::core::id::Ids;
use crate::core::request::{Request, Sampling};
use crate::core::stream::{FinishReason, StreamEvent, Usage};
use crate::core::sweep::preflight::{Budget, Worst};
use crate::core::sweep::{Axis, Known, Parameter, Sweep};
use crate::core::time::Timestamp;
use crate::core::token::{Piece, Token};

const ANSWERS: [&str; 6] =
    ["a quiet dawn", "a quiet dawn", "a loud night", "고요한 새벽", "a quiet dawn breaks", "👨‍👩‍👧 walks"];

fn axis(name: &str, list: &str) -> Axis {
    Axis::parse(Parameter::from_name(name).unwrap(), list, &Known::default()).unwrap()
}

/// Returns a sweep whose samples are all answered: the hotter, the more differently.
pub(crate) fn answered(axes: Vec<Axis>, repeats: u32) -> Bench {
    let base = Request {
        endpoint: "e".into(),
        model: "m".into(),
        messages: Vec::new(),
        sampling: Sampling::default(),
        continuation: None,
        stream: true,
    };
    let sweep = Sweep::new(base, axes, repeats).unwrap();
    let (samples, cells) = (sweep.samples(), sweep.cell_count());
    let worst = vec![Worst { tokens: 9, dollars: 0.0 }; cells];
    let terms = Terms { lanes: samples.len(), budget: Budget::default() };
    let mut bench = Bench::new(sweep, samples, worst, terms);
    for start in bench.due(&mut Ids::default(), Timestamp::default()) {
        let (cell, repeat) = (start.sample / repeats as usize, start.sample % repeats as usize);
        let text = ANSWERS[(repeat * cell) % ANSWERS.len()];
        let moment = |ms: usize| Timestamp::from_millis(ms as u64);
        let pieces: Vec<&str> = text.split_inclusive(' ').collect();
        let mut apply = |event, ms: usize| bench.apply(start.run, event, moment(ms)).unwrap();
        apply(StreamEvent::Attempt { number: 1 }, 0);
        for (number, piece) in pieces.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let logprob = Some(-0.25 * cell as f64 - 0.125 * number as f64);
            let token =
                Token { piece: Piece::new(*piece, None), logprob, candidates: Box::new([]), id: None };
            let delta = StreamEvent::Delta { text: (*piece).to_owned(), tokens: vec![token] };
            apply(delta, 100 + 10 * cell + 7 * repeat + 50 * number);
        }
        let usage = Usage { output_tokens: pieces.len() as u64, ..Usage::default() };
        apply(StreamEvent::Usage(usage), 900);
        let reason =
            if (repeat + cell).is_multiple_of(4) { FinishReason::Length } else { FinishReason::Stop };
        apply(StreamEvent::Finished(reason), 1_000);
        bench.charge(start.sample, Some(0.000_21));
    }
    bench
}

/// Returns the figures of some temperatures.
pub(crate) fn figures(temperatures: &str, repeats: u32) -> Figures {
    let bench = answered(vec![axis("temperature", temperatures)], repeats);
    Figures::of(&bench, "temperature", Column::of_axis(bench.sweep(), 0))
}

fn entry(figures: &Figures, statistic: Statistic, column: usize) -> &Entry {
    &figures.rows.iter().find(|row| row.statistic == statistic).unwrap().entries[column]
}

#[test]
fn figures_are_those_of_the_statistics() {
    let bench = answered(vec![axis("temperature", "0.3 0.8 1.5")], 6);
    let figures = Figures::of(&bench, "temperature", Column::of_axis(bench.sweep(), 0));
    assert!(figures.rows.iter().all(|row| row.entries.len() == 3));
    for column in 0..3 {
        let own = bench.statistics(column).unwrap();
        let value = |statistic| entry(&figures, statistic, column).values().to_vec();
        let mean = |statistic| entry(&figures, statistic, column).mean();
        assert_eq!(value(Statistic::Answers), [6.0]);
        assert_eq!(value(Statistic::Distinct), [count(own.distinct)]);
        assert_eq!(value(Statistic::MostCommon), [own.mode_share]);
        assert_eq!(value(Statistic::DistinctOne), [own.distinct_1.unwrap()]);
        assert_eq!(value(Statistic::DistinctTwo), [own.distinct_2.unwrap()]);
        assert_eq!(value(Statistic::Clusters), own.length.values());
        assert_eq!(mean(Statistic::Clusters), own.length.mean());
        assert_eq!(mean(Statistic::Tokens), own.output_tokens.as_ref().unwrap().mean());
        assert_eq!(mean(Statistic::MeanLogprob), own.mean_logprob.as_ref().unwrap().mean());
        assert!((mean(Statistic::Similarity).unwrap() - own.similarity().unwrap()).abs() < 1e-12);
        let runs: Vec<f64> = bench.runs_of(column).filter_map(Run::first_token_ms).collect();
        assert_eq!(value(Statistic::FirstToken), runs);
        let perplexities: Vec<f64> =
            bench.runs_of(column).filter_map(|run| run.tally().perplexity()).collect();
        let own = value(Statistic::Perplexity);
        assert!(own.iter().zip(&perplexities).all(|(a, b)| (a - b).abs() < 1e-12) && own.len() == 6);
    }
    assert_eq!(entry(&figures, Statistic::PartsAt, 0), &Entry::Words(vec!["all the same".to_owned()]));
    assert_eq!(entry(&figures, Statistic::PartsAt, 1).values(), [1.0]);
    assert_eq!(
        entry(&figures, Statistic::Finish, 0).forms(Statistic::Finish),
        ["4 stop · 2 length", "4 stop …"]
    );
    assert_eq!(entry(&figures, Statistic::Cost, 0).mean().map(figure::dollars).as_deref(), Some("$0.00021"));
    let places = figures.places();
    assert!((places[1] - 0.5 / 1.2).abs() < 1e-12 && places[2] >= 1.0);
}

#[test]
fn few_answers_have_values_and_no_mean() {
    let figures = figures("0.3 1.5", 4);
    for row in &figures.rows {
        assert!(row.entries.iter().all(|entry| entry.mean().is_none()), "{row:?}");
    }
    assert_eq!(entry(&figures, Statistic::Similarity, 1).values().len(), 6);
}

#[test]
fn what_has_not_been_answered_has_no_figures() {
    let bench = answered(vec![axis("temperature", "0.3 1.5")], 1);
    let (mut samples, sweep) = (bench.sweep().samples(), bench.sweep().clone());
    samples.truncate(2);
    let worst = vec![Worst { tokens: 1, dollars: 0.0 }; 2];
    let empty = Bench::new(sweep, samples, worst, bench.terms());
    let figures = Figures::of(&empty, "temperature", Column::of_axis(empty.sweep(), 0));
    for row in figures.rows.iter().filter(|row| row.statistic != Statistic::Finish) {
        assert!(row.entries.iter().all(|entry| *entry == Entry::Nothing), "{row:?}");
    }
    assert_eq!(entry(&figures, Statistic::Finish, 0).forms(Statistic::Finish), ["1 waiting"]);
}

#[test]
fn a_column_of_a_grid_has_several_cells_and_a_line_one_each() {
    let bench = answered(vec![axis("temperature", "0.3 1.5"), axis("seed", "1 2 3")], 2);
    let cells = |columns: &[Column]| columns.iter().map(|column| column.cells.clone()).collect::<Vec<_>>();
    assert_eq!(cells(&Column::of_axis(bench.sweep(), 0)), [vec![0, 1, 2], vec![3, 4, 5]]);
    assert_eq!(cells(&Column::of_axis(bench.sweep(), 1)), [[0, 3], [1, 4], [2, 5]]);
    assert_eq!(cells(&Column::of_line(bench.sweep(), 1, 4)), [[3], [4], [5]]);
    assert_eq!(Column::of_line(bench.sweep(), 1, 4)[0].at, None);
    let figures = Figures::of(&bench, "temperature", Column::of_axis(bench.sweep(), 0));
    assert_eq!(entry(&figures, Statistic::Answers, 0).values(), [6.0]);
    assert_eq!(entry(&figures, Statistic::Distinct, 0).values().len(), 3);
    // Six answers, though of three requests.
    assert!(entry(&figures, Statistic::Clusters, 1).mean().is_some());
    // A pair is of one request, and each has two answers only.
    assert_eq!(entry(&figures, Statistic::Similarity, 1).values().len(), 3);
    assert!(entry(&figures, Statistic::Similarity, 1).mean().is_none());
}

#[test]
fn whole_columns_have_the_figures_of_all_their_answers() {
    let bench = answered(vec![axis("temperature", "0.3 1.5"), axis("seed", "1 2 3")], 2);
    let mut figures = Figures::of(&bench, "temperature", Column::of_line(bench.sweep(), 0, 0));
    assert_eq!((figures.lines(), figures.line(15)), (15, None));
    figures.add_votes(&[0, 2]);
    figures.add_whole(None, &[0, 1]);
    assert_eq!((figures.lines(), figures.line(15).unwrap().statistic), (28, Statistic::Votes));
    assert_eq!(figures.line(15).unwrap().entries[1].values(), [2.0]);
    assert!(figures.line(16).is_none() && figures.line(28).is_none());
    assert_eq!(figures.line(17).unwrap().entries[0], Entry::Words(vec!["…".to_owned()]));

    let known: Vec<_> = (0..2).map(|column| bench.column_statistics(column).cloned()).collect();
    figures.add_whole(Some(&Row::of_columns(&known)), &[0, 1]);
    let own = known[1].as_ref().unwrap();
    let whole = figures.whole.clone();
    let line = |statistic| whole.iter().find(|row| row.statistic == statistic).unwrap();
    let entry = |statistic| &line(statistic).entries[1];
    assert_eq!(entry(Statistic::Answers).values(), [6.0]);
    assert_eq!(entry(Statistic::Distinct).values(), [count(own.distinct)]);
    assert_eq!(entry(Statistic::Clusters).mean(), own.length.mean());
    assert!((entry(Statistic::Similarity).mean().unwrap() - own.similarity().unwrap()).abs() < 1e-12);
    // Six answers have fifteen pairs, whatever their cells.
    assert_eq!(entry(Statistic::Similarity).values().len(), 15);
    let second = figures.whole.iter().map(|row| row.entries[1].clone()).collect::<Vec<_>>();
    figures.add_whole(Some(&Row::of_columns(&known)), &[1]);
    assert!(figures.whole.iter().zip(second).all(|(row, entry)| row.entries == [entry]));
    figures.add_whole(Some(&Row::of_columns(&[None, None])), &[0, 1]);
    assert!(figures.whole.iter().all(|row| row.entries.iter().all(|entry| *entry == Entry::Nothing)));
}
