//! `GET /errors`: the list of error codes, to which the `type` of a problem document leads.

use std::fmt::Write;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header;
use serde_json::json;
use strum::VariantArray;

use crate::http::documentation::{Answer, Documentation, Example, Tag};
use crate::http::error::ErrorCode;

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Server,
    summary: "Show the error codes",
    description: "A page for people: every error code, its meaning, and what to do. `/errors#phone-missing` leads to the \
        code `phone-missing`.",
    parameters: &[],
    body: None,
    answer: Answer::text(
        "The page.",
        "text/html",
        &[Example {
            name: "page",
            summary: "The beginning of the page",
            value: || json!("<!doctype html>\n<html lang=\"en\">\n"),
        }],
    ),
    failures: Vec::new,
};

/// The page loads nothing and runs no script.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>contact-search: error codes</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 0 auto; padding: 1rem }
h2 { margin-bottom: 0 }
h2 code { font-size: 1.1em }
:target { outline: 2px solid; outline-offset: 0.4rem }
</style>
</head>
<body>
<h1>Error codes</h1>
<p>Every error has its code in the header <code>X-Error-Code</code>.</p>
";

/// Answers with the page.
pub async fn show_error_codes() -> HttpResponse {
    static PAGE: LazyLock<String> = LazyLock::new(render);
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(PAGE.as_str())
}

fn render() -> String {
    let mut page = HEAD.to_owned();
    for code in ErrorCode::VARIANTS {
        let text = code.text();
        let _ = write!(
            page,
            "<h2 id=\"{name}\"><code>{name}</code></h2>\n<p><small>{status}</small></p>\n<p>{meaning} {remedy}</p>\n",
            name = code.name(),
            status = text.status,
            meaning = markup(text.meaning),
            remedy = markup(text.remedy),
        );
    }
    page + "</body>\n</html>\n"
}

/// The text as HTML. What stands between backticks becomes a `<code>` element.
fn markup(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    let mut parts = escaped.split('`');
    let mut html = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        html += if index % 2 == 0 { "<code>" } else { "</code>" };
        html += part;
    }
    html
}
