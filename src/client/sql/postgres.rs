//! PostgreSQL, also through a pooler: the transaction that only reads, and what its values are in JSON.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use serde_json::Value;
use sqlx::postgres::{PgConnection, PgRow, PgTypeInfo, PgTypeKind};
use sqlx::{AssertSqlSafe, Row as _, TypeInfo as _, ValueRef as _, raw_sql};

use crate::text::json;

use super::error::has_code;
use super::value::{Unshowable, decimal, float, float32, hex};
use super::{Access, Column};

/// Begins a transaction, in which the server stops a statement after this time. One batch: behind a pooler, the
/// settings must reach the server that the query will.
pub async fn begin(connection: &mut PgConnection, access: Access, time: Duration) -> Result<(), sqlx::Error> {
    let begin = match access {
        Access::Read => "BEGIN READ ONLY",
        Access::Write => "BEGIN",
    };
    let time = time.as_millis().max(1);
    // PostgreSQL from 14 on can look whether anybody still waits: a look that was dropped then ends there as well.
    // A shorter limit of the role's own is kept.
    let batch = format!(
        "{begin}; SELECT set_config(name, CASE WHEN extract(epoch FROM current_setting(name)::interval) * 1000 \
         BETWEEN 1 AND {time} THEN current_setting(name) ELSE '{time}' END, true) \
         FROM (VALUES ('statement_timeout'), ('lock_timeout')) AS limits (name); \
         SELECT set_config('client_connection_check_interval', '500', true) \
         WHERE current_setting('server_version_num')::int >= 140000 AND version() LIKE '%linux%'"
    );
    raw_sql(AssertSqlSafe(batch)).execute(connection).await.map(drop)
}

/// Whether the server has forgotten the statement before it ran. The driver asks for types that it does not know (enums,
/// domains) between preparing a statement and running it, and there is only one that has no name. The second time it
/// knows them.
pub fn is_forgotten(error: &anyhow::Error) -> bool {
    has_code(error, "26000")
}

/// The query with these columns as text, in the server's own form. The server may have types that only it knows.
pub fn with_text(sql: &str, columns: &[Column], at: &[usize]) -> String {
    let column = |(index, column): (usize, &Column)| {
        let name = format!("\"{}\"", column.name.replace('"', "\"\""));
        if at.contains(&index) { format!("({name})::text AS {name}") } else { name }
    };
    let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
    // A comment at the end would hide the parenthesis.
    format!("SELECT {} FROM ({}\n) AS gate", columns.join(", "), sql.trim_end().trim_end_matches(';'))
}

/// The value of a row as JSON.
pub fn json(row: &PgRow, index: usize) -> Result<Value, Unshowable> {
    let raw = row.try_get_raw(index).map_err(Unshowable::driver)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    let bytes = raw.as_bytes().map_err(Unshowable::driver)?;
    decode(&kind, &mut Bytes(bytes)).ok_or_else(|| {
        let name = kind.name().to_lowercase();
        Unshowable(format!("a `{name}` can't be shown: cast it in the query, as in `x::text`"))
    })
}

/// The same of an answer whose values are text.
pub fn json_of_text(row: &PgRow, index: usize) -> Result<Value, Unshowable> {
    let raw = row.try_get_raw(index).map_err(Unshowable::driver)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let text = raw.as_str().map_err(Unshowable::driver)?;
    let known = match raw.type_info().name() {
        "BOOL" => Some(Value::Bool(text == "t")),
        "INT2" | "INT4" | "INT8" | "OID" => text.parse::<i64>().ok().map(Value::from),
        "FLOAT4" | "FLOAT8" => text.parse().ok().map(float),
        "NUMERIC" => Some(decimal(text)),
        _ => None,
    };
    Ok(known.unwrap_or_else(|| text.into()))
}

