//! The sliders, and how exact what they show is.

use super::{Canvas, part};
use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::inspector::Slider;
use crate::core::run::Run;
use crate::core::text::width;
use crate::tui::theme::Tint;
use ratatui::style::Modifier;

/// Most candidates a server can be asked for.
const MOST_CANDIDATES: u8 = 20;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, run: &Run) {
    let area = app.areas.what_if;
    if area.is_empty() {
        return;
    }
    let (x, y, end) = (area.x, area.y, area.x + area.width);
    let (text, dim, faint) = (canvas.style(Tint::Text), canvas.style(Tint::Dim), canvas.style(Tint::Faint));
    let accent = canvas.style(Tint::Accent);
    let is_on = app.inspector.sliders.reshaping().is_some();
    if let Some((after, line, end)) = part(canvas, app, area, "what if") {
        let room = usize::from(end.saturating_sub(after + 1));
        if let Some(state) =
            states(app, run, canvas.theme.signs.is_ascii).into_iter().find(|state| width(state) + 2 <= room)
        {
            canvas.right(after + 1, line, end, &format!(" {state} "), if is_on { dim } else { faint });
        }
    }
    if let Some(Err(refusal)) = app.what_if(run) {
        let sentence = refusal.sentence();
        for (y, row) in (y..end).zip(crate::markup::wrap(sentence, 0..sentence.len(), area.width)).take(2) {
            canvas.text(x, y, end, sentence.get(row).unwrap_or_default(), canvas.style(Tint::Warning));
        }
        return;
    }
    let (asked, sliders) = (app.asked(), &app.inspector.sliders);
    let texts = Slider::ALL.map(|slider| sliders.text(slider, asked));
    let cells: usize = Slider::ALL.iter().zip(&texts).map(|(s, text)| s.name().len() + text.len() + 3).sum();
    let is_wide = cells <= usize::from(area.width) + 2;
    let mut at = x;
    for (slider, value) in Slider::ALL.into_iter().zip(&texts) {
        let is_in_hand = slider == sliders.selected();
        let name = if is_in_hand { accent.add_modifier(Modifier::BOLD) } else { dim };
        let style = if is_on { text } else { dim };
        let (label, gap) = if is_wide { (slider.name(), "  ") } else { (slider.short(), " ") };
        at = canvas.pieces(at, y, end, &[(label, name), (" ", dim), (value, style), (gap, dim)]);
    }
    let [track, handle] = canvas.theme.signs.track;
    canvas.fill(x, y + 1, end, track, faint);
    let column = |share: f64| {
        let cells = f64::from(area.width.saturating_sub(1));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the width")]
        let column = (share * cells).round() as u16;
        x + column
    };
    let style = if is_on { accent } else { dim };
    let place = column(sliders.share(sliders.selected(), asked));
    canvas.text(place, y + 1, end, handle, style);
}

/// Returns how exact the reshaped position is, the longest wording first.
fn states(app: &App, run: &Run, is_ascii: bool) -> Vec<String> {
    let about = if is_ascii { "+-" } else { "±" };
    let key = |command| app.keymap.hint(command, Place::Inspector).unwrap_or_default();
    let what_if = match app.what_if(run) {
        None => return vec![format!("{} {} move", key(Command::LowerWhatIf), key(Command::RaiseWhatIf))],
        Some(Err(_)) => return vec!["no answer".to_owned()],
        Some(Ok(what_if)) => what_if,
    };
    let token = app.inspector.token(run).and_then(|at| run.tokens.get(at));
    let Some(Ok(outcome)) = token.map(|token| what_if.outcome(token)) else {
        return vec!["nothing to reshape here".to_owned(), "no answer".to_owned()];
    };
    let reset = format!("{} as reported", key(Command::ResetWhatIf));
    // How far the chosen token's own band reaches to either side.
    let points = outcome.chosen.band.width() * 50.0;
    let exactness = match () {
        () if outcome.is_exact() => "exact".to_owned(),
        () if outcome.chosen.band.is_point() => "chosen exact".to_owned(),
        () if points < 0.05 => format!("chosen {about}<0.1 points"),
        () if outcome.chosen.band.is_wide() => format!("chosen {about}{points:.0} points"),
        () => format!("chosen {about}{points:.1} points"),
    };
    let asked = run.request.sampling.top_logprobs.unwrap_or(MOST_CANDIDATES);
    let mut states = Vec::new();
    if outcome.is_wide() && asked < MOST_CANDIDATES {
        states.push(format!("{exactness}: top_logprobs {MOST_CANDIDATES} would tell more · {reset}"));
    }
    states.extend([format!("{exactness} · {reset}"), exactness, reset, String::new()]);
    states
}
