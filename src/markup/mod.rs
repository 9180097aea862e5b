//! Markdown to rows of source ranges at a width, incrementally; and code highlighting.
