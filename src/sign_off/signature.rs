//! Signatures as `ssh-keygen -Y` makes and verifies them (OpenSSH 8.2 and later, PROTOCOL.sshsig): the user's own
//! program runs, so that agents, passphrases and hardware keys work.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::text::error;

use super::Entry;

/// The purpose of the signature: one for another purpose is refused.
const NAMESPACE: &str = "gate-signoff";
/// A longer file is not one of allowed signers.
const SIGNERS: u64 = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(20);

/// A folder of the user's own that remembers which signatures were good, so that unchanged ones aren't verified on each
/// run. Nothing in a repository can add to it.
#[derive(Debug, Clone, Default)]
pub struct Memory(pub Option<PathBuf>);

impl Memory {
    /// Where a signature is remembered: by all that decides whether it is good.
    fn place(&self, parts: &[&[u8]]) -> Option<PathBuf> {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Some(self.0.as_ref()?.join(hex::encode(hash.finalize())))
    }

    /// Remembers it. If that fails, it is verified again.
    fn add(place: &Path) {
        let _ = place.parent().map(fs::create_dir_all);
        let _ = fs::write(place, []);
    }
}

/// Signs an entry with a key. The program may ask for a passphrase at the terminal, for as long as that takes.
///
/// # Errors
/// Why signing failed, in words.
pub async fn sign(entry: &Entry, key: &Path) -> Result<String, String> {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(key);
    let (is_good, output) = fed(command, &entry.signed_bytes()).await?;
    if is_good && output.starts_with("-----BEGIN SSH SIGNATURE-----") {
        return Ok(output);
    }
    Err(format!("`ssh-keygen` made no signature with `{}`: {}", key.display(), first(&output)))
}

/// Verifies the signature over the bytes of an entry: made by a key that the file has for its principal, for this purpose,
/// and at a time when the key counted.
///
/// # Errors
/// Why it is not good, in words.
pub async fn verify(
    entry: &Entry,
    bytes: &[u8],
    signature: &str,
    allowed: &Path,
    memory: &Memory,
) -> Result<(), String> {
    let unread = |why: String| format!("cannot read the allowed signers in `{}`: {why}", allowed.display());
    let there = fs::metadata(allowed).map_err(|problem| match problem.kind() {
        io::ErrorKind::NotFound => format!("file of allowed signers not found: `{}`", allowed.display()),
        _ => unread(error::os(&problem)),
    })?;
    if !there.is_file() {
        return Err(unread("it is not a regular file".to_owned()));
    }
    if there.len() > SIGNERS {
        return Err(unread("it is longer than 1 MiB".to_owned()));
    }
    let signers = fs::read(allowed).map_err(|problem| unread(error::os(&problem)))?;
    let at = entry.at.to_zoned_datetime(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string();
    let parts = [bytes, signature.as_bytes(), entry.principal().as_bytes(), at.as_bytes(), &signers];
    let place = memory.place(&parts);
    if place.as_ref().is_some_and(|place| place.is_file()) {
        return Ok(());
    }
    let mut file = tempfile::NamedTempFile::new().map_err(|problem| no_file(&problem))?;
    file.write_all(signature.as_bytes()).map_err(|problem| no_file(&problem))?;
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "verify", "-n", NAMESPACE, "-O", &format!("verify-time={at}")]);
    command.arg("-f").arg(allowed).args(["-I", entry.principal(), "-s"]).arg(file.path());
    let verified = tokio::time::timeout(TIMEOUT, fed(command, bytes)).await;
    let (is_good, said) = verified.map_err(|_| "`ssh-keygen` did not answer in time".to_owned())??;
    if !is_good {
        return Err(format!("its signature is not good for {}: {}", entry.principal(), first(&said)));
    }
    if let Some(place) = place {
        Memory::add(&place);
    }
    Ok(())
}

/// Runs the program with this input: whether it succeeded, and its output, or what it complains of.
async fn fed(mut command: Command, input: &[u8]) -> Result<(bool, String), String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let failed = |problem: io::Error| match problem.kind() {
        io::ErrorKind::NotFound => "`ssh-keygen` is not installed".to_owned(),
        _ => format!("cannot run `ssh-keygen`: {}", error::os(&problem)),
    };
    let mut child = command.env("LC_ALL", "C").spawn().map_err(failed)?;
    let mut pipe = child.stdin.take().expect("it is piped");
    // One that complains early reads no input; what it says counts.
    let _ = pipe.write_all(input).await;
    drop(pipe);
    let output = child.wait_with_output().await.map_err(failed)?;
    let said = if output.status.success() || output.stderr.is_empty() { output.stdout } else { output.stderr };
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

fn first(said: &str) -> &str {
    said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason").trim()
}

fn no_file(problem: &io::Error) -> String {
    format!("cannot write a temporary file: {}", error::os(problem))
}
