//! Who is asking: the key in `X-API-Key`, or the token that a webhook's address ends with, decides before anything else
//! of a request is looked at.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

use crate::domain::key::{ApiKey, KeyError, Scope};
use crate::domain::webhook::Token;
use crate::http::error::ApiError;
use crate::http::keys::credential_cache::Verdict;
use crate::http::metrics::KeySource;
use crate::http::request::context::{Caller, KeyLabel, RequestContext};
use crate::http::state::{State, take_permit};
use crate::store::keys;
use crate::store::webhooks::{self, Webhook};

const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// What an endpoint asks of its callers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Nothing: the endpoint shows no contact.
    Public,
    /// A key with this scope.
    Key(Scope),
    /// The token of a webhook in the path; the body says for itself, by its signature, that it is Meta's.
    Webhook,
}

/// Middleware of a route: lets the request pass where its key or its path allows `access`, and leaves the [`Caller`]
/// or the [`Webhook`] for the handler.
pub async fn authorize(
    access: Access,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let decision = match access {
        Access::Public => Ok(()),
        Access::Key(scope) => identify(&request, scope).await.map(|caller| {
            request.extensions_mut().insert(caller);
        }),
        Access::Webhook => find_webhook(&request).await.map(|webhook| {
            request.extensions_mut().insert(webhook);
        }),
    };
    match decision {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(error) => Ok(request.error_response(error).map_into_right_body()),
    }
}

/// A token that nobody has is a path that doesn't exist.
async fn find_webhook(request: &ServiceRequest) -> Result<Webhook, ApiError> {
    let token = request.match_info().get("token").and_then(Token::parse);
    let token_hash = token.ok_or(ApiError::NotFound)?.hash();
    let start = RequestContext::of(request.request()).start;
    State::of(request.request())
        .reads
        .read(start, move |connection| webhooks::find_webhook(connection, token_hash))
        .await?
        .ok_or(ApiError::NotFound)
}

async fn identify(request: &ServiceRequest, scope: Scope) -> Result<Caller, ApiError> {
    let now = Instant::now();
    let key_hash = sent_key(request.headers())?.hash();
    let Verdict::Known(credential) = judge_key(request, key_hash, now).await? else {
        return Err(ApiError::KeyUnknown);
    };
    request.extensions_mut().insert(KeyLabel(credential.label.clone()));
    if credential.ended {
        return Err(ApiError::KeyEnded);
    }
    let state = State::of(request.request());
    state.key_uses.note(credential.key_id, now);
    if !credential.scopes.contains(&scope) {
        return Err(ApiError::ScopeMissing);
    }
    if let Some(quota) = state.rate_limits.spend(credential.key_id, credential.rate_limit, now) {
        request.extensions_mut().insert(quota);
        if !quota.is_kept {
            let seconds = quota.seconds();
            return Err(ApiError::TooMany { seconds });
        }
    }
    Ok(Caller {
        client: credential.client,
        region: credential.region,
    })
}

/// What the key with this hash is: as it was read lately, where that still holds, else as the database says.
async fn judge_key(request: &ServiceRequest, key_hash: [u8; 32], now: Instant) -> Result<Verdict, ApiError> {
    let state = State::of(request.request());
    if let Some(verdict) = state.credentials.find(&key_hash, &state.watch.sight(), now) {
        state.metrics.count_key(KeySource::Memory);
        return Ok(verdict);
    }
    state.metrics.count_key(KeySource::Database);
    // It goes along with the statement, which is run to its end though its caller may have gone away.
    let permit = if state.credentials.remembers(&key_hash) {
        None
    } else {
        Some(take_permit(&state.strangers).await?)
    };
    let start = RequestContext::of(request.request()).start;
    let reading = state
        .reads
        .read(start, move |connection| {
            let _permit = &permit;
            keys::read_key(connection, &key_hash)
        })
        .await?;
    Ok(state.credentials.keep(key_hash, reading, now))
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
