//! The lines of a schedule: POSIX cron, as GitHub reads it.

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A field: its name, the least and the greatest number, and the names of numbers.
type Field = (&'static str, u32, u32, &'static [&'static str]);

const FIELDS: [Field; 5] = [
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day of the month", 1, 31, &[]),
    ("month", 1, 12, &MONTHS),
    ("day of the week", 0, 6, &DAYS),
];

/// Checks one line.
///
/// # Errors
/// Checks the schedule.
pub fn check(line: &str) -> Result<(), String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("expected five fields, found {}", fields.len()));
    }
    for (field, (name, least, most, names)) in fields.into_iter().zip(FIELDS) {
        let number = |text: &str| {
            let named = names.iter().zip(least..).find(|(name, _)| text.eq_ignore_ascii_case(name));
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = named.map(|(_, number)| number).or_else(|| text.parse().ok().filter(|_| is_number));
            number.filter(|number| (least..=most).contains(number))
        };
        let is_range = |range: &str| match range.split_once('-') {
            Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
            None => range == "*" || number(range).is_some(),
        };
        let is_part = |part: &str| match part.split_once('/') {
            Some((range, step)) => is_range(range) && step.parse::<u32>().is_ok_and(|step| (1..=most).contains(&step)),
            None => is_range(part),
        };
        if !field.split(',').all(is_part) {
            return Err(format!("invalid {name} `{field}`: use {least} to {most}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn lines_that_github_takes_are_taken() {
        for line in ["0 0 * * *", "*/15 0-23 1,15 JAN-MAR mon-fri", "30 5 * * 1,3", "0 0 1 */3 *", "5/10 * * * 0"] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        for (line, problem) in [
            ("0 25 * * *", "invalid hour `25`: use 0 to 23"),
            ("60 * * * *", "invalid minute `60`: use 0 to 59"),
            ("0 0 0 * *", "invalid day of the month `0`: use 1 to 31"),
            ("0 0 * 13 *", "invalid month `13`: use 1 to 12"),
            ("0 0 * * 8", "invalid day of the week `8`: use 0 to 6"),
            ("0 5-2 * * *", "invalid hour `5-2`: use 0 to 23"),
            ("*/0 * * * *", "invalid minute `*/0`: use 0 to 59"),
            ("@daily", "expected five fields, found 1"),
            ("0 0 * * * *", "expected five fields, found 6"),
            ("", "expected five fields, found 0"),
        ] {
            assert_eq!(check(line), Err(problem.to_owned()), "{line}");
        }
    }
}
