//! The text formats of metrics, and the choice between them.
//!
//! `prometheus-client` writes OpenMetrics. The older format of Prometheus differs in its comments only.

use actix_web::http::header::{Accept, Header};
use actix_web::{HttpRequest, http::header::QualityItem, mime};

/// A text format of metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextFormat {
    /// Version 0.0.4 of Prometheus's text format, which every scraper reads.
    Prometheus,
    /// Version 1.0.0 of OpenMetrics.
    OpenMetrics,
}

impl TextFormat {
    /// The format that the request prefers. A request that accepts neither format, or both alike, gets Prometheus's
    /// own, as from Prometheus's other client libraries.
    pub fn of_request(request: &HttpRequest) -> Self {
        let accepted = Accept::parse(request).map(|accept| accept.0).unwrap_or_default();
        let quality = |format| {
            let of_format = accepted.iter().filter(|item| Self::is_named_by(format, item));
            of_format.map(|item| item.quality).max()
        };
        match (quality(TextFormat::OpenMetrics), quality(TextFormat::Prometheus)) {
            (Some(open), prometheus) if Some(open) > prometheus && open > QualityItem::zero(()).quality => {
                TextFormat::OpenMetrics
            }
            _ => TextFormat::Prometheus,
        }
    }

    /// Whether the item of an `Accept` header names the format's media type, and its version or no version.
    fn is_named_by(format: Self, item: &QualityItem<mime::Mime>) -> bool {
        let (essence, version) = match format {
            TextFormat::Prometheus => ("text/plain", "0.0.4"),
            TextFormat::OpenMetrics => ("application/openmetrics-text", "1.0.0"),
        };
        let asked = item.item.get_param("version");
        item.item.essence_str() == essence && asked.is_none_or(|asked| asked == version)
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            TextFormat::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            TextFormat::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Rewrites OpenMetrics as Prometheus's text format: a counter's comments name the series with `_total`, and there are
/// neither units nor an end mark.
pub fn to_prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|typed| typed.split_once(' ')) {
            let suffix = if kind == "counter" { "_total" } else { "" };
            if let Some((_, help)) = help.take() {
                text.push_str(&format!("# HELP {name}{suffix} {help}\n"));
            }
            text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn format(accept: &str) -> TextFormat {
        TextFormat::of_request(
            &TestRequest::default()
                .insert_header(("Accept", accept))
                .to_http_request(),
        )
    }

    #[test]
    fn accept_decides_between_the_text_formats() {
        for accept in [
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;\
             version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,\
             */*;q=0.2",
            "text/plain;version=0.0.4;q=0.5, application/openmetrics-text",
        ] {
            assert_eq!(format(accept), TextFormat::OpenMetrics, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/plain",
            "text/plain;version=0.0.4",
            "text/html, */*;q=0.8",
            "application/json",
            "application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.3, text/plain;version=0.0.4;q=0.9",
            "chunk#;e",
        ] {
            assert_eq!(format(accept), TextFormat::Prometheus, "{accept}");
        }
        assert_eq!(
            TextFormat::of_request(&TestRequest::default().to_http_request()),
            TextFormat::Prometheus
        );
    }

    #[test]
    fn the_format_of_prometheus_names_counters_with_their_suffix() {
        let open_metrics = "# HELP a_requests Requests by route.\n# TYPE a_requests counter\na_requests_total{r=\"x\"} 1\n\
                            # HELP a_size_bytes Size.\n# TYPE a_size_bytes gauge\n# UNIT a_size_bytes bytes\n\
                            a_size_bytes 7\n# EOF\n";
        let prometheus = "# HELP a_requests_total Requests by route.\n# TYPE a_requests_total counter\n\
                          a_requests_total{r=\"x\"} 1\n# HELP a_size_bytes Size.\n# TYPE a_size_bytes gauge\n\
                          a_size_bytes 7\n";
        assert_eq!(to_prometheus(open_metrics), prometheus);
    }
}
