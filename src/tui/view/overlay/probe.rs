//! A truth probe: what it costs, how far it is, and what it found out.

use super::super::paint::Canvas;
use super::open;
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::layout::Rect;
use crate::app::probing::{Phase, Probing, cost_in_words};
use crate::core::fault::Fault;
use crate::core::probe::Finding;
use crate::core::text::{fit, width};
use crate::markup::wrap;
use crate::tui::theme::Tint;

/// Columns of the layer, its frame included.
const WIDTH: u16 = 92;

/// Column at which what was found out begins.
const VALUE: u16 = 30;

/// What stands under the title: paragraphs, each with its tint.
type Paragraphs = Vec<(String, Tint)>;

/// Draws the layer.
pub(super) fn draw(app: &App, probing: &Probing, canvas: &mut Canvas<'_>) {
    let subject = format!("{} at {}", probing.subject.model, probing.subject.endpoint);
    match &probing.phase {
        Phase::Kept(finding) => {
            found(
                app,
                probing,
                finding,
                (&subject, "Enter probes again, after a question · Esc closes"),
                canvas,
            );
        }
        Phase::Done(finding) => {
            let hint = "kept, and used beside the probabilities · Esc closes";
            found(app, probing, finding, (&subject, hint), canvas);
        }
        Phase::Offered => text(app, &offered(probing), &subject, canvas),
        Phase::Running { done, question, attempt } => {
            let doing = question.map_or("connecting", crate::core::probe::Question::label);
            let again = if *attempt > 1 { format!(", try {attempt}") } else { String::new() };
            let asked = format!("{done} of up to {} requests · {doing}{again}", probing.cost.requests);
            let paragraphs = vec![(asked, Tint::Text), ("Esc stops it".to_owned(), Tint::Dim)];
            text(app, &paragraphs, &subject, canvas);
        }
        Phase::Failed(fault) => text(app, &failed(fault), &subject, canvas),
    }
}

/// Draws on one line what is known of the chosen model from a probe, and the key that shows more.
pub(super) fn gist(app: &App, line: Rect, canvas: &mut Canvas<'_>) {
    let finding = app.finding(&app.settings.endpoint().name, &app.settings.model);
    let key = app.keymap.hint(Command::ProbeModel, Place::Composer);
    let dim = canvas.style(Tint::Dim);
    let end = line.x + line.width;
    let more = match (finding, &key) {
        (Some(_), Some(key)) => format!("Esc, {key} shows all"),
        (Some(_), None) | (None, _) => String::new(),
    };
    let room = usize::from(line.width).saturating_sub(width(&more) + 2);
    let gist = match (finding, key) {
        (Some(finding), _) => finding.summary_in(room),
        (None, Some(key)) => format!("Esc, {key} finds out what this model really does"),
        (None, None) => return,
    };
    let after = canvas.text(line.x, line.y, end, &gist, dim);
    canvas.right(after, line.y, end, &more, dim);
}

fn offered(probing: &Probing) -> Paragraphs {
    let what = "Asks the model some short questions, to find out whether its probabilities are before or \
                after temperature, how many candidates it gives, which parameters it refuses, what a seed \
                does, and whether it goes on from a beginning.";
    let mut paragraphs = vec![
        (what.to_owned(), Tint::Text),
        (format!("It costs {}.", cost_in_words(&probing.cost)), Tint::Text),
    ];
    paragraphs.extend(probing.before.iter().map(|before| (before.clone(), Tint::Dim)));
    paragraphs.push(("Enter starts · Esc leaves".to_owned(), Tint::Dim));
    paragraphs
}

fn failed(fault: &Fault) -> Paragraphs {
    vec![
        ("Nothing was found out.".to_owned(), Tint::Text),
        (fault.to_string(), Tint::Warning),
        ("Esc closes".to_owned(), Tint::Dim),
    ]
}

fn text(app: &App, paragraphs: &Paragraphs, title: &str, canvas: &mut Canvas<'_>) {
    let inner = WIDTH.min(app.layout.main.width.saturating_sub(2)).saturating_sub(4);
    let wrapped: Vec<_> =
        paragraphs.iter().map(|(text, tint)| (text, *tint, wrap(text, 0..text.len(), inner))).collect();
    let lines: usize = wrapped.iter().map(|(_, _, rows)| rows.len() + 1).sum();
    let height = u16::try_from(lines + 1).unwrap_or(u16::MAX);
    let area = open(app, canvas, (WIDTH, height), title);
    let (mut y, end) = (area.y, area.x + area.width);
    for (text, tint, rows) in wrapped {
        let style = canvas.style(tint);
        for row in rows {
            if y >= area.y + area.height {
                return;
            }
            canvas.text(area.x, y, end, text.get(row).unwrap_or_default(), style);
            y += 1;
        }
        y += 1;
    }
}

fn found(
    app: &App,
    probing: &Probing,
    finding: &Finding,
    (title, hint): (&str, &str),
    canvas: &mut Canvas<'_>,
) {
    let lines = finding.lines();
    let height = u16::try_from(lines.len() + 4).unwrap_or(u16::MAX);
    let area = open(app, canvas, (WIDTH, height), title);
    let end = area.x + area.width;
    let value = VALUE.min(area.width / 2);
    let rows = usize::from(area.height.saturating_sub(2)).max(1);
    let first = probing.scroll.min(lines.len().saturating_sub(rows));
    let (key, text, warning) =
        (canvas.style(Tint::Key), canvas.style(Tint::Text), canvas.style(Tint::Warning));
    for (y, (name, what)) in (area.y..).zip(lines.iter().skip(first).take(rows)) {
        canvas.text(area.x, y, area.x + value - 1, name, key);
        let is_odd = ["refused", "ignored", "failed", "stage unclear", "no effect"]
            .iter()
            .any(|odd| what.starts_with(odd));
        let style = if is_odd { warning } else { text };
        let shown = fit(what, usize::from(area.width - value));
        canvas.text(area.x + value, y, end, &shown, style);
    }
    let dim = canvas.style(Tint::Dim);
    let bottom = area.y + area.height - 1;
    canvas.text(area.x, bottom, end, hint, dim);
    if lines.len() > rows {
        let place = format!("{}-{} of {}", first + 1, (first + rows).min(lines.len()), lines.len());
        canvas.right(end.saturating_sub(u16::try_from(width(&place)).unwrap_or(0)), bottom, end, &place, dim);
    }
}
