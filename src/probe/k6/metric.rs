//! The types of k6's metrics, which decide what their values mean.
//!
//! <https://grafana.com/docs/k6/latest/using-k6/metrics/>

use std::collections::BTreeMap;

/// The values of one metric, such as `avg` and `p(95)`.
pub type Values = BTreeMap<String, f64>;

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricType {
    /// It adds up.
    Counter,
    /// The last value counts.
    Gauge,
    /// How often something was so.
    Rate,
    /// Values of which there are an average and percentiles.
    Trend,
}

impl MetricType {
    /// The type that a summary declares, or else the one whose statistics these are. `summaryTrendStats` may give a trend a
    /// `count`, but never a `rate`.
    pub fn of(declared: Option<&str>, values: &Values) -> Option<Self> {
        match declared {
            Some("counter") => return Some(Self::Counter),
            Some("gauge") => return Some(Self::Gauge),
            Some("rate") => return Some(Self::Rate),
            Some("trend") => return Some(Self::Trend),
            Some(_) | None => {}
        }
        let has = |key: &str| values.contains_key(key);
        if has("avg") || has("med") || values.keys().any(|key| key.starts_with("p(")) {
            Some(Self::Trend)
        } else if has("count") && has("rate") {
            Some(Self::Counter)
        } else if has("rate") {
            Some(Self::Rate)
        } else if has("value") {
            Some(Self::Gauge)
        } else if has("count") || has("min") || has("max") {
            Some(Self::Trend)
        } else {
            None
        }
    }

    /// As messages say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Rate => "rate",
            Self::Trend => "trend",
        }
    }
}

/// How many samples a rate has; nothing where the summary does not say.
pub fn samples(rate: &Values) -> Option<f64> {
    let sum = |one: &str, other: &str| Some(rate.get(one)? + rate.get(other)?);
    sum("passes", "fails").or_else(|| rate.get("total").copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_the_declared_one_or_follows_from_the_statistics() {
        for (declared, keys, expected) in [
            (None, "avg count med p(95)", Some(MetricType::Trend)),
            (None, "count max min", Some(MetricType::Trend)),
            (None, "count", Some(MetricType::Trend)),
            (None, "count rate", Some(MetricType::Counter)),
            (None, "passes fails rate", Some(MetricType::Rate)),
            (None, "value min max", Some(MetricType::Gauge)),
            (None, "", None),
            (Some("trend"), "count rate", Some(MetricType::Trend)),
            (Some("counter"), "count", Some(MetricType::Counter)),
            (Some("other"), "avg", Some(MetricType::Trend)),
        ] {
            let values = keys.split_whitespace().map(|key| (key.to_owned(), 1.0)).collect();
            assert_eq!(MetricType::of(declared, &values), expected, "{declared:?} {keys}");
        }
    }
}
