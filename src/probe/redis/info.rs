//! The fields of `INFO` that are used here.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

/// The role of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Accepts writes.
    Master,
    /// Replicates a master.
    Replica,
    /// Monitors masters and replicas, and has no data.
    Sentinel,
}

/// How data is persisted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Persistence {
    /// Whether the last snapshot was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_save_ok: Option<bool>,
    /// Whether every write is also appended to a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aof: Option<bool>,
    /// Whether the last write to that file succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aof_ok: Option<bool>,
}

/// The answer to `INFO`.
#[derive(Debug, Default)]
pub struct Info<'t>(HashMap<&'t str, &'t str>);

impl<'t> Info<'t> {
    /// Reads the lines of `INFO`.
    pub fn parse(text: &'t str) -> Self {
        Self(text.lines().filter_map(|line| line.trim().split_once(':')).collect())
    }

    /// The value unchanged.
    pub fn text(&self, key: &str) -> Option<&'t str> {
        self.0.get(key).copied().filter(|value| !value.is_empty())
    }

    /// The value as a number.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.text(key)?.parse().ok()
    }

    /// Whether the value is this word.
    pub fn is(&self, key: &str, word: &str) -> Option<bool> {
        self.text(key).map(|value| value == word)
    }

    /// The version: of Valkey its own, not the one of Redis that it is compatible with.
    pub fn version(&self) -> Option<String> {
        self.text("valkey_version").or_else(|| self.text("redis_version")).map(str::to_owned)
    }

    /// The role of the server.
    pub fn role(&self) -> Option<Role> {
        if self.is("redis_mode", "sentinel") == Some(true) {
            return Some(Role::Sentinel);
        }
        match self.text("role")? {
            "master" => Some(Role::Master),
            "slave" | "replica" => Some(Role::Replica),
            _ => None,
        }
    }

    /// How data is persisted.
    pub fn persistence(&self) -> Option<Persistence> {
        let persistence = Persistence {
            last_save_ok: self.is("rdb_last_bgsave_status", "ok"),
            aof: self.is("aof_enabled", "1"),
            aof_ok: self.is("aof_last_write_status", "ok"),
        };
        (persistence.last_save_ok.is_some() || persistence.aof.is_some()).then_some(persistence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_of_a_replica_is_read() {
        let info = Info::parse(
            "# Server\r\nredis_version:7.0.15\r\n\r\n# Replication\r\nrole:slave\r\nmaster_link_status:down\r\n",
        );
        assert_eq!(info.version().as_deref(), Some("7.0.15"));
        assert_eq!(info.role(), Some(Role::Replica));
        assert_eq!(info.is("master_link_status", "up"), Some(false));
        assert_eq!(info.number("used_memory"), None);
        assert_eq!(info.persistence(), None);
    }

    #[test]
    fn valkey_is_called_by_its_own_version() {
        assert_eq!(Info::parse("redis_version:7.2.4\r\nvalkey_version:8.1.1\r\n").version().as_deref(), Some("8.1.1"));
    }
}
