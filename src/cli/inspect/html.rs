//! An answer as one page for a browser: a heat map of its text, and everything behind it as tables.
//!
//! Owns the page's parts. It is one file without scripts and without anything to fetch, and says so to
//! the browser. What a colour says is said by an underline and a digit too, and without any style the
//! parts are still headings, text and tables.

use super::band;
use super::inspection::{Inspection, NONE, entropy, margin, probability, shown, shown_text};
use crate::core::cut::Fate;
use crate::core::figure;
use crate::core::group::Group;
use crate::core::heat::{Level, SURPRISAL_LEGEND};
use crate::core::probability::{Position, surprisal_bits};
use crate::core::stretch::{Stretch, stretches};
use crate::core::text::{fit, width};
use crate::core::token::Token;
use crate::core::what_if::Outcome;
use crate::export::page::Page;
use crate::structured::tree::Tree;

/// From this level on a digit stands beside the text: below, most tokens would have one.
const NUMBERED: usize = 2;

/// Stands beside a token that the what-if would cut.
const CUT: &str = "cut";

/// Most close calls that are shown at once; more are unfolded.
const UNFOLDED: usize = 10;

/// Cells of the bars beside a token.
const BAR: f64 = 16.0;

/// Most cells of a JSON value.
const VALUE_CELLS: usize = 80;

/// Returns the document.
pub(super) fn document(inspection: &Inspection<'_>) -> String {
    let title = format!("Token probabilities · {}", fit(&inspection.run.request.model, 60));
    let mut page = Page::document(&title, "");
    header(&mut page, inspection);
    answer(&mut page, inspection);
    close_calls(&mut page, inspection);
    if let Some(tree) = inspection.tree() {
        values(&mut page, inspection, &tree);
    }
    tokens(&mut page, inspection);
    page.finish()
}

fn header(page: &mut Page, inspection: &Inspection<'_>) {
    page.open("header", &[]).element("h1", &[], "Token probabilities").line();
    page.element("p", &[], &inspection.summary()).line();
    page.element("p", &[("class", "dim")], &inspection.origin()).line();
    for line in inspection.notes() {
        page.element("p", &[("class", "note")], &line).line();
    }
    page.close().line();
}

fn answer(page: &mut Page, inspection: &Inspection<'_>) {
    page.open("section", &[]).element("h2", &[], "Answer").line();
    page.element(
        "p",
        &[("class", "dim")],
        "The stronger the mark, the less the model expected the token. Point at one for what else there was, \
         or follow it to its row.",
    );
    page.line().open("div", &[("class", "answer"), ("dir", "auto")]);
    // The text is the tokens' where both agree, and the answer's own where they do not.
    let run = inspection.run;
    for stretch in stretches(&run.text, run.alignment(), &inspection.groups) {
        match stretch {
            Stretch::Told(group) => cell(page, inspection, group),
            Stretch::Differs { tokens, text } => {
                let text = run.text.get(text).unwrap_or("\u{fffd}");
                if tokens.is_empty() {
                    let title = "No token was reported for this";
                    page.element("span", &[("class", "unread"), ("title", title)], text);
                } else {
                    let row = format!("#t{}", tokens.start + 1);
                    let title = "The tokens reported for this have another text";
                    page.element("a", &[("class", "unread"), ("href", &row), ("title", title)], text);
                }
            }
        }
    }
    if inspection.groups.is_empty() {
        page.text(&run.text);
    }
    page.close().line();
    legend(page, inspection);
    page.close().line();
}

/// Writes what the marks mean.
fn legend(page: &mut Page, inspection: &Inspection<'_>) {
    page.open("ul", &[("class", "legend")]).open("li", &[]).text("Step and surprisal in bits, from").close();
    for (level, from) in Level::all().zip(SURPRISAL_LEGEND) {
        page.open("li", &[]).open("b", &[("class", &class(level))]).text(from);
        number(page, level);
        page.close().close();
    }
    if inspection.what_if().is_some() {
        page.open("li", &[]).element("sup", &[], CUT).text(" the what-if would cut it").close();
    }
    page.close().line();
}

fn class(level: Level) -> String {
    format!("h{}", level.index())
}