/// A value in the binary format of the protocol. `None` when it is of a type that is not known here.
fn decode(kind: &PgTypeInfo, bytes: &mut Bytes) -> Option<Value> {
    match kind.kind() {
        PgTypeKind::Enum(_) => return text(bytes),
        PgTypeKind::Domain(inner) => return decode(inner, bytes),
        PgTypeKind::Array(element) => return array(element, bytes),
        PgTypeKind::Simple | PgTypeKind::Pseudo | PgTypeKind::Composite(_) | PgTypeKind::Range(_) => {}
    }
    let name = kind.name().rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
    Some(match name.as_str() {
        "VOID" => Value::Null,
        "BOOL" => (bytes.take::<1>()? != [0]).into(),
        "INT2" => i16::from_be_bytes(bytes.take()?).into(),
        "INT4" => i32::from_be_bytes(bytes.take()?).into(),
        "INT8" => i64::from_be_bytes(bytes.take()?).into(),
        "OID" | "XID" | "CID" | "REGCLASS" | "REGTYPE" | "REGPROC" | "REGPROCEDURE" | "REGROLE" | "REGNAMESPACE" => {
            u32::from_be_bytes(bytes.take()?).into()
        }
        "XID8" => u64::from_be_bytes(bytes.take()?).into(),
        "FLOAT4" => float32(f32::from_be_bytes(bytes.take()?)),
        "FLOAT8" => float(f64::from_be_bytes(bytes.take()?)),
        "NUMERIC" => numeric(bytes)?,
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" | "CITEXT" | "XML" | "\"CHAR\"" => text(bytes)?,
        "JSON" => json::parse_exactly(bytes.0).ok()?,
        "JSONB" => {
            let [1] = bytes.take()? else { return None };
            json::parse_exactly(bytes.0).ok()?
        }
        "BYTEA" => hex(bytes.0),
        "UUID" => sqlx::types::Uuid::from_slice(bytes.0).ok()?.to_string().into(),
        "DATE" => day(i32::from_be_bytes(bytes.take()?))?,
        "TIME" => time(i64::from_be_bytes(bytes.take()?))?.into(),
        "TIMETZ" => {
            let time = time(i64::from_be_bytes(bytes.take()?))?;
            format!("{time}{}", offset(-i32::from_be_bytes(bytes.take()?))).into()
        }
        "TIMESTAMP" => instant(i64::from_be_bytes(bytes.take()?), "")?,
        "TIMESTAMPTZ" => instant(i64::from_be_bytes(bytes.take()?), "Z")?,
        "INTERVAL" => {
            let (micros, days) = (i64::from_be_bytes(bytes.take()?), i32::from_be_bytes(bytes.take()?));
            interval(micros, days, i32::from_be_bytes(bytes.take()?)).into()
        }
        "INET" | "CIDR" => address(bytes)?.into(),
        "MACADDR" | "MACADDR8" => bytes.0.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":").into(),
        "BIT" | "VARBIT" => {
            let bits = usize::try_from(i32::from_be_bytes(bytes.take()?)).ok()?;
            bytes.0.iter().map(|byte| format!("{byte:08b}")).collect::<String>().get(..bits)?.into()
        }
        "PG_LSN" => {
            let at = u64::from_be_bytes(bytes.take()?);
            format!("{:X}/{:X}", at >> 32, at & 0xffff_ffff).into()
        }
        _ => return None,
    })
}

/// How many dimensions PostgreSQL's arrays may have.
const MAX_DIMENSIONS: usize = 6;

/// The remaining bytes of a value.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn slice(&mut self, length: usize) -> Option<Bytes<'a>> {
        let (first, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Bytes(first))
    }
}

fn text(bytes: &Bytes) -> Option<Value> {
    std::str::from_utf8(bytes.0).ok().map(Value::from)
}

fn array(element: &PgTypeInfo, bytes: &mut Bytes) -> Option<Value> {
    let dimensions = usize::try_from(i32::from_be_bytes(bytes.take()?)).ok()?;
    let _has_nulls: [u8; 4] = bytes.take()?;
    let _type: [u8; 4] = bytes.take()?;
    let mut lengths = Vec::new();
    // PostgreSQL knows no more: a server that says so would have us nest until the stack ends.
    if dimensions > MAX_DIMENSIONS {
        return None;
    }
    for _ in 0..dimensions {
        lengths.push(usize::try_from(i32::from_be_bytes(bytes.take()?)).ok()?);
        let _lower_bound: [u8; 4] = bytes.take()?;
    }
    // Each element takes at least the four bytes of its length.
    let elements_claimed = lengths.iter().try_fold(1_usize, |all, length| all.checked_mul(*length))?;
    if lengths.is_empty() || elements_claimed == 0 {
        return Some(Value::Array(Vec::new()));
    }
    if elements_claimed > bytes.0.len() / 4 {
        return None;
    }
    elements(element, &lengths, bytes)
}

fn elements(element: &PgTypeInfo, lengths: &[usize], bytes: &mut Bytes) -> Option<Value> {
    let Some((length, inner)) = lengths.split_first() else {
        let length = i32::from_be_bytes(bytes.take()?);
        // A length of -1 says NULL.
        let Ok(length) = usize::try_from(length) else { return Some(Value::Null) };
        return decode(element, &mut bytes.slice(length)?);
    };
    (0..*length).map(|_| elements(element, inner, bytes)).collect::<Option<Vec<_>>>().map(Value::Array)
}

