//! Screens as pictures: the cells of a frame become a self-contained SVG.
//!
//! Letters are text, so that a picture can be searched and read aloud; frames and bars are shapes,
//! so that they meet whatever font the viewer has. Every piece of text is tied to its cells, wide
//! letters one by one, as no two fonts agree on their width. The same cells always give the same
//! bytes, so a test can tell whether a picture is current.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;
use tokenscope::core::text::width;

/// Cells in pixels. At 15 pixels the letters of most monospaced fonts are 9 wide.
const CELL: (u32, u32) = (9, 20);
const FONT_SIZE: u32 = 15;

/// Where letters stand in their cell, and where the lines of frames run.
const BASELINE: u32 = 15;
const LINE: u32 = 10;

/// The bar of a window, the space around its cells, and the space between windows.
const BAR: u32 = 36;
const PADDING: u32 = 10;
const GAP: u32 = 24;

/// Fonts with letters of one width, then those that have Hangul of two.
const FONTS: &str = "ui-monospace,'JetBrains Mono','SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace";
const WIDE_FONTS: &str = "'D2Coding','NanumGothicCoding','Noto Sans Mono CJK KR','Noto Sans CJK KR',\
                          'Apple SD Gothic Neo','Malgun Gothic',monospace";

/// Colours of a terminal that has its own, and of its default text and ground.
const ANSI: [[u8; 3]; 16] = [
    [0x1b, 0x1d, 0x22],
    [0xe0, 0x6c, 0x75],
    [0x8c, 0xc2, 0x65],
    [0xe5, 0xb5, 0x67],
    [0x62, 0xa0, 0xea],
    [0xc6, 0x78, 0xdd],
    [0x4f, 0xb9, 0xc7],
    [0xc3, 0xc8, 0xd0],
    [0x5c, 0x63, 0x70],
    [0xf0, 0x86, 0x8f],
    [0xa5, 0xd8, 0x80],
    [0xf2, 0xcc, 0x85],
    [0x82, 0xb8, 0xf5],
    [0xd9, 0x98, 0xea],
    [0x72, 0xd2, 0xde],
    [0xf2, 0xf4, 0xf8],
];
const DEFAULT_TEXT: [u8; 3] = [0xd7, 0xda, 0xe0];
const DEFAULT_GROUND: [u8; 3] = [0x16, 0x18, 0x1d];

/// One screen in a window of its own.
pub(crate) struct Window {
    /// What stands in the window's bar.
    pub(crate) title: String,
    /// The cells.
    pub(crate) buffer: Buffer,
    /// The cell the terminal's cursor is on.
    pub(crate) caret: Option<(u16, u16)>,
}

/// Returns windows as one picture, row by row; `title` says what it shows to those who cannot see it.
pub(crate) fn picture(title: &str, rows: &[Vec<Window>]) -> String {
    let mut pen = Pen::default();
    let (mut y, mut whole_width) = (0, 0);
    for row in rows {
        let (mut x, mut tallest) = (0, 0);
        for window in row {
            let (width, height) = pen.window(window, x, y);
            x += width + GAP;
            tallest = tallest.max(height);
        }
        whole_width = whole_width.max(x - GAP);
        y += tallest + GAP;
    }
    let whole_height = y - GAP;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole_width} {whole_height}\" \
         width=\"{whole_width}\" height=\"{whole_height}\" role=\"img\" aria-labelledby=\"title\">\n\
         <title id=\"title\">{}</title>\n<style>\ntext{{font:{FONT_SIZE}px {FONTS};white-space:pre}}\n\
         .w{{font-family:{WIDE_FONTS};text-anchor:middle}}\n.m{{text-anchor:middle}}\n",
        escaped(title)
    );
    for (number, rule) in pen.rules.iter().enumerate() {
        _ = writeln!(out, ".s{number}{{{rule}}}");
    }
    out.push_str("</style>\n");
    out.push_str(&pen.body);
    out.push_str("</svg>\n");
    out
}

/// Draws windows and collects the styles they use.
#[derive(Default)]
struct Pen {
    rules: Vec<String>,
    body: String,
}

