//! The packets that a MySQL or MariaDB server may send.

use std::collections::VecDeque;

use crate::client::Fault;

use super::frame::Protocol;
use super::{MAX_FRAME, MAX_TALK, talkative, too_large};

/// No table has more columns: <https://dev.mysql.com/doc/refman/8.4/en/column-count-limit.html>
const MAX_COLUMNS: u64 = 4096;

/// The capability by which results end with an OK packet: no EOF packet follows the columns.
const DEPRECATE_EOF: u32 = 1 << 24;

const MORE_RESULTS: u16 = 8;

/// The packets of one connection, from after the login.
#[derive(Debug)]
pub struct MySql {
    place: String,
    capabilities: u32,
    commands: VecDeque<Command>,
    expected: Expected,
    /// How many bytes came in packets other than rows and columns.
    talk: usize,
}

/// A command that is answered.
#[derive(Debug, Clone, Copy)]
enum Command {
    /// By results.
    Query,
    /// By the description of a statement.
    Prepare,
}

/// The kind of the next packet.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// The answer to the next command.
    Answer,
    /// A further result of the same command.
    Result,
    /// This many packets that only describe, and then rows or the end.
    Columns { left: u64, then_rows: bool },
    /// A row, or the end of them.
    Row,
}

impl MySql {
    /// The packets of a connection with these capabilities.
    pub fn new(place: String, capabilities: u32) -> Self {
        Self { place, capabilities, commands: VecDeque::new(), expected: Expected::Answer, talk: 0 }
    }

    /// Notes a command of the client. Each is one packet.
    pub fn sent(&mut self, command: u8) {
        match command {
            // COM_STMT_CLOSE is not answered.
            0x19 | 0x01 => {}
            0x16 => self.commands.push_back(Command::Prepare),
            _ => self.commands.push_back(Command::Query),
        }
    }

    /// Whether an EOF packet follows descriptions.
    fn has_end(&self) -> bool {
        self.capabilities & DEPRECATE_EOF == 0
    }

    fn result(&mut self, payload: &[u8]) -> Result<Expected, Fault> {
        match payload.first() {
            Some(0x00) => Ok(after(status(payload))),
            Some(0xfb) => Err(Fault::new(format!("{} asked for a file of this machine", self.place))
                .help("`LOAD DATA LOCAL` is not supported")),
            Some(0xff) | None => Ok(Expected::Answer),
            Some(_) => match number(payload) {
                Some((count, _)) if count <= MAX_COLUMNS => Ok(match count + u64::from(self.has_end()) {
                    0 => Expected::Row,
                    left => Expected::Columns { left, then_rows: true },
                }),
                Some(_) | None => Err(Fault::new(format!("{} announced more than {MAX_COLUMNS} columns", self.place))
                    .help("no MySQL or MariaDB server does that: check host and port")),
            },
        }
    }
}

impl Protocol for MySql {
    const HEADER: usize = 4;
    const START: usize = 24;

    fn header(&mut self, header: &[u8]) -> Result<usize, Fault> {
        let length = length(header);
        if length > MAX_FRAME { Err(too_large(&self.place)) } else { Ok(length) }
    }

    fn start(&mut self, header: &[u8], start: &[u8]) -> Result<(), Fault> {
        if !matches!(self.expected, Expected::Row | Expected::Columns { .. }) {
            self.talk += header.len() + length(header);
            if self.talk > MAX_TALK {
                return Err(talkative(&self.place));
            }
        }
        self.expected = match (self.expected, start.first()) {
            (Expected::Answer, first) => match (self.commands.pop_front(), first) {
                // A server that shuts down says so unasked.
                (_, Some(0xff)) => Expected::Answer,
                (Some(Command::Prepare), Some(0)) => {
                    let count = |at: usize| u64::from(two(start, at).unwrap_or_default());
                    let each = |count: u64| count + u64::from(self.has_end() && count > 0);
                    match each(count(5)) + each(count(7)) {
                        0 => Expected::Answer,
                        left => Expected::Columns { left, then_rows: false },
                    }
                }
                (Some(Command::Prepare), _) => Expected::Answer,
                (Some(Command::Query), _) => self.result(start)?,
                (None, _) => {
                    return Err(Fault::new(format!("{} answers what was not asked", self.place))
                        .help("no MySQL or MariaDB server does that: check host and port"));
                }
            },
            // An error ends whatever was expected.
            (_, Some(0xff)) => Expected::Answer,
            (Expected::Result, _) => self.result(start)?,
            (Expected::Columns { left: 0 | 1, then_rows }, _) => {
                if then_rows {
                    Expected::Row
                } else {
                    Expected::Answer
                }
            }
            (Expected::Columns { left, then_rows }, _) => Expected::Columns { left: left - 1, then_rows },
            (Expected::Row, Some(0xfe)) if !self.has_end() => after(status(start)),
            (Expected::Row, Some(0xfe)) => {
                // An old end of rows has no numbers before its status; a long one is in the new format anyway.
                after(if length(header) < 9 { two(start, 3) } else { status(start) })
            }
            (Expected::Row, _) => Expected::Row,
        };
        Ok(())
    }
}

/// The packet after a result that ended with this status.
fn after(status: Option<u16>) -> Expected {
    match status {
        Some(status) if status & MORE_RESULTS != 0 => Expected::Result,
        Some(_) | None => Expected::Answer,
    }
}

/// The status in an OK packet.
fn status(payload: &[u8]) -> Option<u16> {
    let (_rows, at) = number(payload.get(1..)?)?;
    let (_id, length) = number(payload.get(1 + at..)?)?;
    two(payload, 1 + at + length)
}

/// A length-encoded number, and how many bytes it takes.
fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let width = match bytes.first()? {
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        small => return Some((u64::from(*small), 1)),
    };
    let digits = bytes.get(1..=width)?;
    Some((digits.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)), 1 + width))
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// The length that a packet's header announces.
pub fn length(header: &[u8]) -> usize {
    usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16
}

#[cfg(test)]
mod tests {
    use super::super::frame::Frames;
    use super::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("the test's packets are short");
        [&[length, 0, 0, 1], payload].concat()
    }

    /// Feeds these packets after a query, and returns the result.
    fn seen(packets: &[&[u8]]) -> Result<usize, String> {
        let mut protocol = MySql::new("db:3306".to_owned(), DEPRECATE_EOF);
        protocol.sent(0x03);
        let stream: Vec<u8> = packets.iter().flat_map(|payload| packet(payload)).collect();
        Frames::default().feed(&mut protocol, &stream).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_count_of_columns_that_no_server_has_is_refused_wherever_a_result_begins() {
        let huge: &[u8] = &[0xfe, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        let more: &[u8] = &[0x00, 0, 0, 8, 0, 0, 0];
        let (end_with_more, end): (&[u8], &[u8]) = (&[0xfe, 0, 0, 8, 0, 0, 0], &[0xfe, 0, 0, 2, 0, 0, 0]);
        for packets in
            [&[huge][..], &[more, huge], &[more, more, huge], &[&[1], b"column", b"row", end_with_more, huge]]
        {
            assert!(seen(packets).is_err_and(|error| error.contains("more than 4096 columns")), "{packets:?}");
        }
        seen(&[&[1], b"column", b"row", huge]).expect("the end of rows");
        seen(&[&[2], b"one", b"two", b"row", end]).expect("an ordinary result");
        seen(&[&[0xfc, 0x00, 0x10], b"column"]).expect("4096 columns");
    }

    #[test]
    fn a_file_of_this_machine_is_not_given_away() {
        assert!(seen(&[b"\xfb/etc/passwd"]).is_err());
    }
}
