//! Manifests and configurations, of OCI and of Docker, which have the same fields.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// The supported media types: <https://github.com/opencontainers/image-spec/blob/main/media-types.md>.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// A manifest, or a list of manifests: one with `manifests`.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    /// 2, or 1 for what no registry should have any more.
    #[serde(rename = "schemaVersion")]
    pub schema_version: u64,
    /// One for each platform, where it is a list.
    pub manifests: Option<Vec<Entry>>,
    /// Where the configuration is, where it is none.
    pub config: Option<Entry>,
    /// Its annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Something by its digest.
#[derive(Debug, Deserialize)]
pub struct Entry {
    /// The digest.
    pub digest: String,
    /// Its platform.
    pub platform: Option<Platform>,
}

/// The configuration of an image.
#[derive(Debug, Default, Deserialize)]
pub struct Config {
    /// When it was built.
    pub created: Option<String>,
    /// Its operating system.
    pub os: Option<String>,
    /// Its architecture.
    pub architecture: Option<String>,
    /// Its variant of the architecture.
    pub variant: Option<String>,
    /// Its runtime configuration.
    pub config: Option<Inner>,
}

/// The runtime configuration of an image.
#[derive(Debug, Deserialize)]
pub struct Inner {
    /// Its labels.
    #[serde(rename = "Labels")]
    pub labels: Option<BTreeMap<String, String>>,
}

/// The platform of an image: `os/architecture`, or `os/architecture/variant`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(inline)]
pub struct Platform(#[schemars(with = "String")] Names);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Names {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Entry {
    /// Whether it can be run. What says where an image is from is in lists for the platform `unknown/unknown`.
    pub fn is_image(&self) -> bool {
        self.platform.as_ref().is_none_or(|platform| platform.0.os != "unknown")
    }

    /// Whether it is for this platform.
    pub fn is_for(&self, wanted: &Platform) -> bool {
        self.platform.as_ref().is_some_and(|platform| wanted.covers(platform))
    }
}

impl Config {
    /// Its platform, if it is given.
    pub fn platform(&self) -> Option<Platform> {
        let (os, architecture) = (self.os.clone()?, self.architecture.clone()?);
        Some(Platform(Names { os, architecture, variant: self.variant.clone() }))
    }
}

impl Platform {
    /// The platform of most servers.
    pub fn amd64() -> Self {
        Self(Names { os: "linux".to_owned(), architecture: "amd64".to_owned(), variant: None })
    }

    /// Whether another one is this one, or a variant of it.
    pub fn covers(&self, other: &Platform) -> bool {
        let (wanted, names) = (&self.0, &other.0);
        wanted.os == names.os
            && wanted.architecture == names.architecture
            && (wanted.variant.is_none() || wanted.variant == names.variant)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(str::to_owned);
        let (os, architecture, variant) = (parts.next()?, parts.next()?, parts.next());
        let is_whole = parts.next().is_none() && !os.is_empty() && !architecture.is_empty();
        is_whole.then_some(Self(Names { os, architecture, variant }))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.0.os, self.0.architecture)?;
        match self.0.variant.as_deref() {
            Some(variant) if !variant.is_empty() => write!(f, "/{variant}"),
            Some(_) | None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlatformVisitor)
    }
}

/// In a checklist it is text, in a manifest a map.
struct PlatformVisitor;

impl<'de> serde::de::Visitor<'de> for PlatformVisitor {
    type Value = Platform;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a platform such as `linux/arm64`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Platform, E> {
        Platform::read(text)
            .ok_or_else(|| E::custom(format!("`{}` is not a platform: write `linux/arm64`", text.escape_debug())))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Platform, A::Error> {
        Names::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Platform)
    }
}
