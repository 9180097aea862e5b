//! The one table of commands: keys, help, palette, footer hints and `tokenscope keys` come from it.
//!
//! Owns the table and nothing else; [`crate::app::keymap`] resolves chords against it. Invariant,
//! kept by tests: each command appears once, ids are stable, no chord means two things in one place.

/// Where the keyboard can be. A command lists the places it works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The draft.
    Composer,
    /// The conversation.
    Transcript,
    /// The token inspector.
    Inspector,
    /// The columns of a comparison.
    Grid,
    /// A list or table laid over the screen.
    Overlay,
    /// The list of personas laid over the screen: single letters are commands in it.
    Personas,
}

/// A set of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places(u8);

impl Places {
    /// Returns whether the sets have a place in common.
    #[must_use]
    pub fn overlap(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns whether the place is in the set.
    #[must_use]
    pub fn contains(self, place: Place) -> bool {
        self.overlap(Self::from(place))
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl From<Place> for Places {
    fn from(place: Place) -> Self {
        Self(1 << place as u8)
    }
}

const COMPOSER: Places = Places(1 << Place::Composer as u8);
const TRANSCRIPT: Places = Places(1 << Place::Transcript as u8);
const INSPECTOR: Places = Places(1 << Place::Inspector as u8);
const GRID: Places = Places(1 << Place::Grid as u8);
const OVERLAY: Places = Places(1 << Place::Overlay as u8);
const PERSONAS: Places = Places(1 << Place::Personas as u8);
/// Everywhere but in the draft: single letters are commands here.
const READING: Places = TRANSCRIPT.and(INSPECTOR).and(GRID);
/// Everywhere but in an overlay.
const EVERYWHERE: Places = READING.and(COMPOSER);

/// What the help groups commands by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The program as a whole.
    Workbench,
    /// The draft.
    Draft,
    /// The conversation.
    Conversation,
    /// The token inspector.
    Inspector,
    /// The comparison.
    Compare,
    /// Lists laid over the screen.
    Overlay,
}

impl Group {
    /// All groups in the order they are listed.
    pub const ALL: [Self; 6] =
        [Self::Workbench, Self::Draft, Self::Conversation, Self::Inspector, Self::Compare, Self::Overlay];

    /// Returns the heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Workbench => "workbench",
            Self::Draft => "draft",
            Self::Conversation => "conversation",
            Self::Inspector => "inspector",
            Self::Compare => "compare",
            Self::Overlay => "lists",
        }
    }
}

/// A named intent of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each command's sentence stands in the table below")]
pub enum Command {
    Quit,
    Interrupt,
    Stop,
    Palette,
    Help,
    ShowChat,
    ShowCompare,
    NextPane,
    PreviousPane,
    Zoom,
    ChooseModel,
    ChooseEndpoint,
    EditParameters,
    ProbeModel,
    ChooseTheme,
    CycleHeat,
    ToggleMemory,
    ToggleMouse,
    ShowRequest,
    Redraw,
    NewConversation,
    EditSystem,
    Again,
    Inspect,
    Send,
    Newline,
    CycleRole,
    OpenEditor,
    RecallPrevious,
    RecallNext,
    Unfold,
    ShowTokens,
    QuitIfEmpty,
    LineDown,
    LineUp,
    HalfPageDown,
    HalfPageUp,
    PageDown,
    PageUp,
    First,
    Last,
    PreviousMessage,
    NextMessage,
    PreviousVariant,
    NextVariant,
    EditMessage,
    InsertMessage,
    DeleteMessage,
    UndoDelete,
    CopyMessage,
    CopyCode,
    ToggleReasoning,
    NextToken,
    PreviousToken,
    NextCloseCall,
    PreviousCloseCall,
    MostSurprising,
    NextWord,
    PreviousWord,
    FindToken,
    FindNext,
    FindPrevious,
    SortTokens,
    TogglePieces,
    NextCandidate,
    PreviousCandidate,
    NextSlider,
    RaiseWhatIf,
    LowerWhatIf,
    RaiseWhatIfFast,
    LowerWhatIfFast,
    ResetWhatIf,
    Branch,
    NextEnding,
    PreviousEnding,
    NextSheet,
    EditSweep,
    NextColumn,
    PreviousColumn,
    NextRow,
    PreviousRow,
    NextSample,
    PreviousSample,
    StopCell,
    StopAll,
    RetryCell,
    RetryFailed,
    PauseSweep,
    MarkBest,
    OpenSweep,
    ExportSweep,
    ShowDifference,
    ShowConsensus,
    ShowStatistics,
    ShowFields,
    SetBase,
    OnlyDifferent,
    ScrollTogether,
    NextDifference,
    PreviousDifference,
    ContinueCell,
    VoteBlind,
    NoteCell,
    FilterCells,
    OpenPlan,
    JudgeAgain,
    EditPersonas,
    NewPersona,
    EditPersona,
    RenamePersona,
    DeletePersona,
    UndoPersona,
    RedoPersona,
    OverlayAccept,
    OverlayClose,
    OverlayNext,
    OverlayPrevious,
    OverlayRaise,
    OverlayLower,
    OverlayOmit,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The command.
    pub command: Command,
    /// Its name in the configuration and on the command line.
    pub id: &'static str,
    /// The group it is listed in.
    pub group: Group,
    /// What it does, at most 48 columns.
    pub title: &'static str,
    /// Its default keys; a sequence of two has a space between them.
    pub chords: &'static [&'static str],
    /// Where it works.
    pub places: Places,
}

