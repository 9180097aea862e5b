//! HTML as text: documents, elements that are always closed, and texts that are always escaped.
//!
//! Owns the escaping, so that no form has to think of it. What comes from a model or a file reaches a
//! page through [`Page::text`] and attribute values only, and cannot become an element there; control
//! characters and those that change the direction of text become marks.
//!
//! Invariant: what [`Page::finish`] gives is well formed, whatever was put in.

use crate::core::text::printable_lines;

/// A page that is being written.
#[derive(Debug, Default)]
pub struct Page {
    out: String,
    open: Vec<&'static str>,
}

/// How pages look.
const STYLE: &str = include_str!("page.css");

/// What the browser may do for a page: apply its style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

impl Page {
    /// Returns a document whose body is open. It has the common style and `css` of its own, no scripts and
    /// nothing to fetch, and says so to the browser.
    #[must_use]
    pub fn document(title: &str, css: &'static str) -> Self {
        let mut page = Self::default();
        page.void("!doctype html", &[]).line().open("html", &[]).line().open("head", &[]).line();
        page.void("meta", &[("charset", "utf-8")]).line();
        page.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]).line();
        page.void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]).line();
        page.element("title", &[], title).line().style(STYLE);
        if !css.is_empty() {
            page.style(css);
        }
        page.close().line().open("body", &[]).line();
        page
    }

    /// Opens an element.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self.open.push(name);
        self
    }

    /// Writes an element that has no content.
    pub fn void(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self
    }

    /// Closes the innermost element.
    pub fn close(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.out.extend(["</", name, ">"]);
        }
        self
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        escape(text, &mut self.out);
        self
    }

    /// Writes an element that holds a text.
    pub fn element(&mut self, name: &'static str, attributes: &[(&str, &str)], text: &str) -> &mut Self {
        self.open(name, attributes).text(text).close()
    }

    /// Ends a line of the source, where that changes nothing on the page.
    pub fn line(&mut self) -> &mut Self {
        self.out.push('\n');
        self
    }

    /// Writes a style sheet of this program's own.
    pub fn style(&mut self, css: &'static str) -> &mut Self {
        self.out.extend(["<style>\n", css, "</style>\n"]);
        self
    }

    /// Returns the page, all its elements closed.
    #[must_use]
    pub fn finish(mut self) -> String {
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
