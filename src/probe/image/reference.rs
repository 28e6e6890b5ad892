//! The name of an image, as `docker pull` takes it.

use std::fmt;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// `registry/repository:tag` or `…@sha256:…`, with what Docker fills in.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(inline)]
pub struct Reference(#[schemars(with = "String")] Parts);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    registry: String,
    repository: String,
    /// A tag, or a digest, which has a colon in it.
    version: String,
}

impl Reference {
    /// Reads a name.
    ///
    /// # Errors
    /// Why it can't be one.
    pub fn read(text: &str) -> Result<Self, String> {
        let fault = || format!("`{}` is not an image: write `registry.example/team/app:tag`", text.escape_debug());
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let (registry, path) = match rest.split_once('/') {
            // As Docker distinguishes the name of a host from that of a user.
            Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => (first, path),
            Some(_) | None => ("docker.io", rest),
        };
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        let is_hub = matches!(registry, "docker.io" | "index.docker.io" | "registry-1.docker.io");
        let repository =
            if is_hub && !repository.contains('/') { format!("library/{repository}") } else { repository.to_owned() };
        let version = digest.or(tag).unwrap_or("latest");
        let good = repository.split('/').all(is_component)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest)
            && registry.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'));
        if !good {
            return Err(if repository.chars().any(|c| c.is_ascii_uppercase()) {
                format!("{}, in small letters", fault())
            } else {
                fault()
            });
        }
        let registry = if is_hub { "docker.io".to_owned() } else { registry.to_owned() };
        Ok(Self(Parts { registry, repository, version: version.to_owned() }))
    }

    /// Where its API is: `host` or `host:port`.
    pub fn host(&self) -> &str {
        if self.0.registry == "docker.io" { "registry-1.docker.io" } else { &self.0.registry }
    }

    /// The repository, such as `library/alpine`.
    pub fn repository(&self) -> &str {
        &self.0.repository
    }

    /// The tag or the digest.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// The digest, where it names one.
    pub fn digest(&self) -> Option<&str> {
        self.0.version.contains(':').then_some(&self.0.version)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mark = if self.digest().is_some() { '@' } else { ':' };
        write!(f, "{}/{}{mark}{}", self.0.registry, self.0.repository, self.0.version)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn is_component(part: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let is_outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(is_outer) && part.ends_with(is_outer) && part.chars().all(is_inner) && !part.contains("..")
}

fn is_tag(tag: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.starts_with(is_word) && tag.len() <= 128 && tag.chars().all(|c| is_word(c) || matches!(c, '.' | '-'))
}

fn is_digest(digest: &str) -> bool {
    let is_hex = |hex: &str| hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match digest.split_once(':') {
        Some(("sha256", hex)) => hex.len() == 64 && is_hex(hex),
        Some(("sha512", hex)) => hex.len() == 128 && is_hex(hex),
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_resolved_as_by_docker() {
        let pinned = format!("ghcr.io/acme/api@sha256:{}", "a".repeat(64));
        let tagged = pinned.replace('@', ":main@");
        for (text, whole) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("acme/api:1.4", "docker.io/acme/api:1.4"),
            ("index.docker.io/acme/api", "docker.io/acme/api:latest"),
            ("localhost/api", "localhost/api:latest"),
            ("127.0.0.1:5000/a/b/c:v1", "127.0.0.1:5000/a/b/c:v1"),
            ("ghcr.io/acme/api:main", "ghcr.io/acme/api:main"),
            (tagged.as_str(), pinned.as_str()),
        ] {
            assert_eq!(Reference::read(text).map(|name| name.to_string()).as_deref(), Ok(whole), "{text}");
        }
        assert_eq!(Reference::read("alpine").map(|name| name.host().to_owned()).as_deref(), Ok("registry-1.docker.io"));
    }

    #[test]
    fn an_invalid_name_is_refused() {
        for text in ["", "https://ghcr.io/a/b", "ghcr.io/a/b:", "ghcr.io/a/../b", "a@sha256:12", "a b", "ghcr.io/a?x:1"]
        {
            assert!(Reference::read(text).is_err(), "{text}");
        }
        let shouted = Reference::read("ghcr.io/Acme/api").expect_err("capitals");
        insta::assert_snapshot!(shouted, @"`ghcr.io/Acme/api` is not an image: write `registry.example/team/app:tag`, in small letters");
    }
}
