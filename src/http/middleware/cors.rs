//! CORS: pages of other origins may read answers only if the operator names the origin. Such a page contains an API
//! key, and everybody who can open the page can read the key.

use actix_cors::Cors;

/// The methods that such a page may use.
pub const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "PATCH", "DELETE"];

/// The headers that such a page may send. Tracing libraries such as OpenTelemetry and Sentry add the last four to every
/// request of a page.
pub const REQUEST_HEADERS: [&str; 7] = [
    "X-API-Key",
    "X-Request-Id",
    "Content-Type",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
];

/// How long a browser may cache the answer to a preflight request, in seconds.
const MAX_AGE: usize = 3_600;

/// Allows pages of these origins (`https://crm.example.com`) to read answers and their headers. `*` allows all origins.
pub fn allow(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(METHODS)
        .allowed_headers(REQUEST_HEADERS)
        .expose_headers([
            "Link",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "X-Contact-Status",
            "X-Error-Code",
            "X-Has-More",
            "X-Request-Id",
        ])
        .max_age(MAX_AGE);
    origins.iter().fold(cors, |cors, origin| match origin.as_str() {
        "*" => cors.allow_any_origin().send_wildcard(),
        origin => cors.allowed_origin(origin),
    })
}
