//! Paints the state; reads only.
//!
//! Every figure shown here comes from `core`, every rectangle from `app::layout`, every wrapped row
//! from `app::documents`: nothing is measured or decided while painting.

mod ascii;
mod compare;
mod composer;
mod inspector;
mod invitation;
mod lens;
mod overlay;
mod paint;
mod rows;
mod sweep;
mod transcript;

use crate::app::command::{Command, Place};
use crate::app::compare::lens::Lens;
use crate::app::compare::setup::Row;
use crate::app::inspector::{Sheet, reads_like_json};
use crate::app::layout::{Rect, SMALLEST};
use crate::app::overlay::Overlay;
use crate::app::personas::Doing;
use crate::app::probing::Phase;
use crate::app::{App, Screen};
use crate::core::figure;
use crate::core::text::{fit, width as width_of};
use crate::tui::theme::{Theme, Tint};
use paint::Canvas;
use ratatui::Frame;

/// Paints one frame and puts the terminal's cursor on the caret.
pub fn draw(app: &App, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let whole = Rect { x: area.x, y: area.y, width: area.width, height: area.height };
    let caret = {
        let canvas = &mut Canvas { buffer: frame.buffer_mut(), theme };
        canvas.ground(theme.style(Tint::Background));
        if app.is_too_small() {
            too_small(app, canvas, whole);
            None
        } else {
            screen(app, canvas)
        }
    };
    // The caret is where an input method composes; without one the cursor stays hidden.
    if let Some((x, y)) = caret {
        frame.set_cursor_position((x, y));
    }
}

fn screen(app: &App, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    header(app, canvas);
    match app.screen {
        Screen::Chat => transcript::draw(app, canvas),
        Screen::Compare => compare::draw(app, canvas),
    }
    if !app.layout.inspector.is_empty() {
        inspector::draw(app, canvas);
    }
    let caret = composer::draw(app, canvas);
    footer(app, canvas);
    match &app.overlay {
        Some(overlay) => overlay::draw(app, overlay, canvas),
        None => (app.focus == Place::Composer).then_some(caret),
    }
}

fn too_small(app: &App, canvas: &mut Canvas<'_>, whole: Rect) {
    let (size, style) = (app.size(), canvas.style(Tint::Warning));
    let text = format!("needs {}x{}, has {}x{}", SMALLEST.width, SMALLEST.height, size.width, size.height);
    canvas.text(0, whole.height / 2, whole.width, &text, style);
}

fn header(app: &App, canvas: &mut Canvas<'_>) {
    let Rect { y, width, .. } = app.layout.header;
    let (dim, accent) = (canvas.style(Tint::Dim), canvas.style(Tint::Accent));
    let title = canvas.style(Tint::Text).add_modifier(ratatui::style::Modifier::BOLD);
    let mut x = canvas.text(1, y, width, "tokenscope", title);
    x += 2;
    for (number, screen, name) in [("1", Screen::Chat, "Chat"), ("2", Screen::Compare, "Compare")] {
        let style = if app.screen == screen { accent } else { dim };
        let style =
            if app.screen == screen { style.add_modifier(ratatui::style::Modifier::BOLD) } else { style };
        x = canvas.pieces(x, y, width, &[(number, canvas.style(Tint::Faint)), (" ", dim), (name, style)]) + 2;
    }
    let temperature = match app.settings.sampling.temperature {
        Some(temperature) => format!("T {}", figure::parameter(temperature)),
        None => "T omitted".to_owned(),
    };
    let memory = if app.conversation.memory { "" } else { " · no memory" };
    let model = fit(&app.settings.model, usize::from(width / 3).max(8));
    let endpoint = &app.settings.endpoint().name;
    let state = match app.running() {
        0 => "ready".to_owned(),
        1 => "answering".to_owned(),
        count => format!("{count} answering"),
    };
    let (sign, sign_style) = canvas.theme.state(app);
    let wide = format!(" · {endpoint} · {model} · {temperature}{memory}");
    let narrow = format!(" · {model} · {temperature}{memory}");
    let narrowest = format!(" · {}", fit(&app.settings.model, 14));
    let room = usize::from(width.saturating_sub(x + 1));
    // The state stands first: the facts keep their place at the edge when it changes, and which of them
    // there is room for must not depend on it.
    let longest = width_of("99 answering") + 2;
    let facts = [wide, narrow, narrowest].into_iter().find(|facts| width_of(facts) + longest <= room);
    let facts = facts.unwrap_or_default();
    let used = u16::try_from(width_of(&facts) + width_of(&state) + 2).unwrap_or(width);
    let start = width.saturating_sub(1 + used).max(x);
    canvas.pieces(start, y, width, &[(sign, sign_style), (" ", dim), (&state, dim), (&facts, dim)]);
}

