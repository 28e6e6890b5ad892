//! `image`: does an image exist in its registry, and which commit was it built from?

mod manifest;
mod reference;
mod registry;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use url::{Host, Url};

use super::{Context, Fault, Probe};
use crate::client::http::{HttpUrl, options};
use crate::client::trust;
use crate::text::{error, json};

use manifest::{ACCEPT, Config, Manifest, Platform};
use reference::Reference;
use registry::{Got, Registry};

/// Reads the manifest and configuration of an image from its registry with the OCI distribution API, like `docker
/// pull`, but without the layers. It logs in as the registry requires: not at all, with user and password, or with a
/// token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Image {
    /// The image, such as `ghcr.io/acme/api:main`, or with `@sha256:…` instead of a tag. As in Docker, the tag defaults
    /// to `latest` and the registry to Docker Hub.
    #[serde(rename = "ref")]
    reference: Reference,
    /// The platform to check, such as `linux/arm64`. Default: `linux/amd64` if there are several, or else the first.
    platform: Option<Platform>,
    /// The user to log in as.
    user: Option<String>,
    /// The password, or a token that refers to it, such as `${secrets.GITHUB_TOKEN}`.
    password: Option<String>,
    /// Use plain HTTP. Default: only for a registry on this machine that does not support TLS.
    plain_http: Option<bool>,
    /// Don't verify TLS. Every report shows it.
    #[serde(default)]
    insecure: bool,
    /// A file of PEM certificates to trust besides the system's.
    ca: Option<PathBuf>,
}

/// An image in its registry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ImageSeen {
    /// Whether the image exists: for `platform`, if that is set.
    pub exists: bool,
    /// Its full name, such as `docker.io/library/alpine:latest`.
    pub name: String,
    /// The digest that the name refers to, such as `sha256:…`: that of the list of platforms, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The digest of the image for the platform that was checked. The same as `digest` if the image has no list of
    /// platforms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_digest: Option<String>,
    /// The platform that was checked, such as `linux/amd64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// All platforms of the image.
    pub platforms: Vec<String>,
    /// Build time from the image, such as `2025-12-06T10:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The commit that it was built from, according to its label `org.opencontainers.image.revision`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The annotations of its manifest, and of the list of platforms.
    pub annotations: BTreeMap<String, String>,
}

impl Probe for Image {
    const KIND: &'static str = "image";
    const EXPECT: &'static str = "{ exists: true }";
    const PRESENT: Option<(&'static str, &'static str)> = Some(("exists", "true"));
    const EXAMPLE: &'static str = r#"image: { ref: "ghcr.io/acme/api:main", user: acme, password: "${secrets.GITHUB_TOKEN}" }
expect: { revision: { matches: "^[0-9a-f]{40}$" }, platforms: { contains: linux/arm64 } }
"#;
    const TAKES_VIA: bool = true;
    type Observation = ImageSeen;

    async fn observe(&self, cx: &Context) -> Result<ImageSeen, Fault> {
        let mut registry = Registry {
            cx,
            base: self.base(cx).await,
            repository: self.reference.repository(),
            login: self.user.as_deref().map(|user| (user, self.password.as_deref().unwrap_or_default())),
            options: options(self.insecure, self.ca.as_ref()),
            authorization: None,
        };
        let mut seen = ImageSeen { name: self.reference.to_string(), ..ImageSeen::default() };
        let Some(top) = manifest(&mut registry, self.reference.version()).await? else { return Ok(seen) };
        seen.digest = Some(top.1.digest());
        seen.annotations = top.0.annotations.clone();
        let chosen = match &top.0.manifests {
            None => None,
            Some(list) => {
                let runnable = || list.iter().filter(|entry| entry.is_image());
                seen.platforms = runnable().filter_map(|entry| Some(entry.platform.as_ref()?.to_string())).collect();
                let amd64 = || runnable().find(|entry| entry.is_for(&Platform::amd64()));
                let chosen = match &self.platform {
                    Some(platform) => runnable().find(|entry| entry.is_for(platform)),
                    None => amd64().or_else(|| runnable().next()),
                };
                let Some(chosen) = chosen else { return Ok(seen) };
                Some(chosen.digest.clone())
            }
        };
        let (image, got) = match chosen {
            None => top,
            Some(digest) => manifest(&mut registry, &digest).await?.ok_or_else(|| {
                Fault::new(format!("the registry lists {digest} for a platform, but does not have it"))
                    .help("was it removed? Push the image again")
            })?,
        };
        seen.platform_digest = Some(got.digest());
        seen.annotations.extend(image.annotations);
        let config = match &image.config {
            Some(config) => configuration(&mut registry, &config.digest).await?,
            None => Config::default(),
        };
        let platform = config.platform();
        if seen.platforms.is_empty() {
            seen.platforms.extend(platform.as_ref().map(Platform::to_string));
        }
        seen.exists = match (&self.platform, &platform) {
            (Some(wanted), Some(platform)) => wanted.covers(platform),
            (Some(_), None) => false,
            (None, _) => true,
        };
        seen.platform = platform.as_ref().map(Platform::to_string);
        seen.created = config.created;
        seen.labels = config.config.and_then(|config| config.labels).unwrap_or_default();
        let key = "org.opencontainers.image.revision";
        seen.revision = seen.labels.get(key).or_else(|| seen.annotations.get(key)).cloned();
        Ok(seen)
    }

