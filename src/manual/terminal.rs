//! A page of the manual on a terminal: rows of tables as paragraphs, and everything wrapped. Lines of a Markdown table
//! are longer than a terminal is wide.

use crate::text::{cells, wrap};

/// How far the description of a table's row is indented.
const INDENT: usize = 4;

/// The page on a terminal of this many columns.
pub fn wrapped(page: &str, width: usize) -> String {
    let mut out = String::new();
    let (mut is_code, mut head): (bool, Vec<&str>) = (false, Vec::new());
    for line in page.lines() {
        is_code ^= line.starts_with("```");
        let row_cells: Option<Vec<&str>> =
            (!is_code && line.starts_with('|')).then(|| cells(line).into_iter().map(|(_, cell)| cell).collect());
        let lines = match row_cells {
            None => {
                head.clear();
                if is_code || line.is_empty() { vec![line.to_owned()] } else { wrap(line, width) }
            }
            Some(cells) if head.is_empty() => {
                head = cells;
                continue;
            }
            Some(cells) if cells.iter().all(|cell| cell.starts_with("---")) => continue,
            Some(cells) => row(&head, &cells, width),
        };
        for line in lines {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

/// A row: its first cells on a line, the default with its name, and the last cell below them.
fn row(head: &[&str], cells: &[&str], width: usize) -> Vec<String> {
    let Some((description, [name, others @ ..])) = cells.split_last() else { return Vec::new() };
    let named = others.iter().zip(&head[1..]).map(|(cell, head)| match *head {
        "default" if *cell != "required" => format!("default: {cell}"),
        _ => (*cell).to_owned(),
    });
    let title = std::iter::once((*name).to_owned()).chain(named).collect::<Vec<_>>().join(" · ");
    let below = wrap(description, width.saturating_sub(INDENT).max(1));
    let below = below.into_iter().map(|line| format!("{:INDENT$}{line}", ""));
    wrap(&title, width).into_iter().chain(below).map(|line| line.replace("\\|", "|")).collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::wrapped;

    #[test]
    fn tables_become_paragraphs_that_fit_and_code_stays() {
        let page = "# `x`

One line that is longer than the terminal is wide.

```yaml
a: | b | a line that is longer than the terminal is
```

| setting | type | default | what it does |
|---|---|---|---|
| `url` | text | required | Where it is, in words that take two lines. |
| `tries` | whole number | `3` | One \\| two. |
";
        assert_snapshot!(wrapped(page, 40), @r"
        # `x`

        One line that is longer than the
        terminal is wide.

        ```yaml
        a: | b | a line that is longer than the terminal is
        ```

        `url` · text · required
            Where it is, in words that take two
            lines.
        `tries` · whole number · default: `3`
            One | two.
        ");
        let without =
            wrapped(&page.replace("```yaml\na: | b | a line that is longer than the terminal is\n```\n", ""), 20);
        assert!(without.lines().all(|line| line.chars().count() <= 20), "{without}");
    }
}
