//! What is known of a request besides its own words.

use actix_web::{HttpMessage, HttpRequest};
use tokio::time::Instant;

use crate::domain::client::ClientId;
use crate::domain::phone::Region;

/// What the frame around every request puts into it.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext {
    /// When the request came; its deadline counts from here.
    pub start: Instant,
}

impl RequestContext {
    /// The context that the frame put into the request.
    pub fn of(request: &HttpRequest) -> Self {
        *request
            .extensions()
            .get::<Self>()
            .expect("every request passes the frame")
    }
}

/// Whom a request's key speaks for; authentication alone makes one.
#[derive(Clone, Debug)]
pub struct Caller {
    pub client: ClientId,
    /// The client's default region, in which bare digits are read.
    pub region: Region,
}

/// The label of a request's key, for the access log: also of one that is refused, as long as it is known.
pub struct KeyLabel(pub String);