const fn spec(
    command: Command,
    id: &'static str,
    group: Group,
    title: &'static str,
    chords: &'static [&'static str],
    places: Places,
) -> Spec {
    Spec { command, id, group, title, chords, places }
}

/// Every command, once.
#[rustfmt::skip]
pub const COMMANDS: &[Spec] = &{
    use Command as C;
    use Group as G;
    [
        spec(C::Palette, "workbench.commands", G::Workbench, "Find and run a command", &["ctrl-p"], EVERYWHERE),
        spec(C::Help, "workbench.help", G::Workbench, "Show all keys", &["f1"], EVERYWHERE),
        spec(C::ShowChat, "screen.chat", G::Workbench, "Show the chat", &["alt-1"], EVERYWHERE),
        spec(C::ShowCompare, "screen.compare", G::Workbench, "Compare side by side: temperatures, personas", &["alt-2"], EVERYWHERE),
        spec(C::NextPane, "pane.next", G::Workbench, "Go to the next pane", &["tab"], EVERYWHERE),
        spec(C::PreviousPane, "pane.previous", G::Workbench, "Go to the previous pane", &["shift-tab"], EVERYWHERE),
        spec(C::Zoom, "pane.zoom", G::Workbench, "Give the pane the whole screen, or back", &["alt-z"], EVERYWHERE),
        spec(C::ChooseModel, "model.choose", G::Workbench, "Choose the model", &["alt-m"], EVERYWHERE),
        spec(C::ChooseEndpoint, "endpoint.choose", G::Workbench, "Choose the endpoint", &["alt-e"], EVERYWHERE),
        spec(C::EditParameters, "parameters.edit", G::Workbench, "Set temperature and the other parameters", &["ctrl-t"], EVERYWHERE),
        spec(C::ProbeModel, "model.probe", G::Workbench, "Find out what this model really does", &["f4"], EVERYWHERE),
        spec(C::ChooseTheme, "theme.choose", G::Workbench, "Choose the theme", &["f9"], EVERYWHERE),
        spec(C::CycleHeat, "heat.cycle", G::Workbench, "Colour answers: surprisal, relative, entropy", &["alt-v"], EVERYWHERE),
        spec(C::ToggleMouse, "mouse.toggle", G::Workbench, "Take the mouse, or leave it to the terminal", &["f8"], EVERYWHERE),
        spec(C::ShowRequest, "request.show", G::Workbench, "Show the raw request and response", &["f2"], EVERYWHERE),
        spec(C::Redraw, "screen.redraw", G::Workbench, "Draw the screen anew", &["ctrl-l"], EVERYWHERE),
        spec(C::Stop, "workbench.stop", G::Workbench, "Stop the answer, keep its text; or step back", &["esc"], EVERYWHERE),
        spec(C::Interrupt, "workbench.interrupt", G::Workbench, "Stop; twice in a row: quit", &["ctrl-c"], EVERYWHERE),
        spec(C::Quit, "workbench.quit", G::Workbench, "Quit", &["ctrl-q"], EVERYWHERE.and(OVERLAY).and(PERSONAS)),
        spec(C::Send, "draft.send", G::Draft, "Send; in Compare: run", &["enter"], COMPOSER),
        spec(C::Newline, "draft.newline", G::Draft, "Start a new line", &["ctrl-j", "alt-enter", "shift-enter"], COMPOSER),
        spec(C::RecallPrevious, "draft.recall-previous", G::Draft, "On the first line: recall the message before", &["up"], COMPOSER),
        spec(C::RecallNext, "draft.recall-next", G::Draft, "On the last line: recall the message after", &["down"], COMPOSER),
        spec(C::CycleRole, "draft.role", G::Draft, "Send as user, system or assistant", &["alt-r"], COMPOSER),
        spec(C::OpenEditor, "draft.editor", G::Draft, "Edit the draft in $EDITOR", &["ctrl-o"], EVERYWHERE),
        spec(C::Unfold, "draft.unfold", G::Draft, "Unfold a pasted text", &["alt-u"], COMPOSER),
        spec(C::ShowTokens, "draft.tokens", G::Draft, "Show the draft's tokens, in both vocabularies", &["alt-c"], EVERYWHERE.and(OVERLAY)),
        spec(C::QuitIfEmpty, "draft.quit-if-empty", G::Draft, "Quit when the draft is empty", &["ctrl-d"], COMPOSER),
        spec(C::NewConversation, "conversation.new", G::Conversation, "Begin a new conversation", &["ctrl-n"], EVERYWHERE),
        spec(C::EditSystem, "conversation.system", G::Conversation, "Write the system message", &["alt-s"], EVERYWHERE),
        spec(C::EditPersonas, "persona.library", G::Conversation, "Personas: use, write or edit one", &["alt-p"], EVERYWHERE.and(OVERLAY).and(PERSONAS)),
        spec(C::ToggleMemory, "memory.toggle", G::Conversation, "Send the history, or only this message", &["alt-h"], EVERYWHERE),
        spec(C::Again, "answer.again", G::Conversation, "Ask again and keep both answers", &["ctrl-r"], EVERYWHERE),
        spec(C::PreviousVariant, "answer.variant-previous", G::Conversation, "Show the variant before", &["left", "h"], TRANSCRIPT),
        spec(C::NextVariant, "answer.variant-next", G::Conversation, "Show the variant after", &["right", "l"], TRANSCRIPT),
        spec(C::Inspect, "answer.inspect", G::Conversation, "Inspect the answer's tokens", &["alt-i"], EVERYWHERE),
        spec(C::PreviousMessage, "message.previous", G::Conversation, "Select the message before", &["{"], TRANSCRIPT),
        spec(C::NextMessage, "message.next", G::Conversation, "Select the message after", &["}"], TRANSCRIPT),
        spec(C::EditMessage, "message.edit", G::Conversation, "Edit the message and send it again", &["e"], TRANSCRIPT),
        spec(C::InsertMessage, "message.insert", G::Conversation, "Insert a message after this one", &["i"], TRANSCRIPT),
        spec(C::DeleteMessage, "message.delete", G::Conversation, "Delete the message", &["d"], TRANSCRIPT),
        spec(C::UndoDelete, "message.undelete", G::Conversation, "Bring back what was deleted", &["u"], TRANSCRIPT),
        spec(C::CopyMessage, "message.copy", G::Conversation, "Copy the message", &["y"], READING),
        spec(C::CopyCode, "message.copy-code", G::Conversation, "Copy the message's next code block", &["y c"], READING),
        spec(C::ToggleReasoning, "message.reasoning", G::Conversation, "Open or fold the reasoning", &["o"], TRANSCRIPT),
        spec(C::LineDown, "scroll.down", G::Conversation, "Scroll down a line", &["j", "down"], READING),
        spec(C::LineUp, "scroll.up", G::Conversation, "Scroll up a line", &["k", "up"], READING),
        spec(C::HalfPageDown, "scroll.half-page-down", G::Conversation, "Scroll down half a page", &["ctrl-d"], READING),
        spec(C::HalfPageUp, "scroll.half-page-up", G::Conversation, "Scroll up half a page", &["ctrl-u"], READING),
        spec(C::PageDown, "scroll.page-down", G::Conversation, "Scroll down a page", &["pagedown"], EVERYWHERE),
        spec(C::PageUp, "scroll.page-up", G::Conversation, "Scroll up a page", &["pageup"], EVERYWHERE),
        spec(C::First, "scroll.first", G::Conversation, "Go to the beginning", &["g", "home"], READING),
        spec(C::Last, "scroll.last", G::Conversation, "Go to the end and follow it", &["G", "end"], READING),
        spec(C::NextToken, "token.next", G::Inspector, "Go to the next token", &["right", "l"], INSPECTOR),
        spec(C::PreviousToken, "token.previous", G::Inspector, "Go to the token before", &["left", "h"], INSPECTOR),
        spec(C::NextCloseCall, "close-call.next", G::Inspector, "Go to the next close call", &["]"], TRANSCRIPT.and(INSPECTOR)),
        spec(C::PreviousCloseCall, "close-call.previous", G::Inspector, "Go to the close call before", &["["], TRANSCRIPT.and(INSPECTOR)),
        spec(C::MostSurprising, "token.most-surprising", G::Inspector, "Go to the least certain token", &["x"], TRANSCRIPT.and(INSPECTOR)),
        spec(C::NextWord, "word.next", G::Inspector, "Go to the next word", &["w"], INSPECTOR),
        spec(C::PreviousWord, "word.previous", G::Inspector, "Go to the word before", &["b"], INSPECTOR),
        spec(C::FindToken, "token.find", G::Inspector, "Look for text in the answer", &["/"], INSPECTOR),
        spec(C::FindNext, "token.find-next", G::Inspector, "Go to the next place that holds it", &["n"], INSPECTOR),
        spec(C::FindPrevious, "token.find-previous", G::Inspector, "Go to the place before that holds it", &["N"], INSPECTOR),
        spec(C::SortTokens, "token.sort", G::Inspector, "Sort: position, surprisal, margin, entropy", &["o"], INSPECTOR),
        spec(C::TogglePieces, "token.pieces", G::Inspector, "Show the pieces of joined characters, or not", &["p"], INSPECTOR),
        spec(C::NextCandidate, "candidate.next", G::Inspector, "Take the next other candidate in hand", &["alt-.", "."], INSPECTOR),
        spec(C::PreviousCandidate, "candidate.previous", G::Inspector, "Take the candidate before in hand", &["alt-,", ","], INSPECTOR),
        spec(C::RaiseWhatIf, "what-if.raise", G::Inspector, "What if the temperature were higher", &["="], INSPECTOR),
        spec(C::LowerWhatIf, "what-if.lower", G::Inspector, "What if the temperature were lower", &["-"], INSPECTOR),
        spec(C::RaiseWhatIfFast, "what-if.raise-fast", G::Inspector, "The same in larger steps", &["+"], INSPECTOR),
        spec(C::LowerWhatIfFast, "what-if.lower-fast", G::Inspector, "The same in larger steps", &["_"], INSPECTOR),
        spec(C::NextSlider, "what-if.next", G::Inspector, "Move top_p, min_p, top_k instead", &["s"], INSPECTOR),
        spec(C::ResetWhatIf, "what-if.reset", G::Inspector, "Show the values as reported", &["0"], INSPECTOR),
        spec(C::Branch, "candidate.branch", G::Inspector, "Go on from the candidate in hand, as a variant", &["alt-enter", "enter"], INSPECTOR),
        spec(C::NextEnding, "ending.next", G::Inspector, "Show the answer's next variant", &[")"], INSPECTOR),
        spec(C::PreviousEnding, "ending.previous", G::Inspector, "Show the answer's variant before", &["("], INSPECTOR),
        spec(C::NextSheet, "inspector.sheet", G::Inspector, "Show the tokens, JSON or the tree of endings", &["t"], INSPECTOR),
        spec(C::EditSweep, "compare.axes", G::Compare, "Edit what varies, how often, and the budget", &["alt-t"], EVERYWHERE),
        spec(C::NextColumn, "compare.column-next", G::Compare, "Go to the column after", &["right", "l"], GRID),
        spec(C::PreviousColumn, "compare.column-previous", G::Compare, "Go to the column before", &["left", "h"], GRID),
        spec(C::NextRow, "compare.row-next", G::Compare, "Go to the row after", &["}", "J"], GRID),
        spec(C::PreviousRow, "compare.row-previous", G::Compare, "Go to the row before", &["{", "K"], GRID),
        spec(C::NextSample, "compare.sample-next", G::Compare, "Show the cell's next answer", &["]"], GRID),
        spec(C::PreviousSample, "compare.sample-previous", G::Compare, "Show the cell's answer before", &["["], GRID),
        spec(C::StopCell, "compare.stop", G::Compare, "Stop this answer", &["x"], GRID),
        spec(C::StopAll, "compare.stop-all", G::Compare, "Stop all answers", &["X"], GRID),
        spec(C::RetryCell, "compare.retry", G::Compare, "Ask this one again", &["r"], GRID),
        spec(C::RetryFailed, "compare.retry-failed", G::Compare, "Ask all again that failed", &["R"], GRID),
        spec(C::PauseSweep, "compare.pause", G::Compare, "Send nothing more, or go on", &["p"], GRID),
        spec(C::MarkBest, "compare.best", G::Compare, "Mark the cell as best, or not", &["*"], GRID),
        spec(C::OpenSweep, "compare.open", G::Compare, "Open an earlier comparison", &["alt-o"], EVERYWHERE),
        spec(C::ExportSweep, "compare.export", G::Compare, "Write the comparison to a file", &["e"], GRID),
        spec(C::ShowDifference, "compare.difference", G::Compare, "Show what differs from the base column, or text", &["d"], GRID),
        spec(C::ShowConsensus, "compare.consensus", G::Compare, "Show what the answers share, or the text", &["m"], GRID),
        spec(C::ShowStatistics, "compare.statistics", G::Compare, "Show statistics and charts, or the text", &["s"], GRID),
        spec(C::ShowFields, "compare.fields", G::Compare, "Show how JSON answers agree, or the text", &["f"], GRID),
        spec(C::SetBase, "compare.base", G::Compare, "Make this column the base", &["b"], GRID),
        spec(C::OnlyDifferent, "compare.only-different", G::Compare, "Show only what differs, or all", &["o"], GRID),
        spec(C::ScrollTogether, "compare.scroll-together", G::Compare, "Scroll all cells together, or each alone", &["="], GRID),
        spec(C::NextDifference, "compare.difference-next", G::Compare, "Go to the next difference", &["n"], GRID),
        spec(C::PreviousDifference, "compare.difference-previous", G::Compare, "Go to the difference before", &["N"], GRID),
        spec(C::ContinueCell, "compare.continue", G::Compare, "Continue this one as the conversation", &["c"], GRID),
        spec(C::VoteBlind, "compare.vote", G::Compare, "Vote blind: columns shuffled and unnamed", &["w"], GRID),
        spec(C::NoteCell, "compare.note", G::Compare, "Write a note on the cell", &["#"], GRID),
        spec(C::FilterCells, "compare.filter", G::Compare, "Show only what has these words in its labels", &["/"], GRID),
        spec(C::OpenPlan, "compare.file", G::Compare, "Open a sweep's file: sweep.toml", &["alt-l"], EVERYWHERE),
        spec(C::JudgeAgain, "compare.check", G::Compare, "Judge anew by the checks, programs after a yes", &["!"], GRID),
        spec(C::OverlayAccept, "list.accept", G::Overlay, "Take the selected row", &["enter"], OVERLAY.and(PERSONAS)),
        spec(C::OverlayClose, "list.close", G::Overlay, "Close", &["esc", "ctrl-c"], OVERLAY.and(PERSONAS)),
        spec(C::OverlayNext, "list.next", G::Overlay, "Go to the next row", &["down", "ctrl-n", "tab"], OVERLAY.and(PERSONAS)),
        spec(C::OverlayPrevious, "list.previous", G::Overlay, "Go to the row before", &["up", "ctrl-p", "shift-tab"], OVERLAY.and(PERSONAS)),
        spec(C::OverlayRaise, "list.raise", G::Overlay, "Raise the value", &["right"], OVERLAY),
        spec(C::OverlayLower, "list.lower", G::Overlay, "Lower the value", &["left"], OVERLAY),
        spec(C::OverlayOmit, "list.omit", G::Overlay, "Omit the parameter", &["delete"], OVERLAY),
        spec(C::NewPersona, "persona.new", G::Overlay, "Among personas: write a new one", &["n"], PERSONAS),
        spec(C::EditPersona, "persona.edit", G::Overlay, "Among personas: edit the system message", &["e"], PERSONAS),
        spec(C::RenamePersona, "persona.rename", G::Overlay, "Among personas: rename one of your own", &["r"], PERSONAS),
        spec(C::DeletePersona, "persona.delete", G::Overlay, "Among personas: delete one of your own", &["d", "delete"], PERSONAS),
        spec(C::UndoPersona, "persona.undo", G::Overlay, "Among personas: undo the last change", &["u"], PERSONAS),
        spec(C::RedoPersona, "persona.redo", G::Overlay, "Among personas: do it again", &["U"], PERSONAS),
    ]
};