/// The colours and weight a cell is drawn with.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    text: [u8; 3],
    ground: [u8; 3],
    modifier: Modifier,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (mut text, mut ground) = (rgb(cell.fg, DEFAULT_TEXT), rgb(cell.bg, DEFAULT_GROUND));
        if cell.modifier.contains(Modifier::REVERSED) {
            (text, ground) = (ground, text);
        }
        if cell.modifier.contains(Modifier::DIM) {
            text = between(text, ground, 45);
        }
        Self { text, ground, modifier: cell.modifier }
    }

    /// Returns the rules letters of this look have.
    fn letters(self) -> String {
        let mut rule = format!("fill:{}", hex(self.text));
        if self.modifier.contains(Modifier::BOLD) {
            rule.push_str(";font-weight:700");
        }
        if self.modifier.contains(Modifier::ITALIC) {
            rule.push_str(";font-style:italic");
        }
        rule
    }
}

impl Pen {
    /// Draws a window with its top left corner here; returns its width and height.
    fn window(&mut self, window: &Window, x: u32, y: u32) -> (u32, u32) {
        let area = window.buffer.area;
        let (columns, lines) = (u32::from(area.width), u32::from(area.height));
        let (width, height) = (columns * CELL.0 + 2 * PADDING, lines * CELL.1 + BAR + PADDING);
        let corner = Look::of(&window.buffer[(0, 0)]);
        let (ground, text) = (corner.ground, corner.text);
        let (edge, quiet) = (hex(between(ground, text, 22)), hex(between(ground, text, 55)));
        _ = write!(
            self.body,
            "<g transform=\"translate({x} {y})\">\n<rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"10\" \
             fill=\"{}\" stroke=\"{edge}\"/>\n",
            width - 1,
            height - 1,
            hex(ground),
        );
        for button in [20, 38, 56] {
            _ = write!(self.body, "<circle cx=\"{button}\" cy=\"{}\" r=\"5.5\" fill=\"{edge}\"/>", BAR / 2);
        }
        _ = writeln!(
            self.body,
            "<text class=\"m\" x=\"{}\" y=\"{}\" fill=\"{quiet}\">{}</text>",
            width / 2,
            BAR / 2 + 5,
            escaped(&window.title)
        );
        _ = writeln!(self.body, "<g transform=\"translate({PADDING} {BAR})\">");
        self.grounds(&window.buffer, ground);
        for line in 0..area.height {
            self.line(&window.buffer, line);
        }
        if let Some((column, line)) = window.caret {
            let (x, y) = (u32::from(column) * CELL.0, u32::from(line) * CELL.1);
            let fill = hex(text);
            _ = writeln!(
                self.body,
                "<rect x=\"{x}\" y=\"{}\" width=\"2\" height=\"{}\" fill=\"{fill}\"/>",
                y + 1,
                CELL.1 - 2
            );
        }
        self.body.push_str("</g>\n</g>\n");
        (width, height)
    }

    /// Returns the class of a rule, the same for the same rule.
    fn class(&mut self, rule: String) -> usize {
        self.rules.iter().position(|known| *known == rule).unwrap_or_else(|| {
            self.rules.push(rule);
            self.rules.len() - 1
        })
    }

    /// Fills the ground of cells that do not have the window's.
    fn grounds(&mut self, buffer: &Buffer, usual: [u8; 3]) {
        self.body.push_str("<g shape-rendering=\"crispEdges\">\n");
        for line in 0..buffer.area.height {
            for (start, length, ground) in runs(&line_grounds(buffer, line)) {
                if ground != usual {
                    let class = self.class(format!("fill:{}", hex(ground)));
                    self.rect(class, (start * CELL.0, u32::from(line) * CELL.1), (length * CELL.0, CELL.1));
                }
            }
        }
        self.body.push_str("</g>\n");
    }