    fn evidence(&self, seen: &ImageSeen) -> String {
        let short = |text: &str, length: usize| text.chars().take(length).collect::<String>();
        match &seen.digest {
            Some(digest) if seen.exists => {
                let revision = seen.revision.as_deref().map(|revision| format!(", from {}", short(revision, 12)));
                format!("{}{}", short(digest, 19), revision.unwrap_or_default())
            }
            Some(_) => "not there for this platform".to_owned(),
            None => format!("`{}` does not exist", seen.name),
        }
    }

    fn advice(&self, seen: &ImageSeen) -> Option<String> {
        match (&seen.digest, seen.exists) {
            (_, true) => None,
            (Some(_), false) => Some(format!("{} is there for {}", seen.name, seen.platforms.join(", "))),
            (None, false) => {
                Some(format!("the registry has no {}: was it pushed, and may these credentials see it?", seen.name))
            }
        }
    }

    fn is_insecure(&self) -> bool {
        self.insecure
    }

    fn reproduce(&self) -> Option<Vec<String>> {
        Some(["docker", "buildx", "imagetools", "inspect", &self.reference.to_string()].map(str::to_owned).to_vec())
    }
}

impl Image {
    /// `https://host/v2/name`. A registry on this machine may have TLS or not: it is tried, unless the settings say.
    async fn base(&self, cx: &Context) -> HttpUrl {
        let wants_tls = self.insecure || self.ca.is_some();
        let plain = match self.plain_http {
            Some(plain) => plain,
            None => is_here(self.reference.host()) && !wants_tls && !self.speaks_tls(cx).await,
        };
        let scheme = if plain { "http" } else { "https" };
        address(scheme, &self.reference).expect("it was tried when it was read")
    }

    async fn speaks_tls(&self, cx: &Context) -> bool {
        let secure = address("https", &self.reference).expect("it was tried when it was read");
        let url = secure.url();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match cx.dialer().dial(host, url.port_or_known_default().unwrap_or(443)).await {
            Ok(dialed) => trust::speaks_tls(host, dialed.wire).await,
            Err(_) => false,
        }
    }
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let probe = Image::deserialize(deserializer)?;
        if probe.user.is_some() != probe.password.is_some() {
            return Err(D::Error::custom("`user` and `password` go together"));
        }
        if address("https", &probe.reference).is_none() {
            return Err(D::Error::custom(format!("`{}` can't be the address of a registry", probe.reference.host())));
        }
        Ok(probe)
    }
}

fn address(scheme: &str, reference: &Reference) -> Option<HttpUrl> {
    let url = Url::parse(&format!("{scheme}://{}/v2/{}", reference.host(), reference.repository())).ok()?;
    HttpUrl::try_from(url).ok()
}

/// Whether a registry is on this machine, where Docker speaks plain HTTP too.
fn is_here(host: &str) -> bool {
    let url = Url::parse(&format!("http://{host}"));
    match url.as_ref().ok().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A manifest by tag or digest, where it is there, with the bytes that its digest is of.
async fn manifest(registry: &mut Registry<'_>, version: &str) -> Result<Option<(Manifest, Got)>, Fault> {
    let got = registry.get(&format!("/manifests/{version}"), ACCEPT).await?;
    match got.status {
        200 => {}
        404 if got.is_of_registry() => return Ok(None),
        _ => return Err(registry.fault(&got)),
    }
    verify(&got, version)?;
    let manifest: Manifest = json::parse(&got.body).map_err(|error| {
        Fault::new(format!("the registry did not return a manifest for {version}: {}", error::json(&error)))
            .help("is this the address of a registry, or of a proxy?")
    })?;
    if manifest.schema_version != 2 {
        let fault = Fault::new(format!("the image has a manifest of version {}", manifest.schema_version));
        return Err(fault.help("push it again with a current version of Docker: version 1 has no digest to compare"));
    }
    Ok(Some((manifest, got)))
}

async fn configuration(registry: &mut Registry<'_>, digest: &str) -> Result<Config, Fault> {
    let got = registry.get(&format!("/blobs/{digest}"), "*/*").await?;
    if got.status != 200 {
        return Err(registry.fault(&got));
    }
    verify(&got, digest)?;
    // An artifact that is not an image, such as a chart, has another kind of configuration.
    Ok(json::parse(&got.body).unwrap_or_default())
}

/// Verifies the digest of an image named by digest, and the digest that the registry reports.
fn verify(got: &Got, version: &str) -> Result<(), Fault> {
    let header = got.headers.get("docker-content-digest").and_then(|value| value.to_str().ok());
    for said in [Some(version), header].into_iter().flatten().filter(|said| said.starts_with("sha256:")) {
        if said != got.digest() {
            return Err(Fault::new(format!(
                "the registry returned a manifest with the digest {}, not {said}",
                got.digest()
            ))
            .help("does a proxy change the answer, or is the registry's storage damaged?"));
        }
    }
    Ok(())
}
