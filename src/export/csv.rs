//! Rows of comma-separated values.
//!
//! Owns the quoting, which is RFC 4180's: fields with a comma, a quote or a line end are quoted, quotes
//! are doubled, rows end in CR LF.

/// Adds a row to a document.
pub fn push_row(out: &mut String, row: &[String]) {
    for (column, field) in row.iter().enumerate() {
        if column > 0 {
            out.push(',');
        }
        if field.contains([',', '"', '\r', '\n']) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(field);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut out = String::new();
        push_row(&mut out, &["a", "b,\"c\"", "d\ne", ""].map(str::to_owned));
        assert_eq!(out, "a,\"b,\"\"c\"\"\",\"d\ne\",\r\n");
    }
}