/// Hints of the inspector: what a key does here and now, that which sends a request by the name of the
/// candidate it would go on from.
fn inspector_hints(app: &App) -> Vec<(Command, String)> {
    use Command as C;
    let fixed = |hints: &[(Command, &str)]| -> Vec<(Command, String)> {
        hints.iter().map(|(command, word)| (*command, (*word).to_owned())).collect()
    };
    let run = app.inspected().filter(|run| run.has_logprobs());
    let (Some(run), Some(group)) = (run, app.inspector.current()) else {
        return fixed(&[
            (C::Stop, "back"),
            (C::NextPane, "pane"),
            (C::EditParameters, "parameters"),
            (C::ChooseModel, "model"),
            (C::Palette, "commands"),
        ]);
    };
    let branch = app.branching().map(|(_, candidate)| {
        let name = fit(&crate::core::text::visible(&candidate.piece.shown()), 12);
        (C::Branch, format!("branch from {name}"))
    });
    if app.inspector.sheet == Sheet::Endings && app.inspector.in_hand().is_none() {
        let mut hints = fixed(&[(C::LineDown, "choose"), (C::Branch, "show the ending")]);
        hints.extend(fixed(&[(C::NextCandidate, "other"), (C::NextToken, "token")]));
        hints.extend(fixed(&[(C::NextSheet, "tokens"), (C::Stop, "back")]));
        return hints;
    }
    let sheet = match app.inspector.sheet {
        _ if app.siblings(run.id).len() > 1 => "endings",
        Sheet::Tokens if reads_like_json(run) => "JSON",
        Sheet::Tokens | Sheet::Json | Sheet::Endings => "tokens",
    };
    let mut hints = fixed(&[(C::NextToken, "token")]);
    if group.tokens.len() > 1 || app.inspector.is_expanded() {
        let word = if app.inspector.is_expanded() { "join pieces" } else { "pieces" };
        hints.push((C::TogglePieces, word.to_owned()));
    }
    hints.extend(branch);
    if app.inspector.sliders.reshaping().is_some() {
        hints.extend(fixed(&[(C::ResetWhatIf, "as reported"), (C::NextSlider, "next slider")]));
    }
    hints.extend(fixed(&[
        (C::NextCandidate, "other"),
        (C::NextCloseCall, "close call"),
        (C::RaiseWhatIf, "what if"),
        (C::MostSurprising, "least certain"),
        (C::FindToken, "find"),
        (C::SortTokens, "sort"),
    ]));
    if sheet != "tokens" || app.inspector.sheet != Sheet::Tokens {
        hints.push((C::NextSheet, sheet.to_owned()));
    }
    hints.extend(fixed(&[(C::CycleHeat, "heat"), (C::Zoom, "zoom"), (C::Stop, "back")]));
    hints
}