/// Keys that answer beside the defaults wherever no text is typed, kept apart so that they can be
/// given to another command without a conflict.
pub const READING_EXTRAS: &[(Command, &str)] = &[
    (Command::Palette, ":"),
    (Command::Help, "?"),
    (Command::ShowChat, "1"),
    (Command::ShowCompare, "2"),
    (Command::Zoom, "z"),
    (Command::CycleHeat, "v"),
    (Command::Quit, "q"),
];

/// Further keys that answer in the conversation and the inspector only.
pub const CHAT_EXTRAS: &[(Command, &str)] = &[(Command::Again, "r")];

/// Further keys that answer in the conversation only.
pub const TRANSCRIPT_EXTRAS: &[(Command, &str)] = &[(Command::Inspect, "enter")];

/// Further keys that answer in the columns only.
pub const GRID_EXTRAS: &[(Command, &str)] =
    &[(Command::Inspect, "enter"), (Command::EditSweep, "t"), (Command::Inspect, "i")];

/// Further keys that answer in the list of personas only.
pub const PERSONAS_EXTRAS: &[(Command, &str)] =
    &[(Command::OverlayNext, "j"), (Command::OverlayPrevious, "k"), (Command::OverlayClose, "q")];

/// Editing keys of the draft. They belong to the text area and cannot be given away.
pub const EDITING: &[(&str, &str)] = &[
    ("← → ↑ ↓", "Move by character and row"),
    ("^← ^→  Alt-B Alt-F", "Move by word"),
    ("Home End  ^Home ^End", "Move to the row's or the draft's ends"),
    ("⇧ with a movement", "Select"),
    ("⌫ Del  ^W Alt-⌫", "Delete a character or a word"),
    ("^U ^K", "Delete to the line's beginning or end"),
    ("^Z ^Y", "Undo, redo"),
    ("^X ^V", "Cut the selection, paste it"),
    ("^A", "Select all"),
];

