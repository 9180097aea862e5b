//! What follows from the values of a position, in words: to what they belong, how certain the model was,
//! and what would have kept the chosen token from being chosen.

use crate::app::App;
use crate::core::ladder::ROUNDING;
use crate::core::probability::{Position, Range};
use crate::core::reshaping::Source;
use crate::core::run::Run;
use crate::core::text::width;
use crate::core::tipping::{LIMIT, Tipping};
use crate::core::token::Token;

/// Returns the lines, as they fit into the width. The first says of how many candidates and from which
/// side of temperature the values are, which no probability stands without.
pub(super) fn facts(app: &App, run: &Run, token: &Token) -> Vec<String> {
    let room = usize::from(app.areas.position.width);
    let vocabulary = app.vocabulary(run);
    let position = Position::new(token);
    let provenance = app.provenance(run);
    let mut lines = vec![from(token.candidates.len(), &provenance.to_string(), room)];
    // These belong to the reported values, whatever is asked on the sliders.
    let reported = if app.inspector.sliders.reshaping().is_some() { "reported " } else { "" };
    let margin = position.margin().map(margin_text);
    let unit = if margin.is_some() { "" } else { " bits" };
    let entropy = position.entropy_bits(vocabulary).map(|range| entropy_text(range) + unit);
    let parts = self::lines(&[entropy, margin], room - width(reported).min(room));
    lines.extend(parts.into_iter().map(|line| reported.to_owned() + &line));
    let tipping = Source::new(provenance, &run.request.sampling)
        .and_then(|source| Tipping::of(token, source, vocabulary))
        .map(|tipping| tipping_text(tipping, is_between_two(token)));
    let top_p = app.uncut(run).and_then(|(temperature, what_if)| {
        let top_p = top_p_text(what_if.cutting_top_p(token).ok()?)?;
        Some(format!("{top_p} at T {temperature:.2}"))
    });
    lines.extend(self::lines(&[tipping.ok(), top_p], room));
    lines
}

/// Returns of how many candidates the values are, and from which side of temperature; with temperature's
/// letter where there is no room for its name.
fn from(candidates: usize, provenance: &str, room: usize) -> String {
    let line = format!("top {candidates} · {provenance}");
    if width(&line) <= room { line } else { line.replace("temperature", "T") }
}

/// Joins parts to lines of at most `room` cells.
fn lines(parts: &[Option<String>], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts.iter().flatten() {
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(part) <= room => *line = format!("{line} · {part}"),
            _ => lines.push(part.clone()),
        }
    }
    lines
}

fn entropy_text(range: Range) -> String {
    let low = range.min.max(0.0);
    if range.width() < 0.005 {
        format!("entropy {low:.2}")
    } else {
        format!("entropy {low:.2} – {:.2}", range.max)
    }
}

fn margin_text(nats: f64) -> String {
    let bits = nats / std::f64::consts::LN_2;
    // What rounds to nothing has no sign.
    let bits = if bits.abs() < 0.005 { 0.0 } else { bits };
    format!("margin {bits:.2} bits")
}

/// Whether nothing but two candidates was possible, as far as a server's rounding lets one see: then the
/// likelier one nears one half when heated and never falls below.
fn is_between_two(token: &Token) -> bool {
    token.candidates.len() == 2
        && Position::new(token).tail().is_some_and(|tail| tail <= ROUNDING)
        && token.chosen().is_some()
}

/// Returns from which temperature on the chosen token is no more than one half.
fn tipping_text(tipping: Tipping, is_between_two: bool) -> String {
    match tipping {
        Tipping::Always => "under 50 % at any T".to_owned(),
        Tipping::At { to: None, .. } if is_between_two => "never under 50 %".to_owned(),
        Tipping::Never => format!("over 50 % up to T {LIMIT}"),
        Tipping::At { from, to: Some(to) } if to - from < 0.005 => format!("under 50 % from T* {from:.2}"),
        Tipping::At { from, to: Some(to) } => format!("under 50 % from T* {from:.2} – {to:.2}"),
        Tipping::At { from, to: None } => format!("under 50 % from T* {from:.2} or later"),
    }
}

/// Returns which top_p would have cut the chosen token; `None` where none does.
fn top_p_text(top_p: Range) -> Option<String> {
    if top_p.max < 0.001 {
        return None;
    }
    Some(if top_p.min >= 0.995 {
        "cut by any top_p below 1".to_owned()
    } else if top_p.width() < 0.001 {
        format!("cut by top_p {:.2}", top_p.min)
    } else {
        format!("cut by top_p {:.2} – {:.2}", top_p.min, top_p.max)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::token::{Candidate, Piece};

    fn token(list: &[(&str, f64)]) -> Token {
        let candidate = |(text, p): &(&str, f64)| Candidate {
            piece: Piece::new(*text, None),
            logprob: Some(p.ln()),
            id: None,
        };
        let candidates: Box<[Candidate]> = list.iter().map(candidate).collect();
        let chosen = candidates[0].clone();
        Token { piece: chosen.piece, logprob: chosen.logprob, candidates, id: None }
    }

    #[test]
    fn what_rounds_to_nothing_has_no_sign() {
        assert_eq!([margin_text(-1e-9), margin_text(-0.69)], ["margin 0.00 bits", "margin -1.00 bits"]);
    }

    #[test]
    fn one_of_two_never_falls_under_one_half() {
        let open = Tipping::At { from: 2.13, to: None };
        let two = token(&[("true", 0.7), ("false", 0.3)]);
        assert_eq!(tipping_text(open, is_between_two(&two)), "never under 50 %");
        let more = token(&[("true", 0.7), ("false", 0.2)]);
        assert_eq!(tipping_text(open, is_between_two(&more)), "under 50 % from T* 2.13 or later");
    }

    #[test]
    fn a_cut_is_told_with_the_top_p_that_makes_it() {
        assert_eq!(top_p_text(Range::point(0.0)), None);
        assert_eq!(top_p_text(Range::point(0.422)).as_deref(), Some("cut by top_p 0.42"));
        assert_eq!(top_p_text(Range { min: 0.998, max: 1.0 }).as_deref(), Some("cut by any top_p below 1"));
    }

    #[test]
    fn the_side_of_temperature_is_whole_where_there_is_little_room() {
        let said = "before temperature, documented";
        assert_eq!(from(5, said, 38), "top 5 · before temperature, documented");
        assert_eq!(from(5, said, 36), "top 5 · before T, documented");
    }

    #[test]
    fn parts_share_a_line_where_they_fit() {
        let parts = ["one", "two", "three"].map(|part| Some(part.to_owned()));
        assert_eq!(lines(&parts, 10), ["one · two", "three"]);
        assert_eq!(lines(&[None], 10), Vec::<String>::new());
    }
}
