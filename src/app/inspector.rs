//! The token inspector: which answer it shows, where its cursor is, and what follows from the
//! tokens (joined groups, close calls), kept up incrementally while an answer streams.

use crate::core::id::RunId;
use crate::core::probability::Position;
use crate::core::run::Run;
use crate::core::token::{Group, groups};

/// Which answer the inspector shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The newest answer of the conversation.
    Newest,
    /// This one.
    Run(RunId),
}

/// State of the inspector.
#[derive(Debug)]
pub struct Inspector {
    /// The answer it shows.
    pub target: Target,
    /// First row of the token table on screen.
    pub top: usize,
    cursor: Cursor,
    digest: Digest,
}

/// Where the token cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// On the last group, as it arrives.
    Tail,
    /// On this group.
    At(usize),
}

/// What follows from the tokens of one answer.
#[derive(Debug, Default)]
struct Digest {
    run: Option<RunId>,
    tokens: usize,
    groups: Vec<Group>,
    close_calls: Vec<usize>,
}

impl Default for Inspector {
    fn default() -> Self {
        Self { target: Target::Newest, top: 0, cursor: Cursor::Tail, digest: Digest::default() }
    }
}

impl Inspector {
    /// Shows another answer, with the cursor on its tail.
    pub fn show(&mut self, target: Target) {
        if self.target != target {
            (self.target, self.cursor, self.top) = (target, Cursor::Tail, 0);
        }
    }

    /// Returns the groups of tokens: the rows of the table.
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

    /// Whether the cursor was put somewhere, so that it does not follow the tail.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.cursor != Cursor::Tail
    }

    /// Returns the run the rows belong to.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        self.digest.run
    }

    /// Puts the cursor on a group, clamped to the answer.
    pub fn go_to(&mut self, index: usize) {
        self.cursor = Cursor::At(index.min(self.digest.groups.len().saturating_sub(1)));
    }

    /// Ties the cursor to the tail.
    pub fn follow(&mut self) {
        self.cursor = Cursor::Tail;
    }

    /// Moves the cursor by groups, back for negative numbers; returns whether there are any.
    pub fn step(&mut self, by: isize) -> bool {
        let Some(cursor) = self.cursor() else { return false };
        self.go_to(cursor.saturating_add_signed(by));
        true
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
        match found.copied() {
            Some(index) => {
                self.go_to(index);
                true
            }
            None => false,
        }
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
        match lowest {
            Some((index, _)) => {
                self.go_to(index);
                true
            }
            None => false,
        }
    }

    /// Takes in the tokens that came since, and keeps the cursor's row inside a table of `rows`.
    pub fn settle(&mut self, run: Option<&Run>, rows: usize) {
        match run {
            Some(run) => self.digest.take_in(run),
            None => self.digest = Digest::default(),
        }
        let Some(cursor) = self.cursor() else {
            self.top = 0;
            return;
        };
        let rows = rows.max(1);
        // One row of context stays visible above and below where there is room.
        let margin = usize::from(rows > 4);
        let lowest_top = (cursor + 1 + margin).saturating_sub(rows);
        self.top = self.top.clamp(lowest_top, cursor.saturating_sub(margin).max(lowest_top));
        self.top = self.top.min(self.digest.groups.len().saturating_sub(rows));
    }
}

impl Digest {
    fn take_in(&mut self, run: &Run) {
        if self.run != Some(run.id) || self.tokens > run.tokens.len() {
            *self = Self { run: Some(run.id), ..Self::default() };
        }
        if self.tokens == run.tokens.len() {
            return;
        }
        // The last group may have been waiting for the rest of a character.
        let from = self.groups.pop().map_or(0, |group| group.tokens.start);
        while self.close_calls.last().is_some_and(|call| *call >= self.groups.len()) {
            self.close_calls.pop();
        }
        for mut group in groups(&run.tokens[from..]) {
            group.tokens = group.tokens.start + from..group.tokens.end + from;
            if run.tokens[group.tokens.clone()].iter().any(|token| Position::new(token).is_close_call()) {
                self.close_calls.push(self.groups.len());
            }
            self.groups.push(group);
        }
        self.tokens = run.tokens.len();
    }
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
        inspector.settle(Some(&run), 10);
        assert_eq!(inspector.groups().len(), 2);
        send(&mut run, vec![token(&"한".as_bytes()[1..], 0.9, 0.05)]);
        inspector.settle(Some(&run), 10);
        let texts: Vec<_> = inspector.groups().iter().map(|group| group.text.as_str()).collect();
        assert_eq!(texts, ["a", "한"]);
    }

    #[test]
    fn close_calls_are_walked_in_both_directions() {
        let (mut run, mut inspector) = (run(), Inspector::default());
        for (text, p, other) in [("a", 0.9, 0.01), ("b", 0.4, 0.35), ("c", 0.9, 0.01), ("d", 0.2, 0.6)] {
            send(&mut run, vec![token(text.as_bytes(), p, other)]);
            inspector.settle(Some(&run), 10);
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
            inspector.settle(Some(&run), 10);
        }
        assert_eq!((inspector.cursor(), inspector.top), (Some(49), 40));
        inspector.step(-45);
        inspector.settle(Some(&run), 10);
        assert_eq!((inspector.cursor(), inspector.top), (Some(4), 3));
        send(&mut run, vec![token(b"x", 0.9, 0.01)]);
        inspector.settle(Some(&run), 10);
        assert_eq!(inspector.cursor(), Some(4));
    }
}
