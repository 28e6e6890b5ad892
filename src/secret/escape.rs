//! Undoes escapes in a text: any character of a secret may be escaped where a program prints it, in several notations.

use std::cell::Cell;
use std::ops::Range;

use super::entity;

/// A way to write characters.
#[derive(Debug, Clone, Copy)]
enum Notation {
    /// In JSON and string literals: `\"`, `\n`, `\u002B`, `\u{2b}`, `\x2b`, `\053`.
    Backslash,
    /// In HTML and XML: `&lt;`, `&#43;`, `&#x2B;`.
    Entity,
    /// In URLs: `%2B`, `%u002B`.
    Percent,
}

/// Each can be inside any other: what one undoes may be an escape of the next.
const NOTATIONS: [Notation; 3] = [Notation::Backslash, Notation::Entity, Notation::Percent];

/// How often each notation is undone: a line of a log in JSON may contain a text that is JSON, and a reason quotes it.
const ROUNDS: usize = 4;

/// A text whose escapes are undone.
struct Layer {
    text: String,
    /// Where each escape ended: in this text, and in the one before.
    ends: Vec<(usize, usize)>,
}

/// The end of a text that is the first byte of a longer character, escaped.
#[derive(Clone, Copy)]
enum End<'a> {
    /// The character was cut off: it is left as it is, and noted here.
    Cut(&'a Cell<bool>),
    /// It is a character of Latin-1: `\xe9` is `é`.
    Whole,
}

/// Passes on the text with its escapes undone, one notation after another, beginning with each of them, and the way
/// back from a range in it to the range in the original. Nothing where the text has no escapes.
pub fn undo(text: &str, mut report: impl FnMut(&str, &dyn Fn(Range<usize>) -> Range<usize>)) {
    let (mut seen, is_cut) = (Vec::new(), Cell::new(false));
    undo_until(End::Cut(&is_cut), text, &mut seen, &mut report);
    if is_cut.get() {
        undo_until(End::Whole, text, &mut seen, &mut report);
    }
}

fn undo_until(
    end: End,
    text: &str,
    seen: &mut Vec<String>,
    report: &mut impl FnMut(&str, &dyn Fn(Range<usize>) -> Range<usize>),
) {
    for first in 0..NOTATIONS.len() {
        let mut layers: Vec<Layer> = Vec::new();
        for turn in 0..NOTATIONS.len() * ROUNDS {
            let before = layers.last().map_or(text, |layer| &layer.text);
            let Some(layer) = NOTATIONS[(first + turn) % NOTATIONS.len()].undo(before, end) else {
                if turn == 0 {
                    break; // the next one begins with the same
                }
                continue;
            };
            layers.push(layer);
            let current = &layers[layers.len() - 1].text;
            if !seen.contains(current) {
                report(current, &|range| layers.iter().rev().fold(range, |range, layer| layer.origin(&range)));
                seen.push(current.clone());
            }
        }
    }
}

/// The length of what may be the beginning of an escape: a text that was cut off may end with it.
pub fn broken(text: &str) -> usize {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some((byte, length)) = any_byte(&text[at..]).filter(|_| bytes.len() < 3) {
        bytes.push(byte);
        at += length;
    }
    // The first bytes of a character, each escaped.
    let is_part =
        std::str::from_utf8(&bytes).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none());
    if is_part { at + beginning(&text[at..]) } else { beginning(text) }
}

fn beginning(text: &str) -> usize {
    let Some(rest) = text.get(1..) else { return 0 };
    let digits = |rest: &str, most: usize| rest.bytes().take(most).take_while(u8::is_ascii_hexdigit).count();
    match text.as_bytes()[0] {
        b'\\' | b'%' if rest.starts_with('u') => 2 + digits(&rest[1..], 3),
        b'\\' if rest.starts_with('x') => 2 + digits(&rest[1..], 1),
        b'\\' => 1 + digits(rest, 2),
        b'%' => 1 + digits(rest, 1),
        b'&' => {
            let number = usize::from(rest.starts_with('#'));
            let is_name = u8::is_ascii_alphanumeric;
            1 + number + rest[number..].bytes().take(entity::LONGEST).take_while(is_name).count()
        }
        _ => 0,
    }
}

impl Layer {
    /// Where a range of this text was in the one before.
    fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let of = |at: usize| {
            let before = self.ends.partition_point(|(end, _)| *end <= at);
            let (end, origin) = before.checked_sub(1).map_or((0, 0), |last| self.ends[last]);
            origin + (at - end)
        };
        of(range.start)..of(range.end)
    }
}

