//! `file`: does a file exist, how old is it, and what is in it?

mod headings;
mod observe;
mod there;

use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Context, Fault, Probe, SameFact, Truncation};
use crate::client::http::Size;
use crate::client::ssh::Host;
use crate::text::{error, json};

pub use headings::headings;

pub use observe::{Found, observe};

/// How far the clocks of this machine and of a file server may differ.
const SKEW_S: i64 = 5;

/// Checks a file: whether it exists, its age, size and content.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The machine of the file, such as `ssh://deploy@web-1.staging.example`. Default: this machine. gate connects with
    /// your own `ssh`, its configuration and keys, and never prompts. There, a relative path starts in the user's home.
    on: Option<Host>,
    /// Its path, such as `docs/RUNBOOK.md`. Relative to the folder that contains `checklists/`.
    path: PathBuf,
    /// How much of the file to read. Default: `1MiB`; of a longer file, the beginning is read. `0` reads nothing.
    #[serde(default = "default_max_size")]
    max_size: Size,
}

/// The file, folder or other object at a path.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FileSeen {
    /// Whether it exists. A link to a missing file does not.
    pub exists: bool,
    /// Its type: `file`, `directory`, `fifo`, `socket`, `device`, or `broken link`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was last written, such as `2025-12-06T10:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Age in seconds. Missing if the time is in the future.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<i64>,
    /// Its content, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Number of lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<usize>,
    /// Its content parsed as JSON, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The headings of a `.md` file, in order, such as `Rollback`. Headings in code or comments don't count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headings: Option<Vec<String>>,
    /// The headings without content below them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_headings: Option<Vec<String>>,
    /// The SHA-256 of the whole file, in hexadecimal. Absent if it was not read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether it is longer than `max_size`.
    pub truncated: bool,
}

impl Probe for File {
    const KIND: &'static str = "file";
    const EXPECT: &'static str = "{ exists: true, kind: file }";
    const SAME_FACT: &'static [SameFact] = &[("kind", &["exists", "is_dir"])];
    const PRESENT: Option<(&'static str, &'static str)> = Some(("exists", "true"));
    const EXAMPLE: &'static str = r#"file: { path: docs/ONCALL_RUNBOOK.md }
expect: { headings: { contains: [Recovery, Escalation] }, modified: { newer_than: 90d } }
"#;
    type Observation = FileSeen;

    async fn observe(&self, cx: &Context) -> Result<FileSeen, Fault> {
        if let Some(host) = &self.on {
            let found = there::observe(host, &self.path, self.max_size.get(), cx).await?;
            return Ok(seen(found, self.is_markdown(), cx.env.now()));
        }
        let (path, limit) = (cx.path(&self.path), self.max_size.get());
        // A disk may be slow, and a network disk may be gone: this must not block the thread that all others wait on.
        let found = tokio::task::spawn_blocking(move || observe(&path, limit)).await;
        let found = found.map_err(|_| Fault::new("reading the file failed"))??;
        Ok(seen(found, self.is_markdown(), cx.env.now()))
    }

    fn evidence(&self, seen: &FileSeen) -> String {
        match (seen.kind.as_deref(), seen.size) {
            (Some("file"), Some(1)) => "file of 1 byte".to_owned(),
            (Some("file"), Some(size)) => format!("file of {size} bytes"),
            (Some(kind), _) => kind.to_owned(),
            (None, _) => format!("`{}` does not exist", self.path.display()),
        }
    }

    fn absent(&self, seen: &FileSeen) -> Option<(&'static str, String)> {
        let text = seen.text.as_ref().filter(|_| seen.json.is_none() && !seen.truncated)?;
        let error = json::parse::<Value>(text.as_bytes()).err()?;
        let why = if text.trim().is_empty() { "empty".to_owned() } else { error::json(&error) };
        Some(("json", format!("the content is {why}")))
    }

    fn cuts(&self, seen: &FileSeen) -> Vec<Truncation> {
        let is_unread = self.max_size.get() == 0 && seen.kind.as_deref() == Some("file");
        if !seen.truncated && !is_unread {
            return Vec::new();
        }
        let read = match self.max_size.get() {
            0 => "its content was not read".to_owned(),
            _ => format!("only the first {} of the file was read", self.max_size),
        };
        vec![Truncation::new(&["text", "lines", "json", "headings", "empty_headings", "sha256"], read, "max_size")]
    }

    fn advice(&self, seen: &FileSeen) -> Option<String> {
        let path = self.path.display();
        match seen.kind.as_deref() {
            None => {
                Some(format!("`{path}` does not exist; relative paths start at the folder that contains `checklists/`"))
            }
            Some("broken link") => Some(format!("`{path}` is a link to something that is not there")),
            Some("directory") => Some(format!("`{path}` is a directory")),
            Some(_) if seen.modified.is_some() && seen.age_s.is_none() => {
                Some(format!("`{path}` was modified in the future: check the clock of the machine that wrote it"))
            }
            Some("file") if seen.truncated && self.max_size.get() > 0 => {
                Some(format!("only the beginning of `{path}` was read: `max_size` says how much"))
            }
            Some(_) => None,
        }
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Some(["ls", "-ld", "--", &self.path.display().to_string()].map(str::to_owned).to_vec())
    }

    fn on(&self) -> Option<&Host> {
        self.on.as_ref()
    }
}

impl File {
    fn is_markdown(&self) -> bool {
        let extension = self.path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        extension.eq_ignore_ascii_case("md") || extension.eq_ignore_ascii_case("markdown")
    }
}

fn seen(found: Found, is_markdown: bool, now: Timestamp) -> FileSeen {
    let is_dir = found.kind == Some("directory");
    let content = found.content.as_ref();
    let text = content.and_then(|content| content.text());
    let headings = text.filter(|_| is_markdown).map(|text| match content.is_some_and(|content| content.truncated) {
        false => headings(text),
        // The last line may go on, and what follows belongs to the last heading.
        true => {
            let mut found = headings(&text[..text.rfind('\n').map_or(0, |end| end + 1)]);
            found.empty.retain(|empty| found.all.last() != Some(empty));
            found
        }
    });
    FileSeen {
        exists: found.kind.is_some_and(|kind| kind != "broken link"),
        kind: found.kind.map(str::to_owned),
        is_dir,
        size: found.size,
        modified: found.modified.map(|at| at.to_string()),
        age_s: found
            .modified
            .map(|at| now.as_second() - at.as_second())
            .filter(|age| *age >= -SKEW_S)
            .map(|age| age.max(0)),
        lines: text.map(|text| text.lines().count()),
        json: content.filter(|content| !content.truncated).and_then(|content| json::parse_exactly(&content.bytes).ok()),
        empty_headings: headings.as_ref().map(|headings| headings.empty.clone()),
        headings: headings.map(|headings| headings.all),
        sha256: content.filter(|content| !content.truncated).map(|content| hex::encode(Sha256::digest(&content.bytes))),
        truncated: content.is_some_and(|content| content.truncated),
        text: text.map(str::to_owned),
    }
}

fn default_max_size() -> Size {
    Size::bytes(1 << 20)
}
