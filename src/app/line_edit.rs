//! One line that is typed: its text, its caret, and the keys that change it.
//!
//! Owns what each key does to the line and which part of it is shown. It knows nothing of what the line is for,
//! and takes no key that it has no use for, so Enter and Esc are the owner's.
//!
//! Invariant: the caret stands between two grapheme clusters, whatever was typed, joined or taken away.

use crate::app::chord::{Chord, Key};
use crate::core::text::{boundary_at_or_after, clusters, printable, width, word_pieces};

/// Longest line, in bytes, unless its owner says less.
const MOST: usize = 4096;

/// What a key did to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// The text is another one.
    Changed,
    /// The text is the same; the caret may stand elsewhere.
    Moved,
    /// There was no room for more.
    Full,
    /// The key is none of a line's.
    Unknown,
}

/// A line being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineEdit {
    text: String,
    caret: usize,
    /// Whether all of it is taken: what is typed next stands in its place.
    is_taken: bool,
    most: usize,
}

/// The part of a line that has room, and where the caret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What is shown, as it may be drawn.
    pub text: String,
    /// Cells before the caret.
    pub caret: usize,
}

impl Default for LineEdit {
    fn default() -> Self {
        Self::new("")
    }
}

impl LineEdit {
    /// Returns a line with the caret at its end.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { caret: text.len(), text, is_taken: false, most: MOST }
    }

    /// Returns a line that is a proposal: the first character typed takes its place.
    #[must_use]
    pub fn proposed(text: impl Into<String>) -> Self {
        Self { is_taken: true, ..Self::new(text) }
    }

    /// Returns the same line with room for so many bytes.
    #[must_use]
    pub fn at_most(self, bytes: usize) -> Self {
        Self { most: bytes, ..self }
    }

    /// Returns what was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns where the caret is, in bytes.
    #[must_use]
    pub fn caret(&self) -> usize {
        self.caret
    }

    /// Whether all of it is taken, so that what is typed next stands in its place.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.is_taken && !self.text.is_empty()
    }

    /// Does what a key does to a line.
    pub fn on_key(&mut self, chord: Chord) -> Typed {
        if let Some(c) = chord.typed() {
            return self.insert(c.encode_utf8(&mut [0; 4]));
        }
        let by_word = chord.ctrl || chord.alt;
        match (chord.key, chord.ctrl, chord.alt) {
            (Key::Backspace, _, _) | (Key::Char('h'), true, false) if self.is_taken() => {
                self.remove(0, self.text.len())
            }
            (Key::Delete, _, _) if self.is_taken() => self.remove(0, self.text.len()),
            (Key::Left, _, _) => self.go(if by_word { self.word_before() } else { self.before() }),
            (Key::Right, _, _) => self.go(if by_word { self.word_after() } else { self.after() }),
            (Key::Home, _, _) | (Key::Char('a'), true, false) => self.go(0),
            (Key::End, _, _) | (Key::Char('e'), true, false) => self.go(self.text.len()),
            (Key::Backspace, false, false) | (Key::Char('h'), true, false) => {
                self.remove(self.before(), self.caret)
            }
            (Key::Backspace, _, _) | (Key::Char('w'), true, false) => {
                self.remove(self.word_before(), self.caret)
            }
            (Key::Delete, false, false) => self.remove(self.caret, self.after()),
            (Key::Delete, _, _) => self.remove(self.caret, self.word_after()),
            (Key::Char('u'), true, false) => self.remove(0, self.caret),
            (Key::Char('k'), true, false) => self.remove(self.caret, self.text.len()),
            _ => Typed::Unknown,
        }
    }

    /// Puts a text where the caret is, or in the place of what is taken; all of it or nothing.
    pub fn insert(&mut self, text: &str) -> Typed {
        let is_taken = std::mem::take(&mut self.is_taken);
        if is_taken {
            self.text.clear();
            self.caret = 0;
        }
        if self.text.len().saturating_add(text.len()) > self.most {
            return if is_taken { Typed::Changed } else { Typed::Full };
        }
        self.text.insert_str(self.caret, text);
        // What was put in may have joined with what stands after it.
        self.caret = boundary_at_or_after(&self.text, self.caret + text.len());
        Typed::Changed
    }

    /// Returns the part that has room in so many cells with the caret in it; an ellipsis stands for the rest.
    #[must_use]
    pub fn window(&self, cells: usize) -> Window {
        let (before, after) = self.text.split_at(self.caret);
        let (before, after) = (printable(before), printable(after));
        // The caret takes a cell of its own where it stands at the end.
        let room = cells.saturating_sub(1);
        let (ahead, behind) = (width(&before), width(&after));
        if ahead + behind <= room {
            return Window { text: format!("{before}{after}"), caret: ahead };
        }
        let kept = behind.min(room / 3).max(room.saturating_sub(ahead));
        let before = tail(&before, room - kept);
        let caret = width(&before);
        Window { text: before + &crate::core::text::fit(&after, (room - caret).min(behind)), caret }
    }

    fn go(&mut self, to: usize) -> Typed {
        self.is_taken = false;
        self.caret = to;
        Typed::Moved
    }

    fn remove(&mut self, from: usize, to: usize) -> Typed {
        self.is_taken = false;
        if from >= to {
            return Typed::Moved;
        }
        self.text.replace_range(from..to, "");
        // What stood apart may have joined.
        self.caret = boundary_at_or_after(&self.text, from);
        Typed::Changed
    }

    fn before(&self) -> usize {
        clusters(&self.text[..self.caret]).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let after = &self.text[self.caret..];
        self.caret + clusters(after).next().map_or(0, |(_, cluster)| cluster.len())
    }

    /// Returns where the word before the caret begins; what is no word between them belongs to it.
    fn word_before(&self) -> usize {
        let mut at = self.caret;
        for piece in word_pieces(&self.text[..self.caret]).rev() {
            at -= piece.len();
            if is_word(piece) {
                break;
            }
        }
        // A sign of a script may join across what ends a word.
        let starts = clusters(&self.text[..self.caret]).map(|(start, _)| start);
        starts.take_while(|start| *start <= at).last().unwrap_or(0)
    }

    /// Returns where the word after the caret ends.
    fn word_after(&self) -> usize {
        let mut at = self.caret;
        for piece in word_pieces(&self.text[self.caret..]) {
            at += piece.len();
            if is_word(piece) {
                break;
            }
        }
        boundary_at_or_after(&self.text, at)
    }
}

