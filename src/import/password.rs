//! Passwords in addresses: an imported checklist is read by others, and kept in Git.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(\b[A-Za-z][\w+.-]*://[^\s/:@`]*:)([^\s/@`]+)(@)").expect("it is well formed"));

/// The text with `***` for every password in an address, and the lines where one was.
pub fn hidden(text: &str) -> (Cow<'_, str>, Vec<usize>) {
    let mut lines = Vec::new();
    let (mut line, mut counted) = (1, 0);
    let hidden = ADDRESS.replace_all(text, |found: &Captures| {
        let password = &found[2];
        let is_example = password.starts_with(['$', '<', '{', '*', '…', '.']) || password.chars().all(|c| c == 'x');
        if is_example {
            return found[0].to_owned();
        }
        let start = found.get(0).expect("it was found").start();
        line += text[counted..start].matches('\n').count();
        counted = start;
        lines.push(line);
        format!("{}***{}", &found[1], &found[3])
    });
    (hidden, lines)
}