fn number(page: &mut Page, level: Level) {
    if level.index() >= NUMBERED {
        page.element("sup", &[], &level.index().to_string());
    }
}

/// Writes one cell of the heat map.
fn cell(page: &mut Page, inspection: &Inspection<'_>, group: &Group) {
    let tokens = &inspection.run.tokens[group.tokens.clone()];
    let level = inspection.run.joint_logprob(group.tokens.clone()).map(Level::of_surprisal);
    let row = format!("#t{}", group.tokens.start + 1);
    let heat = level.map(class).unwrap_or_default();
    let told: Vec<String> = tokens.iter().map(|token| alternatives(inspection, token)).collect();
    page.open("a", &[("class", &heat), ("href", &row), ("data-alternatives", &told.join("\n"))]);
    // A line end alone would be nothing to point at.
    page.text(&group.text.replace('\n', "⏎\n"));
    if let Some(level) = level {
        number(page, level);
    }
    if tokens.iter().any(|token| is_cut(inspection, token)) {
        page.element("sup", &[], CUT);
    }
    page.close();
}

fn is_cut(inspection: &Inspection<'_>, token: &Token) -> bool {
    matches!(inspection.outcome(token), Some(Ok(outcome)) if outcome.chosen.fate == Fate::Cut)
}

/// Returns what is shown beside a token that is pointed at: the candidates with bars, a line for each.
fn alternatives(inspection: &Inspection<'_>, token: &Token) -> String {
    let outcome = inspection.outcome(token).and_then(Result::ok);
    let own = format!("{}  {}", shown(&token.piece), probability(token.logprob));
    let mut lines = vec![match token.logprob {
        Some(logprob) => format!("{own}  {}", figure::bits(surprisal_bits(logprob))),
        None => own,
    }];
    let shown: Vec<(String, &crate::core::token::Candidate)> =
        token.candidates.iter().take(inspection.top).map(|c| (shown(&c.piece), c)).collect();
    let widest = shown.iter().map(|(name, _)| width(name)).chain(["unseen".len()]).max().unwrap_or(0);
    for (index, (name, candidate)) in shown.iter().enumerate() {
        let mark = if token.chosen() == Some(index) { "▸" } else { " " };
        let space = " ".repeat(widest - width(name));
        let mut line = format!("{mark} {name}{space} {:>8}", probability(candidate.logprob));
        match &outcome {
            Some(outcome) => line.push_str(&format!("  → {}", band::share(outcome.candidates[index]))),
            None => line.push_str(&format!("  {}", bar(candidate.logprob.map_or(0.0, f64::exp)))),
        }
        lines.push(line);
    }
    if let Some(tail) = Position::new(token).tail() {
        let space = " ".repeat(widest - "unseen".len());
        let mut line = format!("  unseen{space} {:>8}", figure::percent(tail));
        if let Some(outcome) = &outcome {
            line.push_str(&format!("  → {}", figure::interval(outcome.tail)));
        }
        lines.push(line);
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn bar(share: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of sixteen cells")]
    let cells = (share.clamp(0.0, 1.0) * BAR).round() as usize;
    "█".repeat(cells)
}

fn close_calls(page: &mut Page, inspection: &Inspection<'_>) {
    if inspection.close_calls.is_empty() {
        return;
    }
    let is_long = inspection.close_calls.len() > UNFOLDED;
    page.open("details", if is_long { &[] } else { &[("open", "")] });
    page.open("summary", &[]).element("h2", &[], "Close calls");
    page.text(&format!(" {}", inspection.close_calls.len())).close().line();
    table(
        page,
        "Tokens that were not the most probable or less than twice as probable as another, the closest first",
        &["n", "", "n", "", "n", "n"],
        &["#", "token", "probability", "instead", "probability", "margin"],
    );
    for call in &inspection.close_calls {
        let token = &inspection.run.tokens[call.index];
        let other = Position::new(token).runner_up();
        let row = format!("#t{}", call.index + 1);
        page.open("tr", &[]).open("td", &[("class", "n")]);
        page.element("a", &[("href", &row)], &(call.index + 1).to_string()).close();
        code(page, &shown(&token.piece));
        figure_cell(page, &probability(token.logprob));
        code(page, &other.map_or(NONE.to_owned(), |other| shown(&other.piece)));
        figure_cell(page, &probability(other.and_then(|other| other.logprob)));
        figure_cell(page, &margin(call));
        page.close().line();
    }
    // The body, the table, what may scroll, what may be folded.
    page.close().close().close().close().line();
}

/// Opens a table with its headings, and its body.
fn table(page: &mut Page, caption: &str, classes: &[&str], headings: &[&str]) {
    page.open("div", &[("class", "wide")]).open("table", &[]).element("caption", &[], caption).line();
    page.open("thead", &[]).open("tr", &[]);
    for (heading, class) in headings.iter().zip(classes) {
        page.element("th", &[("scope", "col"), ("class", class)], heading);
    }
    page.close().close().line().open("tbody", &[]).line();
}

fn figure_cell(page: &mut Page, text: &str) {
    page.element("td", &[("class", "n")], text);
}

fn code(page: &mut Page, text: &str) {
    page.open("td", &[]).element("code", &[], text).close();
}

/// Writes the values of an answer that is JSON.
fn values(page: &mut Page, inspection: &Inspection<'_>, tree: &Tree) {
    page.open("section", &[]).element("h2", &[], "JSON values").line();
    let told = tree.document.fault.iter().map(ToString::to_string);
    let verdict = tree.verdict.iter().flat_map(|verdict| &verdict.violations);
    for line in told.chain(verdict.map(ToString::to_string)).chain(tree.note().map(str::to_owned)) {
        page.element("p", &[("class", "note")], &line).line();
    }
    table(
        page,
        "How sure the model was of each value: of all its tokens in a row, the quote that ends a text \
         included. A number has no sign of its own that ends it: counted is the chance that the next token \
         does not go on with it, an interval where that is not all known.",
        &["", "", "n", "", "n"],
        &["path", "value", "probability", "least certain token", "its probability"],
    );
    for (index, row) in tree.rows.iter().enumerate() {
        let Some(confidence) = &row.confidence else { continue };
        page.open("tr", &[]);
        code(page, &fit(&tree.document.path(index), VALUE_CELLS));
        code(page, &fit(&row.value, VALUE_CELLS));
        figure_cell(page, &confidence.probability.map_or(NONE.to_owned(), figure::interval));
        let lowest =
            confidence.lowest.and_then(|lowest| Some((lowest, inspection.run.tokens.get(lowest.token)?)));
        match lowest {
            Some((lowest, token)) => {
                let target = format!("#t{}", lowest.token + 1);
                page.open("td", &[]).open("a", &[("href", &target)]);
                page.element("code", &[], &shown(&token.piece)).close().close();
                figure_cell(page, &probability(Some(lowest.logprob)));
            }
            None => {
                page.element("td", &[], NONE);
                figure_cell(page, NONE);
            }
        }
        page.close().line();
    }
    page.close().close().close().close().line();
}

/// Writes the table of all tokens.
fn tokens(page: &mut Page, inspection: &Inspection<'_>) {
    if inspection.groups.is_empty() {
        return;
    }
    page.open("section", &[]).element("h2", &[], "Tokens").line();
    let caption = "▸ marks what was chosen; unseen is what the server did not return";
    let mut classes = vec!["n", "", "n", "n", "n", "n", ""];
    let mut headings = vec!["#", "token", "probability", "surprisal", "rank", "entropy", "candidates"];
    if let Some(asked) = inspection.asked.filter(|asked| asked.what_if.is_ok()) {
        classes.splice(3..3, ["n", ""]);
        let heading = asked.reshaping.to_string();
        headings.splice(3..3, ["what if", "exact"]);
        table(page, &format!("{caption}; → is what it would be at {heading}"), &classes, &headings);
    } else {
        table(page, caption, &classes, &headings);
    }
    for group in &inspection.groups {
        let tokens = &inspection.run.tokens[group.tokens.clone()];
        if tokens.len() > 1 {
            joined(page, inspection, group, tokens);
        }
        for (index, token) in group.tokens.clone().zip(tokens) {
            // The row of a joined group has the place of its first token.
            let id = (tokens.len() == 1 || index > group.tokens.start).then_some(index);
            row(page, inspection, index, id, token);
        }
    }
    page.close().close().close().close().line();
}

/// Writes the row of a character that came in pieces: what they have together.
fn joined(page: &mut Page, inspection: &Inspection<'_>, group: &Group, tokens: &[Token]) {
    let joint = inspection.run.joint_logprob(group.tokens.clone());
    page.open("tr", &[("id", &format!("t{}", group.tokens.start + 1))]);
    figure_cell(page, &format!("{}–{}", group.tokens.start + 1, group.tokens.end));
    code(page, &format!("{} ×{}", shown_text(&group.text), tokens.len()));
    figure_cell(page, &probability(joint));
    if inspection.what_if().is_some() {
        figure_cell(page, &inspection.joint_band(tokens).map_or(NONE.to_owned(), figure::interval));
        page.element("td", &[], "");
    }
    figure_cell(page, &joint.map_or(NONE.to_owned(), |joint| figure::bits(surprisal_bits(joint))));
    figure_cell(page, NONE);
    figure_cell(page, NONE);
    page.element("td", &[("class", "dim")], "one character in pieces, which follow").close().line();
}

fn row(page: &mut Page, inspection: &Inspection<'_>, index: usize, id: Option<usize>, token: &Token) {
    let outcome = inspection.outcome(token).map(Result::ok);
    let id = id.map(|index| format!("t{}", index + 1));
    let own: Vec<(&str, &str)> = id.iter().map(|id| ("id", id.as_str())).collect();
    page.open("tr", &own);
    figure_cell(page, &(index + 1).to_string());
    code(page, &shown(&token.piece));
    figure_cell(page, &probability(token.logprob));
    if let Some(outcome) = &outcome {
        let chosen = outcome.as_ref().map_or(NONE.to_owned(), |outcome| band::share(outcome.chosen));
        figure_cell(page, &chosen);
        let exact =
            outcome.as_ref().map_or(NONE.to_owned(), |outcome| figure::exactness(outcome.chosen.band));
        page.element("td", &[("class", "exact")], &exact);
    }
    let surprisal = token.logprob.map_or(NONE.to_owned(), |logprob| figure::bits(surprisal_bits(logprob)));
    let heat = token.logprob.map(|logprob| class(Level::of_surprisal(logprob))).unwrap_or_default();
    page.element("td", &[("class", &format!("n {heat}"))], &surprisal);
    figure_cell(page, &Position::new(token).rank_text());
    figure_cell(page, &entropy(token, inspection.meaning.vocabulary));
    candidates(page, inspection, token, outcome.flatten().as_ref());
    page.close().line();
}

fn candidates(page: &mut Page, inspection: &Inspection<'_>, token: &Token, outcome: Option<&Outcome>) {
    page.open("td", &[]).open("ul", &[("class", "candidates")]);
    for (index, candidate) in token.candidates.iter().enumerate().take(inspection.top) {
        let is_chosen = token.chosen() == Some(index);
        let share = outcome.map(|outcome| outcome.candidates[index]);
        let is_gone = share.is_some_and(|share| share.fate == Fate::Cut);
        let class = match (is_chosen, is_gone) {
            (true, true) => "chosen gone",
            (true, false) => "chosen",
            (false, true) => "gone",
            (false, false) => "",
        };
        let bar = format!("--share:{:.1}%", candidate.logprob.map_or(0.0, f64::exp) * 100.0);
        page.open("li", &[("class", class), ("style", &bar)]);
        page.text(if is_chosen { "▸ " } else { "" }).element("code", &[], &shown(&candidate.piece));
        page.text(&format!(" {}", probability(candidate.logprob)));
        if let Some(share) = share {
            page.text(&format!(" → {}", band::share(share)));
        }
        page.close();
    }
    if let Some(tail) = Position::new(token).tail() {
        page.open("li", &[("class", "unseen")]).text(&format!("unseen {}", figure::percent(tail)));
        if let Some(outcome) = outcome {
            page.text(&format!(" → {}", figure::interval(outcome.tail)));
        }
        page.close();
    }
    page.close().close();
}
