//! One of several runs that share a checklist.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// One of several runs that share a checklist, each on its own machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    number: usize,
    total: usize,
}

/// Facts about a run that was a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRun {
    /// The shard.
    pub shard: Shard,
    /// SHA-256 of the definitions of all items, in hexadecimal: it changes with the variables.
    pub definitions: String,
    /// For each secret whose value is a URL, a digest of its address in hexadecimal, by the secret's name.
    pub addresses: BTreeMap<String, String>,
}

impl Shard {
    /// The shard with this number, from 1, of this total. None if it does not exist.
    pub fn new(number: usize, total: usize) -> Option<Self> {
        (1..=total).contains(&number).then_some(Self { number, total })
    }

    /// Its number, from 1.
    pub fn number(self) -> usize {
        self.number
    }

    /// The total number.
    pub fn total(self) -> usize {
        self.total
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, total)| Some((number.parse().ok()?, total.parse().ok()?)));
        let shard = parts.and_then(|(number, total)| Self::new(number, total));
        shard.ok_or_else(|| "expected K/N, such as 1/4 for the first of four".to_owned())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn a_shard_is_one_of_several() {
        assert_eq!("2/4".parse(), Ok(Shard { number: 2, total: 4 }));
        for wrong in ["", "0/4", "5/4", "1", "1/", "/2", "a/b", "1/0", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
