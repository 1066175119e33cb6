//! Who is asking: the key in `X-API-Key` decides before anything else of a request is looked at.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};

use super::context::{Caller, KeyLabel, RequestContext};
use super::error::ApiError;
use super::state::State;
use crate::domain::key::{ApiKey, KeyError, Scope};
use crate::store::keys;

const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// What an endpoint asks of its callers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Nothing: the endpoint shows no contact.
    Public,
    /// A key with this scope.
    Key(Scope),
}

/// Middleware of a route: lets the request pass where its key allows `access`, and leaves the [`Caller`] for
/// the handler.
pub async fn authorize(
    access: Access,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if let Access::Key(scope) = access {
        match identify(&request, scope).await {
            Ok(caller) => request.extensions_mut().insert(caller),
            Err(error) => return Ok(request.error_response(error).map_into_right_body()),
        };
    }
    Ok(next.call(request).await?.map_into_left_body())
}

async fn identify(request: &ServiceRequest, scope: Scope) -> Result<Caller, ApiError> {
    let key_hash = sent_key(request.headers())?.hash();
    let state = request
        .app_data::<web::Data<State>>()
        .expect("the state is part of the app");
    let start = RequestContext::of(request.request()).start;
    let credential = state
        .requests
        .run(start, move |connection| keys::find_credential(connection, &key_hash))
        .await?
        .ok_or(ApiError::KeyUnknown)?;
    request.extensions_mut().insert(KeyLabel(credential.label));
    if credential.ended {
        Err(ApiError::KeyEnded)
    } else if !credential.scopes.contains(&scope) {
        Err(ApiError::ScopeMissing)
    } else {
        Ok(Caller {
            client: credential.client,
            region: credential.region,
        })
    }
}

/// The one key that the headers carry. Two are none: which of them was meant would be a guess.
fn sent_key(headers: &HeaderMap) -> Result<ApiKey, ApiError> {
    let mut values = headers.get_all(KEY_HEADER);
    let value = values.next().ok_or(ApiError::KeyMissing)?;
    if values.next().is_some() {
        return Err(ApiError::KeyUnknown);
    }
    let text = value.to_str().map_err(|_| ApiError::KeyUnknown)?;
    ApiKey::parse(text).map_err(|error| match error {
        KeyError::Empty => ApiError::KeyMissing,
        KeyError::Length | KeyError::Characters => ApiError::KeyUnknown,
    })
}