    fn rect(&mut self, class: usize, (x, y): (u32, u32), (width, height): (u32, u32)) {
        _ = writeln!(
            self.body,
            "<rect class=\"s{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        );
    }

    fn line(&mut self, buffer: &Buffer, line: u16) {
        let mut word: Option<Word> = None;
        let mut column = 0;
        while column < buffer.area.width {
            let cell = &buffer[(column, line)];
            let (symbol, look) = (cell.symbol(), Look::of(cell));
            let at = (u32::from(column) * CELL.0, u32::from(line) * CELL.1);
            let cells = u16::try_from(width(symbol)).unwrap_or(1).max(1);
            self.lines_of_letters(look, at, cells);
            let is_ascii = matches!(symbol.as_bytes(), [0x21..0x7f]);
            if matches!(symbol, "█" | "░" | "─") {
                self.word(word.take());
                column = self.stretch(buffer, (column, line), look);
                continue;
            }
            match word.as_mut().filter(|open| is_ascii && open.look == look) {
                Some(open) => open.text.push_str(symbol),
                None => {
                    self.word(word.take());
                    match symbol {
                        " " => {}
                        _ if is_ascii => word = Some(Word { text: symbol.to_owned(), look, at }),
                        _ => self.sign(symbol, look, at, u32::from(cells)),
                    }
                }
            }
            column += cells;
        }
        self.word(word);
    }

    /// Draws the lines under and through letters.
    fn lines_of_letters(&mut self, look: Look, (x, y): (u32, u32), cells: u16) {
        let lines = [(Modifier::UNDERLINED, BASELINE + 2), (Modifier::CROSSED_OUT, BASELINE - 5)];
        for (modifier, offset) in lines {
            if look.modifier.contains(modifier) {
                let class = self.class(format!("fill:{}", hex(look.text)));
                self.rect(class, (x, y + offset), (u32::from(cells) * CELL.0, 1));
            }
        }
    }

    fn word(&mut self, word: Option<Word>) {
        let Some(Word { text, look, at: (x, y) }) = word else { return };
        let class = self.class(look.letters());
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX) * CELL.0;
        // One letter cannot be spaced.
        let fit = if text.len() > 1 { format!(" textLength=\"{length}\"") } else { String::new() };
        _ = writeln!(
            self.body,
            "<text class=\"s{class}\" x=\"{x}\" y=\"{}\"{fit}>{}</text>",
            y + BASELINE,
            escaped(&text)
        );
    }

    /// Draws a sign that goes on over several cells as one shape, as pieces side by side would show
    /// seams; returns the column after it.
    fn stretch(&mut self, buffer: &Buffer, (column, line): (u16, u16), look: Look) -> u16 {
        let symbol = buffer[(column, line)].symbol();
        let at =
            |column: u16| buffer.cell((column, line)).filter(|cell| Look::of(cell) == look).map(Cell::symbol);
        let mut end = (column..buffer.area.width)
            .find(|column| at(*column) != Some(symbol))
            .unwrap_or(buffer.area.width);
        let (x, y) = (u32::from(column) * CELL.0, u32::from(line) * CELL.1);
        let mut width = f64::from(u32::from(end - column) * CELL.0);
        let (mut colour, mut top, mut height) = (look.text, y, CELL.1);
        match symbol {
            "─" => (top, height) = (y + LINE, 1),
            "░" => colour = between(look.ground, look.text, 40),
            // A bar ends with a part of a cell.
            _ => {
                if let Some((0, eighths)) = at(end).and_then(block) {
                    width += eighths_of_cell(eighths);
                    end += 1;
                }
            }
        }
        let class = self.class(format!("fill:{}", hex(colour)));
        _ = writeln!(
            self.body,
            "<rect class=\"s{class}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>"
        );
        end
    }

    /// Draws what is no ASCII: lines and blocks as shapes, letters in the middle of their cells.
    fn sign(&mut self, symbol: &str, look: Look, (x, y): (u32, u32), cells: u32) {
        if let Some(path) = frame_path(symbol, x, y) {
            let class = self.class(format!("fill:none;stroke:{}", hex(look.text)));
            _ = writeln!(self.body, "<path class=\"s{class}\" d=\"{path}\"/>");
            return;
        }
        if let Some((left, eighths)) = block(symbol) {
            let class = self.class(format!("fill:{}", hex(look.text)));
            let (x, width) = (f64::from(x) + eighths_of_cell(left), eighths_of_cell(eighths));
            let height = CELL.1;
            _ = writeln!(
                self.body,
                "<rect class=\"s{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
            );
            return;
        }
        if let Some(path) = braille_path(symbol, x, y) {
            let class = self.class(format!("fill:{}", hex(look.text)));
            _ = writeln!(self.body, "<path class=\"s{class}\" d=\"{path}\"/>");
            return;
        }
        let class = self.class(look.letters());
        let family = if cells > 1 { "w" } else { "m" };
        let middle = f64::from(x) + f64::from(cells * CELL.0) / 2.0;
        _ = writeln!(
            self.body,
            "<text class=\"{family} s{class}\" x=\"{middle}\" y=\"{}\">{}</text>",
            y + BASELINE,
            escaped(symbol)
        );
    }
}

/// ASCII of one look without a space, which is drawn as one piece.
struct Word {
    text: String,
    look: Look,
    at: (u32, u32),
}

/// Returns the ground of each cell of a line. A terminal draws a wide letter over the cell behind it,
/// so that one has the letter's.
fn line_grounds(buffer: &Buffer, line: u16) -> Vec<[u8; 3]> {
    let mut grounds = Vec::new();
    while let Some(cell) = buffer.cell((u16::try_from(grounds.len()).unwrap_or(u16::MAX), line)) {
        grounds.extend(vec![Look::of(cell).ground; width(cell.symbol()).max(1)]);
    }
    grounds
}