/// Hints for a place, in the order they matter; those of the inspector depend on what it shows.
fn hints(app: &App) -> &'static [(Command, &'static str)] {
    use Command as C;
    match (app.place(), app.screen) {
        (Place::Composer, Screen::Chat) => &[
            (C::Send, "send"),
            (C::Newline, "newline"),
            (C::Stop, "stop"),
            (C::ShowCompare, "compare"),
            (C::Inspect, "inspect"),
            (C::NextPane, "pane"),
            (C::Palette, "commands"),
        ],
        (Place::Composer, Screen::Compare) => &[
            (C::Send, "run"),
            (C::EditSweep, "axes"),
            (C::Stop, "stop"),
            (C::ShowChat, "chat"),
            (C::NextPane, "pane"),
            (C::Palette, "commands"),
        ],
        (Place::Transcript, _) => &[
            (C::PreviousMessage, "select"),
            (C::Again, "again"),
            (C::NextVariant, "variants"),
            (C::EditMessage, "edit"),
            (C::CopyMessage, "copy"),
            (C::Inspect, "inspect"),
            (C::CycleHeat, "heat"),
            (C::InsertMessage, "insert"),
            (C::DeleteMessage, "delete"),
        ],
        (Place::Inspector, _) => &[],
        (Place::Grid, _) if app.compare.is_voting() => {
            &[(C::NextColumn, "column"), (C::Zoom, "zoom"), (C::NextSample, "answer")]
        }
        (Place::Grid, _) if matches!(app.compare.whole(), Some(Lens::Statistics)) => &[
            (C::LineDown, "statistic"),
            (C::Last, "end"),
            (C::NextColumn, "column"),
            (C::ShowStatistics, "answers"),
            (C::ExportSweep, "export"),
            (C::VoteBlind, "vote"),
        ],
        (Place::Grid, _) if matches!(app.compare.whole(), Some(Lens::Fields)) => &[
            (C::LineDown, "path"),
            (C::Last, "end"),
            (C::NextColumn, "column"),
            (C::ShowFields, "answers"),
            (C::ExportSweep, "export"),
        ],
        (Place::Grid, _) if app.compare.filter.is_on() && app.running() == 0 => &[
            (C::FilterCells, "filter"),
            (C::NextRow, "row"),
            (C::NextColumn, "column"),
            (C::Inspect, "inspect"),
            (C::ShowDifference, "differ"),
            (C::ShowConsensus, "share"),
            (C::ShowStatistics, "statistics"),
            (C::NextSample, "answer"),
        ],
        (Place::Grid, _) => &[
            (C::NextColumn, "column"),
            (C::Zoom, "zoom"),
            (C::Inspect, "inspect"),
            (C::ContinueCell, "continue"),
            (C::RetryCell, "retry"),
            (C::StopCell, "stop"),
            (C::ShowDifference, "differ"),
            (C::ShowConsensus, "share"),
            (C::ShowStatistics, "statistics"),
            (C::NextSample, "answer"),
            (C::FilterCells, "filter"),
            (C::MarkBest, "best"),
            (C::VoteBlind, "vote"),
            (C::NoteCell, "note"),
            (C::PauseSweep, "pause"),
            (C::StopAll, "stop all"),
            (C::EditSweep, "axes"),
            (C::CycleHeat, "heat"),
        ],
        (Place::Personas, _) => personas_hints(app),
        (Place::Overlay, _) => match &app.overlay {
            Some(Overlay::Personas) => personas_hints(app),
            Some(Overlay::Parameters(table)) if table.typing.is_some() => {
                &[(C::OverlayAccept, "set"), (C::OverlayClose, "leave as it was")]
            }
            Some(Overlay::Parameters(table)) if table.current().is_stepped() => &[
                (C::OverlayNext, "move"),
                (C::OverlayLower, "lower"),
                (C::OverlayRaise, "raise"),
                (C::OverlayOmit, "omit"),
                (C::OverlayClose, "close"),
            ],
            Some(Overlay::Parameters(_)) => {
                &[(C::OverlayNext, "move"), (C::OverlayOmit, "omit"), (C::OverlayClose, "close")]
            }
            Some(Overlay::Help { .. } | Overlay::Request { .. }) => {
                &[(C::OverlayNext, "down"), (C::OverlayPrevious, "up"), (C::OverlayClose, "close")]
            }
            Some(Overlay::Tokens(_)) => {
                &[(C::OverlayNext, "down"), (C::OverlayRaise, "other vocabulary"), (C::OverlayClose, "close")]
            }
            Some(Overlay::Probe(probing)) => match &probing.phase {
                Phase::Offered => &[(C::OverlayAccept, "start"), (C::OverlayClose, "leave")],
                Phase::Running { .. } => &[(C::OverlayClose, "stop")],
                Phase::Failed(_) => &[(C::OverlayClose, "close")],
                Phase::Kept(_) => {
                    &[(C::OverlayNext, "down"), (C::OverlayAccept, "probe again"), (C::OverlayClose, "close")]
                }
                Phase::Done(_) => {
                    &[(C::OverlayNext, "down"), (C::OverlayPrevious, "up"), (C::OverlayClose, "close")]
                }
            },
            Some(Overlay::Sweep(form)) => match form.row() {
                Row::Axis(_) => &[
                    (C::OverlayAccept, "take"),
                    (C::OverlayRaise, "vary another"),
                    (C::OverlayNext, "move"),
                    (C::OverlayOmit, "remove"),
                    (C::OverlayClose, "close"),
                ],
                Row::Add => {
                    &[(C::OverlayRaise, "add"), (C::OverlayAccept, "take"), (C::OverlayClose, "close")]
                }
                Row::Repeats => {
                    &[(C::OverlayRaise, "more"), (C::OverlayAccept, "take"), (C::OverlayClose, "close")]
                }
                Row::Budget => {
                    &[(C::OverlayAccept, "take"), (C::OverlayOmit, "none"), (C::OverlayClose, "close")]
                }
                Row::Check(_) => &[
                    (C::OverlayAccept, "take"),
                    (C::OverlayRaise, "another kind"),
                    (C::OverlayOmit, "remove"),
                    (C::OverlayClose, "close"),
                ],
                Row::AddCheck => {
                    &[(C::OverlayRaise, "add"), (C::OverlayAccept, "take"), (C::OverlayClose, "close")]
                }
                Row::MaxTokens | Row::Timeout => &[
                    (C::OverlayAccept, "take"),
                    (C::OverlayRaise, "more"),
                    (C::OverlayOmit, "omit"),
                    (C::OverlayClose, "close"),
                ],
            },
            Some(Overlay::Filter(_)) => &[(C::OverlayAccept, "keep"), (C::OverlayClose, "show all")],
            // Its keys stand in it: the yes is a letter.
            Some(Overlay::Allow(_)) => &[(C::OverlayClose, "leave it")],
            Some(Overlay::Find(_) | Overlay::Note(_) | Overlay::Export(_) | Overlay::OpenFile(_)) => {
                &[(C::OverlayAccept, "take"), (C::OverlayClose, "close")]
            }
            Some(Overlay::List(_)) | None => {
                &[(C::OverlayAccept, "take"), (C::OverlayNext, "move"), (C::OverlayClose, "close")]
            }
        },
    }
}

