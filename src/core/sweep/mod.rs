//! One question at many settings: which requests that makes.
//!
//! Owns the product of axes and repeats. A *cell* is one combination of values, a *sample* one request
//! of it. Never sends anything.
//!
//! Invariant: cells are as many as the product of the axes, the values of the last axis next to each
//! other, and no two samples of a sweep have the same key.

mod axis;
mod key;
pub mod pace;
pub mod preflight;
mod setting;
pub mod template;
mod values;

pub use axis::{Axis, Known, NONE, OMIT, Parameter, Value};
pub use key::{SampleKey, hash_of};
pub use setting::{EFFORT, Setting};

use crate::core::request::Request;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use template::{Variables, fill, places};

/// The temperatures a comparison starts with.
pub const PRESET_TEMPERATURES: [f64; 7] = [0.3, 0.8, 1.0, 1.3, 1.5, 1.6, 1.8];

/// Most requests one sweep may have.
pub const MAX_CELLS: usize = 10_000;

/// A request, what varies in it, and how often each combination is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    base: Request,
    axes: Vec<Axis>,
    repeats: u32,
}

/// One combination of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The number of its value on each axis, from 0.
    pub coordinates: Vec<usize>,
    /// What is asked, with the texts filled in.
    pub request: Request,
}

/// One request of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The number of its cell, from 0.
    pub cell: usize,
    /// Which repeat it is, from 0.
    pub repeat: u32,
    /// What finds its answer again.
    pub key: SampleKey,
    /// What is sent.
    pub request: Arc<Request>,
}

impl Sweep {
    /// Returns the sweep over some axes, each combination asked `repeats` times.
    ///
    /// # Errors
    /// Says that it is too large, which two axes set the same, or which variable has no values.
    pub fn new(base: Request, axes: Vec<Axis>, repeats: u32) -> Result<Self, String> {
        if repeats == 0 {
            return Err("each cell is asked at least once: write 1 repeat or more".to_owned());
        }
        for (index, axis) in axes.iter().enumerate() {
            let mut others = axes[index + 1..].iter();
            if let Some(other) = others.find(|other| axis.parameter().clashes_with(other.parameter())) {
                let (one, two) = (axis.parameter(), other.parameter());
                return Err(if one == two {
                    format!("the axis {one} is there twice: write all its values in one list")
                } else {
                    format!("the axes {one} and {two} set the same: leave one of them out")
                });
            }
        }
        let requests = axes
            .iter()
            .map(|axis| axis.values().len())
            .try_fold(repeats as usize, usize::checked_mul)
            .filter(|requests| *requests <= MAX_CELLS);
        let sweep = Self { base, axes, repeats };
        if requests.is_none() {
            let sizes: Vec<String> = sweep.axes.iter().map(|axis| axis.values().len().to_string()).collect();
            let product = sizes.into_iter().chain([repeats.to_string()]).collect::<Vec<_>>().join(" × ");
            return Err(format!("{product} requests are too many: at most {MAX_CELLS}"));
        }
        sweep.check_variables()?;
        Ok(sweep)
    }

    /// Returns the sweep of a request over some temperatures.
    #[must_use]
    pub fn of_temperatures(base: Request, temperatures: &[f64], repeats: u32) -> Self {
        Self { base, axes: vec![Axis::of_temperatures(temperatures)], repeats: repeats.max(1) }
    }

    /// Refuses a text with a place for which no axis has a value, and two axes with the same variable.
    ///
    /// Without an axis of variables a text with braces is just a text.
    fn check_variables(&self) -> Result<(), String> {
        let mut named: BTreeSet<&str> = BTreeSet::new();
        let mut has_variables = false;
        for axis in &self.axes {
            let mut own: BTreeSet<&str> = BTreeSet::new();
            for value in axis.values() {
                if let Setting::Variables(values) = &value.setting {
                    has_variables = true;
                    own.extend(values.keys().map(|name| &**name));
                }
            }
            if let Some(twice) = own.iter().find(|name| named.contains(**name)) {
                return Err(format!("two axes have values for {{{{{twice}}}}}: leave one of them out"));
            }
            named.extend(own);
        }
        if !has_variables {
            return Ok(());
        }
        let varied = self.axes.iter().flat_map(Axis::values).filter_map(|value| value.setting.text());
        let fixed = self.base.messages.iter().map(|message| &*message.content);
        let texts: Vec<&str> = fixed.chain(varied.map(|text| &**text)).collect();
        let used: BTreeSet<&str> = texts.iter().flat_map(|text| places(text)).collect();
        if let Some(missing) = used.iter().find(|name| !named.contains(**name)) {
            return Err(format!("{{{{{missing}}}}} has no values: add an axis of it, or take it out"));
        }
        match named.iter().find(|name| !used.contains(**name)) {
            // A table may have more columns than a text uses, but an axis of one variable is a mistake.
            Some(idle) if self.varies(&Parameter::Variable((*idle).into())) => {
                Err(format!("no text has {{{{{idle}}}}}: write it where its values are to stand"))
            }
            _ => Ok(()),
        }
    }

