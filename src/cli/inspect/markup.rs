//! HTML as text: elements that are always closed, and texts that are always escaped.
//!
//! Owns the escaping, so that no form has to think of it. What comes from a model or a file reaches a
//! page through [`Page::text`] and attribute values only, and cannot become an element there; control
//! characters and those that change the direction of text become marks.
//!
//! Invariant: what [`Page::finish`] gives is well formed, whatever was put in.

use crate::core::text::printable_lines;

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Page {
    out: String,
    open: Vec<&'static str>,
}

impl Page {
    /// Opens an element.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self.open.push(name);
        self
    }

    /// Writes an element that has no content.
    pub(super) fn void(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self
    }

    /// Closes the innermost element.
    pub(super) fn close(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.out.extend(["</", name, ">"]);
        }
        self
    }

    /// Writes a text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape(text, &mut self.out);
        self
    }

    /// Writes an element that holds a text.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&str, &str)],
        text: &str,
    ) -> &mut Self {
        self.open(name, attributes).text(text).close()
    }

    /// Ends a line of the source, where that changes nothing on the page.
    pub(super) fn line(&mut self) -> &mut Self {
        self.out.push('\n');
        self
    }

    /// Writes a style sheet of this program's own.
    pub(super) fn style(&mut self, css: &'static str) -> &mut Self {
        self.out.extend(["<style>\n", css, "</style>\n"]);
        self
    }

    /// Returns the page, all its elements closed.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out.push('\n');
        self.out
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out.extend(["<", name]);
        for (attribute, value) in attributes {
            self.out.extend([" ", attribute, "=\""]);
            escape(value, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }
}

/// Adds a text as it may stand in an element or in a quoted attribute.
fn escape(text: &str, out: &mut String) {
    for c in printable_lines(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_open_is_closed_in_order() {
        let mut page = Page::default();
        page.open("p", &[("title", "\"><script>")]).text("a<b>&'").open("b", &[]);
        assert_eq!(page.finish(), "<p title=\"&quot;&gt;&lt;script&gt;\">a&lt;b&gt;&amp;&#39;<b></b></p>\n");
    }

    proptest! {
        /// No text opens or ends anything, nor acts on what stands around it.
        #[test]
        fn texts_stay_texts(text in any::<String>()) {
            let mut page = Page::default();
            page.open("p", &[("title", &text)]).text(&text);
            let written = page.finish();
            prop_assert_eq!(written.matches('<').count(), 2);
            prop_assert_eq!(written.matches('"').count(), 2);
            let acts = ['\0', '\u{1b}', '\u{202e}', '\u{2066}'];
            prop_assert!(!written.contains(acts));
        }
    }
}
