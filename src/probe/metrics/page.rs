//! Reads a metrics page as Prometheus does: what Prometheus refuses is refused.
//!
//! The formats: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::collections::BTreeMap;

use crate::client::number::Number;

use super::Sample;

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The text format of Prometheus.
    Prometheus,
    /// OpenMetrics, which marks its end.
    OpenMetrics,
}

/// The types that each format has.
const TYPES: [&str; 5] = ["counter", "gauge", "histogram", "summary", "untyped"];
const OPEN_TYPES: [&str; 8] =
    ["counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown"];

/// The content of a page.
#[derive(Debug, Default)]
pub struct Page {
    /// Every sample, in the order of the page.
    pub samples: Vec<Sample>,
    /// The type of each metric that has one, such as `counter`.
    pub types: BTreeMap<String, String>,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// When the page is invalid, naming the line.
    pub fn parse(text: &str, format: Format) -> Result<Self, String> {
        let mut page = Self::default();
        let mut has_ended = false;
        // Not `lines()`, which would drop a carriage return: Prometheus reads it as part of the value.
        for (number, line) in (1..).zip(text.strip_suffix('\n').unwrap_or(text).split('\n')) {
            let broken = |what: &str| {
                let start: String = line.chars().take(60).collect();
                format!("line {number}: {what}: `{}`", start.escape_debug())
            };
            let bare = line.trim_start_matches([' ', '\t']);
            if has_ended {
                return Err(broken("there is more after `# EOF`"));
            }
            match bare.strip_prefix('#') {
                _ if bare.is_empty() => {}
                Some(comment) => {
                    has_ended = comment == " EOF" && format == Format::OpenMetrics;
                    page.comment(comment, format).map_err(broken)?;
                }
                None if bare.len() < line.len() => return Err(broken("a sample may not be indented")),
                None => page.samples.push(sample(line, format).map_err(broken)?),
            }
        }
        if format == Format::OpenMetrics && !has_ended {
            return Err("it is incomplete: OpenMetrics ends with `# EOF`".to_owned());
        }
        Ok(page)
    }

    /// The metric that a sample belongs to: `_bucket` and the like are parts of one.
    pub fn metric<'a>(&self, sample: &'a str) -> &'a str {
        const PARTS: [&str; 7] = ["_bucket", "_count", "_sum", "_total", "_created", "_gcount", "_gsum"];
        if self.types.contains_key(sample) {
            return sample;
        }
        let whole = PARTS.iter().filter_map(|part| sample.strip_suffix(part));
        whole.into_iter().find(|whole| self.types.contains_key(*whole)).unwrap_or(sample)
    }

    fn comment(&mut self, comment: &str, format: Format) -> Result<(), &'static str> {
        let blank = [' ', '\t'];
        let Some(rest) = comment.trim_start_matches(blank).strip_prefix("TYPE") else { return Ok(()) };
        // Without a blank in between, or without a name, it is a comment like any other.
        let rest = rest.trim_start_matches(blank);
        if !comment.starts_with(blank) || rest.is_empty() {
            return Ok(());
        }
        let (name, kind) = rest.split_once(blank).unwrap_or((rest, ""));
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err("invalid metric name");
        }
        let known: &[&str] = match format {
            Format::Prometheus => &TYPES,
            Format::OpenMetrics => &OPEN_TYPES,
        };
        if !known.contains(&kind) {
            return Err("invalid metric type");
        }
        self.types.insert(name.trim_matches('"').to_owned(), kind.to_owned());
        Ok(())
    }
}

