//! Probing a model, and cutting texts into their tokens: from the keys to what is laid over the screen.

use crate::app::App;
use crate::app::msg::{Effect, Effects, ProbeStep};
use crate::app::overlay::Overlay;
use crate::app::pieces::Pieces;
use crate::app::probing::{Phase, Probing};
use crate::app::settings::Parameter;
use crate::core::cutting::Cutting;
use crate::core::probe::{Cost, Finding, Subject, refusal};
use std::sync::Arc;

impl App {
    /// Returns what a probe found out about a model at an endpoint, if one was made there.
    #[must_use]
    pub fn finding(&self, endpoint: &str, model: &str) -> Option<&Finding> {
        let card = self.settings.endpoint_named(endpoint)?;
        self.probes.of(&Subject::new(endpoint, model, &card.base_url))
    }

    /// Returns why the chosen model refuses a parameter: as it was found out, else as it is known
    /// beforehand.
    #[must_use]
    pub fn refusal(&self, parameter: Parameter) -> Option<&str> {
        let finding = self.finding(&self.settings.endpoint().name, &self.settings.model);
        refusal(finding, &self.settings.card, parameter.tried_as(&self.settings.sampling))
    }

    /// Returns what a probe found out about a parameter that the chosen model does not refuse.
    #[must_use]
    pub fn remark(&self, parameter: Parameter) -> Option<String> {
        self.finding(&self.settings.endpoint().name, &self.settings.model)?.remark(parameter.name())
    }

    pub(super) fn on_probe(&mut self) {
        let (endpoint, model) = (self.settings.endpoint(), &self.settings.model);
        if model.is_empty() {
            self.say("choose a model first");
            return;
        }
        let subject = Subject::new(&endpoint.name, model, &endpoint.base_url);
        let cost = Cost::most(self.settings.card.price.as_ref());
        let before = self.probes.of(&subject);
        self.overlay = Some(Overlay::Probe(Probing::new(subject, cost, before)));
    }

    /// Offers a probe after what is kept, begins the one that is offered, takes one that is over away.
    pub(super) fn accept_probe(&mut self) -> Effects {
        let Some(Overlay::Probe(probing)) = &mut self.overlay else { return Effects::none() };
        match probing.phase {
            Phase::Kept(_) => {
                probing.phase = Phase::Offered;
                Effects::none()
            }
            Phase::Offered => {
                probing.phase = Phase::Running { done: 0, question: None, attempt: 1 };
                self.probe += 1;
                Effects::one(Effect::Probe { number: self.probe, subject: probing.subject.clone() })
            }
            Phase::Running { .. } => Effects::none(),
            Phase::Done(_) | Phase::Failed(_) => {
                self.overlay = None;
                Effects::none()
            }
        }
    }

    pub(super) fn on_probed(&mut self, number: u64, step: ProbeStep) {
        if number != self.probe {
            self.stale += 1;
            return;
        }
        if let ProbeStep::Ended(Ok(finding)) = &step {
            self.probes.put(finding.as_ref().clone());
        }
        let Some(Overlay::Probe(probing)) = &mut self.overlay else { return };
        probing.phase = match step {
            ProbeStep::Asking { done, question, attempt } => {
                Phase::Running { done, question: Some(question), attempt }
            }
            ProbeStep::Ended(Ok(finding)) => Phase::Done(finding),
            ProbeStep::Ended(Err(fault)) => Phase::Failed(fault),
        };
    }

    pub(super) fn on_show_tokens(&mut self) -> Effects {
        let Some((title, text)) = self.text_to_cut() else {
            self.say("nothing to cut into tokens yet: write something");
            return Effects::none();
        };
        self.cut += 1;
        let encoding = self.counter.encoding();
        self.overlay = Some(Overlay::Tokens(Pieces::new(title, encoding)));
        Effects::one(Effect::CutTokens { revision: self.cut, text })
    }

    /// Returns the draft, else the selected message, else the last one.
    fn text_to_cut(&self) -> Option<(&'static str, Arc<str>)> {
        if !self.composer.is_empty() {
            return Some(("tokens of the draft", self.composer.text().into()));
        }
        let messages = &self.conversation.messages;
        let selected = self.transcript.selected.and_then(|id| self.conversation.position(id));
        let message = selected.map_or_else(|| messages.last(), |at| messages.get(at))?;
        let title =
            if selected.is_some() { "tokens of the selected message" } else { "tokens of the last message" };
        (!message.text().is_empty()).then(|| (title, message.text().into()))
    }

    pub(super) fn on_tokens_cut(&mut self, revision: u64, cutting: Arc<Cutting>) {
        match &mut self.overlay {
            Some(Overlay::Tokens(pieces)) if revision == self.cut => pieces.take(cutting),
            _ => self.stale += 1,
        }
    }
}
