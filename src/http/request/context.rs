//! Data that middleware adds to a request: its start, its caller, and the sender for the access log.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::client::ClientId;
use crate::domain::phone::Region;
use crate::http::error::ApiError;

/// The outermost middleware adds it to every request.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext {
    /// When the request arrived. Its deadline counts from here.
    pub start: Instant,
}

impl RequestContext {
    /// The context of the request.
    pub fn of(request: &HttpRequest) -> Self {
        *request
            .extensions()
            .get::<Self>()
            .expect("the outermost middleware adds the context")
    }
}

/// Extracts the context of the request.
impl FromRequest for RequestContext {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// The caller of an authenticated request. Only authentication creates one.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    pub client: ClientId,
    /// The client's default region, for digits without a calling code.
    pub region: Region,
    /// When the request arrived.
    pub start: Instant,
}

/// Extracts the caller that authentication has found.
impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().copied();
        // Only a bug gets here: a handler that takes a caller, on a route without a key.
        ready(caller.ok_or_else(|| ApiError::Internal("the route asks for no key".into())))
    }
}

/// The sender as far as authentication knows it, for the access log. Absent if the request has no key, or if the
/// operation asks for none.
#[derive(Clone, Debug)]
pub enum SenderTrace {
    /// The request has a key that was not checked, since the database did not answer or the server had no capacity.
    Unchecked,
    /// The request has a key that does not exist.
    Unknown,
    /// The request has a key that exists, even if it is refused.
    Key { id: Uuid, client: ClientId, label: String },
    /// The request is for a webhook, whose token counts as the key.
    Webhook { client: ClientId },
}
