//! The outermost middleware: gives every request an id and a start time, renders errors in the shape of the path's API,
//! compresses large answers, and writes the access log.

use std::sync::Arc;

use actix_cors::CorsError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError};
use tokio::time::Instant;
use uuid::Uuid;

use super::caller_address::caller_address;
use super::compression::{compress, is_large};
use super::cors;
use super::idle_connections::Connection;
use crate::http::error::{ApiError, ErrorShape, chain};
use crate::http::keys::rate_limit::Quota;
use crate::http::request::context::{RequestContext, SenderTrace};
use crate::http::request::limits::TARGET_MAX;
use crate::http::state::State;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Forbids browsers to guess another type of content than the answer names.
pub const NO_SNIFFING: (HeaderName, HeaderValue) =
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// The outermost middleware.
pub async fn frame(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let start = Instant::now();
    let connection = request.request().conn_data::<Arc<Connection>>().cloned();
    let _in_flight = connection.map(Connection::begin_request);
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestContext { start });

    // For absolute-form targets the authority counts towards the limit.
    let uri = request.uri();
    let target_length = uri.authority().map_or(0, |authority| authority.as_str().len())
        + uri.path_and_query().map_or(0, |target| target.as_str().len());
    let response = if target_length > TARGET_MAX {
        request.error_response(ApiError::TargetTooLong)
    } else {
        next.call(request).await?.map_into_boxed_body()
    };

    let mut response = shape_error(response, &id);
    response.headers_mut().insert(REQUEST_ID, id.clone());
    // Answers hold personal data, so no cache on the way may keep them. Only files of the program hold none. They bring
    // a header of their own.
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let (name, value) = NO_SNIFFING;
    response.headers_mut().insert(name, value);
    let quota = response.request().extensions().get::<Quota>().copied();
    if let Some(quota) = quota {
        quota.write_headers(response.headers_mut());
    }
    if is_large(&response) {
        response = compress(response).await;
    }
    count_and_log(&response, start, &id);
    Ok(response)
}

/// The caller's id if it is 1 to 128 visible ASCII characters, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_usable =
        |value: &&HeaderValue| (1..=128).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
    headers
        .get(REQUEST_ID)
        .filter(is_usable)
        .cloned()
        .unwrap_or_else(|| HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a UUID is visible ASCII"))
}

/// Renders an error in the shape that the path's API documents. Logs the cause of a 5xx once.
fn shape_error(response: ServiceResponse, id: &HeaderValue) -> ServiceResponse {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    // The decoded path, so that an escaped letter does not change the shape.
    let shape = ErrorShape::of_path(response.request().match_info().as_str());
    let Some(error) = response.response().error() else {
        return response;
    };
    let of_library;
    let error = if let Some(error) = error.as_error::<ApiError>() {
        error
    } else {
        // actix or a library refused the request. Its text must not reach the caller.
        of_library = match (status, error.as_error::<CorsError>()) {
            (StatusCode::NOT_FOUND, _) => ApiError::NotFound,
            (_, Some(refusal)) => explain_preflight(refusal),
            _ => ApiError::Internal(error.to_string().into()),
        };
        &of_library
    };
    log_cause(error, response.request(), id);
    let mut rendered = error.render(shape);
    // Keep headers set by inner middleware, such as CORS.
    for (name, value) in response.headers() {
        if !rendered.headers().contains_key(name) && *name != header::CONTENT_TYPE {
            rendered.headers_mut().append(name.clone(), value.clone());
        }
    }
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, rendered)
}

/// Says which part of a preflight request was refused.
fn explain_preflight(refusal: &CorsError) -> ApiError {
    match refusal {
        CorsError::MethodNotAllowed | CorsError::BadRequestMethod | CorsError::MissingRequestMethod => {
            ApiError::OriginMethodRefused {
                allowed: cors::METHODS.join(", "),
            }
        }
        CorsError::HeadersNotAllowed | CorsError::BadRequestHeaders => ApiError::OriginHeaderRefused {
            allowed: cors::REQUEST_HEADERS.join(", "),
        },
        _ => ApiError::OriginRefused,
    }
}

fn log_cause(error: &ApiError, request: &HttpRequest, id: &HeaderValue) {
    let status = error.status_code();
    if !status.is_server_error() {
        return;
    }
    let state = State::of(request);
    state.metrics.count_failure(error);
    let Some(suppressed) = state.log_throttle.check(error, Instant::now().into_std()) else {
        return;
    };
    let mut text = chain(error);
    if suppressed > 0 {
        text = format!("{text} ({suppressed} more since the last line)");
    }
    let level = if status == StatusCode::INTERNAL_SERVER_ERROR {
        log::Level::Error
    } else {
        log::Level::Warn
    };
    log::log!(level, request_id = id.to_str().unwrap_or_default(); "{text}");
}

/// The standard methods.
static STANDARD_METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
    Method::CONNECT,
];

/// The method's name if it is a standard one, else `other`, because any other name is the caller's text.
pub fn method_name(method: &Method) -> &'static str {
    let standard = STANDARD_METHODS.iter().find(|standard| *standard == method);
    standard.map_or("other", Method::as_str)
}

/// Counts the request and writes its line in the access log. The line has the route's pattern, since the path and the
/// query hold personal data. A method that is not a standard one appears as `other`, since it is the caller's text.
fn count_and_log(response: &ServiceResponse, start: Instant, id: &HeaderValue) {
    let request = response.request();
    let route = request.match_pattern();
    let duration = start.elapsed();
    let method = method_name(request.method());
    let state = State::of(request);
    state
        .metrics
        .count_request(route.clone(), method, response.status(), duration);
    let from = request
        .peer_addr()
        .map(|peer| caller_address(peer.ip(), request.headers(), &state.trusted_proxies));
    let extensions = request.extensions();
    let sender = Sender::of(extensions.get::<SenderTrace>());
    // Supervisors and load balancers probe every few seconds.
    let is_probe = route.as_deref().is_some_and(|route| PROBES.contains(&route));
    let level = if is_probe { log::Level::Debug } else { log::Level::Info };
    log::log!(
        target: "access",
        level,
        method = method,
        route = route.as_deref().unwrap_or("-"),
        status = response.status().as_u16(),
        ms = (duration.as_secs_f64() * 1e5).round() / 1e2,
        from = from.map(|address| address.to_string()).as_deref().unwrap_or("-"),
        request_id = id.to_str().unwrap_or_default(),
        key = sender.key,
        client = sender.client,
        key_label = sender.label;
        "answered"
    );
}

/// The routes whose access lines have the level debug.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// The sender in the access log: ids, and a label that the operator chose.
struct Sender<'a> {
    key: String,
    client: String,
    label: &'a str,
}

impl<'a> Sender<'a> {
    fn of(trace: Option<&'a SenderTrace>) -> Self {
        let none = || "-".to_owned();
        let (key, client, label) = match trace {
            None => (none(), none(), ""),
            Some(SenderTrace::Unchecked) => ("unchecked".to_owned(), none(), ""),
            Some(SenderTrace::Unknown) => ("unknown".to_owned(), none(), ""),
            Some(SenderTrace::Key { id, client, label }) => (id.to_string(), client.to_string(), label.as_str()),
            Some(SenderTrace::Webhook { client }) => ("webhook".to_owned(), client.to_string(), ""),
        };
        Self { key, client, label }
    }
}
