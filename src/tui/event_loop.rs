//! The loop: one owner of the state, messages in, effects out, a frame when one is due.
//!
//! Input comes first, so that Esc beats a flood of tokens; each turn takes a bounded number of
//! messages of either side, so that neither starves. The loop never waits for anything but its
//! messages, and never sends on the channel it reads.

use crate::app::App;
use crate::app::msg::{Effect, Effects, Msg};
use crate::core::fault::{Fault, FaultKind};
use crate::core::time::Timestamp;
use crate::tui::driver::Driver;
use crate::tui::editor;
use crate::tui::front::Front;
use crate::tui::pacer::Pacer;
use crate::tui::terminal::translate;
use crate::tui::theme::Theme;
use crossterm::event::{Event, KeyCode};
use futures_util::StreamExt;
use std::collections::VecDeque;
use std::io;
use std::time::Instant;
use tokio::sync::mpsc;

/// Messages of one side that one turn takes at most.
const BATCH: usize = 256;

/// Makes a theme of its name.
pub type FindTheme = Box<dyn Fn(&str) -> Result<Theme, Fault>>;

/// What the loop runs with.
pub struct Session<F: Front> {
    /// The terminal.
    pub front: F,
    /// The state.
    pub app: App,
    /// The styles in force.
    pub theme: Theme,
    /// Finds other styles.
    pub find_theme: FindTheme,
    /// The clock's zero.
    pub epoch: Instant,
    /// The command of the user's editor.
    pub editor: String,
    /// Whether F12 panics: an aid for trying out that a panic leaves the terminal as it was. Set by
    /// `TOKENSCOPE_DEBUG=panic` in the environment.
    pub panics_on_f12: bool,
}

/// Runs until the app wants to leave; returns the exit code.
///
/// # Errors
/// When the terminal is gone.
pub async fn run<F: Front>(
    session: &mut Session<F>,
    driver: &mut Driver,
    mut inbound: mpsc::Receiver<Msg>,
) -> io::Result<u8> {
    let mut pacer = Pacer::default();
    let mut inbox: VecDeque<Msg> = VecDeque::new();
    let mut arrived: Vec<Msg> = Vec::with_capacity(BATCH);
    let mut events = session.front.events().ready_chunks(BATCH);
    let effects = session.app.begin();
    perform(session, driver, effects, &mut inbox)?;
    loop {
        let app = &session.app;
        let deadline = pacer.deadline(app.is_dirty(), app.is_animating(), app.wakes_at());
        let wait = async {
            match deadline {
                Some(Timestamp(at)) => tokio::time::sleep_until((session.epoch + at).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            batch = events.next(), if inbox.is_empty() => {
                // The end of input, or an error: the terminal is gone, and nobody can see or type anything.
                for event in batch.ok_or(io::ErrorKind::UnexpectedEof)? {
                    let event = event?;
                    assert!(!(session.panics_on_f12 && is_f12(&event)), "asked for by TOKENSCOPE_DEBUG=panic");
                    inbox.extend(translate(event));
                }
                pacer.hurry();
            }
            count = inbound.recv_many(&mut arrived, BATCH), if inbox.is_empty() => {
                if count == 0 {
                    return Ok(0);
                }
                inbox.extend(arrived.drain(..));
            }
            () = wait => {
                if !session.app.is_dirty() {
                    inbox.push_back(Msg::Tick);
                }
            }
            () = std::future::ready(()), if !inbox.is_empty() => {}
        }
        let now = Timestamp(session.epoch.elapsed());
        while let Some(msg) = inbox.pop_front() {
            let effects = session.app.update(msg, now);
            if let Some(text) = perform(session, driver, effects, &mut inbox)? {
                // The editor reads the keyboard now, so the event stream must not.
                drop(events);
                inbox.push_back(edit(session, &text).await?);
                events = session.front.events().ready_chunks(BATCH);
                pacer.hurry();
            }
        }
        if let Some(code) = session.app.exit_code() {
            return Ok(code);
        }
        if session.app.is_dirty() && pacer.is_due(true, now) {
            let effects = session.app.settle();
            perform(session, driver, effects, &mut inbox)?;
            session.front.paint(&session.app, &session.theme)?;
            session.app.drawn();
            pacer.drawn(now);
        }
    }
}

/// Carries effects out; returns the text to be edited in another program, if that is one of them.
fn perform<F: Front>(
    session: &mut Session<F>,
    driver: &mut Driver,
    effects: Effects,
    inbox: &mut VecDeque<Msg>,
) -> io::Result<Option<String>> {
    let mut to_edit = None;
    for effect in effects {
        match effect {
            Effect::Copy(text) => session.front.copy(&text)?,
            Effect::CaptureMouse(on) => session.front.capture_mouse(on)?,
            Effect::Redraw => session.front.redraw()?,
            Effect::UseTheme(name) => match (session.find_theme)(&name) {
                Ok(theme) => session.theme = theme,
                Err(fault) => inbox.push_back(Msg::Notice(fault)),
            },
            Effect::EditExternally(text) => to_edit = Some(text),
            Effect::Start { .. }
            | Effect::Cancel(_)
            | Effect::CountDraft { .. }
            | Effect::Count { .. }
            | Effect::CutTokens { .. }
            | Effect::SumColumns { .. }
            | Effect::Probe { .. }
            | Effect::StopProbe
            | Effect::ListModels(_)
            | Effect::Archive(_)
            | Effect::Judge(_)
            | Effect::ReadSchema(_)
            | Effect::Highlight { .. }
            | Effect::KeepDraft(_)
            | Effect::KeepPersonas(_)
            | Effect::KeepConversation(_)
            | Effect::BeginConversation => inbox.extend(driver.run(effect)),
        }
    }
    Ok(to_edit)
}

fn is_f12(event: &Event) -> bool {
    event.as_key_press_event().is_some_and(|key| key.code == KeyCode::F(12))
}

async fn edit<F: Front>(session: &mut Session<F>, text: &str) -> io::Result<Msg> {
    session.front.suspend();
    let (command, text) = (session.editor.clone(), text.to_owned());
    let edited = tokio::task::spawn_blocking(move || editor::edit(&command, &text)).await;
    session.front.resume()?;
    let gone = |_| Err(Fault::new(FaultKind::Local, "the editor could not be run"));
    Ok(Msg::Edited(edited.unwrap_or_else(gone)))
}
