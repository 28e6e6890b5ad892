//! Docker's own registry with images pushed by its API, and fake registries that issue tokens or send wrong data.

use std::sync::OnceLock;

use gate::client::{HttpOptions, Manner};
use gate::probe::Probe;
use gate::probe::image::{Image, ImageSeen};
use insta::assert_snapshot;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::harness::{self, Response};
use crate::observe::{context, observe, probe, refused};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of an OCI manifest.
pub const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The digest of these bytes, as a registry computes it.
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The configuration of an image for this architecture.
pub fn config(architecture: &str) -> Vec<u8> {
    let labels = json!({ "org.opencontainers.image.revision": COMMIT });
    let config = json!({
        "created": "2025-12-06T10:00:00Z", "os": "linux", "architecture": architecture,
        "config": { "Labels": labels }, "rootfs": { "type": "layers", "diff_ids": [] },
    });
    config.to_string().into_bytes()
}

/// The manifest of an image with this configuration.
pub fn manifest(media_type: &str, config: &[u8]) -> Vec<u8> {
    let config_type = if media_type == OCI {
        "application/vnd.oci.image.config.v1+json"
    } else {
        "application/vnd.docker.container.image.v1+json"
    };
    let config = json!({ "mediaType": config_type, "digest": digest(config), "size": config.len() });
    json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [] }).to_string().into_bytes()
}

fn list(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entry = |(architecture, manifest): &(&str, &[u8])| {
        let os = if *architecture == "unknown" { "unknown" } else { "linux" };
        json!({ "mediaType": OCI, "digest": digest(manifest), "size": manifest.len(),
            "platform": { "os": os, "architecture": architecture } })
    };
    let entries: Vec<Value> = entries.iter().map(entry).collect();
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string().into_bytes()
}

/// The target and login of a push: a host, a repository, with a password or a CA file if there is one.
struct Push<'a> {
    host: &'a str,
    ca: Option<std::path::PathBuf>,
    repository: &'a str,
    is_locked: bool,
}

impl Push<'_> {
    async fn send(&self, method: Method, url: Url, kind: &str, body: &[u8]) -> Option<String> {
        let cx = context(std::path::Path::new("/"), &[]);
        let client = cx.http(&url, &HttpOptions { ca: self.ca.clone(), ..HttpOptions::default() }, Manner::default());
        let client = client.expect("the file is there");
        let mut request = client.request(method, url).header("content-type", kind).body(body.to_vec());
        if self.is_locked {
            request = request.basic_auth("gate", Some("p@ss word"));
        }
        let response = request.send().await.expect("the registry answers");
        let location = response.headers().get("location").map(|value| value.to_str().expect("it is ASCII").to_owned());
        assert!(response.status().is_success(), "{}", response.text().await.unwrap_or_default());
        location
    }

    fn url(&self, path: &str) -> Url {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        Url::parse(&format!("{scheme}://{}/v2/{}/{path}", self.host, self.repository)).expect("it is a URL")
    }

    async fn blob(&self, bytes: &[u8]) {
        let place = self.send(Method::POST, self.url("blobs/uploads/"), "text/plain", b"").await.expect("a place");
        let mut url = self.url("").join(&place).expect("it is a URL");
        url.query_pairs_mut().append_pair("digest", &digest(bytes));
        self.send(Method::PUT, url, "application/octet-stream", bytes).await;
    }

    async fn manifest(&self, version: &str, kind: &str, bytes: &[u8]) {
        self.send(Method::PUT, self.url(&format!("manifests/{version}")), kind, bytes).await;
    }

    /// Pushes `docker` (Docker's manifest), `one` (OCI), and `many`: an index with two platforms and attestations.
    fn all(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (amd64, arm64) = (config("amd64"), config("arm64"));
            self.blob(&amd64).await;
            self.blob(&arm64).await;
            self.manifest("docker", DOCKER, &manifest(DOCKER, &amd64)).await;
            let (first, second) = (manifest(OCI, &arm64), manifest(OCI, &amd64));
            self.manifest("one", OCI, &second).await;
            self.manifest(&digest(&first), OCI, &first).await;
            self.manifest(
                "many",
                INDEX,
                &list(&[("unknown", first.as_slice()), ("arm64", first.as_slice()), ("amd64", second.as_slice())]),
            )
            .await;
        });
    }
}

