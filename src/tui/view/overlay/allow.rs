//! What is asked before programs are run on answers: each of them, word by word.
//!
//! Invariant: a program is shown whole, however long its line is, and what is printable stays as it is.

use super::super::paint::Canvas;
use super::open;
use crate::app::App;
use crate::app::layout::overlay;
use crate::app::msg::Size;
use crate::app::overlay::Allowing;
use crate::core::text::printable;
use crate::markup::wrap;
use crate::tui::theme::Tint;

/// Draws the question.
pub(super) fn draw(app: &App, asked: &Allowing, canvas: &mut Canvas<'_>) {
    // As wide as the box will be, whatever the screen leaves of what is wanted.
    let inside = overlay(app.layout.main, Size { width: WIDEST, height: AROUND }).inner().width;
    let lines: Vec<(String, bool)> = asked.commands.iter().flat_map(|words| written(words, inside)).collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(AROUND);
    let area = open(app, canvas, (WIDEST, height), "run these programs?");
    let (text, dim, key) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Key));
    let (end, bottom) = (area.x + area.width, area.y + area.height);
    let intro = "Checks run them on this machine, each answer on standard input:";
    canvas.text(area.x, area.y, end, intro, dim);
    let room = usize::from(area.height.saturating_sub(AROUND - 2)).max(1);
    let first = asked.scroll.min(lines.len().saturating_sub(room));
    for (y, (line, is_first)) in (area.y + 2..).zip(lines.iter().skip(first).take(room)) {
        canvas.text(area.x, y, area.x + 2, if *is_first { "$" } else { "" }, dim);
        canvas.text(area.x + 2, y, end, line, text);
    }
    if lines.len() > room {
        let more = format!("{}-{} of {} lines", first + 1, (first + room).min(lines.len()), lines.len());
        canvas.right(area.x, bottom - 2, end, &more, dim);
    }
    let pieces = [("y", key), (" runs them  ", dim), ("n", key), (" goes on without  ", dim)];
    let after = canvas.pieces(area.x, bottom - 1, end, &pieces);
    canvas.pieces(after, bottom - 1, end, &[("Esc", key), (" leaves it", dim)]);
}

/// Widest box, and the rows of it that are no program.
const WIDEST: u16 = 92;
const AROUND: u16 = 6;

/// Returns a program and its arguments in lines, as a shell would take them; the first is marked.
fn written(words: &[String], width: u16) -> Vec<(String, bool)> {
    let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let shown = printable(&line);
    let parts = wrap(&shown, 0..shown.len(), width.saturating_sub(2).max(1));
    let parts = parts.into_iter().enumerate();
    parts.map(|(number, part)| (shown.get(part).unwrap_or_default().to_owned(), number == 0)).collect()
}

/// Returns a word as it stands in a shell, so that arguments with blanks are told from several.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let word: String = word.chars().map(shown).collect();
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_shown_whole() {
        let words = ["sh", "-c", "rm -r it's", "a\u{202e}b\n"].map(str::to_owned);
        let lines = written(&words, 12);
        assert!(lines.len() > 2 && lines[0].1 && !lines[1].1, "{lines:?}");
        let whole: String = lines.iter().map(|(line, _)| line.trim_end()).collect();
        assert!(whole.contains("'rm") && whole.contains("it'\\''s'"), "{whole}");
        assert!(!whole.contains('\u{202e}') && whole.contains("\\n"), "{whole}");
    }
}
