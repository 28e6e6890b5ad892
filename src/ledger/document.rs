//! A run as the ledger keeps it: JSON, squeezed as it is written, so that no copy of the whole lies in memory.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use sha2::{Digest, Sha256};

use crate::run::{Run, VERSION};

/// What is longer than this, unpacked, was not written by gate.
const LIMIT: u64 = 1 << 30;

/// A run, ready to be stored.
#[derive(Debug)]
pub struct Document {
    /// SHA-256 of its JSON, in hexadecimal.
    pub digest: String,
    /// Its JSON as a zlib stream.
    pub bytes: Vec<u8>,
}

impl Document {
    /// The document of a run.
    pub fn of(run: &Run) -> Self {
        let mut out = Tee { hash: Sha256::new(), zip: ZlibEncoder::new(Vec::new(), Compression::fast()) };
        // In portions: each call of the encoder costs more than a word of JSON is long.
        let mut portions = io::BufWriter::with_capacity(32 << 10, &mut out);
        serde_json::to_writer(&mut portions, run).expect("a run can be written as JSON, and a vector takes all");
        portions.flush().expect("a vector takes all");
        drop(portions);
        Self { digest: hex::encode(out.hash.finalize()), bytes: out.zip.finish().expect("a vector takes all") }
    }

    /// The run that was stored.
    ///
    /// # Errors
    /// Why it can't be read, in words.
    pub fn read(&self) -> Result<Run, String> {
        let mut json = Vec::new();
        let mut unzipped = ZlibDecoder::new(&*self.bytes).take(LIMIT);
        unzipped.read_to_end(&mut json).map_err(|_| "it is damaged".to_owned())?;
        if hex::encode(Sha256::digest(&json)) != self.digest {
            return Err("it is not what was recorded: its digest is another".to_owned());
        }
        let run: Run = serde_json::from_slice(&json).map_err(|why| format!("it is not understood: {why}"))?;
        if run.version > VERSION {
            return Err(format!("it was recorded by a newer gate ({})", run.gate));
        }
        Ok(run)
    }
}

/// Writes to both.
struct Tee {
    hash: Sha256,
    zip: ZlibEncoder<Vec<u8>>,
}

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.zip.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
