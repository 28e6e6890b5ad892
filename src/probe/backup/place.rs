//! Where backups are, and which of them are meant.

use std::fmt;
use std::path::PathBuf;

use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A folder, or a part of a store.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", inline)]
pub enum Place {
    /// A folder, relative to the one that holds `checklists/`.
    Folder(PathBuf),
    /// A part of a store.
    Store(Bucket),
}

/// A bucket, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Whose it is.
    pub provider: Provider,
    /// Its name.
    pub name: String,
    /// The common prefix of all object names, without slashes at its ends. May be empty.
    pub prefix: String,
}

/// Who keeps a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon S3, and stores with the same API.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

/// A pattern such as `staging-*.dump`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", inline)]
pub struct Pattern(glob::Pattern);

impl Provider {
    /// The word before `://`.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }

    /// Refuses an option that its store does not have.
    ///
    /// # Errors
    /// A problem in the settings, for the author of the checklist.
    pub fn knows(self, key: &str) -> Result<(), String> {
        let is_known = match self {
            Self::S3 => key.parse::<AmazonS3ConfigKey>().is_ok(),
            Self::Google => key.parse::<GoogleConfigKey>().is_ok(),
            Self::Azure => key.parse::<AzureConfigKey>().is_ok(),
        };
        if is_known {
            Ok(())
        } else {
            Err(format!("unknown option `{key}` of {}: the usual ones are {}", self.scheme(), self.usual()))
        }
    }

    /// The options that most people need.
    pub fn usual(self) -> &'static str {
        match self {
            Self::S3 => "`access_key_id`, `secret_access_key`, `region` and `endpoint`",
            Self::Google => "`service_account_key` and `base_url`",
            Self::Azure => "`account_name`, `account_key`, `sas_token` and `endpoint`",
        }
    }

    /// Where the store is unless an option says.
    pub fn host(self) -> &'static str {
        match self {
            Self::S3 => "https://s3.amazonaws.com",
            Self::Google => "https://storage.googleapis.com",
            Self::Azure => "https://blob.core.windows.net",
        }
    }
}

impl Bucket {
    /// The bucket as a whole, such as `s3://acme`.
    pub fn place(&self) -> String {
        format!("{}://{}", self.provider.scheme(), self.name)
    }
}

impl Place {
    fn read(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return if text.is_empty() { Err("the place is empty".to_owned()) } else { Ok(Self::Folder(text.into())) };
        };
        let provider = match scheme {
            "s3" | "s3a" => Provider::S3,
            "gs" => Provider::Google,
            "az" | "azure" => Provider::Azure,
            "file" => return Ok(Self::Folder(rest.into())),
            _ => {
                return Err(format!(
                    "`{scheme}://` is not a store: write `s3://`, `gs://`, `az://`, or the path of a folder"
                ));
            }
        };
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() || name.contains(['@', ':', '?', '#']) {
            return Err(format!("`{scheme}://` wants the name of a bucket, and nothing else before its path"));
        }
        Ok(Self::Store(Bucket { provider, name: name.to_owned(), prefix: prefix.trim_matches('/').to_owned() }))
    }

    /// The command that does the same.
    pub fn reproduce(&self) -> Vec<String> {
        let words: Vec<&str> = match self {
            Self::Folder(path) => return ["ls", "-lRt", "--", &path.display().to_string()].map(str::to_owned).to_vec(),
            Self::Store(Bucket { provider: Provider::S3, .. }) => vec!["aws", "s3", "ls", "--recursive"],
            Self::Store(Bucket { provider: Provider::Google, .. }) => {
                vec!["gcloud", "storage", "ls", "--long", "--recursive"]
            }
            Self::Store(Bucket { provider: Provider::Azure, name, prefix }) => {
                let words = ["az", "storage", "blob", "list", "--container-name", name, "--prefix", prefix];
                return words.map(str::to_owned).to_vec();
            }
        };
        words.into_iter().map(str::to_owned).chain([self.to_string()]).collect()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Store(Bucket { provider, name, prefix }) if prefix.is_empty() => {
                write!(f, "{}://{name}", provider.scheme())
            }
            Self::Store(Bucket { provider, name, prefix }) => write!(f, "{}://{name}/{prefix}", provider.scheme()),
        }
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Pattern {
    /// Whether a path is meant: by its name, or where the pattern has a slash, as a whole.
    pub fn matches(&self, path: &str) -> bool {
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
        let subject = if self.0.as_str().contains('/') { path } else { path.rsplit('/').next().unwrap_or(path) };
        self.0.matches_with(subject, options)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let pattern =
            glob::Pattern::new(&text).map_err(|error| D::Error::custom(format!("no pattern: {}", error.msg)))?;
        Ok(Self(pattern))
    }
}
