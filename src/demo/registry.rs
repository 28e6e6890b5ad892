//! A registry for the demo, with one image and the commit that it was built from.

use futures_util::future::BoxFuture;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::part::{Broken, COMMIT};
use super::server::{Reply, Request, Service};

/// A registry with `acme/aos:main`.
pub struct Registry {
    /// The parts that are broken.
    pub broken: Broken,
}

impl Registry {
    fn config(&self) -> String {
        let commit = if self.broken.is("images") { "badc0de" } else { COMMIT };
        let labels = json!({ "org.opencontainers.image.revision": commit });
        let config = json!({ "created": "2025-12-06T09:00:00Z", "os": "linux", "architecture": "amd64",
            "config": { "Labels": labels }, "rootfs": { "type": "layers", "diff_ids": [] } });
        config.to_string()
    }
}

impl Service for Registry {
    fn answer(&self, request: Request) -> BoxFuture<'_, Reply> {
        let config = self.config();
        let digest = hex::encode(Sha256::digest(&config));
        let digest = format!("sha256:{digest}");
        let reply = match request.path.strip_prefix("/v2/acme/aos/") {
            Some("manifests/main") => {
                let kind = "application/vnd.oci.image.manifest.v1+json";
                let config = json!({ "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest,
                    "size": config.len() });
                let manifest = json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": [] });
                Reply { kind, ..Reply::json(&manifest) }
            }
            Some(path) if path.strip_prefix("blobs/") == Some(&*digest) => Reply::text(config),
            Some(_) | None => {
                Reply::json(&json!({ "errors": [{ "code": "MANIFEST_UNKNOWN", "message": "unknown" }] })).status(404)
            }
        };
        Box::pin(async move { reply })
    }
}
