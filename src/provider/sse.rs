//! Server-sent events: bytes in, events out.
//!
//! Owns the framing only; it never knows what the data of an event means. Every byte is looked at
//! once, and only the unfinished line and event are kept, so the cost is linear in the input
//! however it is cut, and the memory is bounded by the limit.
//!
//! Invariant: the events do not depend on how the bytes were cut into chunks.

use std::ops::ControlFlow;

/// One event: the data lines joined by line breaks, and the name, empty where none was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// The `event` field.
    pub(super) name: &'a str,
    /// The data; never empty.
    pub(super) data: &'a str,
}

/// A line or event grew past the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Cuts a byte stream into events.
#[derive(Debug)]
pub(super) struct Parser {
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    /// Data of the event so far.
    data: Vec<u8>,
    /// Whether a data line was seen, as an empty one must still be joined to the next.
    has_data: bool,
    name: String,
    /// A line ended in CR: an LF that follows, maybe in the next chunk, belongs to it.
    after_cr: bool,
    /// Whether the first line, which may begin with a byte order mark, is behind.
    begun: bool,
    limit: usize,
}

impl Parser {
    /// Returns a parser that takes lines and events of up to `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            name: String::new(),
            after_cr: false,
            begun: false,
            limit,
        }
    }

    /// Hands every event that the chunk completes to `sink`, until it breaks.
    pub(super) fn feed<B>(
        &mut self,
        chunk: &[u8],
        mut sink: impl FnMut(Frame<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, TooLong> {
        let mut rest = chunk;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) && rest[0] == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(rest);
                self.check(0)?;
                break;
            };
            self.after_cr = rest[end] == b'\r';
            let flow = if self.line.is_empty() {
                self.line(&rest[..end], &mut sink)?
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&rest[..end]);
                let flow = self.line(&line, &mut sink)?;
                line.clear();
                self.line = line;
                flow
            };
            if flow.is_break() {
                return Ok(flow);
            }
            rest = &rest[end + 1..];
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Hands over the event that the end of the stream left without its blank line.
    ///
    /// The standard drops it; servers that close right after `data: [DONE]` mean it.
    pub(super) fn finish<B>(
        &mut self,
        mut sink: impl FnMut(Frame<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, TooLong> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            let flow = self.line(&line, &mut sink)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(self.dispatch(&mut sink))
    }

    fn check(&self, more: usize) -> Result<(), TooLong> {
        if self.line.len() + self.data.len() + more > self.limit { Err(TooLong) } else { Ok(()) }
    }

    fn line<B>(
        &mut self,
        line: &[u8],
        sink: &mut impl FnMut(Frame<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, TooLong> {
        let line = if std::mem::replace(&mut self.begun, true) {
            line
        } else {
            line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
        };
        if line.is_empty() {
            return Ok(self.dispatch(sink));
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => self.push(value)?,
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            // llama.cpp sends a failure as `error: {…}`, which by the standard is an unknown field.
            b"error" => {
                "error".clone_into(&mut self.name);
                self.push(value)?;
            }
            // Comments, `id`, `retry` and whatever else.
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn push(&mut self, value: &[u8]) -> Result<(), TooLong> {
        self.check(value.len() + 1)?;
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        Ok(())
    }

    fn dispatch<B>(&mut self, sink: &mut impl FnMut(Frame<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
        let flow = if self.data.is_empty() {
            ControlFlow::Continue(())
        } else {
            sink(Frame { name: &self.name, data: &String::from_utf8_lossy(&self.data) })
        };
        self.data.clear();
        self.has_data = false;
        self.name.clear();
        flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns `name|data` of all events of a stream that arrives in these chunks.
    fn events<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut parser = Parser::new(1 << 20);
        let mut out = Vec::new();
        let mut sink = |frame: Frame<'_>| -> ControlFlow<()> {
            out.push(format!("{}|{}", frame.name, frame.data));
            ControlFlow::Continue(())
        };
        for chunk in chunks {
            assert!(parser.feed(chunk, &mut sink).unwrap().is_continue());
        }
        assert!(parser.finish(&mut sink).unwrap().is_continue());
        out
    }

    #[test]
    fn every_legal_framing_is_read() {
        let cases: [(&str, &[&str]); 13] = [
            ("data: a\n\ndata: b\n\n", &["|a", "|b"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", &["|a", "|b"]),
            ("data: a\r\rdata: b\r\r", &["|a", "|b"]),
            ("data:a\n\n", &["|a"]),
            ("data:  a\n\n", &["| a"]),
            ("data: a\ndata: b\n\n", &["|a\nb"]),
            ("data:\ndata: b\n\n", &["|\nb"]),
            (": OPENROUTER PROCESSING\n\ndata: a\n\n", &["|a"]),
            ("\u{feff}data: a\n\n", &["|a"]),
            ("data\n\ndata:\n\nid: 1\nretry: 10\n\n", &[]),
            ("event: error\ndata: a\n\ndata: b\n\n", &["error|a", "|b"]),
            ("error: {}\n\n", &["error|{}"]),
            ("data: a\n\ndata: [DONE]", &["|a", "|[DONE]"]),
        ];
        for (stream, expected) in cases {
            assert_eq!(events([stream.as_bytes()]), expected, "{stream:?}");
        }
    }

    #[test]
    fn broken_utf8_is_replaced_not_lost() {
        assert_eq!(events([b"data: a\xffb\n\n".as_slice()]), ["|a\u{fffd}b"]);
    }

    #[test]
    fn a_line_past_the_limit_is_an_error_wherever_it_is_cut() {
        let keep = |_: Frame<'_>| -> ControlFlow<()> { ControlFlow::Continue(()) };
        let mut parser = Parser::new(100);
        assert_eq!(parser.feed(&[b'x'; 101], keep), Err(TooLong));
        let mut parser = Parser::new(100);
        assert!(parser.feed(&[b'x'; 60], keep).is_ok());
        assert_eq!(parser.feed(&[b'x'; 60], keep), Err(TooLong));
        let mut parser = Parser::new(100);
        let line = format!("data: {}\n", "x".repeat(60));
        assert!(parser.feed(line.as_bytes(), keep).is_ok());
        assert_eq!(parser.feed(line.as_bytes(), keep), Err(TooLong));
    }

    #[test]
    fn a_break_leaves_the_rest_unread() {
        let mut seen = Vec::new();
        let flow = Parser::new(100).feed(b"data: a\n\ndata: b\n\n", |frame| {
            seen.push(frame.data.to_owned());
            ControlFlow::Break(7)
        });
        assert_eq!(flow, Ok(ControlFlow::Break(7)));
        assert_eq!(seen, ["a"]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            lines in prop::collection::vec(
                prop::sample::select(vec![
                    "data: {\"a\":1}", "data:한글 🙂", "data", "data:", ": comment", "event: error", "",
                    "", "", "id: 7", "error: x", "\u{feff}data: y", "e\u{301}: z",
                ]),
                0..24,
            ),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r"]), 24),
            sizes in prop::collection::vec(1usize..7, 1..40),
            noise in prop::collection::vec(any::<u8>(), 0..8),
        ) {
            let mut stream: Vec<u8> = Vec::new();
            for (line, end) in lines.iter().zip(&ends) {
                stream.extend_from_slice(line.as_bytes());
                stream.extend_from_slice(end.as_bytes());
            }
            stream.extend_from_slice(&noise);
            let mut chunks = Vec::new();
            let (mut rest, mut sizes) = (stream.as_slice(), sizes.iter().cycle());
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                chunks.push(chunk);
                rest = after;
            }
            prop_assert_eq!(events(chunks), events([stream.as_slice()]));
        }
    }
}
