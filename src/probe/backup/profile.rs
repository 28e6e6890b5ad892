//! The settings of the AWS command line: environment variables, and the profile of `~/.aws`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::client::{aside, file as regular};
use crate::env::Env;
use crate::probe::Fault;

/// Settings of a profile that only AWS's own programs can follow.
const UNSUPPORTED: &[&str] = &["sso_session", "sso_start_url", "credential_process", "role_arn", "source_profile"];

/// Options by the name that the store knows, such as `aws_region`: the environment's, then the profile's.
///
/// # Errors
/// When a profile is named that does not exist, or can't be used.
pub async fn aws(env: &Env) -> Result<BTreeMap<String, String>, Fault> {
    let mut options = environment(env, "AWS_");
    let has_keys = options.contains_key("aws_access_key_id")
        || [
            "aws_web_identity_token_file",
            "aws_container_credentials_relative_uri",
            "aws_container_credentials_full_uri",
        ]
        .iter()
        .any(|key| options.contains_key(*key));
    let name = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].iter().find_map(|name| env.var(name));
    let profile = profile(env, name).await?;
    if !has_keys
        && !profile.contains_key("aws_access_key_id")
        && let Some(key) = UNSUPPORTED.iter().find(|key| profile.contains_key(**key))
    {
        let name = name.unwrap_or("default");
        return Err(Fault::new(format!(
            "the AWS profile `{name}` uses `{key}`, which only AWS's own programs support"
        ))
        .help(format!(
            "run `eval \"$(aws configure export-credentials --profile {name} --format env)\"` before gate"
        )));
    }
    for (key, value) in profile {
        let key = match key.as_str() {
            "aws_access_key_id" | "aws_secret_access_key" | "aws_session_token" if has_keys => continue,
            "aws_access_key_id" | "aws_secret_access_key" | "aws_session_token" => key,
            "region" => "aws_region".to_owned(),
            "endpoint_url" => "aws_endpoint_url".to_owned(),
            _ => continue,
        };
        let is_set = options.contains_key(&key)
            || key == "aws_region" && options.contains_key("aws_default_region")
            || key == "aws_endpoint_url" && options.contains_key("aws_endpoint_url_s3");
        if !is_set {
            options.insert(key, value);
        }
    }
    Ok(options)
}

/// The variables that begin so, in lower case.
pub fn environment(env: &Env, prefix: &str) -> BTreeMap<String, String> {
    let set = env.vars.iter().filter(|(name, value)| name.starts_with(prefix) && !value.is_empty());
    set.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

async fn profile(env: &Env, name: Option<&str>) -> Result<BTreeMap<String, String>, Fault> {
    let home = |file: &str| env.var("HOME").map(|home| Path::new(home).join(".aws").join(file));
    let file = |variable: &str, name: &str| env.var(variable).map(PathBuf::from).or_else(|| home(name));
    let wanted = name.unwrap_or("default");
    let in_config = if wanted == "default" { "default".to_owned() } else { format!("profile {wanted}") };
    let config = section(file("AWS_CONFIG_FILE", "config"), &in_config).await?;
    let credentials = section(file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), wanted).await?;
    if config.is_none() && credentials.is_none() && name.is_some() {
        return Err(Fault::new(format!("the AWS profile `{wanted}` does not exist"))
            .help("`aws configure list-profiles` lists those that do"));
    }
    let mut found = config.unwrap_or_default();
    found.extend(credentials.unwrap_or_default());
    Ok(found)
}

/// A longer file is not one of settings, in bytes.
const MAX_FILE: usize = 1 << 20;

/// The settings of one section of a file; nothing if the file or section does not exist.
async fn section(file: Option<PathBuf>, wanted: &str) -> Result<Option<BTreeMap<String, String>>, Fault> {
    let Some(file) = file else { return Ok(None) };
    if !tokio::fs::try_exists(&file).await.unwrap_or(true) {
        return Ok(None);
    }
    let path = file.clone();
    let bytes = aside::block(move || regular::read(&path, MAX_FILE))
        .await
        .map_err(|error| Fault::unreadable(&file, &error))??;
    Ok(parse(&String::from_utf8_lossy(&bytes), wanted))
}

fn parse(text: &str, wanted: &str) -> Option<BTreeMap<String, String>> {
    let mut found: Option<BTreeMap<String, String>> = None;
    let mut is_wanted = false;
    for line in text.lines() {
        if let Some(name) = line.trim().strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            is_wanted = name.split_whitespace().eq(wanted.split_whitespace());
            if is_wanted {
                found.get_or_insert_default();
            }
            continue;
        }
        // An indented line belongs to a setting of its own, such as `s3 =`.
        let is_plain = !line.starts_with([' ', '\t', '#', ';']);
        if let (true, true, Some((key, value)), Some(found)) = (is_wanted, is_plain, line.split_once('='), &mut found) {
            found.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_profile_is_read_without_its_nested_settings() {
        let text = "[default]\nregion = eu-west-1\n# no\n[profile  ci]\nregion=us-west-2\ns3 =\n  endpoint_url = x\n[other]\na=1\n";
        let found = parse(text, "profile ci").expect("it exists");
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("region".to_owned(), "us-west-2".to_owned()), ("s3".to_owned(), String::new())]
        );
        assert_eq!(parse(text, "profile gone"), None);
    }
}
