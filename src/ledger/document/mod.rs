//! A run as the ledger keeps it: JSON, compressed as it is written, so that the whole is never copied in memory.

mod convert;
mod v1;

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use sha2::{Digest, Sha256};

use crate::run::Run;

/// The maximum size of a document when unpacked.
const LIMIT: u64 = 256 << 20;

/// How many bytes of JSON are packed at a time.
const PORTION: usize = 64 << 10;
/// How many portions may wait to be packed.
const WAITING: usize = 16;

/// A run, ready to be stored.
#[derive(Debug)]
pub struct StoredDocument {
    /// SHA-256 of its JSON, in hexadecimal.
    pub digest: String,
    /// Its JSON as a zlib stream.
    pub bytes: Vec<u8>,
}

impl StoredDocument {
    /// The document of a run.
    pub fn of(run: &Run) -> Self {
        let (sender, portions) = mpsc::sync_channel(WAITING);
        thread::scope(|scope| {
            let packing = scope.spawn(move || packed(portions));
            // In portions: each call of the encoder costs more than a word of JSON is long.
            let mut json = io::BufWriter::with_capacity(PORTION, Portions(sender));
            serde_json::to_writer(&mut json, &v1::Document::from(run)).expect("a run can be written as JSON");
            json.flush().expect("they are taken until the end");
            drop(json);
            packing.join().expect("a vector takes all")
        })
    }

    /// The run that was stored.
    ///
    /// # Errors
    /// Why it can't be read, in words.
    pub fn read(&self) -> Result<Run, String> {
        let mut json = Vec::new();
        let mut unzipped = ZlibDecoder::new(&*self.bytes).take(LIMIT + 1);
        unzipped.read_to_end(&mut json).map_err(|_| "it is damaged".to_owned())?;
        if json.len() as u64 > LIMIT {
            return Err(format!("it is larger than {} MiB when unpacked", LIMIT >> 20));
        }
        if hex::encode(Sha256::digest(&json)) != self.digest {
            return Err("it was altered: its digest is not the recorded one".to_owned());
        }
        let document: v1::Document = serde_json::from_slice(&json).map_err(|_| "its form is unknown".to_owned())?;
        if document.version > v1::VERSION {
            return Err(format!("it was recorded by a newer version of gate ({})", document.gate));
        }
        Ok(document.into())
    }
}

/// JSON that another thread packs while more of it is written.
fn packed(portions: Receiver<Vec<u8>>) -> StoredDocument {
    let mut hash = Sha256::new();
    let mut zip = ZlibEncoder::new(Vec::new(), Compression::fast());
    for portion in portions {
        hash.update(&portion);
        zip.write_all(&portion).expect("a vector takes all");
    }
    StoredDocument { digest: hex::encode(hash.finalize()), bytes: zip.finish().expect("a vector takes all") }
}

/// Sends what is written to another thread.
struct Portions(SyncSender<Vec<u8>>);

impl Write for Portions {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field of the form, with a value. To edit it is to lose the runs that ledgers hold.
    const GOLDEN: &str = include_str!("v1.json");

    fn stored(json: &str) -> StoredDocument {
        let mut zip = ZlibEncoder::new(Vec::new(), Compression::fast());
        zip.write_all(json.as_bytes()).expect("a vector takes all");
        StoredDocument { digest: hex::encode(Sha256::digest(json)), bytes: zip.finish().expect("a vector takes all") }
    }

    fn unpacked(document: &StoredDocument) -> serde_json::Value {
        serde_json::from_reader(ZlibDecoder::new(&*document.bytes)).expect("it is JSON")
    }

    #[test]
    fn the_form_is_frozen() {
        let run = stored(GOLDEN).read().expect("it is a document of this form");
        let golden: serde_json::Value = serde_json::from_str(GOLDEN).expect("it is JSON");
        assert_eq!(unpacked(&StoredDocument::of(&run)), golden);
    }

    #[test]
    fn a_run_recorded_by_gate_0_1_is_read() {
        let is_newer = |line: &&str| {
            ["dirty", "vars", "schema", "source", "definition", "stale", "manual", "parent"]
                .iter()
                .any(|key| line.contains(key))
        };
        let old: String = GOLDEN.lines().filter(|line| !is_newer(line)).collect();
        assert!(stored(&old).read().is_ok());
    }

    #[test]
    fn an_altered_or_newer_document_is_refused() {
        let other = StoredDocument { digest: "00".to_owned(), ..stored(GOLDEN) };
        assert_eq!(other.read().expect_err("another digest"), "it was altered: its digest is not the recorded one");
        let newer = stored(&GOLDEN.replace("\"version\": 1", "\"version\": 2"));
        assert_eq!(newer.read().expect_err("newer"), "it was recorded by a newer version of gate (0.1.0)");
    }
}
