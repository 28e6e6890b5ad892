//! Boxes that people write without `- [ ]`: `☐`, `☑`, `✅`, `❌`, and `[x]` in a cell of a table.

/// A box at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The box as it is written.
    pub sign: &'a str,
    /// Whether it is ticked.
    pub is_ticked: bool,
    /// The text after it.
    pub rest: &'a str,
}

const TICKED: [&str; 4] = ["☑", "✅", "✔", "✓"];
const OPEN: [&str; 9] = ["☐", "❌", "⬜", "🔲", "✗", "✘", "✖", "☒", "❎"];

/// The box that a text begins with.
pub fn mark(text: &str) -> Option<Mark<'_>> {
    let text = text.trim_start();
    let signs = TICKED.iter().map(|sign| (sign, true)).chain(OPEN.iter().map(|sign| (sign, false)));
    signs.into_iter().find_map(|(sign, is_ticked)| {
        let rest = text.strip_prefix(sign)?;
        let rest = rest.strip_prefix('\u{fe0f}').unwrap_or(rest); // "show it as an emoji"
        // A legend, such as `✅ = done`, is not a box.
        (!rest.trim_start().starts_with('=')).then(|| Mark { sign: &text[..sign.len()], is_ticked, rest: rest.trim() })
    })
}

/// The box that a cell of a table begins with: `[x]` counts there, too.
pub fn cell_mark(cell: &str) -> Option<Mark<'_>> {
    let cell = cell.trim();
    mark(cell).or_else(|| {
        let (sign, rest) = cell.split_at_checked(3)?;
        let is_ticked = matches!(sign, "[x]" | "[X]");
        (is_ticked || sign == "[ ]").then(|| Mark { sign, is_ticked, rest: rest.trim() })
    })
}