/// Returns the row of a command.
#[must_use]
pub fn spec_of(command: Command) -> &'static Spec {
    COMMANDS.iter().find(|spec| spec.command == command).unwrap_or(&COMMANDS[0])
}

/// Returns the places in which the keys of an extra list answer.
#[must_use]
pub fn extras() -> [(&'static [(Command, &'static str)], Places); 5] {
    [
        (READING_EXTRAS, READING),
        (CHAT_EXTRAS, TRANSCRIPT.and(INSPECTOR)),
        (TRANSCRIPT_EXTRAS, TRANSCRIPT),
        (GRID_EXTRAS, GRID),
        (PERSONAS_EXTRAS, PERSONAS),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_command_appears_once_with_a_stable_id() {
        let commands: HashSet<_> = COMMANDS.iter().map(|spec| spec.command).collect();
        let ids: HashSet<_> = COMMANDS.iter().map(|spec| spec.id).collect();
        assert_eq!((commands.len(), ids.len()), (COMMANDS.len(), COMMANDS.len()));
        // The last variant of the enum has the highest discriminant, so none is missing.
        assert_eq!(Command::OverlayOmit as usize + 1, COMMANDS.len());
        for spec in COMMANDS {
            assert!(spec.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'-'), "{}", spec.id);
            assert!(spec.id.contains('.') && spec.title.chars().count() <= 48, "{}", spec.id);
            assert!(!spec.title.ends_with('.'), "{}", spec.id);
        }
    }
}