    /// Whether an axis varies a parameter.
    #[must_use]
    pub fn varies(&self, parameter: &Parameter) -> bool {
        self.axes.iter().any(|axis| axis.parameter() == parameter)
    }

    /// Returns the request all cells begin with.
    #[must_use]
    pub fn base(&self) -> &Request {
        &self.base
    }

    /// Returns what varies, columns first.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Returns how often each cell is asked.
    #[must_use]
    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    /// Returns the number of cells.
    #[must_use]
    pub fn cell_count(&self) -> usize {
        self.axes.iter().map(|axis| axis.values().len()).product()
    }

    /// Returns the number of requests.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cell_count() * self.repeats as usize
    }

    /// Whether there is nothing to ask; only an axis without values leaves nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the cells, the values of the first axis furthest apart.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        (0..self.cell_count()).map(|number| self.cell(number)).collect()
    }

    /// Returns the number of a cell's value on each axis.
    #[must_use]
    pub fn coordinates(&self, cell: usize) -> Vec<usize> {
        let mut coordinates = vec![0; self.axes.len()];
        let mut rest = cell;
        for (coordinate, axis) in coordinates.iter_mut().zip(&self.axes).rev() {
            *coordinate = rest % axis.values().len();
            rest /= axis.values().len();
        }
        coordinates
    }

    /// Returns what a cell's value on each axis is called.
    #[must_use]
    pub fn labels(&self, cell: usize) -> Vec<&str> {
        let values = self.axes.iter().zip(self.coordinates(cell));
        values.map(|(axis, coordinate)| &*axis.values()[coordinate].label).collect()
    }

    fn cell(&self, number: usize) -> Cell {
        let coordinates = self.coordinates(number);
        let (mut request, mut variables) = (self.base.clone(), Variables::new());
        // An endpoint brings its model, so a model of its own comes after it.
        let is_model = |axis: &Axis| *axis.parameter() == Parameter::Model;
        let in_order =
            |late: bool| self.axes.iter().zip(&coordinates).filter(move |(axis, _)| is_model(axis) == late);
        for (axis, coordinate) in in_order(false).chain(in_order(true)) {
            axis.values()[*coordinate].setting.apply(&mut request, &mut variables);
        }
        for message in &mut request.messages {
            if let std::borrow::Cow::Owned(filled) = fill(&message.content, &variables) {
                message.content = filled.into();
            }
        }
        Cell { coordinates, request }
    }

    /// Returns all requests, cell by cell.
    ///
    /// A fixed seed is raised by one for each repeat, else all repeats would be one answer. The number in
    /// a key is how often the same request was there before, as two cells may ask the same.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        self.samples_of(self.cells())
    }

    /// Returns all requests of the sweep's cells, which may have been adapted to what their models take.
    #[must_use]
    pub fn samples_of(&self, cells: Vec<Cell>) -> Vec<Sample> {
        let mut asked: HashMap<SampleKey, u32> = HashMap::new();
        let mut samples = Vec::with_capacity(self.len());
        for (cell, Cell { request, .. }) in cells.into_iter().enumerate() {
            let base = Arc::new(request);
            let mut kind = SampleKey::new(&base, 0);
            for repeat in 0..self.repeats {
                let request = match base.sampling.seed {
                    Some(seed) if repeat > 0 => {
                        let mut request = Request::clone(&base);
                        request.sampling.seed = Some(seed.wrapping_add(i64::from(repeat)));
                        kind = SampleKey::new(&request, 0);
                        Arc::new(request)
                    }
                    _ => Arc::clone(&base),
                };
                let before = asked.entry(kind).or_default();
                let key = if *before == 0 { kind } else { SampleKey::new(&request, *before) };
                *before += 1;
                samples.push(Sample { cell, repeat, key, request });
            }
        }
        samples
    }
}

