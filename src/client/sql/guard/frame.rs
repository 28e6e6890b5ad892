//! Cuts a server's bytes into the frames of its protocol, keeping only the beginning of each.

use crate::client::Fault;

/// How much of a frame is ever kept.
const HEAD: usize = 32;

/// The frames of a protocol, and what is allowed in them.
pub trait Protocol {
    /// Length of the header before the payload.
    const HEADER: usize;

    /// How much of a payload has to be read.
    const START: usize;

    /// The length of the payload that this header announces. Nothing has been passed on of what follows.
    ///
    /// # Errors
    /// When such a frame is not allowed.
    fn header(&mut self, header: &[u8]) -> Result<usize, Fault>;

    /// Looks at the start of the payload. Its end has not been passed on yet.
    ///
    /// # Errors
    /// When such a frame is not allowed.
    fn start(&mut self, header: &[u8], start: &[u8]) -> Result<(), Fault>;

    /// Whether an answer has ended since this was last called.
    fn is_answered(&mut self) -> bool {
        false
    }
}

/// The position of a stream in a frame.
#[derive(Debug, Default)]
pub struct Frames {
    head: [u8; HEAD],
    known: usize,
    length: usize,
    left: usize,
}

impl Frames {
    /// Takes in the next bytes of the stream. Gives the length of the largest payload that was announced in them.
    ///
    /// # Errors
    /// When a packet violates the protocol.
    pub fn feed<P: Protocol>(&mut self, protocol: &mut P, mut bytes: &[u8]) -> Result<usize, Fault> {
        let mut largest = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let skipped = self.left.min(bytes.len());
                self.left -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let wanted = if self.known < P::HEADER { P::HEADER } else { P::HEADER + self.length.min(P::START) };
            let taken = (wanted - self.known).min(bytes.len());
            self.head[self.known..self.known + taken].copy_from_slice(&bytes[..taken]);
            self.known += taken;
            bytes = &bytes[taken..];
            if self.known == P::HEADER {
                self.length = protocol.header(&self.head[..P::HEADER])?;
                largest = largest.max(self.length);
            }
            let start = self.length.min(P::START);
            if self.known >= P::HEADER && self.known == P::HEADER + start {
                let (header, payload) = self.head[..self.known].split_at(P::HEADER);
                protocol.start(header, payload)?;
                self.left = self.length - start;
                self.known = 0;
            }
        }
        Ok(largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of one byte for the length, of which up to two bytes are seen.
    #[derive(Default)]
    struct Short(Vec<Vec<u8>>);

    impl Protocol for Short {
        const HEADER: usize = 1;
        const START: usize = 2;

        fn header(&mut self, header: &[u8]) -> Result<usize, Fault> {
            Ok(usize::from(header[0]))
        }

        fn start(&mut self, _header: &[u8], start: &[u8]) -> Result<(), Fault> {
            self.0.push(start.to_vec());
            Ok(())
        }
    }

    #[test]
    fn frames_are_the_same_however_the_bytes_arrive() {
        let stream = [3, b'a', b'b', b'c', 0, 1, b'd', 2, b'e', b'f'];
        for size in 1..=stream.len() {
            let (mut frames, mut seen) = (Frames::default(), Short::default());
            for bytes in stream.chunks(size) {
                frames.feed(&mut seen, bytes).expect("all is allowed");
            }
            assert_eq!(seen.0, [&b"ab"[..], b"", b"d", b"ef"], "{size} bytes at a time");
        }
    }
}