/// Returns runs of equal values: start, length, value.
fn runs(values: &[[u8; 3]]) -> Vec<(u32, u32, [u8; 3])> {
    let mut out: Vec<(u32, u32, [u8; 3])> = Vec::new();
    for (at, value) in (0..).zip(values) {
        match out.last_mut() {
            Some((_, length, known)) if known == value => *length += 1,
            _ => out.push((at, 1, *value)),
        }
    }
    out
}

/// Returns the path of a sign that is part of a frame or a table.
fn frame_path(symbol: &str, x: u32, y: u32) -> Option<String> {
    let (left, right, top, bottom) = (x, x + CELL.0, y, y + CELL.1);
    // Lines of one pixel are sharp where they run through the middle of pixels.
    let (middle, centre) = (f64::from(x) + 4.5, f64::from(y + LINE) + 0.5);
    let radius = 4.5;
    let corner = |from_y: u32, to_x: u32, turn: u8| {
        let bend = if from_y == bottom { centre + radius } else { centre - radius };
        format!("M{middle} {from_y}V{bend}A{radius} {radius} 0 0 {turn} {to_x} {centre}")
    };
    let (across, down) = (format!("M{left} {centre}H{right}"), format!("M{middle} {top}V{bottom}"));
    Some(match symbol {
        "│" => down,
        "╭" => corner(bottom, right, 1),
        "╮" => corner(bottom, left, 0),
        "╰" => corner(top, right, 0),
        "╯" => corner(top, left, 1),
        "├" => format!("{down}M{middle} {centre}H{right}"),
        "┤" => format!("{down}M{left} {centre}H{middle}"),
        "┬" => format!("{across}M{middle} {centre}V{bottom}"),
        "┴" => format!("{across}M{middle} {top}V{centre}"),
        "┼" => format!("{across}{down}"),
        _ => return None,
    })
}

/// Returns the path of a sign of dots, which many fonts do not have.
fn braille_path(symbol: &str, x: u32, y: u32) -> Option<String> {
    /// Column and row of the dots, by the bits of the sign's number.
    const DOTS: [(u32, u32); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    let bits = u32::from(symbol.chars().next()?).checked_sub(0x2800).filter(|bits| *bits < 0x100)?;
    let mut path = String::new();
    for (_, (column, row)) in (0..).zip(DOTS).filter(|(bit, _)| bits & (1 << bit) != 0) {
        _ = write!(path, "M{} {}h2v2h-2z", x + 2 + column * 4, y + 3 + row * 4);
    }
    Some(path)
}

/// Returns where a block begins and how wide it is, in eighths of a cell.
fn block(symbol: &str) -> Option<(u32, u32)> {
    const LEFT: [&str; 8] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
    if symbol == "▕" {
        return Some((7, 1));
    }
    (1..).zip(LEFT).find(|(_, block)| *block == symbol).map(|(eighths, _)| (0, eighths))
}

fn eighths_of_cell(eighths: u32) -> f64 {
    f64::from(eighths * CELL.0) / 8.0
}

fn rgb(colour: Color, default: [u8; 3]) -> [u8; 3] {
    match colour {
        Color::Rgb(red, green, blue) => [red, green, blue],
        Color::Black => ANSI[0],
        Color::Red => ANSI[1],
        Color::Green => ANSI[2],
        Color::Yellow => ANSI[3],
        Color::Blue => ANSI[4],
        Color::Magenta => ANSI[5],
        Color::Cyan => ANSI[6],
        Color::Gray => ANSI[7],
        Color::DarkGray => ANSI[8],
        Color::LightRed => ANSI[9],
        Color::LightGreen => ANSI[10],
        Color::LightYellow => ANSI[11],
        Color::LightBlue => ANSI[12],
        Color::LightMagenta => ANSI[13],
        Color::LightCyan => ANSI[14],
        Color::White => ANSI[15],
        // Pictures are drawn with all colours, so no theme is reduced to the palette of 256.
        Color::Indexed(_) | Color::Reset => default,
    }
}

/// Returns the colour a number of percent of the way from one to another.
fn between(from: [u8; 3], to: [u8; 3], percent: i32) -> [u8; 3] {
    let mix = |index: usize| {
        let (from, to) = (i32::from(from[index]), i32::from(to[index]));
        u8::try_from(from + (to - from) * percent / 100).unwrap_or(u8::MAX)
    };
    [mix(0), mix(1), mix(2)]
}

fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