/// Returns the key of a command as a hint names it; both arrows for lines, where these go through them.
fn shown_key(app: &App, command: Command) -> Option<String> {
    let has = |command, arrow: &str| app.keymap.keys(command).iter().any(|key| key == arrow);
    if command == Command::LineDown && has(Command::LineDown, "↓") && has(Command::LineUp, "↑") {
        return Some("↑↓".to_owned());
    }
    app.keymap.hint(command, app.place())
}

/// Hints for the layer of personas.
fn personas_hints(app: &App) -> &'static [(Command, &'static str)] {
    use Command as C;
    match (&app.personas.doing, &app.personas.under) {
        (Doing::Naming { .. }, _) => &[(C::OverlayAccept, "take"), (C::OverlayClose, "back")],
        // The keys of the draft stand in the layer itself.
        (Doing::Writing(_), _) => &[],
        (Doing::Listing, under) => {
            if under.is_some() {
                &[
                    (C::OverlayAccept, "compare"),
                    (C::EditPersona, "edit"),
                    (C::NewPersona, "new"),
                    (C::RenamePersona, "rename"),
                    (C::DeletePersona, "delete"),
                    (C::UndoPersona, "undo"),
                    (C::OverlayClose, "back"),
                ]
            } else {
                &[
                    (C::OverlayAccept, "answer as"),
                    (C::EditPersona, "edit"),
                    (C::NewPersona, "new"),
                    (C::RenamePersona, "rename"),
                    (C::DeletePersona, "delete"),
                    (C::UndoPersona, "undo"),
                    (C::OverlayClose, "close"),
                ]
            }
        }
    }
}

/// Draws a sentence that the bottom line has no room for above the draft, over what is there: one that is
/// cut would lose its remedy.
fn above_draft(app: &App, canvas: &mut Canvas<'_>, notice: &str, style: ratatui::style::Style) {
    let main = app.layout.main;
    let width = main.width.saturating_sub(4);
    let mut lines = crate::markup::wrap(notice, 0..notice.len(), width);
    lines.truncate(usize::from(main.height.saturating_sub(2)));
    let height = u16::try_from(lines.len()).unwrap_or(0) + 2;
    let frame = Rect { y: main.y + main.height.saturating_sub(height), height, ..main };
    let ground = canvas.style(Tint::Background);
    canvas.clear(frame, ground);
    canvas.frame(frame, "", false);
    let inner = frame.inner();
    for (y, line) in (inner.y..).zip(lines) {
        canvas.text(inner.x, y, inner.x + inner.width, notice.get(line).unwrap_or_default(), style);
    }
}

fn footer(app: &App, canvas: &mut Canvas<'_>) {
    let Rect { y, width, .. } = app.layout.footer;
    let (key, dim) = (canvas.style(Tint::Key), canvas.style(Tint::Dim));
    let help = app.keymap.hint(Command::Help, Place::Composer).unwrap_or_default();
    let help_width = u16::try_from(width_of(&help) + 6).unwrap_or(0);
    let end = width.saturating_sub(help_width + 2);
    canvas.pieces(width.saturating_sub(help_width), y, width, &[(&help, key), (" help", dim)]);
    if let Some(notice) = &app.notice {
        let style = canvas.style(if notice.is_fault { Tint::Warning } else { Tint::Text });
        if width_of(&notice.text) > usize::from(end.saturating_sub(1)) {
            above_draft(app, canvas, &notice.text, style);
        } else {
            canvas.text(1, y, end, &notice.text, style);
            return;
        }
    }
    let mut x: u16 = 1;
    let inspector = if app.place() == Place::Inspector { inspector_hints(app) } else { Vec::new() };
    // What Esc does on the board is another thing each time, and may cost answers.
    let esc = app.esc_does().filter(|_| app.place() == Place::Grid).map(|word| (Command::Stop, word));
    let fixed = hints(app).iter().map(|(command, word)| (*command, *word));
    let inspector = inspector.iter().map(|(command, word)| (*command, word.as_str()));
    for (command, word) in esc.into_iter().chain(inspector).chain(fixed) {
        let Some(shown) = shown_key(app, command) else { continue };
        let needed = u16::try_from(width_of(&shown) + width_of(word) + 1).unwrap_or(u16::MAX);
        if x.saturating_add(needed) > end {
            break;
        }
        x = canvas.pieces(x, y, end, &[(&shown, key), (" ", dim), (word, dim)]) + 2;
    }
}
