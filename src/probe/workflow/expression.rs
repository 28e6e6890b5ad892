//! `${{ … }}`: whether each begins, ends and holds something.

/// Checks the expressions in one text. What they refer to is known only when GitHub runs them.
///
/// # Errors
/// The problem of the first malformed expression.
pub fn check(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find("${{") {
        let inside = &rest[at + 3..];
        let end = end(inside).ok_or_else(|| format!("`{}` is not closed: add `}}}}`", start(&rest[at..])))?;
        let words = &inside[..end];
        if words.trim().is_empty() {
            return Err("an expression `${{ }}` is empty".to_owned());
        }
        if !is_balanced(words) {
            return Err(format!("`{}` has unbalanced brackets or quotes", start(&rest[at..])));
        }
        rest = &inside[end + 2..];
    }
    Ok(())
}

/// Where the `}}` is that ends an expression: not in a text.
fn end(inside: &str) -> Option<usize> {
    let mut is_quoted = false;
    inside.char_indices().find_map(|(at, c)| {
        is_quoted ^= c == '\'';
        (!is_quoted && inside[at..].starts_with("}}")).then_some(at)
    })
}

fn is_balanced(words: &str) -> bool {
    let (mut open, mut is_quoted) = (Vec::new(), false);
    for c in words.chars() {
        is_quoted ^= c == '\'';
        match c {
            _ if is_quoted => {}
            '(' => open.push(')'),
            '[' => open.push(']'),
            ')' | ']' if open.pop() != Some(c) => return false,
            _other => {}
        }
    }
    open.is_empty() && !is_quoted
}

/// The beginning, on one line.
fn start(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn expressions_end_outside_of_their_texts() {
        for text in ["", "${HOME} }}", "${{ a }} and ${{ b['c'] }}", "${{ format('}}', fromJSON('[1]')[0]) }}"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in ["${{ a }", "${{ a", "${{ 'a }}", "${{ }}", "${{ f(a }}", "${{ a] }}", "${{ a }} ${{"] {
            assert!(check(text).is_err(), "{text}");
        }
        assert_eq!(check(&"${{ a }} ".repeat(100_000)), Ok(()));
    }
}
