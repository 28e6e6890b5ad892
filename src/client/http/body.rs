//! Reads a body up to a limit of decoded bytes, so that neither size nor compression can fill the memory.

use reqwest::Response;
use url::Url;

use crate::client::Fault;
use crate::client::load::{self, Load};
use crate::text::without_mark;

use super::error::fault;

/// A body, or the beginning of one.
#[derive(Debug)]
pub struct Body {
    /// The decoded bytes that were read.
    pub bytes: Vec<u8>,
    /// Whether there was more than the limit.
    pub truncated: bool,
}

/// Reads what is there, at most `limit` bytes. The rest is left where it is. A large body waits for memory, which `load`
/// holds.
///
/// # Errors
/// When the body ends before it should, or is not encoded as it says.
pub async fn read(response: &mut Response, limit: usize, load: &Load) -> Result<Body, Fault> {
    let url: Url = response.url().clone();
    let promised = response.content_length().and_then(|length| usize::try_from(length).ok());
    let most = promised.unwrap_or(limit).min(limit);
    let mut body = Body { bytes: Vec::new(), truncated: false };
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error, &url, None))? {
        let room = limit - body.bytes.len();
        if body.bytes.len() + chunk.len() > load::FREE_BYTES {
            load.hold(most).await;
            // Growing step by step would need up to three times as much.
            body.bytes.reserve_exact(most.saturating_sub(body.bytes.len()));
        }
        if chunk.len() > room {
            body.bytes.extend_from_slice(&chunk[..room]);
            body.truncated = true;
            break;
        }
        body.bytes.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Body {
    /// The bytes without the byte order mark that .NET and Windows write: it is not a part of the text.
    pub fn unmarked(&self) -> &[u8] {
        without_mark(&self.bytes)
    }

    /// The text, if it is text. A character that the limit cut in two is left out.
    pub fn text(&self) -> Option<&str> {
        let bytes = self.unmarked();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) if self.truncated && error.error_len().is_none() => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("it is valid up to there")
            }
            Err(_) => return None,
        };
        (!text.contains('\0')).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_in_two_by_the_limit_does_not_make_it_binary() {
        let bytes = "é".as_bytes();
        let cut = |truncated| Body { bytes: [b"caf", &bytes[..1]].concat(), truncated };
        assert_eq!(cut(true).text(), Some("caf"));
        assert_eq!(cut(false).text(), None, "a broken character at the true end");
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        let body = Body { bytes: b"\xef\xbb\xbf# Runbook".to_vec(), truncated: false };
        assert_eq!((body.text(), body.unmarked()), (Some("# Runbook"), b"# Runbook".as_slice()));
    }

    #[test]
    fn binary_bytes_have_no_text() {
        assert_eq!(Body { bytes: vec![0xff, 0xfe], truncated: true }.text(), None);
        assert_eq!(Body { bytes: vec![b'a', 0], truncated: false }.text(), None);
    }
}