/// Digits to the base of 10,000, of which the first is `weight` places before the point.
fn numeric(bytes: &mut Bytes) -> Option<Value> {
    let digits = u16::from_be_bytes(bytes.take()?);
    let weight = i16::from_be_bytes(bytes.take()?);
    let sign = u16::from_be_bytes(bytes.take()?);
    let scale = usize::from(u16::from_be_bytes(bytes.take()?));
    let sign = match sign {
        0x0000 => "",
        0x4000 => "-",
        0xc000 => return Some("NaN".into()),
        0xd000 => return Some("Infinity".into()),
        0xf000 => return Some("-Infinity".into()),
        _ => return None,
    };
    let digits = (0..digits).map(|_| Some(i16::from_be_bytes(bytes.take()?))).collect::<Option<Vec<_>>>()?;
    let digit = |place: i32| usize::try_from(place).ok().and_then(|place| digits.get(place)).copied().unwrap_or(0);
    let weight = i32::from(weight);
    let mut whole: String = (0..=weight).map(|place| format!("{:04}", digit(place))).collect();
    whole = whole.trim_start_matches('0').to_owned();
    if whole.is_empty() {
        whole.push('0');
    }
    let groups = i32::try_from(scale.div_ceil(4)).ok()?;
    let mut fraction: String = (0..groups).map(|group| format!("{:04}", digit(weight + 1 + group))).collect();
    fraction.truncate(scale);
    let point = if scale > 0 { "." } else { "" };
    Some(decimal(&format!("{sign}{whole}{point}{fraction}")))
}

fn epoch() -> DateTime {
    date(2000, 1, 1).at(0, 0, 0, 0)
}

fn day(days: i32) -> Option<Value> {
    match days {
        i32::MAX => Some("infinity".into()),
        i32::MIN => Some("-infinity".into()),
        days => {
            Some(epoch().checked_add(SignedDuration::from_hours(i64::from(days) * 24)).ok()?.date().to_string().into())
        }
    }
}

fn instant(micros: i64, zone: &str) -> Option<Value> {
    match micros {
        i64::MAX => Some("infinity".into()),
        i64::MIN => Some("-infinity".into()),
        micros => Some(format!("{}{zone}", epoch().checked_add(SignedDuration::from_micros(micros)).ok()?).into()),
    }
}

fn time(micros: i64) -> Option<String> {
    // The end of a day is a time here, and nowhere else.
    if micros == 86_400_000_000 {
        return Some("24:00:00".to_owned());
    }
    Some(epoch().checked_add(SignedDuration::from_micros(micros)).ok()?.time().to_string())
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.abs();
    format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60)
}

/// As PostgreSQL's `intervalstyle = iso_8601` has it.
fn interval(micros: i64, days: i32, months: i32) -> String {
    let part = |number: i64, unit: char| if number == 0 { String::new() } else { format!("{number}{unit}") };
    let date =
        format!("{}{}{}", part(i64::from(months / 12), 'Y'), part(i64::from(months % 12), 'M'), part(days.into(), 'D'));
    let (hours, minutes, seconds) = (micros / 3_600_000_000, micros / 60_000_000 % 60, micros % 60_000_000);
    let second = if seconds == 0 {
        String::new()
    } else {
        let sign = if seconds < 0 { "-" } else { "" };
        let seconds = seconds.abs();
        let fraction = format!("{:06}", seconds % 1_000_000);
        let fraction = fraction.trim_end_matches('0');
        format!("{sign}{}{}{fraction}S", seconds / 1_000_000, if fraction.is_empty() { "" } else { "." })
    };
    let time = format!("{}{}{second}", part(hours, 'H'), part(minutes, 'M'));
    match (date.is_empty(), time.is_empty()) {
        (true, true) => "PT0S".to_owned(),
        (_, true) => format!("P{date}"),
        (_, false) => format!("P{date}T{time}"),
    }
}

fn address(bytes: &mut Bytes) -> Option<String> {
    let [_family, bits, is_network, length] = bytes.take()?;
    let (address, whole) = match length {
        4 => (Ipv4Addr::from(bytes.take::<4>()?).to_string(), 32),
        16 => (Ipv6Addr::from(bytes.take::<16>()?).to_string(), 128),
        _ => return None,
    };
    Some(if is_network == 0 && bits == whole { address } else { format!("{address}/{bits}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_cannot_be_deeper_or_longer_than_its_bytes() {
        let array = |lengths: &[i32], rest: &[u8]| {
            let count = i32::try_from(lengths.len()).expect("it is short");
            let mut bytes: Vec<u8> = [count.to_be_bytes(), [0; 4], [0; 4]].concat();
            lengths.iter().for_each(|length| bytes.extend([length.to_be_bytes(), [0; 4]].concat()));
            bytes.extend(rest);
            super::array(&<i32 as sqlx::Type<sqlx::Postgres>>::type_info(), &mut Bytes(&bytes))
        };
        assert_eq!(array(&[1, 2], &[0, 0, 0, 4, 0, 0, 0, 7, 255, 255, 255, 255]), Some(serde_json::json!([[7, null]])));
        assert_eq!(array(&[1; 100_000], &[255; 4]), None);
        assert_eq!(array(&[i32::MAX, 0], &[]), Some(serde_json::json!([])));
        assert_eq!(array(&[i32::MAX; 6], &[255; 64]), None);
    }

    #[test]
    fn an_interval_is_shown_part_by_part() {
        assert_eq!(interval(0, 0, 0), "PT0S");
        assert_eq!(interval(14_706_500_000, 3, 14), "P1Y2M3DT4H5M6.5S");
        assert_eq!(interval(-500_000, 0, 0), "PT-0.5S");
    }
}
