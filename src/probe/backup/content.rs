//! Whether there is anything in a small file: `pg_dump | gzip` of nothing is a file of 20 bytes.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;

/// A larger file is not looked into: nothing at all never takes so much.
pub const LARGEST_EMPTY: u64 = 4 << 10;

/// Whether these bytes, the whole of a file, are an archive or a compressed file with nothing in it.
pub fn is_empty(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [0x1f, 0x8b, ..] => has_nothing(MultiGzDecoder::new(bytes)),
        // The mark of the stream's end directly behind the header.
        [b'B', b'Z', b'h', _, rest @ ..] => rest.starts_with(&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90]),
        // No block at all: header, index and footer.
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => bytes.len() <= 32,
        // Frame header of 6 bytes at least, one empty block of 3, a checksum of 4.
        [0x28, 0xb5, 0x2f, 0xfd, ..] => bytes.len() <= 13,
        // The end of the directory first.
        [b'P', b'K', 5, 6, ..] => true,
        _ => has_nothing(bytes),
    }
}

/// Whether it ends at once, or is a tar archive without a file: blocks of zeros.
fn has_nothing(mut content: impl Read) -> bool {
    let mut start = [0; 512];
    let mut length = 0;
    while length < start.len() {
        match content.read(&mut start[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            // Broken, but not empty.
            Err(_) => return false,
        }
    }
    start[..length].iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::is_empty;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(content).expect("a vector takes it");
        out.finish().expect("a vector takes it")
    }

    #[test]
    fn a_compressed_file_of_nothing_is_empty() {
        assert!(is_empty(b""));
        assert!(is_empty(&gzip(b"")));
        assert!(is_empty(&[gzip(b""), gzip(b"")].concat()));
        assert!(is_empty(&gzip(&[0; 10_240])), "a tar archive without a file");
        assert!(is_empty(b"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0"));
        assert!(is_empty(b"(\xb5/\xfd$\0\x01\0\0\x99\xe9\xd8\x51"));
        assert!(is_empty(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    }

    #[test]
    fn anything_else_is_not() {
        assert!(!is_empty(b"--\n"));
        assert!(!is_empty(&gzip(b"CREATE TABLE a;")));
        assert!(!is_empty(&gzip(b"CREATE TABLE a;")[..12]), "broken, but not empty");
        assert!(!is_empty(b"PGDMP\x01\x0e\0"));
    }
}
