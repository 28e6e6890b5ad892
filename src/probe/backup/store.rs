//! Objects in S3, Google Cloud Storage and Azure Blob Storage, through the `object_store` crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    ClientOptions, CredentialProvider, Error, Extensions, GetOptions, ObjectStore, ObjectStoreExt, RetryConfig,
};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use url::Url;

use crate::client::proxy::Proxy;
use crate::client::{Manner, http};
use crate::probe::{Context, Fault, HttpOptions};
use crate::text::error;

use super::limited::{LIMIT, Limited, Streamed, is_too_large};
use super::place::{Bucket, Provider};
use super::{MOST, Object, profile, too_many};

/// A part of a store, such as a bucket.
pub struct Store {
    inner: Box<dyn ObjectStore>,
    bucket: Bucket,
    endpoint: Url,
    proxy: Option<Proxy>,
    has_credentials: bool,
}

/// How long a machine may take to give the credentials of its role.
const ROLE: Duration = Duration::from_secs(5);

/// Opens a store, without sending a request yet.
///
/// # Errors
/// When the options make no store.
pub async fn open(
    bucket: &Bucket,
    options: &BTreeMap<String, String>,
    ca: Option<&PathBuf>,
    cx: &Context,
) -> Result<Store, Fault> {
    let defaults = match bucket.provider {
        Provider::S3 => profile::aws(&cx.env).await?,
        Provider::Google => profile::environment(&cx.env, "GOOGLE_"),
        Provider::Azure => profile::environment(&cx.env, "AZURE_"),
    };
    // Options of the checklist come last, so they take precedence.
    let pairs: Vec<(&str, &str)> =
        defaults.iter().chain(options).map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let endpoint = pairs.iter().rev().find(|(key, _)| is_endpoint(key)).map(|(_, value)| *value);
    let url = Url::parse(endpoint.unwrap_or(bucket.provider.host())).map_err(|_| {
        Fault::new("the store's endpoint is not a URL").help("give `endpoint` as `https://host` or `http://host:port`")
    })?;
    let connection = HttpOptions { ca: ca.cloned(), ..HttpOptions::default() };
    let client = cx.http(&url, &connection, Manner::default())?;
    let connector = Limited { client, load: Arc::clone(&cx.load) };
    // The checklist sets how often to retry.
    let retry = RetryConfig { max_retries: 0, retry_timeout: cx.timeout, ..RetryConfig::default() };
    let client = ClientOptions::new().with_allow_http(url.scheme() == "http");
    let has_credentials = pairs.iter().any(|(key, _)| is_credential(key));
    let unbuilt = |_| {
        Fault::new(format!("cannot open {} with these options", bucket.place()))
            .help(format!("the usual ones are {}", bucket.provider.usual()))
    };
    let inner: Box<dyn ObjectStore> = match bucket.provider {
        Provider::S3 => {
            let builder = AmazonS3Builder::new();
            let builder = pairs.iter().fold(builder, |builder, (key, value)| match key.parse() {
                Ok(key) => builder.with_config(key, *value),
                Err(_) => builder,
            });
            let builder = builder.with_bucket_name(&bucket.name).with_retry(retry);
            let builder = builder.with_client_options(client).with_http_connector(connector);
            let store = builder.build().map_err(unbuilt)?;
            if !has_credentials {
                role(store.credentials().as_ref(), bucket, cx).await?;
            }
            Box::new(store)
        }
        Provider::Google => {
            let builder = GoogleCloudStorageBuilder::new();
            let builder = pairs.iter().fold(builder, |builder, (key, value)| match key.parse() {
                Ok(key) => builder.with_config(key, *value),
                Err(_) => builder,
            });
            let builder = builder.with_bucket_name(&bucket.name).with_retry(retry);
            let builder = builder.with_client_options(client).with_http_connector(connector);
            let store = builder.build().map_err(unbuilt)?;
            if !has_credentials {
                role(store.credentials().as_ref(), bucket, cx).await?;
            }
            Box::new(store)
        }
        Provider::Azure => {
            let builder = MicrosoftAzureBuilder::new();
            let builder = pairs.iter().fold(builder, |builder, (key, value)| match key.parse() {
                Ok(key) => builder.with_config(key, *value),
                Err(_) => builder,
            });
            let builder = builder.with_container_name(&bucket.name).with_retry(retry);
            let builder = builder.with_client_options(client).with_http_connector(connector);
            let store = builder.build().map_err(unbuilt)?;
            if !has_credentials {
                role(store.credentials().as_ref(), bucket, cx).await?;
            }
            Box::new(store)
        }
    };
    Ok(Store { inner, bucket: bucket.clone(), proxy: cx.proxy(&url, &connection)?, endpoint: url, has_credentials })
}

