//! The token inspector: which answer it shows, where its cursor is, in what order the tokens stand,
//! what is asked of them (what-if), and which other token is in hand.
//!
//! What follows from the tokens themselves is kept by `digest`; nothing here reaches for a terminal
//! or a server. Invariant: cursor and rows are inside the answer after [`Inspector::settle`].

mod digest;
mod endings;
mod json;
mod order;
mod sliders;
mod strips;

use crate::app::heat::Heating;
use crate::core::group::Group;
use crate::core::id::RunId;
use crate::core::reshaping::Source;
use crate::core::run::Run;
use crate::core::text::occurrences;
use digest::Digest;
pub use digest::{Reading, TIPPING_LEGEND};
pub use endings::{Ending, endings};
pub use json::{Json, reads_like_json};
pub use order::Order;
pub use sliders::{Slider, Sliders, settings};
pub use strips::Strips;

/// Which answer the inspector shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The newest answer of the conversation.
    Newest,
    /// This one.
    Run(RunId),
}

/// What the lower part of the inspector shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sheet {
    /// The tokens as a table.
    #[default]
    Tokens,
    /// The values of an answer that is JSON.
    Json,
    /// The tree of the answer's endings.
    Endings,
}

/// State of the inspector.
#[derive(Debug)]
pub struct Inspector {
    /// The answer it shows.
    pub target: Target,
    /// First row of the token table on screen.
    pub top: usize,
    /// What is asked of the values.
    pub sliders: Sliders,
    /// The answer in two lines.
    pub strips: Strips,
    /// What is looked for in the answer.
    pub sought: String,
    order: Order,
    sorted: Option<Sorted>,
    /// What stands below the strips.
    pub sheet: Sheet,
    /// The answer's values, while they are shown.
    pub json: Option<Json>,
    is_expanded: bool,
    in_hand: Option<usize>,
    /// The ending that would be shown next, in the tree of endings.
    pub ending: Option<RunId>,
    cursor: Cursor,
    digest: Digest,
}

/// Where a text was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The number of the place among all, from 1.
    pub number: usize,
    /// How many places there are.
    pub of: usize,
    /// Whether the search went around an end of the answer.
    pub has_wrapped: bool,
}

/// The rows of the table in an order of their own.
#[derive(Debug)]
struct Sorted {
    /// What they were sorted from.
    by: Order,
    groups: usize,
    /// Group by row, and row by group.
    rows: Vec<usize>,
    row_of: Vec<usize>,
}

/// Where the token cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// On the last group, as it arrives.
    Tail,
    /// On this group.
    At(usize),
}

/// What the inspector is measured for.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Rows of the token table.
    pub rows: usize,
    /// Cells of the strips.
    pub cells: usize,
    /// Tokens in the model's vocabulary.
    pub vocabulary: usize,
    /// What the values stand for.
    pub source: Option<Source>,
    /// The colours of the answer.
    pub heating: Heating,
    /// Whether the values of an answer in JSON stand after the grammar.
    pub after_grammar_mask: bool,
}

impl Default for Inspector {
    fn default() -> Self {
        Self {
            target: Target::Newest,
            top: 0,
            sliders: Sliders::default(),
            strips: Strips::default(),
            sought: String::new(),
            order: Order::default(),
            sorted: None,
            sheet: Sheet::default(),
            json: None,
            is_expanded: false,
            in_hand: None,
            ending: None,
            cursor: Cursor::Tail,
            digest: Digest::default(),
        }
    }
}

impl Inspector {
    /// Shows another answer, with the cursor on its tail.
    pub fn show(&mut self, target: Target) {
        if self.target != target {
            (self.target, self.cursor, self.top, self.in_hand) = (target, Cursor::Tail, 0, None);
            self.ending = None;
        }
    }

