//! A word of a shell's command line, with variables in place of values.

use std::fmt;

use crate::text::shell::quoted;

/// Text and variables, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Word {
    parts: Vec<Part>,
    /// Whether a value was replaced in it.
    is_replaced: bool,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Variable(String),
}

impl Word {
    /// Appends text without a secret.
    pub fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    /// Appends a variable in place of a value.
    pub fn push_variable(&mut self, name: &str) {
        self.is_replaced = true;
        self.parts.push(Part::Variable(name.to_owned()));
    }

    /// Appends a name for a person to fill in, in place of a value.
    pub fn push_placeholder(&mut self, name: &str) {
        self.is_replaced = true;
        self.push_text(&format!("<{name}>"));
    }

    /// The word as a shell reads it back, which fills in the variables.
    pub fn quoted(&self) -> Word {
        let mut word = Word { is_replaced: self.is_replaced, ..Word::default() };
        if !self.is_replaced {
            word.push_text(&quoted(&self.to_string()));
            return word;
        }
        word.push_text("\"");
        for part in &self.parts {
            match part {
                Part::Text(text) => word.push_text(&escaped(text)),
                Part::Variable(name) => word.push_variable(name),
            }
        }
        word.push_text("\"");
        word
    }

    /// Words with a space between them, as one.
    pub fn joined(words: impl IntoIterator<Item = Word>) -> Word {
        let mut all = Word::default();
        for (at, word) in words.into_iter().enumerate() {
            if at > 0 {
                all.push_text(" ");
            }
            all.is_replaced |= word.is_replaced;
            for part in word.parts {
                match part {
                    Part::Text(text) => all.push_text(&text),
                    variable @ Part::Variable(_) => all.parts.push(variable),
                }
            }
        }
        all
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for (at, part) in self.parts.iter().enumerate() {
            match (part, self.parts.get(at + 1)) {
                (Part::Text(text), _) => f.write_str(text)?,
                (Part::Variable(name), Some(Part::Text(next))) if next.starts_with(is_name) => {
                    write!(f, "${{{name}}}")?
                }
                (Part::Variable(name), _) => write!(f, "${name}")?,
            }
        }
        Ok(())
    }
}

/// Text within double quotes: the four characters that keep their meaning there lose it.
fn escaped(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            word.push('\\');
        }
        word.push(c);
    }
    word
}