/// `name{label="value",…} value timestamp`, with a blank or several between them.
fn sample(line: &str, format: Format) -> Result<Sample, &'static str> {
    let mut rest = Rest(line);
    let mut name = rest.name().map(str::to_owned);
    let mut labels = BTreeMap::new();
    rest.blanks();
    if rest.eat('{') {
        loop {
            rest.blanks();
            if rest.eat('}') {
                break;
            }
            let is_quoted = rest.0.starts_with('"');
            let key = if is_quoted { rest.quoted()? } else { rest.name().ok_or("a label wants a name")?.to_owned() };
            rest.blanks();
            if rest.eat('=') {
                rest.blanks();
                if labels.insert(key, rest.quoted()?).is_some() {
                    return Err("duplicate label");
                }
            } else if is_quoted && name.is_none() && labels.is_empty() {
                // A name that is not a plain word is among the labels: `{"http.requests", code="200"}`.
                name = Some(key);
            } else {
                return Err("a label wants a value");
            }
            rest.blanks();
            if !rest.eat(',') && !rest.0.starts_with('}') {
                return Err("the labels do not end");
            }
        }
    }
    let name = name.ok_or("a sample begins with a name")?;
    let word = rest.word();
    let value = word.parse::<f64>().map_err(|_| "the value is not a number")?;
    if value.is_infinite() && word.contains(|c: char| c.is_ascii_digit()) {
        return Err("the value is out of range");
    }
    let mut timestamp = None;
    rest.blanks();
    if !rest.0.is_empty() && !rest.0.starts_with('#') {
        let word = rest.word();
        let read = match format {
            Format::Prometheus => word.parse::<u64>().ok().map(|milliseconds| milliseconds as f64 / 1000.0),
            Format::OpenMetrics => word.parse::<f64>().ok().filter(|seconds| seconds.is_finite()),
        };
        timestamp = Some(read.ok_or("the timestamp is none")?);
        rest.blanks();
    }
    // An exemplar follows `#`; it is ignored.
    if rest.0.is_empty() || rest.0.starts_with('#') && format == Format::OpenMetrics {
        Ok(Sample { name, labels, value: number(value), timestamp })
    } else {
        Err("there is more after the sample")
    }
}

fn number(value: f64) -> Number {
    let text = match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => value.to_string(),
    };
    Number::parse(text)
}

