//! Readable ids: a few words of a text, each unique, and the same when the list is imported again.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

/// The ids that are given.
#[derive(Debug, Clone, Default)]
pub struct Ids {
    /// How often each was wanted.
    wanted: HashMap<String, usize>,
}

impl Ids {
    /// An id for this text. If its first words are taken, more of them are tried, then the id of its section before
    /// them, then a number.
    pub fn give(&mut self, text: &str, section: Option<&str>) -> String {
        let otherwise = if section.is_some() { "item" } else { "section" };
        let words = slug_words(text);
        if words.is_empty() {
            let digest = Sha256::digest(text.as_bytes());
            return self.numbered(format!("{otherwise}-{:02x}{:02x}", digest[0], digest[1]));
        }
        let short = slug(&words, 4, otherwise);
        let longer = [6, 9].map(|count| slug(&words, count, otherwise));
        let within = section.map(|section| format!("{section}-{short}"));
        let tries = std::iter::once(short.clone()).chain(longer).chain(within);
        if let Some(free) = tries.into_iter().find(|id| !self.wanted.contains_key(id)) {
            self.wanted.insert(free.clone(), 1);
            return free;
        }
        self.numbered(short)
    }

    fn numbered(&mut self, wanted: String) -> String {
        let mut id = wanted.clone();
        while self.wanted.contains_key(&id) {
            let number = self.wanted.entry(wanted.clone()).or_insert(1);
            *number += 1;
            id = format!("{wanted}-{number}");
        }
        self.wanted.insert(id.clone(), 1);
        id
    }
}

/// The words of a text in ASCII; of `Redis: …` those before the colon come first.
fn slug_words(text: &str) -> Vec<String> {
    let (head, rest) = match text.split_once(':') {
        Some((head, rest)) if head.chars().filter(|c| c.is_alphanumeric()).count() > 1 => (head, rest),
        Some(_) | None => ("", text),
    };
    let words = |text: &str| -> Vec<String> {
        let text: String = text.chars().take(400).flat_map(|c| ascii(c).chars().collect::<Vec<_>>()).collect();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_ascii_lowercase).take(16).collect()
    };
    let mut head = words(head);
    head.truncate(4);
    if !head.is_empty() {
        // The head alone is enough where nothing else has it.
        head.resize(4, String::new());
    }
    head.into_iter().chain(words(rest)).collect()
}

fn slug(words: &[String], count: usize, otherwise: &str) -> String {
    let words = words.iter().take(count).filter(|word| !word.is_empty()).map(String::as_str);
    let id: String = words.collect::<Vec<_>>().join("-").chars().take(48).collect();
    let id = id.trim_matches('-').to_owned();
    // Alone, a number or a word of YAML would not be read as text.
    let is_text = id.starts_with(|c: char| c.is_ascii_alphabetic()) && !WORDS.contains(&id.as_str());
    if is_text { id } else { format!("{otherwise}-{id}") }
}

const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// Letters of Latin scripts as ASCII; others as they are.
fn ascii(c: char) -> String {
    match c {
        'ä' | 'æ' | 'Ä' | 'Æ' => "ae",
        'ö' | 'œ' | 'Ö' | 'Œ' => "oe",
        'ü' | 'Ü' => "ue",
        'ß' => "ss",
        'à'..='å' | 'À'..='Å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'Ç' | 'ć' | 'č' | 'Č' => "c",
        'è'..='ë' | 'È'..='Ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ì'..='ï' | 'Ì'..='Ï' | 'ī' | 'ı' => "i",
        'ł' | 'Ł' => "l",
        'ñ' | 'Ñ' | 'ń' | 'ň' => "n",
        'ò'..='õ' | 'ø' | 'Ò'..='Õ' | 'Ø' | 'ő' => "o",
        'ř' | 'Ř' => "r",
        'ś' | 'š' | 'Š' | 'ş' => "s",
        'ť' | 'ţ' => "t",
        'ù'..='û' | 'Ù'..='Û' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ž' | 'ż' | 'Ž' | 'Ż' => "z",
        c => return c.to_string(),
    }
    .to_owned()
}
