//! Texts made to be compared: what one says otherwise than another, and what several say in common.
//!
//! Owns how differences and splits are written as one text with marks over its bytes. The text goes
//! through [`crate::markup::Document`] like every other, so nothing in it reaches the terminal raw;
//! this never measures cells and never draws. Every mark has a sign in the text too, so a reading
//! says the same without colour:
//!
//! ```text
//! a ⟨-quiet⟩⟨+loud⟩ morning            difference: taken out, put in
//! a ⟨quiet 60.0 % | loud 40.0 %⟩ one   consensus: the ways answers go, with who goes them
//! ```
//!
//! Invariant: the marks cover the text, in order, from character to character; what is marked [`Mark::Same`],
//! [`Mark::Added`], [`Mark::Removed`] and [`Mark::Way`] is written as the answers have it.

mod parting;
mod sheet;

pub use parting::parting_lines;
pub use sheet::Sheet;

use crate::core::consensus::{Consensus, Part, Way};
use crate::core::diff::{Excerpt, Hunk, coherent, diff, only_different};
use crate::core::diversity::FEW;
use crate::core::figure;
use crate::core::run::Run;
use crate::core::text::{boundary_at_or_after, clusters, visible, width};
use std::ops::Range;

/// Longest beginning of a text that is compared with one other, in bytes; some 60,000 tokens.
const COMPARED: usize = 1 << 18;

/// Longest beginnings of all answers together that are laid over each other, in bytes.
const OVERLAID: usize = 1 << 18;

/// Words that are the same and stay beside a difference where only differences are shown.
const WORDS: usize = 3;

/// Most ways that are shown where answers part.
const WAYS: usize = 4;

/// Longest way that is shown, in clusters.
const WAY_CLUSTERS: usize = 400;

/// Cells of ways from which each stands on a line of its own.
const INLINE: usize = 60;

/// Most signs that stand for white space on its own.
const BLANKS: usize = 8;

/// What a piece of a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// What all texts say.
    Same,
    /// What only the other text says.
    Added,
    /// What only the base says.
    Removed,
    /// What some answers say where they part: the number of their way, 0 for the most common.
    Way(usize),
    /// How many go a way.
    Share,
    /// A sign around or between the pieces where texts differ.
    Split,
    /// Something in the place of what is not shown.
    Gap,
}

/// A text for comparing, with what its pieces are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The text, as it is to be laid out.
    pub text: String,
    /// The pieces of the text in order, each as its bytes.
    pub marks: Vec<(Range<usize>, Mark)>,
}

impl Reading {
    /// Returns a text with what it says otherwise than a base, word by word.
    ///
    /// With `different_only` the words far from any difference are left out. Of very long texts the
    /// beginnings are compared, and the end of the reading says so.
    #[must_use]
    pub fn difference(base: &str, other: &str, different_only: bool) -> Self {
        let (base_head, other_head) = (beginning(base, COMPARED), beginning(other, COMPARED));
        let mut reading = Self::default();
        let hunks = coherent(&diff(base_head, other_head), base_head, other_head);
        for excerpt in excerpts(&hunks, base_head, different_only) {
            match excerpt {
                Excerpt::Shown(hunk) if hunk.is_same => reading.put(&base_head[hunk.base], Mark::Same),
                Excerpt::Shown(hunk) => {
                    reading.put_side("⟨-", &base_head[hunk.base], Mark::Removed);
                    reading.put_side("⟨+", &other_head[hunk.other], Mark::Added);
                }
                Excerpt::Hidden(hunk) => reading.put_gap(&base_head[hunk.base]),
            }
        }
        if different_only && !reading.differs() {
            reading = Self::default();
            reading.put("no difference", Mark::Gap);
        }
        if base_head.len() < base.len() || other_head.len() < other.len() {
            reading.put_line();
            reading.put("… what follows is too long to be compared", Mark::Gap);
        }
        reading
    }

    /// Returns what some answers say in common, once, and where they part, which ways they go.
    ///
    /// Complete answers are to be given, as a missing end reads as a split.
    #[must_use]
    pub fn of_answers(runs: &[&Run], different_only: bool) -> Self {
        let all: usize = runs.iter().map(|run| run.text.len()).sum();
        if all <= OVERLAID {
            return Self::consensus(&Consensus::of_runs(runs), different_only);
        }
        let room = OVERLAID / runs.len().max(1);
        let heads: Vec<&str> = runs.iter().map(|run| beginning(&run.text, room)).collect();
        let mut reading = Self::consensus(&Consensus::of_texts(&heads), different_only);
        reading.put_line();
        reading.put("… what follows is too long to be laid over each other", Mark::Gap);
        reading
    }

    /// Returns a consensus as one text: what is shared once, and each split with the shares of its ways.
    #[must_use]
    pub fn consensus(consensus: &Consensus<'_>, different_only: bool) -> Self {
        let mut reading = Self::default();
        // The shared parts, one after the other, are the base whose differences the splits are.
        let mut base = String::new();
        let mut hunks = Vec::with_capacity(consensus.parts.len());
        let mut splits = Vec::new();
        for part in &consensus.parts {
            let start = base.len();
            match part {
                Part::Shared(text) => base.push_str(text),
                Part::Split(ways) => splits.push(ways),
            }
            let range = start..base.len();
            hunks.push(Hunk { is_same: matches!(part, Part::Shared(_)), base: range.clone(), other: range });
        }
        let mut splits = splits.into_iter();
        let mut is_after_block = false;
        for excerpt in excerpts(&hunks, &base, different_only) {
            match excerpt {
                Excerpt::Shown(hunk) if hunk.is_same => {
                    let text = &base[hunk.base];
                    // A full stop may follow the last way, words would read as more of it.
                    if is_after_block && text.chars().any(char::is_alphanumeric) {
                        reading.put_line();
                    }
                    reading.put(text, Mark::Same);
                }
                Excerpt::Shown(_) => {
                    if let Some(ways) = splits.next() {
                        is_after_block = reading.put_split(consensus, ways);
                    }
                }
                Excerpt::Hidden(hunk) => reading.put_gap(&base[hunk.base]),
            }
        }
        if different_only && !reading.differs() && consensus.answers > 0 {
            reading = Self::default();
            reading.put("no difference", Mark::Gap);
        }
        reading
    }

