//! The sliders of the what-if: which parameter is in hand, and what is asked.
//!
//! Owns the ranges and steps a hand can reach, and how settings are named beside figures. Off until one
//! is moved; then it begins with what the answer was asked with, so that the first step is one from what
//! happened.

use crate::core::reshaping::Reshaping;

/// A parameter of the what-if.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Slider {
    /// Temperature, 0 to 3.
    #[default]
    Temperature,
    /// Nucleus mass.
    TopP,
    /// Least share of the best candidate.
    MinP,
    /// Number of candidates.
    TopK,
}

/// Most candidates the slider of top_k keeps; beyond, nothing is cut.
const MOST_K: u32 = 40;

impl Slider {
    /// All of them, in the order they stand.
    pub const ALL: [Self; 4] = [Self::Temperature, Self::TopP, Self::MinP, Self::TopK];

    /// Returns the name on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "T",
            Self::TopP => "top_p",
            Self::MinP => "min_p",
            Self::TopK => "top_k",
        }
    }

    /// Returns a name for where there is little room.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Temperature => "T",
            Self::TopP => "p",
            Self::MinP => "min",
            Self::TopK => "k",
        }
    }

    /// Returns the ends of its range and the least step.
    #[must_use]
    pub fn range(self) -> (f64, f64, f64) {
        match self {
            Self::Temperature => (0.0, 3.0, 0.05),
            Self::TopP => (0.01, 1.0, 0.01),
            Self::MinP => (0.0, 0.5, 0.01),
            Self::TopK => (1.0, f64::from(MOST_K + 1), 1.0),
        }
    }

    fn text(self, reshaping: &Reshaping) -> String {
        match self {
            Self::Temperature => format!("{:.2}", reshaping.temperature),
            Self::TopP => format!("{:.2}", reshaping.top_p.unwrap_or(1.0)),
            Self::MinP => format!("{:.2}", reshaping.min_p.unwrap_or(0.0)),
            Self::TopK => reshaping.top_k.map_or_else(|| "all".to_owned(), |top_k| top_k.to_string()),
        }
    }

    fn get(self, reshaping: &Reshaping) -> f64 {
        let (low, high, _) = self.range();
        match self {
            Self::Temperature => reshaping.temperature,
            Self::TopP => reshaping.top_p.unwrap_or(high),
            Self::MinP => reshaping.min_p.unwrap_or(low),
            Self::TopK => reshaping.top_k.map_or(high, f64::from),
        }
    }

    fn set(self, reshaping: &mut Reshaping, value: f64) {
        let (low, high, step) = self.range();
        let value = ((value / step).round() * step).clamp(low, high);
        // A decimal step leaves 0.15000000000000002; what is asked should be what is read.
        let value = (value * 1000.0).round() / 1000.0;
        let is_cut = |is_off: bool| (!is_off).then_some(value);
        match self {
            Self::Temperature => reshaping.temperature = value,
            Self::TopP => reshaping.top_p = is_cut(value >= high),
            Self::MinP => reshaping.min_p = is_cut(value <= low),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 41")]
            Self::TopK => reshaping.top_k = is_cut(value >= high).map(|value| value as u32),
        }
    }
}

/// State of the sliders.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sliders {
    selected: Slider,
    reshaping: Option<Reshaping>,
}

impl Sliders {
    /// Returns the one in hand.
    #[must_use]
    pub fn selected(&self) -> Slider {
        self.selected
    }

    /// Takes the next one in hand.
    pub fn select_next(&mut self) {
        let at = Slider::ALL.iter().position(|slider| *slider == self.selected).unwrap_or(0);
        self.selected = Slider::ALL[(at + 1) % Slider::ALL.len()];
    }

    /// Returns what is asked; `None` while nothing was moved.
    #[must_use]
    pub fn reshaping(&self) -> Option<Reshaping> {
        self.reshaping
    }

    /// Asks nothing any more.
    pub fn reset(&mut self) {
        self.reshaping = None;
    }

    /// Moves the slider in hand by steps; `asked` is what the answer was asked with.
    pub fn step(&mut self, steps: f64, asked: Reshaping) {
        let (_, _, step) = self.selected.range();
        let now = self.selected.get(&self.value(asked));
        self.put(now + steps * step, asked);
    }

