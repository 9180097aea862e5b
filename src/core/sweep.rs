//! One prompt at several settings: which requests that makes.

use crate::core::request::Request;

/// The temperatures a comparison starts with.
pub const PRESET_TEMPERATURES: [f64; 7] = [0.3, 0.8, 1.0, 1.3, 1.5, 1.6, 1.8];

/// Most requests one sweep may have.
pub const MAX_CELLS: usize = 10_000;

/// A request at several temperatures, each asked `repeats` times.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// The request all cells share.
    pub base: Request,
    /// The axis.
    pub temperatures: Vec<f64>,
    /// How often each temperature is asked, at least once.
    pub repeats: u32,
}

/// One request of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Its temperature.
    pub temperature: f64,
    /// Which repeat it is, from 0.
    pub repeat: u32,
    /// What is sent.
    pub request: Request,
}

impl Sweep {
    /// Returns the cells, temperature by temperature.
    ///
    /// A fixed seed is raised by one for each repeat, else all repeats would be one answer.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let repeats = self.repeats.max(1);
        let mut cells = Vec::with_capacity(self.temperatures.len() * repeats as usize);
        for temperature in &self.temperatures {
            for repeat in 0..repeats {
                let mut request = self.base.clone();
                request.sampling.temperature = Some(*temperature);
                request.sampling.seed =
                    request.sampling.seed.map(|seed| seed.wrapping_add(i64::from(repeat)));
                cells.push(Cell { temperature: *temperature, repeat, request });
            }
        }
        cells
    }
}

/// Returns the temperatures of a list such as `0.3, 0.8 1.0`.
///
/// # Errors
/// Says which entry is no number from 0 to 2, or that the list is empty or too long.
pub fn parse_temperatures(list: &str) -> Result<Vec<f64>, String> {
    let mut out: Vec<f64> = Vec::new();
    for entry in list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()) {
        match entry.parse::<f64>() {
            Ok(value) if (0.0..=2.0).contains(&value) => out.push(value),
            _ => {
                return Err(format!(
                    "'{entry}' is no temperature: write numbers from 0 to 2, such as 0.3, 1.0, 1.8"
                ));
            }
        }
    }
    if out.is_empty() {
        return Err("no temperature given: write numbers from 0 to 2, such as 0.3, 1.0, 1.8".to_owned());
    }
    if out.len() > MAX_CELLS {
        return Err(format!("{} temperatures are too many: at most {MAX_CELLS}", out.len()));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::Sampling;

    #[test]
    fn a_sweep_is_the_product_of_axis_and_repeats() {
        let base = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling { seed: Some(7), ..Sampling::default() },
            continuation: None,
            stream: true,
        };
        let cells = Sweep { base, temperatures: vec![0.3, 1.8], repeats: 2 }.cells();
        let seen: Vec<_> = cells
            .iter()
            .map(|cell| (cell.request.sampling.temperature, cell.repeat, cell.request.sampling.seed))
            .collect();
        assert_eq!(
            seen,
            [
                (Some(0.3), 0, Some(7)),
                (Some(0.3), 1, Some(8)),
                (Some(1.8), 0, Some(7)),
                (Some(1.8), 1, Some(8))
            ]
        );
    }

    #[test]
    fn temperature_lists() {
        assert_eq!(parse_temperatures("0.3,1, 1.8"), Ok(vec![0.3, 1.0, 1.8]));
        assert!(parse_temperatures("0.3,warm").unwrap_err().contains("'warm'"));
        assert!(parse_temperatures("2.1").unwrap_err().contains("'2.1'"));
        assert!(parse_temperatures("NaN").is_err());
        assert!(parse_temperatures(" ").is_err());
    }
}
