//! Keys and pastes: which command they are, and the one place that carries commands out.

use crate::app::chord::{Chord, Key};
use crate::app::command::{Command, Place};
use crate::app::compare::lens::Lens;
use crate::app::composer::{NotUnfolded, Reaction};
use crate::app::inspector::Inspector;
use crate::app::msg::{Effect, Effects};
use crate::app::overlay::{Overlay, Parameters};
use crate::app::personas::Doing;
use crate::app::{App, Screen, on_token};
use crate::core::fault::Fault;

impl App {
    /// Returns where a key goes.
    #[must_use]
    pub fn place(&self) -> Place {
        match &self.overlay {
            Some(Overlay::Personas) if matches!(self.personas.doing, Doing::Listing) => Place::Personas,
            Some(_) => Place::Overlay,
            None => self.focus,
        }
    }

    pub(super) fn on_key(&mut self, chord: Chord) -> Effects {
        let place = self.place();
        if place == Place::Grid
            && let Some(effects) = self.on_ballot(chord)
        {
            return effects;
        }
        if let Some(effects) = self.on_writing_key(chord) {
            return effects;
        }
        if let Some(effects) = self.on_line_key(chord) {
            return effects;
        }
        let resolution = self.keymap.resolve(place, self.pending.take(), chord);
        if resolution.is_prefix {
            self.pending = Some(chord);
        }
        self.dismiss_notice(resolution.command == Some(Command::Send));
        let was_interrupted = std::mem::take(&mut self.interrupted);
        match resolution.command {
            Some(Command::Interrupt | Command::Quit) if was_interrupted => self.quit(0),
            Some(Command::Quit) if chord.typed().is_some() && self.holds_back() => Effects::none(),
            Some(command) => self.run_command(command, chord),
            None if matches!(place, Place::Overlay | Place::Personas) => self.on_overlay_text(chord),
            None if place == Place::Composer => self.on_draft_key(chord),
            None => Effects::none(),
        }
    }

    pub(super) fn on_draft_key(&mut self, chord: Chord) -> Effects {
        if self.composer.on_key(chord) == Reaction::Edited {
            self.recalled = None;
        }
        Effects::none()
    }

    pub(super) fn on_paste(&mut self, text: &str) -> Effects {
        if self.overlay.is_some() {
            return self.on_overlay_paste(text);
        }
        self.focus = Place::Composer;
        self.recalled = None;
        if let Err(fault) = self.composer.paste(text) {
            self.fault(&fault);
        }
        Effects::none()
    }

    pub(super) fn on_edited(&mut self, result: Result<String, Fault>) -> Effects {
        match result {
            Ok(text) => {
                if let Some(effects) = self.paste_persona(&text, true) {
                    return effects;
                }
                self.composer.set_text(text.trim_end_matches('\n'));
                self.focus = Place::Composer;
            }
            Err(fault) => self.fault(&fault),
        }
        Effects::none()
    }

