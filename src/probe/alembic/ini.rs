//! An ini file as Python's `configparser` reads it, since that is what alembic does.

use std::collections::BTreeMap;

/// How deep one value may refer to others: as Python's limit.
const MAX_DEPTH: usize = 10;

/// How many references one value may come to.
const MAX_FILLED: usize = 1000;

/// The sections of an ini file and their options, as written.
#[derive(Debug, Default)]
pub struct Ini {
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

impl Ini {
    /// The ini file with this text.
    ///
    /// # Errors
    /// When the file is invalid, naming the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut ini = Self::default();
        let mut section: Option<String> = None;
        // The option that an indented line goes on with, and how far it is indented itself.
        let mut open: Option<(String, usize)> = None;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let trimmed = line.trim();
            if trimmed.starts_with(['#', ';']) {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            let options = section.as_ref().and_then(|section| ini.sections.get_mut(section));
            if let (Some((option, level)), Some(options)) = (&open, options)
                && (trimmed.is_empty() || indent > *level)
            {
                let value = options.get_mut(option).expect("an open option was put there");
                value.push('\n');
                value.push_str(trimmed);
                continue;
            }
            if trimmed.is_empty() {
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| Some(rest.rsplit_once(']')?.0)) {
                if name != "DEFAULT" && ini.sections.contains_key(name) {
                    return Err(format!("line {number}: the section [{name}] is there twice"));
                }
                ini.sections.entry(name.to_owned()).or_default();
                (section, open) = (Some(name.to_owned()), None);
                continue;
            }
            let Some(options) = section.as_ref().and_then(|section| ini.sections.get_mut(section)) else {
                return Err(format!("line {number} is before the first [section]"));
            };
            let Some((option, value)) = trimmed.split_once(['=', ':']) else {
                return Err(format!("line {number} is neither `option = value` nor [section]"));
            };
            let option = option.trim().to_lowercase();
            if options.insert(option.clone(), value.trim().to_owned()).is_some() {
                return Err(format!("line {number}: the option `{option}` is there twice"));
            }
            open = Some((option, indent));
        }
        for value in ini.sections.values_mut().flat_map(BTreeMap::values_mut) {
            value.truncate(value.trim_end().len());
        }
        Ok(ini)
    }

    /// Whether there is such a section.
    pub fn has(&self, section: &str) -> bool {
        self.sections.contains_key(section)
    }

    /// The names of the sections, without the defaults.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str).filter(|name| *name != "DEFAULT")
    }

    /// Whether a section sets this option itself.
    pub fn sets(&self, section: &str, option: &str) -> bool {
        self.sections.get(section).is_some_and(|options| options.contains_key(option))
    }

    /// The option's value, with every `%(other)s` filled in. `here` is what `%(here)s` refers to.
    ///
    /// # Errors
    /// When it refers to what isn't there.
    pub fn get(&self, section: &str, option: &str, here: &str) -> Result<Option<String>, String> {
        let mut left = MAX_FILLED;
        match self.raw(section, option) {
            Some(raw) if self.has(section) => self.filled(raw, section, here, 0, &mut left).map(Some),
            _absent => Ok(None),
        }
    }

    fn raw(&self, section: &str, option: &str) -> Option<&str> {
        let of = |section: &str| self.sections.get(section)?.get(option).map(String::as_str);
        of(section).or_else(|| of("DEFAULT"))
    }

    /// `left` is how many may still be filled in: each may hold many others.
    fn filled(&self, raw: &str, section: &str, here: &str, depth: usize, left: &mut usize) -> Result<String, String> {
        if depth > MAX_DEPTH {
            return Err("its `%(…)s` refer to one another without end".to_owned());
        }
        let mut filled = String::new();
        let mut rest = raw;
        while let Some((before, after)) = rest.split_once('%') {
            filled += before;
            if let Some(after) = after.strip_prefix('%') {
                filled.push('%');
                rest = after;
                continue;
            }
            let Some((name, after)) = after.strip_prefix('(').and_then(|after| after.split_once(")s")) else {
                return Err("a `%` in it is followed neither by `(name)s` nor by another `%`".to_owned());
            };
            *left = left.checked_sub(1).ok_or("its `%(…)s` refer to too many others")?;
            let name = name.to_lowercase();
            match self.raw(section, &name) {
                Some(value) => filled += &self.filled(value, section, here, depth + 1, left)?,
                None if name == "here" => filled += here,
                None => return Err(format!("`%({name})s` in it is not set in the file")),
            }
            rest = after;
        }
        Ok(filled + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, option: &str) -> Result<Option<String>, String> {
        Ini::parse(text)?.get("alembic", option, "/app")
    }

    #[test]
    fn values_are_read_as_python_reads_them() {
        for (text, expected) in [
            ("[alembic]\na = 1", "1"),
            ("[alembic]\nA:1", "1"),
            ("  [alembic]  \n  a=1 ; kept", "1 ; kept"),
            ("[alembic]\n# a = 2\na = 1\n; a = 3", "1"),
            ("[alembic]\na =\n  1\n  # no\n  2\n\n  3\n\nb = 4", "\n1\n2\n\n3"),
            ("[alembic]\na = x = y", "x = y"),
            ("[DEFAULT]\na = 1\n[alembic]\nb = 2", "1"),
            ("[alembic]\nb = x\na = %(here)s/%(B)s/100%%", "/app/x/100%"),
            ("[DEFAULT]\nhere = /other\n[alembic]\na = %(here)s", "/other"),
        ] {
            assert_eq!(get(text, "a").expect("a valid file").as_deref(), Some(expected), "{text}");
        }
        assert_eq!(get("[other]\na = 1", "a"), Ok(None));
    }

    #[test]
    fn a_value_that_grows_without_end_is_refused() {
        let line = |at: usize| format!("v{at} = {}\n", format!("%(v{})s", at + 1).repeat(100));
        let text = format!("[alembic]\n{}v9 = x\n", (0..9).map(line).collect::<String>());
        assert_eq!(get(&text, "v0"), Err("its `%(…)s` refer to too many others".to_owned()));
    }

    #[test]
    fn an_ini_file_that_python_refuses_is_reported_with_its_line() {
        for (text, expected) in [
            ("a = 1", "line 1 is before the first [section]"),
            ("[alembic]\nhello", "line 2 is neither `option = value` nor [section]"),
            ("[alembic]\na = 1\nA = 2", "line 3: the option `a` is there twice"),
            ("[alembic]\n[alembic]", "line 2: the section [alembic] is there twice"),
            ("[alembic]\na = %(DB)s", "`%(db)s` in it is not set in the file"),
            ("[alembic]\na = 5%", "a `%` in it is followed neither by `(name)s` nor by another `%`"),
            ("[alembic]\na = %(a)s", "its `%(…)s` refer to one another without end"),
        ] {
            assert_eq!(get(text, "a").expect_err("an error"), expected, "{text}");
        }
    }
}
