//! Character references of HTML and XML.

/// The most letters of a name.
pub const LONGEST: usize = 16;

/// The character that the reference at the beginning of a text means, and its length.
pub fn character(text: &str) -> Option<(char, usize)> {
    let (c, length) = match text.strip_prefix("&#") {
        Some(number) => {
            let (c, length) = numbered(number)?;
            (c, length + "&#".len())
        }
        None => {
            let length = 1 + text.bytes().skip(1).take(LONGEST).take_while(u8::is_ascii_alphanumeric).count();
            let name = Some(&text[1..length]).filter(|_| text[length..].starts_with(';'))?;
            (named(name)?, length)
        }
    };
    text[length..].starts_with(';').then_some((c, length + 1))
}

fn numbered(text: &str) -> Option<(char, usize)> {
    let (prefix, radix) = if text.starts_with(['x', 'X']) { (1, 16) } else { (0, 10) };
    let zeros = text[prefix..].bytes().take_while(|byte| *byte == b'0').count();
    let digits = &text[prefix + zeros..];
    let digits = &digits[..digits.bytes().take(7).take_while(|byte| char::from(*byte).is_digit(radix)).count()];
    let c = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    Some((c, prefix + zeros + digits.len()))
}

fn named(name: &str) -> Option<char> {
    let ascii = ASCII.iter().find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let latin = || LATIN_1.iter().position(|known| *known == name);
    ascii.map(|(c, _)| *c).or_else(|| char::from_u32(0xa0 + u32::try_from(latin()?).ok()?))
}

/// The names of characters of ASCII (<https://html.spec.whatwg.org/multipage/named-characters.html>).
const ASCII: &[(char, &[&str])] = &[
    ('"', &["quot"]),
    ('&', &["amp"]),
    ('\'', &["apos"]),
    ('<', &["lt"]),
    ('>', &["gt"]),
    ('\t', &["Tab"]),
    ('\n', &["NewLine"]),
    ('!', &["excl"]),
    ('#', &["num"]),
    ('$', &["dollar"]),
    ('%', &["percnt"]),
    ('(', &["lpar"]),
    (')', &["rpar"]),
    ('*', &["ast", "midast"]),
    ('+', &["plus"]),
    (',', &["comma"]),
    ('.', &["period"]),
    ('/', &["sol"]),
    (':', &["colon"]),
    (';', &["semi"]),
    ('=', &["equals"]),
    ('?', &["quest"]),
    ('@', &["commat"]),
    ('[', &["lsqb", "lbrack"]),
    ('\\', &["bsol"]),
    (']', &["rsqb", "rbrack"]),
    ('^', &["Hat"]),
    ('_', &["lowbar", "UnderBar"]),
    ('`', &["grave", "DiacriticalGrave"]),
    ('{', &["lcub", "lbrace"]),
    ('|', &["verbar", "vert", "VerticalLine"]),
    ('}', &["rcub", "rbrace"]),
];

/// The names of U+00A0 to U+00FF.
#[rustfmt::skip]
const LATIN_1: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo", "not", "shy",
    "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot", "cedil", "sup1", "ordm", "raquo",
    "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil",
    "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute",
    "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig",
    "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml",
    "igrave", "iacute", "icirc", "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide",
    "oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
];