    /// Puts the slider in hand at a share of its track, 0 to 1.
    pub fn put_at(&mut self, share: f64, asked: Reshaping) {
        let (low, high, _) = self.selected.range();
        self.put(low + share.clamp(0.0, 1.0) * (high - low), asked);
    }

    /// Takes a slider in hand.
    pub fn select(&mut self, slider: Slider) {
        self.selected = slider;
    }

    fn put(&mut self, value: f64, asked: Reshaping) {
        let mut reshaping = self.value(asked);
        self.selected.set(&mut reshaping, value);
        self.reshaping = Some(reshaping);
    }

    /// Returns the values on the sliders: what is asked, or what the answer was asked with.
    #[must_use]
    pub fn value(&self, asked: Reshaping) -> Reshaping {
        self.reshaping.unwrap_or(asked)
    }

    /// Returns where a slider stands on its track, 0 to 1.
    #[must_use]
    pub fn share(&self, slider: Slider, asked: Reshaping) -> f64 {
        let (low, high, _) = slider.range();
        ((slider.get(&self.value(asked)) - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Returns a slider's value as it is written.
    #[must_use]
    pub fn text(&self, slider: Slider, asked: Reshaping) -> String {
        slider.text(&self.value(asked))
    }
}

/// Returns the names of settings as they stand above the figures they give, the longest wording first:
/// the temperature, and each cut that is made.
#[must_use]
pub fn settings(reshaping: &Reshaping) -> [String; 2] {
    let made = Slider::ALL.into_iter().filter(|slider| {
        let is_off = Reshaping { temperature: reshaping.temperature, ..Reshaping::default() };
        *slider == Slider::Temperature || slider.text(reshaping) != slider.text(&is_off)
    });
    let made: Vec<Slider> = made.collect();
    [Slider::name, Slider::short].map(|name| {
        let named: Vec<String> =
            made.iter().map(|slider| format!("{} {}", name(*slider), slider.text(reshaping))).collect();
        named.join(" ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(temperature: f64) -> Reshaping {
        Reshaping { temperature, ..Reshaping::default() }
    }

    #[test]
    fn settings_are_named_with_every_cut_that_is_made() {
        assert_eq!(settings(&at(1.5)), ["T 1.50", "T 1.50"]);
        let cut = Reshaping { top_p: Some(0.9), top_k: Some(5), ..at(0.7) };
        assert_eq!(settings(&cut), ["T 0.70 top_p 0.90 top_k 5", "T 0.70 p 0.90 k 5"]);
    }

    #[test]
    fn the_first_step_is_one_from_what_happened() {
        let mut sliders = Sliders::default();
        assert_eq!(sliders.reshaping(), None);
        sliders.step(1.0, at(0.7));
        assert_eq!(sliders.text(Slider::Temperature, at(0.7)), "0.75");
        sliders.step(-100.0, at(0.7));
        assert_eq!(sliders.text(Slider::Temperature, at(0.7)), "0.00");
        sliders.reset();
        assert_eq!(sliders.reshaping(), None);
    }

    #[test]
    fn cuts_are_off_at_the_end_of_their_track() {
        let mut sliders = Sliders::default();
        for (slider, inwards) in [(Slider::TopP, -1.0), (Slider::MinP, 1.0), (Slider::TopK, -1.0)] {
            sliders.select_next();
            assert_eq!(sliders.selected(), slider);
            sliders.step(inwards, at(1.0));
            assert_ne!(sliders.reshaping(), Some(Reshaping::default()), "{slider:?}");
            sliders.step(-inwards, at(1.0));
            assert_eq!(sliders.reshaping(), Some(Reshaping::default()), "{slider:?}");
        }
        sliders.put_at(0.0, at(1.0));
        assert_eq!(sliders.reshaping().unwrap().top_k, Some(1));
        assert_eq!(sliders.text(Slider::TopK, at(1.0)), "1");
    }

    #[test]
    fn the_handle_stands_where_it_was_put() {
        let mut sliders = Sliders::default();
        for percent in 0..=100 {
            let share = f64::from(percent) / 100.0;
            sliders.put_at(share, at(1.0));
            assert!((sliders.share(Slider::Temperature, at(1.0)) - share).abs() < 0.01);
        }
    }
}
