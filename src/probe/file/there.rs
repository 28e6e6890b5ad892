//! Observes a path of another machine with a script that any POSIX shell understands.

use std::path::Path;

use jiff::Timestamp;

use crate::client::http::Body;
use crate::client::ssh::{Host, RemoteOutcome, refusing};
use crate::probe::{Context, Fault};
use crate::text::shell::quoted;

use super::Found;

/// Reads this path on the other machine, with at most `limit` bytes of its content.
///
/// # Errors
/// When the machine can't be reached, or that can't be known.
pub async fn observe(host: &Host, path: &Path, limit: usize, cx: &Context) -> Result<Found, Fault> {
    let shown = format!("`{}` on {host}", path.display());
    // One line with what it is, its size and its time; then what is in it. GNU and BSD ask for these differently.
    let script = format!(
        "p={path}\n\
         case $p in -*) p=./$p ;; esac\n\
         if [ ! -e \"$p\" ]; then\n\
         \x20 if [ -L \"$p\" ]; then echo link; exit 0; fi\n\
         \x20 case $(LC_ALL=C ls -ld \"$p\" 2>&1) in *'ermission denied'*) {denied} ;; esac\n\
         \x20 echo absent; exit 0\n\
         fi\n\
         if [ -f \"$p\" ]; then kind=file; elif [ -d \"$p\" ]; then kind=directory; elif [ -p \"$p\" ]; then kind=fifo\n\
         elif [ -S \"$p\" ]; then kind=socket; else kind=device; fi\n\
         echo \"$kind $(stat -L -c '%s %Y' \"$p\" 2>/dev/null || stat -L -f '%z %m' \"$p\")\"\n\
         [ $kind = file ] && [ {limit} != 0 ] || exit 0\n\
         [ -r \"$p\" ] || {denied}\n\
         head -c {more} \"$p\"\n",
        path = quoted(&path.display().to_string()),
        denied = refusing("denied"),
        more = limit + 1,
    );
    let broken = || Fault::new(format!("the connection was lost while reading {shown}"));
    // The first line is short.
    let ended = match host.run(cx, &script, limit + 256).await? {
        RemoteOutcome::Refused(_) => {
            let fault = Fault::new(format!("no permission to read {shown}"));
            return Err(fault.help("log in as a user who may read it"));
        }
        RemoteOutcome::Ended(ended) => ended,
    };
    let at = ended.stdout.bytes.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
    let head = String::from_utf8_lossy(&ended.stdout.bytes[..at]).into_owned();
    let mut words = head.split_whitespace();
    let kind = match words.next() {
        Some("absent") => return Ok(Found::default()),
        Some("link") => return Ok(Found { kind: Some("broken link"), ..Found::default() }),
        Some("file") => "file",
        Some("directory") => "directory",
        Some("fifo") => "fifo",
        Some("socket") => "socket",
        Some("device") => "device",
        Some(_) | None => return Err(broken()),
    };
    let size = words.next().and_then(|word| word.parse().ok());
    let modified = words.next().and_then(|word| Timestamp::from_second(word.parse().ok()?).ok());
    if kind != "file" {
        return Ok(Found { kind: Some(kind), modified, ..Found::default() });
    }
    let mut bytes = ended.stdout.bytes[at + 1..].to_vec();
    let truncated = bytes.len() > limit;
    bytes.truncate(limit);
    let content = (limit > 0).then_some(Body { bytes, truncated });
    Ok(Found { kind: Some(kind), size: Some(size.ok_or_else(broken)?), modified, content })
}