fn is_word(piece: &str) -> bool {
    piece.chars().any(char::is_alphanumeric)
}

/// Returns the end of a text that has room, led by an ellipsis where it was longer.
fn tail(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let (mut used, mut kept) = (1, text.len());
    for (at, cluster) in clusters(text).rev() {
        used += width(cluster);
        if used > room {
            break;
        }
        kept = at;
    }
    if room == 0 { String::new() } else { format!("…{}", &text[kept..]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pressed(line: LineEdit, keys: &str) -> (String, String) {
        let mut line = line;
        for key in keys.split_whitespace() {
            line.on_key(key.parse().unwrap());
        }
        let (before, after) = line.text.split_at(line.caret);
        (before.to_owned(), after.to_owned())
    }

    #[track_caller]
    fn assert_pressed(text: &str, keys: &str, expected: (&str, &str)) {
        let (before, after) = pressed(LineEdit::new(text), keys);
        assert_eq!((before.as_str(), after.as_str()), expected, "{text}: {keys}");
    }

    #[test]
    fn the_usual_keys_do_the_usual() {
        let family = "가👨‍👩‍👧나";
        assert_pressed(family, "left left", ("가", "👨‍👩‍👧나"));
        assert_pressed(family, "left left delete", ("가", "나"));
        assert_pressed(family, "left backspace", ("가", "나"));
        assert_pressed(family, "home x", ("x", family));
        assert_pressed(family, "ctrl-a right ctrl-k", ("가", ""));
        assert_pressed(family, "ctrl-a right ctrl-u", ("", "👨‍👩‍👧나"));
        assert_pressed("/tmp/out dir/a.html", "ctrl-w", ("/tmp/out dir/", ""));
        assert_pressed("/tmp/out dir/a.html", "ctrl-w alt-backspace", ("/tmp/out ", ""));
        assert_pressed("한국어 문장", "alt-left", ("한국어 ", "문장"));
        assert_pressed("한국어 문장", "home ctrl-right", ("한국어", " 문장"));
        assert_pressed("", "left right delete backspace ctrl-w ctrl-u ctrl-k", ("", ""));
        assert_eq!(LineEdit::new("x").on_key(Chord::plain(Key::Enter)), Typed::Unknown);
        assert_eq!(LineEdit::new("x").on_key(Chord::plain(Key::Up)), Typed::Unknown);
    }

    #[test]
    fn a_proposal_gives_way_to_what_is_typed_and_is_kept_by_an_arrow() {
        let of = |keys| pressed(LineEdit::proposed("compare.html"), keys);
        assert_eq!(of("a . m d").0, "a.md");
        assert_eq!(of("end x").0, "compare.htmlx");
        assert_eq!(of("left").1, "l");
        assert_eq!(of("home x"), ("x".to_owned(), "compare.html".to_owned()));
        assert_eq!(of("backspace").0, "");
        assert_eq!(of("delete").0, "");
        assert!(LineEdit::proposed("x").is_taken() && !LineEdit::proposed("").is_taken());
    }

    #[test]
    fn what_has_no_room_is_not_taken() {
        let mut line = LineEdit::new("가").at_most(4);
        assert_eq!(line.insert("나"), Typed::Full);
        assert_eq!((line.insert("x"), line.insert("y")), (Typed::Changed, Typed::Full));
        assert_eq!(line.text(), "가x");
    }

    #[test]
    fn a_long_line_is_shown_around_its_caret() {
        let line = LineEdit::new("한국어로 된 아주 긴 이름.html");
        assert_eq!(line.window(40), Window { text: line.text().to_owned(), caret: 29 });
        assert_eq!(line.window(12), Window { text: "… 이름.html".to_owned(), caret: 11 });
        let mut line = LineEdit::new("abcdefghijklmnop");
        line.on_key(Chord::plain(Key::Home));
        assert_eq!(line.window(9), Window { text: "abcdefg…".to_owned(), caret: 0 });
    }

    /// Pieces of which lines are typed, joiners and marks among them.
    fn piece() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "a", " ", "/", ".", "가", "ᄀ", "ᅡ", "👨", "\u{200d}", "👩", "🇰", "🇷", "e", "\u{301}", "字",
            "\u{fe0f}", "ก", "ำ",
        ])
    }

    const KEYS: [&str; 17] = [
        "left",
        "right",
        "home",
        "end",
        "backspace",
        "delete",
        "ctrl-a",
        "ctrl-e",
        "ctrl-u",
        "ctrl-k",
        "ctrl-w",
        "alt-backspace",
        "alt-left",
        "ctrl-right",
        "ctrl-left",
        "alt-right",
        "ctrl-delete",
    ];

    proptest! {
        #[test]
        fn the_caret_stands_between_clusters_and_is_in_view(
            steps in prop::collection::vec(prop_oneof![piece(), prop::sample::select(KEYS.to_vec())], 0..40),
            is_proposed: bool,
            cells in 2usize..30,
        ) {
            let mut line = if is_proposed { LineEdit::proposed("名前.html") } else { LineEdit::default() };
            for step in steps {
                if KEYS.contains(&step) {
                    prop_assert_ne!(line.on_key(step.parse().unwrap()), Typed::Unknown, "{}", step);
                } else {
                    line.insert(step);
                }
                let at = line.caret();
                prop_assert!(at == line.text().len() || clusters(line.text()).any(|(own, _)| own == at));
                let window = line.window(cells);
                prop_assert!(window.caret < cells && width(&window.text) <= cells, "{:?} in {}", window, cells);
            }
        }

        /// What begins a cluster of its own and is joined by nothing, is taken away again by one key.
        #[test]
        fn taking_away_what_was_put_in_restores_the_line(
            text in prop::collection::vec(piece(), 0..12), at in 0usize..12, put in prop::sample::select(vec!["x", "나", "👨‍👩‍👧", "字"]),
        ) {
            let mut line = LineEdit::new(text.concat());
            line.on_key(Chord::plain(Key::Home));
            for _ in 0..at {
                line.on_key(Chord::plain(Key::Right));
            }
            let before = line.clone();
            line.insert(put);
            let stands_alone = clusters(line.text()).any(|(own, cluster)| own == before.caret() && cluster == put);
            prop_assume!(stands_alone);
            line.on_key(Chord::plain(Key::Backspace));
            prop_assert_eq!(line, before);
        }
    }
}