    /// Returns the groups of tokens in the order of the answer.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.digest.groups
    }

    /// Returns the indices of the groups at which the answer nearly went elsewhere.
    #[must_use]
    pub fn close_calls(&self) -> &[usize] {
        &self.digest.close_calls
    }

    /// Returns the index of the group under the cursor.
    #[must_use]
    pub fn cursor(&self) -> Option<usize> {
        let last = self.digest.groups.len().checked_sub(1)?;
        Some(match self.cursor {
            Cursor::Tail => last,
            Cursor::At(index) => index.min(last),
        })
    }

    /// Returns the group under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Group> {
        self.digest.groups.get(self.cursor()?)
    }

    /// Returns the token whose position is shown: that under the cursor, of a character in pieces the
    /// least certain one.
    #[must_use]
    pub fn token(&self, run: &Run) -> Option<usize> {
        Some(least_certain(run, self.current()?))
    }

    /// Whether the cursor was put somewhere, so that it does not follow the tail.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.cursor != Cursor::Tail
    }

    /// Whether a long answer is still being read, so that there is more to show in the next frame.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.digest.is_behind()
    }

    /// Returns the run the rows belong to.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        self.digest.run
    }

    /// Returns the order of the rows.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Whether each piece of a character has its own row.
    #[must_use]
    pub fn is_expanded(&self) -> bool {
        self.is_expanded
    }

    /// Returns the group in a row of the table.
    #[must_use]
    pub fn group_in(&self, row: usize) -> Option<usize> {
        match &self.sorted {
            Some(sorted) => sorted.rows.get(row).copied(),
            None => (row < self.digest.groups.len()).then_some(row),
        }
    }

    /// Returns the row of a group.
    fn row_of(&self, group: usize) -> usize {
        self.sorted.as_ref().and_then(|sorted| sorted.row_of.get(group).copied()).unwrap_or(group)
    }

    /// Returns the index of the candidate in hand at the cursor, in the server's order.
    #[must_use]
    pub fn in_hand(&self) -> Option<usize> {
        self.in_hand
    }

    /// Puts the cursor on a group, clamped to the answer.
    pub fn go_to(&mut self, index: usize) {
        self.cursor = Cursor::At(index.min(self.digest.groups.len().saturating_sub(1)));
        self.in_hand = None;
    }

    /// Puts the cursor on the group that holds a token.
    pub fn go_to_token(&mut self, token: usize) {
        self.go_to(self.digest.group_of(token));
    }

    /// Ties the cursor to the tail.
    pub fn follow(&mut self) {
        (self.cursor, self.in_hand) = (Cursor::Tail, None);
    }

    /// Moves the cursor by groups, back for negative numbers; returns whether there are any.
    pub fn step(&mut self, by: isize) -> bool {
        let Some(cursor) = self.cursor() else { return false };
        self.go_to(cursor.saturating_add_signed(by));
        true
    }

    /// Moves the cursor by rows of the table; returns whether there are any.
    pub fn step_row(&mut self, by: isize) -> bool {
        let Some(cursor) = self.cursor() else { return false };
        if let (Sheet::Json, Some(json)) = (self.sheet, &self.json) {
            let token = self.digest.groups[cursor].tokens.start;
            let next = json.step(token, by);
            self.go_to_token(next.unwrap_or(token));
            return next.is_some();
        }
        let row = self.row_of(cursor).saturating_add_signed(by).min(self.digest.groups.len() - 1);
        self.go_to(self.group_in(row).unwrap_or(cursor));
        true
    }

    /// Moves the cursor to the next beginning of a word, or the one before.
    pub fn step_word(&mut self, forward: bool) -> bool {
        let Some(cursor) = self.cursor() else { return false };
        let groups = &self.digest.groups;
        let begins = |index: &usize| {
            let is_blank = |text: &str| text.chars().all(char::is_whitespace);
            let text = groups[*index].text.as_str();
            let after_blank = *index == 0 || groups[*index - 1].text.ends_with(char::is_whitespace);
            !is_blank(text) && (text.starts_with(char::is_whitespace) || after_blank)
        };
        let found =
            if forward { (cursor + 1..groups.len()).find(begins) } else { (0..cursor).rev().find(begins) };
        self.go_to_found(found)
    }

    /// Moves to the next close call, or the one before; returns whether there was one.
    pub fn step_close_call(&mut self, forward: bool) -> bool {
        let Some(cursor) = self.cursor() else { return false };
        let calls = &self.digest.close_calls;
        let found = if forward {
            let from =
                if self.cursor == Cursor::Tail { 0 } else { calls.partition_point(|call| *call <= cursor) };
            calls.get(from)
        } else {
            calls[..calls.partition_point(|call| *call < cursor)].last()
        };
        self.go_to_found(found.copied())
    }

    /// Moves to the group with the highest surprisal; returns whether there was one.
    pub fn to_most_surprising(&mut self, run: &Run) -> bool {
        let lowest = self
            .digest
            .groups
            .iter()
            .enumerate()
            .filter_map(|(index, group)| Some((index, group_logprob(run, group)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        self.go_to_found(lowest.map(|(index, _)| index))
    }

    /// Moves to the next place at which the text holds what is sought, or the one before, around the
    /// ends; `stay` counts the place under the cursor. Returns where that is, if there is one.
    pub fn find(&mut self, run: &Run, forward: bool, stay: bool) -> Option<Found> {
        let cursor = self.cursor().filter(|_| !self.sought.is_empty())?;
        let mut places: Vec<usize> = occurrences(&run.text, &self.sought)
            .filter_map(|byte| Some(self.digest.group_of(run.token_at(byte)?)))
            .collect();
        places.dedup();
        let ahead = places.partition_point(|place| *place < cursor + usize::from(!stay));
        let behind = places.partition_point(|place| *place < cursor);
        let (at, has_wrapped) = match (forward, ahead < places.len(), behind) {
            (true, true, _) => (ahead, false),
            (true, false, _) => (0, true),
            (false, _, 0) => (places.len().checked_sub(1)?, true),
            (false, _, behind) => (behind - 1, false),
        };
        self.go_to(*places.get(at)?);
        Some(Found { number: at + 1, of: places.len(), has_wrapped })
    }

    fn go_to_found(&mut self, found: Option<usize>) -> bool {
        if let Some(index) = found {
            self.go_to(index);
        }
        found.is_some()
    }

    /// Sorts the table by the next thing and goes to its first row, where what strikes most stands; in
    /// the answer's own order the cursor stays where it is.
    pub fn sort_next(&mut self, run: &Run) {
        self.order = self.order.next();
        self.sort(run, self.digest.ladders.vocabulary());
        if let (Some(first), true) = (self.group_in(0), self.sorted.is_some()) {
            self.go_to(first);
            self.top = 0;
        }
    }

    /// Gives each piece of a character its own row, or joins them again.
    pub fn toggle_pieces(&mut self, run: &Run) {
        let token = self.token(run);
        self.is_expanded = !self.is_expanded;
        let reading = Reading {
            vocabulary: self.digest.ladders.vocabulary(),
            is_expanded: self.is_expanded,
            source: self.digest.source,
        };
        self.digest.take_in(run, reading);
        if let (Some(token), Cursor::At(_)) = (token, self.cursor) {
            self.go_to_token(token);
        }
    }

    /// Takes the next other candidate at the cursor in hand, or the one before; returns whether there
    /// is one.
    pub fn take_candidate(&mut self, run: &Run, forward: bool) -> bool {
        let Some(token) = self.token(run).map(|at| &run.tokens[at]) else { return false };
        let others: Vec<usize> =
            (0..token.candidates.len()).filter(|index| token.chosen() != Some(*index)).collect();
        if others.is_empty() {
            return false;
        }
        let at = self.in_hand.and_then(|index| others.iter().position(|other| *other == index));
        let next = match (at, forward) {
            (None, true) => 0,
            (None, false) => others.len() - 1,
            (Some(at), true) => (at + 1) % others.len(),
            (Some(at), false) => (at + others.len() - 1) % others.len(),
        };
        self.in_hand = Some(others[next]);
        true
    }

    /// Puts down what was in hand; returns whether something was.
    pub fn put_down(&mut self) -> bool {
        self.in_hand.take().is_some()
    }

    /// Takes in the tokens that came since, and keeps the cursor's row inside the table.
    pub fn settle(&mut self, run: Option<&Run>, measure: &Measure) {
        let was = self.digest.run;
        match run {
            Some(run) => {
                let Measure { vocabulary, source, .. } = *measure;
                let reading = Reading { vocabulary, is_expanded: self.is_expanded, source };
                self.digest.take_in(run, reading);
                if was != self.digest.run {
                    self.strips.forget();
                }
                self.strips.settle(run, &self.digest, measure.heating, measure.cells);
                self.sort(run, vocabulary);
                match self.sheet {
                    Sheet::Json => Json::settle(&mut self.json, run, measure.after_grammar_mask),
                    Sheet::Tokens | Sheet::Endings => self.json = None,
                }
            }
            None => {
                self.digest = Digest::default();
                self.strips.forget();
                (self.sorted, self.json) = (None, None);
            }
        }
        let Some(cursor) = self.cursor() else {
            self.top = 0;
            return;
        };
        let (row, rows) = (self.row_of(cursor), measure.rows.max(1));
        // One row of context stays visible above and below where there is room.
        let margin = usize::from(rows > 4);
        let lowest_top = (row + 1 + margin).saturating_sub(rows);
        self.top = self.top.clamp(lowest_top, row.saturating_sub(margin).max(lowest_top));
        self.top = self.top.min(self.digest.groups.len().saturating_sub(rows));
    }

    fn sort(&mut self, run: &Run, vocabulary: usize) {
        let groups = self.digest.groups.len();
        if self.order == Order::Position {
            self.sorted = None;
        } else if self.sorted.as_ref().is_none_or(|s| s.by != self.order || s.groups != groups) {
            self.sorted = self.order.sorted(run, &self.digest.groups, vocabulary).map(|rows| {
                let mut row_of = vec![0; rows.len()];
                rows.iter().enumerate().for_each(|(row, group)| row_of[*group] = row);
                Sorted { by: self.order, groups, rows, row_of }
            });
        }
    }
}

/// Returns the token of a group at which it could most easily have become another one: the least
/// certain of them.
#[must_use]
pub fn least_certain(run: &Run, group: &Group) -> usize {
    let logprob = |token: &usize| run.tokens[*token].logprob.unwrap_or(f64::NEG_INFINITY);
    let least = group.tokens.clone().min_by(|a, b| logprob(a).total_cmp(&logprob(b)));
    least.unwrap_or(group.tokens.start)
}

/// Returns the joint logprob of a group's tokens; `None` unless all have one.
#[must_use]
pub fn group_logprob(run: &Run, group: &Group) -> Option<f64> {
    run.tokens[group.tokens.clone()].iter().map(|token| token.logprob).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::{Request, Sampling};
    use crate::core::stream::StreamEvent;
    use crate::core::time::Timestamp;
    use crate::core::token::{Candidate, Piece, Token};
    use std::sync::Arc;

    const MEASURE: Measure = Measure {
        rows: 10,
        cells: 20,
        vocabulary: 1000,
        source: Some(Source::BEFORE),
        heating: Heating::OFF,
        after_grammar_mask: false,
    };

    fn run() -> Run {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        Run::new(RunId(1), Arc::new(request), Timestamp::default())
    }

    fn token(bytes: &[u8], p: f64, other: f64) -> Token {
        let piece = Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec()));
        let candidate = |piece, p: f64| Candidate { piece, logprob: Some(p.ln()), id: None };
        Token {
            piece: piece.clone(),
            logprob: Some(p.ln()),
            candidates: Box::new([candidate(piece, p), candidate(Piece::new("other", None), other)]),
            id: None,
        }
    }

    fn send(run: &mut Run, tokens: Vec<Token>) {
        run.apply(StreamEvent::Delta { text: String::new(), tokens }, Timestamp::default());
    }

    #[test]
    fn a_character_in_pieces_becomes_one_row_when_its_last_piece_comes() {
        let (mut run, mut inspector) = (run(), Inspector::default());
        send(&mut run, vec![token(b"a", 0.9, 0.05), token(&"한".as_bytes()[..1], 0.9, 0.05)]);
        inspector.settle(Some(&run), &MEASURE);
        assert_eq!(inspector.groups().len(), 2);
        send(&mut run, vec![token(&"한".as_bytes()[1..], 0.9, 0.05)]);
        inspector.settle(Some(&run), &MEASURE);
        let texts: Vec<_> = inspector.groups().iter().map(|group| group.text.as_str()).collect();
        assert_eq!(texts, ["a", "한"]);
    }

    #[test]
    fn close_calls_are_walked_in_both_directions() {
        let (mut run, mut inspector) = (run(), Inspector::default());
        for (text, p, other) in [("a", 0.9, 0.01), ("b", 0.4, 0.35), ("c", 0.9, 0.01), ("d", 0.2, 0.6)] {
            send(&mut run, vec![token(text.as_bytes(), p, other)]);
            inspector.settle(Some(&run), &MEASURE);
        }
        assert_eq!(inspector.close_calls(), [1, 3]);
        assert!(inspector.step_close_call(true));
        assert_eq!(inspector.cursor(), Some(1));
        assert!(inspector.step_close_call(true));
        assert_eq!(inspector.cursor(), Some(3));
        assert!(!inspector.step_close_call(true));
        assert!(inspector.step_close_call(false));
        assert_eq!(inspector.cursor(), Some(1));
        assert!(inspector.to_most_surprising(&run));
        assert_eq!(inspector.cursor(), Some(3));
    }

    #[test]
    fn the_cursor_stays_on_the_tail_until_moved_and_inside_the_table() {
        let (mut run, mut inspector) = (run(), Inspector::default());
        for _ in 0..50 {
            send(&mut run, vec![token(b"x", 0.9, 0.01)]);
            inspector.settle(Some(&run), &MEASURE);
        }
        assert_eq!((inspector.cursor(), inspector.top), (Some(49), 40));
        inspector.step(-45);
        inspector.settle(Some(&run), &MEASURE);
        assert_eq!((inspector.cursor(), inspector.top), (Some(4), 3));
        send(&mut run, vec![token(b"x", 0.9, 0.01)]);
        inspector.settle(Some(&run), &MEASURE);
        assert_eq!(inspector.cursor(), Some(4));
    }

    fn settled(tokens: &[(&str, f64, f64)]) -> (Run, Inspector) {
        let (mut run, mut inspector) = (run(), Inspector::default());
        let text = tokens.iter().map(|(text, ..)| *text).collect();
        let tokens = tokens.iter().map(|(text, p, other)| token(text.as_bytes(), *p, *other)).collect();
        run.apply(StreamEvent::Delta { text, tokens }, Timestamp::default());
        inspector.settle(Some(&run), &MEASURE);
        inspector.go_to(0);
        (run, inspector)
    }

    #[test]
    fn the_cursor_walks_by_words() {
        let (_, mut inspector) = settled(&[
            ("Bam", 0.9, 0.0),
            ("boo", 0.9, 0.0),
            (" grows", 0.9, 0.0),
            (".", 0.9, 0.0),
            ("\n", 0.9, 0.0),
            ("So", 0.9, 0.0),
        ]);
        let mut visited = Vec::new();
        while inspector.step_word(true) {
            visited.push(inspector.cursor().unwrap());
        }
        assert_eq!(visited, [2, 5]);
        assert!(inspector.step_word(false));
        assert_eq!(inspector.cursor(), Some(2));
    }

    #[test]
    fn text_is_found_across_tokens_and_around_the_end() {
        let (run, mut inspector) = settled(&[
            ("Bam", 0.9, 0.0),
            ("boo", 0.9, 0.0),
            (" and", 0.9, 0.0),
            (" bamb", 0.9, 0.0),
            ("oo", 0.9, 0.0),
        ]);
        inspector.sought = "BAMBOO".to_owned();
        let found = |number, has_wrapped| Some(Found { number, of: 2, has_wrapped });
        assert_eq!(inspector.find(&run, true, true), found(1, false));
        assert_eq!(inspector.cursor(), Some(0));
        for (place, number, has_wrapped) in [(3, 2, false), (0, 1, true)] {
            assert_eq!(inspector.find(&run, true, false), found(number, has_wrapped));
            assert_eq!(inspector.cursor(), Some(place));
        }
        assert_eq!(inspector.find(&run, false, false), found(2, true));
        assert_eq!(inspector.cursor(), Some(3));
        inspector.sought = "panda".to_owned();
        assert_eq!(inspector.find(&run, true, true), None);
        assert_eq!(inspector.cursor(), Some(3));
    }

    #[test]
    fn the_table_is_sorted_and_the_cursor_moves_by_its_rows() {
        let (run, mut inspector) = settled(&[("a", 0.9, 0.01), ("b", 0.3, 0.1), ("c", 0.5, 0.45)]);
        let rows =
            |inspector: &Inspector| (0..3).map(|row| inspector.group_in(row).unwrap()).collect::<Vec<_>>();
        for (order, expected) in
            [(Order::Surprisal, [1, 2, 0]), (Order::Margin, [2, 1, 0]), (Order::Entropy, [1, 2, 0])]
        {
            inspector.sort_next(&run);
            assert_eq!((inspector.order(), rows(&inspector)), (order, expected.to_vec()));
            assert_eq!(inspector.cursor(), Some(expected[0]), "on the first row");
        }
        inspector.go_to(1);
        assert!(inspector.step_row(1));
        assert_eq!(inspector.cursor(), Some(2));
        inspector.sort_next(&run);
        inspector.settle(Some(&run), &MEASURE);
        assert_eq!(rows(&inspector), [0, 1, 2]);
    }

    #[test]
    fn pieces_get_rows_of_their_own_and_the_cursor_stays_on_its_token() {
        let (mut run, mut inspector) = (run(), Inspector::default());
        let han = "한".as_bytes();
        send(
            &mut run,
            vec![
                token(b"a", 0.9, 0.0),
                token(&han[..1], 0.4, 0.0),
                token(&han[1..], 0.9, 0.0),
                token(b"b", 0.9, 0.0),
            ],
        );
        inspector.settle(Some(&run), &MEASURE);
        inspector.go_to(2);
        inspector.toggle_pieces(&run);
        let texts: Vec<_> = inspector.groups().iter().map(|group| group.text.as_str()).collect();
        assert_eq!(texts, ["a", "\\xed", "\\x95\\x9c", "b"]);
        assert_eq!(inspector.cursor(), Some(3));
        inspector.go_to(2);
        inspector.toggle_pieces(&run);
        assert_eq!(
            (inspector.cursor(), inspector.token(&run)),
            (Some(1), Some(1)),
            "the least certain piece"
        );
        inspector.toggle_pieces(&run);
        assert_eq!(inspector.cursor(), Some(1));
        inspector.go_to(3);
        inspector.toggle_pieces(&run);
        assert_eq!((inspector.groups().len(), inspector.cursor()), (3, Some(2)));
    }

    #[test]
    fn other_candidates_are_taken_in_hand_in_a_round() {
        let (run, mut inspector) = settled(&[("a", 0.9, 0.05), ("b", 0.9, 0.05)]);
        assert!(inspector.take_candidate(&run, true));
        assert_eq!(inspector.in_hand(), Some(1), "the chosen one is passed over");
        assert!(inspector.take_candidate(&run, true));
        assert_eq!(inspector.in_hand(), Some(1));
        inspector.go_to(1);
        assert_eq!(inspector.in_hand(), None);
    }

    #[test]
    fn the_strips_show_what_strikes() {
        let (run, mut inspector) = settled(&[("a", 0.99, 0.005), ("b", 0.2, 0.7), ("c", 0.55, 0.4)]);
        let heating = Heating::new(crate::app::heat::Heat::Surprisal, None, 1000);
        inspector.settle(Some(&run), &Measure { cells: 3, heating, ..MEASURE });
        let shades: Vec<_> = inspector.strips.heat.iter().map(|shade| shade.unwrap()).collect();
        assert!(shades[1] > shades[2] && shades[2] > shades[0], "{shades:?}");
        let tipping: Vec<_> = inspector.strips.tipping.iter().map(|shade| shade.unwrap()).collect();
        assert!(tipping[1] > tipping[2] && tipping[2] > tipping[0], "{tipping:?}");
        assert_eq!(inspector.strips.cell_of(1), 1);
        assert_eq!(inspector.strips.token_of(2), 2);
    }
}
