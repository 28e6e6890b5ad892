//! A write that is read back: a key of its own, which is removed again, and expires if that fails.

use std::hash::{BuildHasher, RandomState};

use redis::{Value, cmd};

use super::connection::Connection;
use crate::client::Fault;

/// In a cluster most keys belong to other nodes. So many tries find one for a node that holds a tenth of the slots.
const TRIES: usize = 64;

/// Writes, reads and removes a key. The inner error is the code of the server's error.
///
/// # Errors
/// When no answer came.
pub async fn round_trip(connection: &mut Connection<'_>) -> Result<Result<(), String>, Fault> {
    let mut moved = "MOVED".to_owned();
    for _ in 0..TRIES {
        let value = format!("{:016x}", RandomState::new().hash_one("gate"));
        let key = format!("gate:probe:{value}");
        match connection.ask(cmd("SET").arg(&key).arg(&value).arg("EX").arg(60).arg("NX")).await? {
            Ok(Value::Okay) => {}
            // A key of this name that belongs to another program must not be changed.
            Ok(_) => continue,
            Err(error) if matches!(error.code(), "MOVED" | "ASK") => {
                error.code().clone_into(&mut moved);
                continue;
            }
            Err(error) => return Ok(Err(error.code().to_owned())),
        }
        let read = connection.ask(cmd("GET").arg(&key)).await?;
        // Where removing is not permitted, the key expires.
        let _ = connection.ask(cmd("DEL").arg(&key)).await?;
        return Ok(match read {
            Ok(Value::BulkString(bytes)) if bytes == value.as_bytes() => Ok(()),
            Ok(_) => Err("what was written is not what was read".to_owned()),
            Err(error) => Err(error.code().to_owned()),
        });
    }
    Ok(Err(moved))
}
