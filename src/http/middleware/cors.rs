//! CORS: pages of other origins may read answers only if the operator names the origin. Such a page contains an API
//! key, and everybody who can open the page can read the key.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};

/// How long a browser may cache the answer to a preflight request, in seconds.
const MAX_AGE: usize = 3_600;

/// Allows pages of these origins (`https://crm.example.com`) to read answers and their headers. `*` allows all origins.
pub fn allow(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE])
        .allowed_headers([
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("x-request-id"),
            header::CONTENT_TYPE,
        ])
        .expose_headers(["Link", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"])
        .max_age(MAX_AGE);
    origins.iter().fold(cors, |cors, origin| match origin.as_str() {
        "*" => cors.allow_any_origin().send_wildcard(),
        origin => cors.allowed_origin(origin),
    })
}