/// Returns the temperatures of a list such as `0.3, 0.8 1.0` or `0.2..1.8 step 0.2`.
///
/// # Errors
/// Says which entry is no number from 0 to 2, or that the list is empty or too long.
pub fn parse_temperatures(list: &str) -> Result<Vec<f64>, String> {
    const HOW: &str = "write numbers from 0 to 2, such as 0.3, 1.0, 1.8";
    let entries = values::numbers(list, None)?;
    if entries.is_empty() {
        return Err(format!("no temperature given: {HOW}"));
    }
    let temperature = |entry| match entry {
        values::Entry::Number(value) if (0.0..=2.0).contains(&value) => Ok(value),
        values::Entry::Number(value) => Err(format!("'{value}' is no temperature: {HOW}")),
        values::Entry::Word(word) => Err(format!("{} is no temperature: {HOW}", values::shown(word))),
    };
    entries.into_iter().map(temperature).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::{Prompt, Role, Sampling};
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn base(text: &str) -> Request {
        Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: vec![Prompt::new(Role::User, text)],
            sampling: Sampling { seed: Some(7), ..Sampling::default() },
            continuation: None,
            stream: true,
        }
    }

    fn axis(name: &str, list: &str) -> Axis {
        let known =
            Known { personas: vec![("chef", "You cook {{food}}.")], endpoints: vec![("o", Some("one"))] };
        Axis::parse(Parameter::from_name(name).unwrap(), list, &known).unwrap()
    }

    #[test]
    fn a_sweep_is_the_product_of_axes_and_repeats() {
        let sweep = Sweep::of_temperatures(base("hi"), &[0.3, 1.8, 0.3], 2);
        let seen: Vec<_> = sweep
            .samples()
            .iter()
            .map(|sample| {
                let sampling = &sample.request.sampling;
                (sample.cell, sampling.temperature, sample.repeat, sampling.seed)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (0, Some(0.3), 0, Some(7)),
                (0, Some(0.3), 1, Some(8)),
                (1, Some(1.8), 0, Some(7)),
                (1, Some(1.8), 1, Some(8))
            ]
        );
        let grid =
            Sweep::new(base("hi"), vec![axis("temperature", "0 1"), axis("top_p", "0.5 0.9 1")], 1).unwrap();
        let coordinates: Vec<_> = grid.cells().into_iter().map(|cell| cell.coordinates).collect();
        assert_eq!(coordinates, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        assert_eq!(Sweep::new(base("hi"), Vec::new(), 3).unwrap().len(), 3);
    }

    #[test]
    fn texts_are_filled_from_all_axes() {
        let axes = vec![axis("persona", "chef, none"), axis("{{food}}", "국, pie"), axis("{{city}}", "서울")];
        let sweep = Sweep::new(base("Eat {{food}} in {{city}}."), axes, 1).unwrap();
        let texts: Vec<Vec<String>> = sweep
            .cells()
            .iter()
            .map(|cell| cell.request.messages.iter().map(|message| message.content.to_string()).collect())
            .collect();
        assert_eq!(texts[0], ["You cook 국.", "Eat 국 in 서울."]);
        assert_eq!(texts[3], ["Eat pie in 서울."]);
    }

    #[test]
    fn a_model_stands_over_that_of_its_endpoint() {
        let axes = vec![axis("model", "a, b"), axis("endpoint", "o")];
        let models: Vec<_> = Sweep::new(base("hi"), axes, 1)
            .unwrap()
            .cells()
            .iter()
            .map(|cell| cell.request.model.to_string())
            .collect();
        assert_eq!(models, ["a", "b"]);
    }

    #[test]
    fn what_cannot_be_asked_is_refused_in_a_sentence() {
        let refused = |text: &str, axes, repeats| Sweep::new(base(text), axes, repeats).unwrap_err();
        assert_eq!(
            refused("", vec![axis("seed", "1..200"), axis("max_tokens", "1..100")], 2),
            "200 × 100 × 2 requests are too many: at most 10000"
        );
        assert!(refused("", Vec::new(), 0).contains("at least once"));
        assert!(refused("", vec![axis("seed", "1"), axis("seed", "2")], 1).contains("seed is there twice"));
        assert!(
            refused("", vec![axis("persona", "chef"), axis("system", "x")], 1)
                .contains("the axes persona and system set the same")
        );
        let city = || axis("{{city}}", "서울");
        assert!(refused("in {{town}}, {{city}}", vec![city()], 1).contains("{{town}} has no values"));
        assert!(refused("in town", vec![city()], 1).contains("no text has {{city}}"));
        assert!(
            refused("{{city}}", vec![city(), axis("persona", "chef")], 1).contains("{{food}} has no values")
        );
        assert!(Sweep::new(base("a {{brace}}"), vec![axis("seed", "1")], 1).is_ok());
    }

    #[test]
    fn temperature_lists() {
        assert_eq!(parse_temperatures("0.3,1, 1.8"), Ok(vec![0.3, 1.0, 1.8]));
        assert_eq!(parse_temperatures("0..1 step 0.5"), Ok(vec![0.0, 0.5, 1.0]));
        assert!(parse_temperatures("0.3,warm").unwrap_err().contains("'warm'"));
        assert!(parse_temperatures("2.1").unwrap_err().contains("'2.1'"));
        assert!(parse_temperatures("NaN").is_err());
        assert!(parse_temperatures(" ").is_err());
    }

    proptest! {
        #[test]
        fn every_sample_has_a_key_of_its_own(
            seeds in prop::collection::hash_set(0i64..9, 1..4), tops in 1usize..4, repeats in 1u32..5,
        ) {
            let seeds = seeds.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
            let tops = ["0.5", "0.7", "1"][..tops].join(",");
            let sweep = Sweep::new(base("hi"), vec![axis("seed", &seeds), axis("top_p", &tops)], repeats).unwrap();
            let samples = sweep.samples();
            prop_assert_eq!(samples.len(), sweep.len());
            let keys: HashSet<SampleKey> = samples.iter().map(|sample| sample.key).collect();
            prop_assert_eq!(keys.len(), samples.len());
            prop_assert_eq!(samples, sweep.samples());
        }
    }
}