/// Whether an option has credentials, or requests anonymous access.
fn is_credential(key: &str) -> bool {
    let words =
        ["access_key", "account_key", "token", "secret", "credentials", "service_account", "sas", "use_azure_cli"];
    words.iter().any(|word| key.contains(word)) || key.ends_with("skip_signature")
}

/// Asks for the credentials of the machine's own role, which only a machine of the provider has.
async fn role<C>(
    provider: &dyn CredentialProvider<Credential = C>,
    bucket: &Bucket,
    cx: &Context,
) -> Result<(), Fault> {
    match tokio::time::timeout(ROLE.min(cx.timeout / 2), provider.get_credential()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Fault::new(format!("no credentials for {}", bucket.place())).help(format!(
            "set them in `options` ({}) or in the environment, or run gate on a machine whose role may list the bucket",
            bucket.provider.usual()
        ))),
    }
}

/// Whether an option sets the address of the store.
fn is_endpoint(key: &str) -> bool {
    let key = key.trim_start_matches("aws_").trim_start_matches("azure_storage_").trim_start_matches("google_");
    matches!(key, "endpoint" | "endpoint_url" | "endpoint_url_s3" | "base_url")
}

impl Store {
    /// Every object below the prefix.
    ///
    /// # Errors
    /// When the store does not list them.
    pub async fn list(&self) -> Result<Vec<Object>, Fault> {
        let prefix = Path::from(self.bucket.prefix.as_str());
        let mut listed = self.inner.list(Some(&prefix));
        let mut found = Vec::new();
        while let Some(next) = listed.next().await {
            let object = next.map_err(|error| self.fault(&error))?;
            let path = object.location.as_ref();
            let below = path.strip_prefix(self.bucket.prefix.as_str()).unwrap_or(path).trim_start_matches('/');
            let modified = Timestamp::from_millisecond(object.last_modified.timestamp_millis());
            let modified = modified.map_err(|_| Fault::new(format!("the store gives {below} an impossible time")))?;
            found.push(Object { path: below.to_owned(), modified, size: object.size });
            if found.len() > MOST {
                return Err(too_many());
            }
        }
        // A marker of a folder has the folder's name, and nothing in it.
        let folders: BTreeSet<String> =
            found.iter().filter_map(|object| Some(object.path.rsplit_once('/')?.0.to_owned())).collect();
        found.retain(|object| object.size > 0 || !object.path.is_empty() && !folders.contains(&object.path));
        Ok(found)
    }

