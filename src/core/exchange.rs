//! The raw request and response of a run, so that nothing is lost to a parser.

use std::time::Duration;

/// The bytes a run sent and received. It never holds a key: headers with credentials are not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// URL the request went to.
    pub url: String,
    /// The request body as sent.
    pub request: String,
    /// HTTP status of the last attempt, when there was a response.
    pub status: Option<u16>,
    /// Response headers of the last attempt, without cookies.
    pub headers: Vec<(String, String)>,
    frames: Vec<(Duration, usize)>,
    text: String,
    /// Bytes that were received but not kept, as the limit was reached.
    pub dropped_bytes: usize,
}

/// What is kept of one response at most, in bytes.
pub const KEPT_BYTES: usize = 16 * 1024 * 1024;

impl Exchange {
    /// Appends a frame (the data of one stream event, or the whole body) that arrived `at` after the
    /// request was sent; past [`KEPT_BYTES`] it is only counted.
    pub fn push(&mut self, at: Duration, frame: &str) {
        if self.text.len() + frame.len() > KEPT_BYTES {
            self.dropped_bytes += frame.len();
            return;
        }
        self.text.push_str(frame);
        self.frames.push((at, self.text.len()));
    }

    /// Returns the frames in order, each with its arrival time since the request was sent.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = (Duration, &str)> {
        (0..self.frames.len()).map(|index| {
            let start = if index == 0 { 0 } else { self.frames[index - 1].1 };
            (self.frames[index].0, &self.text[start..self.frames[index].1])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_were_pushed() {
        let mut exchange = Exchange::default();
        for (at, frame) in [(1, "a"), (2, ""), (3, "한글")] {
            exchange.push(Duration::from_millis(at), frame);
        }
        let frames: Vec<_> = exchange.frames().collect();
        assert_eq!(
            frames,
            [
                (Duration::from_millis(1), "a"),
                (Duration::from_millis(2), ""),
                (Duration::from_millis(3), "한글")
            ]
        );
    }

    #[test]
    fn past_the_limit_bytes_are_counted_not_kept() {
        let mut exchange = Exchange::default();
        exchange.push(Duration::ZERO, &"x".repeat(KEPT_BYTES));
        exchange.push(Duration::ZERO, "yz");
        assert_eq!(exchange.frames().len(), 1);
        assert_eq!(exchange.dropped_bytes, 2);
    }
}