    pub(super) fn run_command(&mut self, command: Command, chord: Chord) -> Effects {
        if self.would_tell(command) {
            self.say_how_to_vote();
            return Effects::none();
        }
        match command {
            Command::Quit => return self.quit(0),
            Command::QuitIfEmpty => {
                if self.composer.is_empty() {
                    return self.quit(0);
                }
                return self.on_draft_key(Chord::plain(Key::Delete));
            }
            Command::Interrupt => return self.on_interrupt(),
            Command::Stop => return self.on_stop(),
            Command::Palette => self.overlay = Some(Overlay::palette(&self.keymap)),
            Command::Help => self.overlay = Some(Overlay::Help { scroll: 0 }),
            Command::ShowChat => self.go_to(Screen::Chat, chord),
            Command::ShowCompare => self.go_to(Screen::Compare, chord),
            Command::NextPane => self.move_focus(true),
            Command::PreviousPane => self.move_focus(false),
            Command::Zoom => self.on_zoom(),
            Command::CycleHeat => self.on_cycle_heat(),
            Command::ToggleMemory => self.on_toggle_memory(),
            Command::ToggleMouse => {
                self.mouse = !self.mouse;
                self.say(if self.mouse {
                    "mouse: taken by tokenscope"
                } else {
                    "mouse: left to the terminal"
                });
                return Effects::one(Effect::CaptureMouse(self.mouse));
            }
            Command::Redraw => return Effects::one(Effect::Redraw),
            Command::OpenEditor => return Effects::one(Effect::EditExternally(self.composer.text())),
            Command::Newline => {
                return self.on_draft_key(Chord { ctrl: true, ..Chord::plain(Key::Char('j')) });
            }
            Command::Unfold => {
                if let Err(reason) = self.composer.unfold() {
                    let editor = self.key(Command::OpenEditor, Place::Composer);
                    self.say(match reason {
                        NotUnfolded::NoChip => "no folded paste in this draft".to_owned(),
                        NotUnfolded::Several => {
                            "several folded pastes: put the cursor beside the one to unfold".to_owned()
                        }
                        NotUnfolded::TooLarge => {
                            format!(
                                "this paste is too large to edit here: {editor} opens the draft in $EDITOR"
                            )
                        }
                    });
                }
            }
            Command::RecallPrevious | Command::RecallNext => return self.on_recall(command, chord),
            Command::Send => return self.on_send(),
            Command::CycleRole => self.on_cycle_role(),
            Command::ChooseModel => return self.choose_model(),
            Command::ChooseEndpoint => self.choose_endpoint(),
            Command::ChooseTheme => self.choose_theme(),
            Command::EditParameters => self.overlay = Some(Overlay::Parameters(Parameters::default())),
            Command::ProbeModel => self.on_probe(),
            Command::ShowTokens => {
                return match self.overlay {
                    None => self.on_show_tokens(),
                    Some(Overlay::Tokens(_)) => self.close_overlay(),
                    Some(_) => Effects::none(),
                };
            }
            Command::EditSweep => self.edit_sweep(),
            Command::EditPersonas => return self.edit_personas(),
            Command::NewPersona => self.name_persona(true),
            Command::RenamePersona => self.name_persona(false),
            Command::EditPersona => self.write_persona(),
            Command::DeletePersona => return self.delete_persona(),
            Command::UndoPersona => return self.undo_persona(true),
            Command::RedoPersona => return self.undo_persona(false),
            Command::ShowRequest => {
                self.overlay = Some(Overlay::Request { scroll: 0 });
                return self.load_light();
            }
            Command::NewConversation => return self.on_new_conversation(),
            Command::EditSystem => self.on_edit_system(),
            Command::Again => return self.on_again(),
            Command::PreviousMessage => self.select(-1),
            Command::NextMessage => self.select(1),
            Command::PreviousVariant => return self.on_variant(-1),
            Command::NextVariant => return self.on_variant(1),
            Command::EditMessage => self.on_edit(),
            Command::InsertMessage => self.on_insert(),
            Command::DeleteMessage => return self.on_delete(),
            Command::UndoDelete => return self.on_undelete(),
            Command::CopyMessage => return self.on_copy(),
            Command::CopyCode => return self.on_copy_code(),
            Command::ToggleReasoning => self.on_toggle_reasoning(),
            Command::LineDown => self.on_scroll(1),
            Command::LineUp => self.on_scroll(-1),
            Command::HalfPageDown => self.on_scroll(self.page() / 2),
            Command::HalfPageUp => self.on_scroll(-self.page() / 2),
            Command::PageDown => self.on_scroll(self.page()),
            Command::PageUp => self.on_scroll(-self.page()),
            Command::First => self.on_first(),
            Command::Last => self.on_last(),
            Command::Inspect => {
                self.on_inspect();
                return self.load_light();
            }
            Command::NextToken => self.walk("no token to go to", |inspector, _| inspector.step(1)),
            Command::PreviousToken => self.walk("no token to go to", |inspector, _| inspector.step(-1)),
            Command::NextCloseCall => self.walk_close_calls(true),
            Command::PreviousCloseCall => self.walk_close_calls(false),
            Command::MostSurprising => {
                self.walk("no token of this answer has a probability", Inspector::to_most_surprising);
            }
            Command::NextWord => self.walk("no further word", |inspector, _| inspector.step_word(true)),
            Command::PreviousWord => {
                self.walk("no word before this one", |inspector, _| inspector.step_word(false));
            }
            Command::FindToken => self.seek(),
            Command::FindNext => self.seek_again(true),
            Command::FindPrevious => self.seek_again(false),
            Command::SortTokens => self.sort_tokens(),
            Command::TogglePieces => self.toggle_pieces(),
            Command::NextCandidate => self.take_candidate(true),
            Command::PreviousCandidate => self.take_candidate(false),
            Command::NextSlider => self.inspector.sliders.select_next(),
            Command::RaiseWhatIf => self.slide(1.0),
            Command::LowerWhatIf => self.slide(-1.0),
            Command::RaiseWhatIfFast => self.slide(on_token::FAST),
            Command::LowerWhatIfFast => self.slide(-on_token::FAST),
            Command::ResetWhatIf => self.inspector.sliders.reset(),
            Command::Branch => return self.branch(),
            Command::NextEnding => return self.step_ending(1),
            Command::PreviousEnding => return self.step_ending(-1),
            Command::NextSheet => self.next_sheet(),
            Command::NextColumn => return self.step_cell(1, 0),
            Command::PreviousColumn => return self.step_cell(-1, 0),
            Command::NextRow => return self.step_cell(0, 1),
            Command::PreviousRow => return self.step_cell(0, -1),
            Command::NextSample => return self.step_sample(1),
            Command::PreviousSample => return self.step_sample(-1),
            Command::StopCell => return self.stop_cell(),
            Command::StopAll if self.is_stoppable() => return self.stop_comparison(),
            Command::StopAll => self.say("nothing is under way"),
            Command::RetryCell => return self.retry_cell(),
            Command::RetryFailed => return self.retry_failed(),
            Command::PauseSweep => return self.pause(),
            Command::MarkBest => return self.mark_best(),
            Command::OpenSweep => return self.list_sweeps(),
            Command::ExportSweep => self.ask_export(),
            Command::ShowDifference => self.read_as(Lens::Difference),
            Command::ShowConsensus => self.read_as(Lens::Consensus),
            Command::ShowStatistics => self.read_as(Lens::Statistics),
            Command::ShowFields => self.read_as(Lens::Fields),
            Command::SetBase => self.set_base(),
            Command::OnlyDifferent => self.toggle_only_different(),
            Command::ScrollTogether => self.toggle_together(),
            Command::NextDifference => self.step_difference(true),
            Command::PreviousDifference => self.step_difference(false),
            Command::ContinueCell => return self.continue_cell(),
            Command::VoteBlind => self.vote_blind(),
            Command::NoteCell => self.note_cell(),
            Command::FilterCells => self.ask_filter(),
            Command::OpenPlan => self.ask_plan(),
            Command::JudgeAgain => return self.judge_again(),
            Command::OverlayAccept => return self.accept(),
            Command::OverlayClose => return self.close_overlay(),
            Command::OverlayNext => return self.step_overlay(1),
            Command::OverlayPrevious => return self.step_overlay(-1),
            Command::OverlayRaise => self.step_parameter(true),
            Command::OverlayLower => self.step_parameter(false),
            Command::OverlayOmit => self.omit_parameter(),
        }
        Effects::none()
    }
}
