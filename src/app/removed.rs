//! What was taken out of the conversation, step by step, so that it can be brought back.
//!
//! Owns the steps and nothing of the conversation. Bringing one back swaps: what stands in its place now
//! is kept as a step of its own, so going back loses nothing, and at the oldest step the way turns round.
//! Invariant: a place is known by the messages around it, so what was added since moves nothing.

use crate::core::conversation::Message;
use crate::core::id::MessageId;
use crate::core::request::Role;
use std::collections::VecDeque;

/// Steps that are kept; the oldest is forgotten first.
const STEPS: usize = 100;

/// What stands in the place of the messages that were taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// Nothing: they were deleted.
    Nothing,
    /// One message, the edited one.
    Message(MessageId),
    /// Everything from there on: another branch of the conversation.
    Rest,
}

/// Messages that were taken out at once.
#[derive(Debug)]
struct Step {
    /// The message before them, and how many there were.
    after: Option<MessageId>,
    at: usize,
    instead: Instead,
    messages: Vec<Message>,
}

/// The steps that can be brought back.
#[derive(Debug, Default)]
pub(super) struct Removed {
    older: VecDeque<Step>,
    /// What was swapped out on the way back, to be reached again when nothing older is left.
    newer: Vec<Step>,
    is_returning: bool,
}

/// What was brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Back {
    /// The first of the messages.
    pub(super) first: Option<MessageId>,
    /// Further steps in the same direction.
    pub(super) further: usize,
    /// Whether the next step returns to what stood here.
    pub(super) turns: bool,
}

impl Removed {
    /// Takes note of messages that stood at `at` in `conversation`, which does not have them any more.
    pub(super) fn note(
        &mut self,
        conversation: &[Message],
        at: usize,
        instead: Instead,
        messages: Vec<Message>,
    ) {
        if messages.is_empty() {
            return;
        }
        let after = at.checked_sub(1).and_then(|before| conversation.get(before)).map(|message| message.id);
        // A new change begins a way of its own; what was reached on the last one stays within reach.
        self.older.extend(self.newer.drain(..));
        self.is_returning = false;
        self.older.push_back(Step { after, at, instead, messages });
        while self.older.len() > STEPS {
            self.older.pop_front();
        }
    }

    /// Brings the next step back into the conversation.
    pub(super) fn bring_back(&mut self, conversation: &mut Vec<Message>) -> Option<Back> {
        if self.older.is_empty() {
            self.is_returning = true;
        } else if self.newer.is_empty() {
            self.is_returning = false;
        }
        let step = if self.is_returning { self.newer.pop() } else { self.older.pop_back() }?;
        let first = step.messages.first().map(|message| message.id);
        if let Some(inverse) = step.swap(conversation) {
            if self.is_returning { self.older.push_back(inverse) } else { self.newer.push(inverse) }
        }
        let (mut ahead, mut behind) = (self.older.len(), self.newer.len());
        if self.is_returning {
            std::mem::swap(&mut ahead, &mut behind);
        }
        Some(Back { first, further: ahead, turns: ahead == 0 && behind > 0 })
    }
}

impl Step {
    /// Puts the messages where they were; returns the step that undoes this one, where it would bring
    /// something back.
    fn swap(self, conversation: &mut Vec<Message>) -> Option<Self> {
        let position = |id| conversation.iter().position(|message: &Message| message.id == id);
        let is_system = |message: Option<&Message>| message.is_some_and(|m| m.role == Role::System);
        let at = match self.after {
            Some(id) => position(id).map_or(self.at, |before| before + 1),
            // The system message came since: the conversation begins after it.
            None if is_system(conversation.first()) && !is_system(self.messages.first()) => 1,
            None => 0,
        };
        let at = at.min(conversation.len());
        let range = match self.instead {
            Instead::Nothing => at..at,
            Instead::Message(id) => position(id).map_or(at..at, |at| at..at + 1),
            Instead::Rest => at..conversation.len(),
        };
        let at = range.start;
        let instead = match (self.instead, self.messages.first()) {
            (Instead::Rest, _) => Instead::Rest,
            (Instead::Nothing | Instead::Message(_), Some(first)) => Instead::Message(first.id),
            (Instead::Nothing | Instead::Message(_), None) => Instead::Nothing,
        };
        let messages: Vec<Message> = conversation.splice(range, self.messages).collect();
        let after = at.checked_sub(1).and_then(|before| conversation.get(before)).map(|message| message.id);
        (!messages.is_empty()).then_some(Self { after, at, instead, messages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::conversation::Body;
    use proptest::prelude::*;

    fn message(id: u64) -> Message {
        Message { id: MessageId(id), role: Role::User, body: Body::Text(id.to_string().as_str().into()) }
    }

    fn ids(messages: &[Message]) -> Vec<u64> {
        messages.iter().map(|message| message.id.0).collect()
    }

    #[test]
    fn steps_come_back_one_by_one_and_the_way_turns_at_the_oldest() {
        let mut removed = Removed::default();
        let mut talk = vec![message(1), message(2)];
        for new in [3, 4] {
            let old = talk.split_off(1);
            talk.push(message(new));
            removed.note(&talk, 1, Instead::Rest, old);
        }
        let mut seen = Vec::new();
        for _ in 0..5 {
            removed.bring_back(&mut talk).unwrap();
            seen.push(ids(&talk));
        }
        assert_eq!(seen, [[1, 3], [1, 2], [1, 3], [1, 4], [1, 3]]);
    }

    #[test]
    fn the_oldest_step_is_forgotten_first() {
        let mut removed = Removed::default();
        for id in 0..=STEPS as u64 {
            removed.note(&[], 0, Instead::Nothing, vec![message(id)]);
        }
        let mut talk = Vec::new();
        while removed.bring_back(&mut talk).is_some() {}
        assert_eq!((talk.len(), talk.iter().any(|message| message.id.0 == 0)), (STEPS, false));
    }

    proptest! {
        /// Whatever is removed, added and brought back: no message is ever lost.
        #[test]
        fn nothing_is_lost(acts in prop::collection::vec((0u8..5, 0usize..8), 0..40)) {
            let mut removed = Removed::default();
            let mut talk: Vec<Message> = Vec::new();
            let mut next = 0;
            for (act, place) in acts {
                let at = place.min(talk.len());
                match act {
                    0 => {
                        next += 1;
                        talk.insert(at, message(next));
                    }
                    1 if at < talk.len() => {
                        let old = vec![talk.remove(at)];
                        removed.note(&talk, at, Instead::Nothing, old);
                    }
                    2 if at < talk.len() => {
                        next += 1;
                        let old = vec![std::mem::replace(&mut talk[at], message(next))];
                        removed.note(&talk, at, Instead::Message(MessageId(next)), old);
                    }
                    3 => {
                        let old = talk.split_off(at);
                        next += 1;
                        talk.push(message(next));
                        removed.note(&talk, at, Instead::Rest, old);
                    }
                    _ => drop(removed.bring_back(&mut talk)),
                }
                let kept = removed.older.iter().chain(&removed.newer).flat_map(|step| &step.messages);
                let mut all: Vec<u64> = talk.iter().chain(kept).map(|message| message.id.0).collect();
                all.sort_unstable();
                prop_assert_eq!(all, (1..=next).collect::<Vec<u64>>());
            }
        }
    }
}
