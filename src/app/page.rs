//! What stands on a page laid over the screen: all keys, the raw request and response.
//!
//! Owns the lines, so that a page can be turned no further than it has them; how they look is the view's.
//! Invariant: a line is printable and bounded, whatever a server sent.

use crate::app::command::{COMMANDS, EDITING, Group};
use crate::app::keymap::Keymap;
use crate::core::run::Run;
use crate::core::text::printable;

/// One line of a page: text and how it stands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageLine {
    /// The title of what follows.
    Heading(String),
    /// A name and what it means.
    Pair(String, String),
    /// Text.
    Text(String),
}

/// Returns all keys, group by group.
#[must_use]
pub fn keys(keymap: &Keymap) -> Vec<PageLine> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(PageLine::Text(String::new()));
        }
        lines.push(PageLine::Heading(group.title().to_owned()));
        for spec in COMMANDS.iter().filter(|spec| spec.group == group) {
            lines.push(PageLine::Pair(keymap.keys(spec.command).join("  "), spec.title.to_owned()));
        }
        if group == Group::Draft {
            for (keys, meaning) in EDITING {
                lines.push(PageLine::Pair((*keys).to_owned(), (*meaning).to_owned()));
            }
        }
    }
    lines
}

/// Longest line of a raw frame that is shown; all of it is kept.
const RAW_LINE: usize = 400;

/// Returns the raw request and the response of an answer, or why they are not there.
#[must_use]
pub fn exchange(run: Option<&Run>) -> Vec<PageLine> {
    let Some(exchange) = run.and_then(|run| run.exchange.as_deref()) else {
        let text = match run {
            Some(run) if run.is_light => "reading what was kept of it …",
            Some(run) if !run.status.is_ended() => {
                "this answer is still coming: all of it is here at its end"
            }
            Some(_) | None => "nothing was sent and received yet in this session for the answer shown",
        };
        return vec![PageLine::Text(text.to_owned())];
    };
    let mut lines = vec![
        PageLine::Heading("request".to_owned()),
        PageLine::Text(format!("POST {}", printable(&exchange.url))),
    ];
    lines.push(PageLine::Text(printable(&cut(&exchange.request)).into_owned()));
    lines.push(PageLine::Text(String::new()));
    let status = exchange.status.map_or_else(|| "no response".to_owned(), |status| format!("HTTP {status}"));
    lines.push(PageLine::Heading(format!("response · {status}")));
    for (name, value) in &exchange.headers {
        lines.push(PageLine::Text(format!("{}: {}", printable(name), printable(&cut(value)))));
    }
    for (at, frame) in exchange.frames() {
        let ms = crate::core::time::millis(at);
        lines.push(PageLine::Text(format!("{ms:>9.1} ms  {}", printable(&cut(frame)))));
    }
    if exchange.dropped_bytes > 0 {
        lines.push(PageLine::Text(format!(
            "{} further bytes were received and not kept",
            exchange.dropped_bytes
        )));
    }
    lines
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(RAW_LINE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