/// The rest of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn eat(&mut self, character: char) -> bool {
        let rest = self.0.strip_prefix(character);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// The next word, up to a blank.
    fn word(&mut self) -> &'a str {
        self.blanks();
        self.take(self.0.find([' ', '\t']).unwrap_or(self.0.len()))
    }

    /// A plain name, of a metric or a label.
    fn name(&mut self) -> Option<&'a str> {
        let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | ':');
        let length = self.0.find(|character| !is_part(character)).unwrap_or(self.0.len());
        let is_name = length > 0 && !self.0.starts_with(|first: char| first.is_ascii_digit());
        is_name.then(|| self.take(length))
    }

    /// A text in quotes, with `\\`, `\"` and `\n` in it.
    fn quoted(&mut self) -> Result<String, &'static str> {
        if !self.eat('"') {
            return Err("the value of a label is in quotes");
        }
        let mut text = String::new();
        let mut characters = self.0.char_indices();
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = &self.0[index + 1..];
                    return Ok(text);
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, escaped @ ('\\' | '"'))) => text.push(escaped),
                    // As Prometheus itself reads it.
                    Some((_, other)) => text.extend(['\\', other]),
                    None => return Err("a quote does not end"),
                },
                other => text.push(other),
            }
        }
        Err("a quote does not end")
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::{ProptestConfig, any, proptest};

    use super::*;

    fn read(line: &str) -> String {
        match Page::parse(&format!("{line}\n"), Format::Prometheus) {
            Ok(page) => serde_json::to_string(&page.samples).expect("it is JSON"),
            Err(error) => error,
        }
    }

    #[test]
    fn samples_are_read_as_the_formats_say() {
        assert_snapshot!(read("up 1"), @r#"[{"name":"up","labels":{},"value":1}]"#);
        assert_snapshot!(read("a:b{} 1e3 1700000000123"),
            @r#"[{"name":"a:b","labels":{},"value":1000,"timestamp":1700000000.123}]"#);
        assert_snapshot!(read(r#"http { code = "200" , path="C:\\a\"}\n" , }	0.5"#),
            @r#"[{"name":"http","labels":{"code":"200","path":"C:\\a\"}\n"},"value":0.5}]"#);
        assert_snapshot!(read(r#"{"http.requests", code="200"} +Inf"#),
            @r#"[{"name":"http.requests","labels":{"code":"200"},"value":"+Inf"}]"#);
        assert_snapshot!(read("n Nan\nm -inf\n\n# a comment"),
            @r#"[{"name":"n","labels":{},"value":"NaN"},{"name":"m","labels":{},"value":"-Inf"}]"#);
    }

    #[test]
    fn an_invalid_line_is_reported_with_its_number() {
        assert_snapshot!(read("up 1\nup"), @"line 2: the value is not a number: `up`");
        assert_snapshot!(read("<html>"), @"line 1: a sample begins with a name: `<html>`");
        assert_snapshot!(read(r#"{"status":"ok"}"#), @r#"line 1: the labels do not end: `{\"status\":\"ok\"}`"#);
        assert_snapshot!(read("up{a=\"b} 1"), @r#"line 1: a quote does not end: `up{a=\"b} 1`"#);
        assert_snapshot!(read("up{a=\"1\",a=\"2\"} 1"), @r#"line 1: duplicate label: `up{a=\"1\",a=\"2\"} 1`"#);
        assert_snapshot!(read("up{a=\"b\" c=\"d\"} 1"), @r#"line 1: the labels do not end: `up{a=\"b\" c=\"d\"} 1`"#);
        assert_snapshot!(read("up one"), @"line 1: the value is not a number: `up one`");
        assert_snapshot!(read("up 1 soon"), @"line 1: the timestamp is none: `up 1 soon`");
        assert_snapshot!(read("up 1 2 3"), @"line 1: there is more after the sample: `up 1 2 3`");
    }

    #[test]
    fn a_last_line_without_an_end_is_read_but_what_prometheus_refuses_is_not() {
        assert_eq!(Page::parse("up 1\nrequests 12", Format::Prometheus).expect("it is a page").samples.len(), 2);
        let broken = |text, format| Page::parse(text, format).expect_err("it is refused");
        assert_snapshot!(broken("up 1\r\n", Format::Prometheus), @r"line 1: the value is not a number: `up 1\r`");
        assert_snapshot!(broken("# TYPE up number\nup 1\n", Format::Prometheus), @"line 1: invalid metric type: `# TYPE up number`");
        assert_snapshot!(broken("up 1\n", Format::OpenMetrics), @"it is incomplete: OpenMetrics ends with `# EOF`");
        assert_snapshot!(broken("# EOF\nup 1\n", Format::OpenMetrics),
            @"line 2: there is more after `# EOF`: `up 1`");
    }

    #[test]
    fn open_metrics_has_seconds_and_exemplars() {
        let text = "# TYPE a histogram\na_bucket{le=\"1\"} 2 1700.5 # {trace_id=\"x\"} 0.5 1700.1\n# EOF";
        let page = Page::parse(text, Format::OpenMetrics).expect("it is a page");
        assert_eq!(page.samples[0].timestamp, Some(1700.5));
        assert_eq!(page.metric("a_bucket"), "a");
        assert_eq!(page.metric("b_bucket"), "b_bucket");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_read_or_refused(text in any::<String>(), line in r#"[a"{}=, \\1]{0,20}"#) {
            for format in [Format::Prometheus, Format::OpenMetrics] {
                let _ = Page::parse(&text, format);
                let _ = Page::parse(&format!("{line}\n"), format);
            }
        }

        #[test]
        fn a_label_survives(value in "[^\n\r]{0,20}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let page = Page::parse(&format!("up{{a=\"{escaped}\"}} 1\n"), Format::Prometheus).expect("it is written well");
            assert_eq!(page.samples[0].labels["a"], value);
        }
    }
}