/// The commit from which the images were built, according to their labels.
pub const COMMIT: &str = "0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7";

/// The host of the open registry, with the images in `acme/api`.
pub fn open() -> String {
    static PUSHED: OnceLock<()> = OnceLock::new();
    let host = harness::registry().host();
    PUSHED.get_or_init(|| Push { host: &host, ca: None, repository: "acme/api", is_locked: false }.all());
    host
}

fn seen(name: &str, more: Value) -> Result<ImageSeen, String> {
    let mut settings = json!({ "ref": name });
    settings.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
    observe::<Image>(settings)
}

fn reported(seen: &ImageSeen) -> String {
    let probe: Image = probe(json!({ "ref": "acme/api" }));
    let advice = probe.advice(seen).unwrap_or_default();
    format!("{} | {advice}", probe.evidence(seen)).replace(seen.name.split('/').next().unwrap_or_default(), "HOST")
}

#[test]
fn an_image_says_what_it_was_built_from() {
    let host = open();
    let seen = |tag: &str| seen(&format!("{host}/acme/api:{tag}"), json!({})).expect("it exists");
    let one = seen("one");
    assert_snapshot!(serde_json::to_string_pretty(&one).expect("it is JSON").replace(&host, "HOST"), @r#"
    {
      "exists": true,
      "name": "HOST/acme/api:one",
      "digest": "sha256:592c8f24c56c0ce02e3da40ac4c15fc214a1b39854b32abe967ef578fe860887",
      "platform_digest": "sha256:592c8f24c56c0ce02e3da40ac4c15fc214a1b39854b32abe967ef578fe860887",
      "platform": "linux/amd64",
      "platforms": [
        "linux/amd64"
      ],
      "created": "2025-12-06T10:00:00Z",
      "revision": "0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7",
      "labels": {
        "org.opencontainers.image.revision": "0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7aa0f1d7"
      },
      "annotations": {}
    }
    "#);
    assert_snapshot!(reported(&one), @"sha256:592c8f24c56c, from 0f1d7aa0f1d7 |");
    let docker = seen("docker");
    assert_eq!((docker.exists, &docker.revision, &docker.platforms), (true, &one.revision, &one.platforms));
    assert_ne!(docker.digest, one.digest);
}

#[test]
fn one_of_several_platforms_is_checked() {
    let name = format!("{}/acme/api:many", open());
    let any = seen(&name, json!({})).expect("it exists");
    assert_eq!(
        (any.platform.as_deref(), any.platforms.join(" ").as_str()),
        (Some("linux/amd64"), "linux/arm64 linux/amd64")
    );
    assert_ne!(any.digest, any.platform_digest);
    let arm64 = seen(&name, json!({ "platform": "linux/arm64" })).expect("it exists");
    assert_eq!((arm64.exists, arm64.platform.as_deref(), &arm64.digest), (true, Some("linux/arm64"), &any.digest));
    let none = seen(&name, json!({ "platform": "linux/s390x" })).expect("it can be reported");
    assert!(!none.exists);
    assert_snapshot!(reported(&none), @"not there for this platform | HOST/acme/api:many is there for linux/arm64, linux/amd64");
    let single =
        seen(&format!("{}/acme/api:one", open()), json!({ "platform": "linux/arm64" })).expect("it can be reported");
    assert!(!single.exists, "{single:?}");
}

#[test]
fn a_digest_names_one_image_for_ever() {
    let host = open();
    let by_tag = seen(&format!("{host}/acme/api:one"), json!({})).expect("it exists");
    let digest = by_tag.digest.clone().expect("it exists");
    let by_digest = seen(&format!("{host}/acme/api@{digest}"), json!({})).expect("it exists");
    assert_eq!((by_digest.digest, by_digest.revision), (by_tag.digest, by_tag.revision));
}

#[test]
fn an_image_that_is_not_there_is_red_and_no_error() {
    let host = open();
    for name in ["acme/api:gone", "acme/gone:one", &format!("acme/api@sha256:{}", "0".repeat(64))] {
        let seen = seen(&format!("{host}/{name}"), json!({})).expect("it can be reported");
        assert_eq!((seen.exists, &seen.digest), (false, &None), "{name}");
    }
    assert_snapshot!(reported(&seen(&format!("{host}/acme/api:gone"), json!({})).expect("it can be reported")), @"`HOST/acme/api:gone` does not exist | the registry has no HOST/acme/api:gone: was it pushed, and may these credentials see it?");
}

#[test]
fn a_registry_with_a_password_gets_it_when_it_asks() {
    static PUSHED: OnceLock<()> = OnceLock::new();
    let host = harness::registry_with_password().host();
    PUSHED.get_or_init(|| Push { host: &host, ca: None, repository: "acme/api", is_locked: true }.all());
    let name = format!("{host}/acme/api:one");
    let login = |password: &str| seen(&name, json!({ "user": "gate", "password": password }));
    assert!(login("p@ss word").expect("it exists").exists);
    assert_snapshot!(login("wrong").expect_err("the login is refused"), @"
    the registry does not accept the credentials, or not for this image (401: UNAUTHORIZED, authentication required)
    help: are they valid for this registry, and may they pull from this repository?
    ");
    assert_snapshot!(seen(&name, json!({})).expect_err("the login is refused"), @"
    the registry requires credentials for this image (401: UNAUTHORIZED, authentication required)
    help: give `user` and `password`; where a repository is not there, many registries say the same: is the name right?
    ");
}

/// A registry that requires a token, and another server that issues it; blobs are on a third server.
#[test]
fn credentials_go_to_the_token_server_and_nowhere_else() {
    let store = harness::http(|request| {
        assert_eq!(request.header("authorization"), None);
        Response::ok(config("amd64"))
    });
    let tokens = harness::http(|request| match request.header("authorization") {
        // `gate:hunter22`
        Some("Basic Z2F0ZTpodW50ZXIyMg==") => Response::json(&json!({ "token": "t0ken", "expires_in": 60 })),
        _ => Response::json(&json!({ "details": "incorrect username or password" })).status(401),
    });
    let (realm, blobs) = (tokens.url(), store.url());
    let registry = harness::http(move |request| {
        if request.header("authorization") != Some("Bearer t0ken") {
            let challenge = format!(r#"Bearer realm="{realm}/token",service="reg",scope="repository:acme/api:pull""#);
            let error = json!({ "errors": [{ "code": "UNAUTHORIZED", "message": "authentication required" }] });
            return Response::json(&error).status(401).header("www-authenticate", &challenge);
        }
        if request.path.contains("/blobs/") {
            Response::empty(307).header("location", &format!("{blobs}/blob"))
        } else {
            Response::ok(manifest(OCI, &config("amd64"))).header("content-type", OCI)
        }
    });
    let name = format!("127.0.0.1:{}/acme/api:main", registry.port());
    let login = |password: &str| seen(&name, json!({ "user": "gate", "password": password }));
    let good = login("hunter22").expect("it exists");
    assert_eq!((good.exists, good.created.as_deref()), (true, Some("2025-12-06T10:00:00Z")));
    let asked = &tokens.requests()[0];
    assert_eq!(asked.parameter("service").as_deref(), Some("reg"));
    assert_eq!(asked.parameter("scope").as_deref(), Some("repository:acme/api:pull"));
    let to_registry = registry.requests();
    assert!(
        to_registry.iter().all(|request| !request.header("authorization").is_some_and(|value| value.contains("Basic")))
    );
    assert_eq!(store.requests().len(), 1);
    assert_snapshot!(login("wrong").expect_err("the login is refused"), @"
    the registry does not accept the credentials, or not for this image (401: incorrect username or password)
    help: are they valid for this registry, and may they pull from this repository?
    ");
}

#[test]
fn a_registry_with_wrong_content_is_reported() {
    let lie = |body: &'static str, header: Option<&'static str>| {
        let server = harness::http(move |_| match header {
            Some(digest) => Response::ok(body).header("docker-content-digest", digest),
            None => Response::ok(body),
        });
        seen(&format!("127.0.0.1:{}/acme/api:main", server.port()), json!({})).expect_err("its answer is wrong")
    };
    assert_snapshot!(lie("{}", Some("sha256:1234")), @"
    the registry returned a manifest with the digest sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a, not sha256:1234
    help: does a proxy change the answer, or is the registry's storage damaged?
    ");
    assert_snapshot!(lie("<html>Sign in</html>", None), @"
    the registry did not return a manifest for main: invalid JSON at line 1, column 1
    help: is this the address of a registry, or of a proxy?
    ");
    assert_snapshot!(lie(r#"{"schemaVersion":1,"name":"acme/api"}"#, None), @"
    the image has a manifest of version 1
    help: push it again with a current version of Docker: version 1 has no digest to compare
    ");
    let web = harness::http(|_| Response::text("not here").status(404));
    assert_snapshot!(seen(&format!("127.0.0.1:{}/acme/api:main", web.port()), json!({})).expect_err("no registry"), @"
    the registry refused the request (404)
    help: is a registry at this address?
    ");
    let busy = harness::http(|_| {
        let error =
            json!({ "errors": [{ "code": "TOOMANYREQUESTS", "message": "You have reached your pull rate limit." }] });
        Response::json(&error).status(429)
    });
    assert_snapshot!(seen(&format!("127.0.0.1:{}/acme/api:main", busy.port()), json!({})).expect_err("it is busy"), @"
    rate limited by the registry (429: TOOMANYREQUESTS, You have reached your pull rate limit.)
    help: retry later, or set `user` and `password`, which have a higher limit
    ");
}

#[test]
fn a_registry_on_this_machine_may_have_tls() {
    let authority = harness::Authority::new();
    let server = harness::nginx_tls(&authority.issue(), "location / { return 404; }");
    let name = format!("127.0.0.1:{}/acme/api:main", server.port);
    let error = seen(&name, json!({})).expect_err("it is not trusted").replace(&server.port.to_string(), "PORT");
    assert_snapshot!(error, @"
    the certificate of 127.0.0.1:PORT is from an unknown issuer
    help: name the issuer's certificate with `ca: FILE`, or disable verification with `insecure: true`
    ");
}

#[test]
fn a_registry_with_tls_is_read_where_its_issuer_is_named() {
    let authority = harness::Authority::new();
    let registry = harness::registry_with_tls(&authority.issue());
    Push { host: &registry.host(), ca: Some(authority.ca()), repository: "acme/api", is_locked: false }.all();
    let name = format!("{}/acme/api:one", registry.host());
    let revision = |more| seen(&name, more).map(|seen| seen.revision);
    for more in [json!({ "ca": authority.ca() }), json!({ "insecure": true })] {
        assert_eq!(revision(more), Ok(Some(COMMIT.to_owned())));
    }
    for more in [json!({}), json!({ "ca": harness::Authority::new().ca() })] {
        let error = revision(more).expect_err("the issuer is not trusted");
        assert!(error.starts_with("the certificate of 127.0.0.1:") || error.contains("TLS"), "{error}");
    }
}

#[test]
fn invalid_settings_are_refused_at_load() {
    assert_snapshot!(refused::<Image>(json!({ "ref": "https://ghcr.io/a/b" })), @"`https://ghcr.io/a/b` is not an image: write `registry.example/team/app:tag`");
    assert_snapshot!(refused::<Image>(json!({ "ref": "ghcr.io/a/b", "user": "gate" })), @"`user` and `password` go together");
    assert_snapshot!(refused::<Image>(json!({ "ref": "ghcr.io/a/b", "platform": "arm64" })), @"`arm64` is not a platform: write `linux/arm64`");
    assert_snapshot!(refused::<Image>(json!({ "ref": "ghcr.io:99999/a/b" })), @"`ghcr.io:99999` can't be the address of a registry");
}