impl Notation {
    /// Nothing where the text has no such escape.
    fn undo(self, before: &str, text_end: End) -> Option<Layer> {
        let intro = match self {
            Self::Backslash => '\\',
            Self::Entity => '&',
            Self::Percent => '%',
        };
        let mut layer = Layer { text: String::new(), ends: Vec::new() };
        let (mut copied, mut at) = (0, 0);
        while let Some(next) = before[at..].find(intro) {
            at += next;
            let Some((c, length)) = self.character(&before[at..], text_end) else {
                at += 1;
                continue;
            };
            layer.text.push_str(&before[copied..at]);
            layer.text.push(c);
            at += length;
            copied = at;
            layer.ends.push((layer.text.len(), at));
        }
        if layer.ends.is_empty() {
            return None;
        }
        layer.text.push_str(&before[copied..]);
        Some(layer)
    }

    /// The character whose escape the text begins with, and the length of the escape.
    fn character(self, text: &str, end: End) -> Option<(char, usize)> {
        match self {
            Self::Backslash => backslash(text, end),
            Self::Entity => entity::character(text),
            Self::Percent => utf16(text, |text| hexadecimal(text, "%u", 4))
                .or_else(|| utf8(text, end, |text| byte(hexadecimal(text, "%", 2)?))),
        }
    }
}

fn backslash(text: &str, end: End) -> Option<(char, usize)> {
    let next = text[1..].chars().next()?;
    match next {
        'u' => utf16(text, |text| hexadecimal(text, "\\u", 4)).or_else(|| {
            let rest = text.strip_prefix("\\u{")?;
            let digits = &rest[..rest.bytes().take(6).take_while(u8::is_ascii_hexdigit).count()];
            let code = u32::from_str_radix(digits, 16).ok().filter(|_| rest[digits.len()..].starts_with('}'))?;
            Some((char::from_u32(code)?, "\\u{}".len() + digits.len()))
        }),
        'x' => utf8(text, end, |text| byte(hexadecimal(text, "\\x", 2)?)),
        '0'..='7' => utf8(text, end, octal).or((next == '0').then_some(('\0', 2))),
        'n' => Some(('\n', 2)),
        'r' => Some(('\r', 2)),
        't' => Some(('\t', 2)),
        'b' => Some(('\u{8}', 2)),
        'f' => Some(('\u{c}', 2)),
        c => Some((c, 1 + c.len_utf8())),
    }
}

/// The number of this many hexadecimal digits after the prefix, and the length of both.
fn hexadecimal(text: &str, prefix: &str, digits: usize) -> Option<(u16, usize)> {
    let number =
        text.strip_prefix(prefix)?.get(..digits).filter(|found| found.bytes().all(|c| c.is_ascii_hexdigit()))?;
    Some((u16::from_str_radix(number, 16).ok()?, prefix.len() + digits))
}

fn octal(text: &str) -> Option<(u8, usize)> {
    let digits = text.strip_prefix('\\')?.get(..3).filter(|found| found.bytes().all(|c| c.is_ascii_digit()))?;
    Some((u8::from_str_radix(digits, 8).ok()?, 4))
}

fn byte((number, length): (u16, usize)) -> Option<(u8, usize)> {
    Some((u8::try_from(number).ok()?, length))
}

/// A character of one or two UTF-16 units, each escaped.
fn utf16(text: &str, unit: impl Fn(&str) -> Option<(u16, usize)>) -> Option<(char, usize)> {
    let (first, length) = unit(text)?;
    match unit(&text[length..]).filter(|_| (0xd800..0xdc00).contains(&first)) {
        Some((second, more)) => {
            let c = char::decode_utf16([first, second]).next()?.ok()?;
            Some((c, length + more))
        }
        None => Some((char::from_u32(first.into())?, length)),
    }
}

/// A byte in any notation of bytes.
fn any_byte(text: &str) -> Option<(u8, usize)> {
    ["%", "\\x"].iter().find_map(|prefix| byte(hexadecimal(text, prefix, 2)?)).or_else(|| octal(text))
}

/// A character of one to four bytes, each escaped; of Latin-1 if they aren't UTF-8. Nothing where the text is cut off
/// within it.
fn utf8(text: &str, text_end: End, byte: impl Fn(&str) -> Option<(u8, usize)>) -> Option<(char, usize)> {
    let (first, length) = byte(text)?;
    let (mut bytes, mut end) = (vec![first], length);
    let whole = (first.leading_ones() as usize).clamp(1, 4);
    while bytes.len() < whole
        && let Some((next, more)) = byte(&text[end..])
    {
        bytes.push(next);
        end += more;
    }
    let rest = &text[end + beginning(&text[end..])..];
    if bytes.len() < whole
        && (rest.is_empty() || rest.starts_with('…'))
        && let End::Cut(noted) = text_end
    {
        noted.set(true);
        return None;
    }
    let whole = std::str::from_utf8(&bytes).ok().and_then(|found| found.chars().next());
    Some(whole.map_or((char::from(first), length), |c| (c, end)))
}
