//! What stands for a character where the terminal shows nothing beyond ASCII.
//!
//! Owns one table, of the signs the program writes itself. A stand-in takes one cell, as the sign does, so
//! nothing measured elsewhere moves; all else becomes `?` in each of its cells.

/// Signs and what stands for them.
const STAND_INS: [(&str, &str); 17] = [
    ("·│┃", "|"),
    ("─–—━", "-"),
    ("┼├┤╭╮╰╯┌┐└┘⇧", "+"),
    ("≈±", "~"),
    ("≤←‹⌫⟨", "<"),
    ("≥→›▸►⇥↳⟩", ">"),
    ("↑␍", "^"),
    ("↓▾▼", "v"),
    ("×", "x"),
    ("…◦", "."),
    ("•●▪★", "*"),
    ("╱", "/"),
    ("✓", "+"),
    ("✗", "!"),
    ("␣", "_"),
    ("⏎␊", "$"),
    ("▌█▐", "#"),
];

/// The spinner's steps, which turn here as they do there.
const TURNS: [(&str, &str); 4] = [("⣾⡿", "/"), ("⣽⣟", "-"), ("⣻⣯", "\\"), ("⢿⣷", "|")];

/// Returns what is drawn in each cell of a sign.
pub(super) fn stand_in(sign: &str) -> &'static str {
    let mut known = STAND_INS.iter().chain(&TURNS);
    known.find(|(signs, _)| signs.contains(sign)).map_or("?", |(_, stand_in)| stand_in)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::SPINNER;
    use crate::core::text::width;

    #[test]
    fn every_sign_has_one_cell_and_so_has_what_stands_for_it() {
        for (signs, stand_in) in STAND_INS.iter().chain(&TURNS) {
            assert!(
                stand_in.len() == 1 && signs.chars().all(|sign| width(&sign.to_string()) == 1),
                "{signs}"
            );
        }
        assert_eq!(SPINNER.map(stand_in).concat(), "/-\\|/-\\|");
        assert_eq!(["·", "≤", "␣", "–", "≈", "×", "→", "가"].map(stand_in).concat(), "|<_-~x>?");
    }
}