    /// Whether this is an object, rather than the marker of a folder without files: `2025/`, listed as `2025`.
    ///
    /// # Errors
    /// When the store's answer is an error.
    pub async fn has(&self, below: &str) -> Result<bool, Fault> {
        match self.inner.head(&self.path(below)?).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// All of a small object.
    ///
    /// # Errors
    /// When the store does not give it.
    pub async fn read(&self, below: &str) -> Result<Vec<u8>, Fault> {
        let got = self.inner.get(&self.path(below)?).await.map_err(|error| self.fault(&error))?;
        Ok(got.bytes().await.map_err(|error| self.fault(&error))?.to_vec())
    }

    fn path(&self, below: &str) -> Result<Path, Fault> {
        Path::parse(format!("{}/{below}", self.bucket.prefix).trim_start_matches('/'))
            .map_err(|_| Fault::new(format!("{below} is not a valid name of an object")))
    }

    /// Fetches an object into a file that only this user can read, and that goes with the value.
    ///
    /// # Errors
    /// When the store does not give it, or the disk does not take it.
    pub async fn fetch(&self, object: &Object) -> Result<NamedTempFile, Fault> {
        let full = self.path(&object.path)?;
        let unwritten = |problem: std::io::Error| {
            Fault::new(format!("the backup can't be kept here for `pg_restore`: {}", error::os(&problem)))
                .help("it is written to the temporary folder: give another one as TMPDIR")
        };
        let file = NamedTempFile::new().map_err(unwritten)?;
        let mut out = tokio::fs::File::from_std(file.reopen().map_err(unwritten)?);
        let mut extensions = Extensions::new();
        extensions.insert(Streamed);
        let options = GetOptions { extensions, ..GetOptions::default() };
        let mut stream = self.inner.get_opts(&full, options).await.map_err(|error| self.fault(&error))?.into_stream();
        let mut left = object.size;
        while let Some(chunk) = stream.try_next().await.map_err(|error| self.fault(&error))? {
            left = left.checked_sub(chunk.len() as u64).ok_or_else(|| {
                Fault::new(format!("{} has more than the {} bytes that the store lists", object.path, object.size))
                    .help("is it being replaced right now?")
            })?;
            out.write_all(&chunk).await.map_err(unwritten)?;
        }
        out.flush().await.map_err(unwritten)?;
        Ok(file)
    }

    /// The meaning of an error of the store. Its own words may hold a whole URL, signature and all.
    fn fault(&self, error: &Error) -> Fault {
        let place = self.bucket.place();
        if let Some(error) = http_error(error) {
            return http::fault(error, error.url().unwrap_or(&self.endpoint), self.proxy.as_ref());
        }
        if is_too_large(error) {
            return Fault::new(format!("{place} sent an answer larger than {} MiB", LIMIT >> 20))
                .help("does `endpoint` name an object store?");
        }
        let said = root(error);
        let is = |words: &[&str]| words.iter().any(|word| said.contains(word));
        match error {
            Error::Unauthenticated { .. } | Error::PermissionDenied { .. } => self.denied(&place, &said),
            _ if is(&["401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"]) => {
                self.denied(&place, &said)
            }
            _ if is(&["NoSuchBucket", "ContainerNotFound", "404"]) => {
                Fault::new(format!("{place} not found: {said}")).help("is its name right, and the region?")
            }
            _ => Fault::new(format!("{place} did not list its objects: {said}")),
        }
    }

    fn denied(&self, place: &str, said: &str) -> Fault {
        let fault = Fault::new(format!("{place} does not accept the credentials: {said}"));
        match self.has_credentials {
            true => fault.help("are the credentials valid, and may they list this bucket?"),
            false => {
                fault.help("give credentials as `options`, or run gate where the machine has a role that may list it")
            }
        }
    }
}

/// The error of the HTTP client, where no answer came.
fn http_error(error: &Error) -> Option<&reqwest::Error> {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<reqwest::Error>() {
            // A status is an answer.
            return found.status().is_none().then_some(found);
        }
        next = error.source();
    }
    None
}

/// The innermost words of an error, on one line, without any URL; of a store's XML, its code and message.
fn root(error: &Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let text = inner.to_string();
    let text = text.trim_start_matches("Server returned non-2xx status code: ");
    let part = |name: &str| Some(text.split_once(&format!("<{name}>"))?.1.split_once("</")?.0);
    if let (Some((status, _)), Some(code), Some(message)) = (text.split_once(": "), part("Code"), part("Message")) {
        return format!("{status}: {code}: {message}").chars().filter(|c| !c.is_control()).take(300).collect();
    }
    let words = text.split_whitespace().map(|word| match word.find("http://").or_else(|| word.find("https://")) {
        Some(at) => &word[..at],
        None => word,
    });
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}