    /// Whether it holds anything that not all texts say.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.marks.iter().any(|(_, mark)| *mark == Mark::Split)
    }

    /// Returns what the piece at a byte is.
    #[must_use]
    pub fn mark_at(&self, byte: usize) -> Mark {
        let after = self.marks.partition_point(|(range, _)| range.start <= byte);
        after.checked_sub(1).map_or(Mark::Same, |at| self.marks[at].1)
    }

    /// Returns where the differences and splits begin, for stepping from one to the next.
    pub fn stops(&self) -> impl Iterator<Item = usize> {
        let is_shared = |mark: Mark| matches!(mark, Mark::Same | Mark::Gap);
        let before = std::iter::once(Mark::Same).chain(self.marks.iter().map(|(_, mark)| *mark));
        let begins = move |((range, mark), before): (&(Range<usize>, Mark), Mark)| {
            (is_shared(before) && !is_shared(*mark)).then_some(range.start)
        };
        self.marks.iter().zip(before).filter_map(begins)
    }

    fn put(&mut self, text: &str, mark: Mark) {
        if text.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(text);
        match self.marks.last_mut() {
            Some((range, last)) if *last == mark => range.end = self.text.len(),
            _ => self.marks.push((start..self.text.len(), mark)),
        }
    }

    /// Begins a new line, unless one has begun.
    fn put_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.put("\n", Mark::Gap);
        }
    }

    /// Adds one side of a difference between its signs.
    fn put_side(&mut self, sign: &str, text: &str, mark: Mark) {
        if text.is_empty() {
            return;
        }
        self.put(sign, Mark::Split);
        self.put_words(text, mark);
        self.put("⟩", Mark::Split);
    }

    /// Adds a text as it is; before white space on its own stand signs that can be seen.
    fn put_words(&mut self, text: &str, mark: Mark) {
        if text.trim().is_empty() {
            let head: String = text.chars().take(BLANKS).collect();
            self.put(&visible(&head), Mark::Split);
        }
        self.put(text, mark);
    }

    /// Adds what stands in the place of a text that all have.
    fn put_gap(&mut self, hidden: &str) {
        if !self.text.is_empty() && !self.text.ends_with(char::is_whitespace) {
            self.put(" ", Mark::Gap);
        }
        self.put(if hidden.contains('\n') { "…\n" } else { "… " }, Mark::Gap);
    }

    /// Adds the ways answers go: in the line where they are short, else each on a line of its own;
    /// returns whether they stand so.
    fn put_split(&mut self, consensus: &Consensus<'_>, ways: &[Way<'_>]) -> bool {
        // The place of one way that is left out would be taken by saying so.
        let shown = if ways.len() > WAYS + 1 { WAYS } else { ways.len() };
        let cells: usize = ways[..shown].iter().map(|way| width(beginning(way.text, INLINE * 4))).sum();
        let is_block = cells > INLINE || ways[..shown].iter().any(|way| way.text.trim().contains('\n'));
        let more: usize = ways[shown..].iter().map(|way| way.answers.len()).sum();
        for (number, way) in ways[..shown].iter().enumerate() {
            let share = share(way.answers.len(), consensus.answers);
            if is_block {
                self.put_line();
                self.put(if number == 0 { "⟨ " } else { "| " }, Mark::Split);
                self.put(&share, Mark::Share);
                self.put("  ", Mark::Split);
                self.put_way(way.text, number);
            } else {
                self.put(if number == 0 { "⟨" } else { " | " }, Mark::Split);
                self.put_way(way.text, number);
                let gap = if way.text.is_empty() { "" } else { " " };
                self.put(gap, Mark::Split);
                self.put(&share, Mark::Share);
            }
        }
        if more > 0 {
            if is_block {
                self.put_line();
            }
            let sign = if is_block { "| " } else { " | " };
            self.put(sign, Mark::Split);
            let text = format!("+{} more {}", ways.len() - shown, self::share(more, consensus.answers));
            self.put(&text, Mark::Share);
        }
        self.put("⟩", Mark::Split);
        is_block
    }

    fn put_way(&mut self, text: &str, number: usize) {
        match clusters(text).nth(WAY_CLUSTERS) {
            Some((end, _)) => {
                self.put_words(&text[..end], Mark::Way(number));
                self.put("…", Mark::Gap);
            }
            None if text.is_empty() => {}
            None => self.put_words(text, Mark::Way(number)),
        }
    }
}

/// Returns a share of some answers; as a fraction where they are few, as one of three is no third.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn share(count: usize, answers: usize) -> String {
    if answers < FEW { format!("{count}/{answers}") } else { figure::percent(count as f64 / answers as f64) }
}

/// Returns the excerpts of a comparison: all of it, or what is near a difference.
fn excerpts(hunks: &[Hunk], base: &str, different_only: bool) -> Vec<Excerpt> {
    if different_only {
        only_different(hunks, base, WORDS)
    } else {
        hunks.iter().cloned().map(Excerpt::Shown).collect()
    }
}

/// Returns the beginning of a text: about so many bytes, up to the end of a cluster.
fn beginning(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let at = (bytes..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[..boundary_at_or_after(text, at)]
}

#[cfg(test)]
mod tests;
