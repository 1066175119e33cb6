//! Authentication: checks the key in `X-API-Key`, or the token at the end of a webhook's address, before anything else of
//! the request is read.

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
use crate::http::request::context::{Caller, RequestContext, SenderTrace};
use crate::http::state::State;
use crate::store::keys;
use crate::store::webhooks::{self, Webhook};

const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// The credential that an operation asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// None: the operation shows no contact.
    Public,
    /// A key with this scope.
    Key(Scope),
    /// The token of a webhook in the path. The handler checks the body's signature.
    Webhook,
}

/// Middleware of a route: passes the request on if its key or the token in its path grants `access`. Adds the
/// [`Caller`] or the [`Webhook`] for the handler.
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
            let client = webhook.client;
            request.extensions_mut().insert(SenderTrace::Webhook { client });
            request.extensions_mut().insert(webhook);
        }),
    };
    match decision {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(error) => Ok(request.error_response(error).map_into_right_body()),
    }
}

/// An unknown token is an unknown path: 404.
async fn find_webhook(request: &ServiceRequest) -> Result<Webhook, ApiError> {
    let token = request.match_info().get("token").and_then(Token::parse);
    let token_hash = token.ok_or(ApiError::NotFound)?.hash();
    let start = RequestContext::of(request.request()).start;
    State::of(request.request())
        .lanes
        .reads
        .read(start, move |connection| webhooks::find_webhook(connection, token_hash))
        .await?
        .ok_or(ApiError::NotFound)
}

async fn identify(request: &ServiceRequest, scope: Scope) -> Result<Caller, ApiError> {
    let now = Instant::now();
    let trace = |trace: SenderTrace| {
        request.extensions_mut().insert(trace);
    };
    let key_hash = match sent_key(request.headers()) {
        Ok(key) => key.hash(),
        Err(error) => {
            if let ApiError::KeyUnknown = error {
                trace(SenderTrace::Unknown);
            }
            return Err(error);
        }
    };
    trace(SenderTrace::Unchecked);
    let Verdict::Known(credential) = check_key(request, key_hash, now).await? else {
        trace(SenderTrace::Unknown);
        return Err(ApiError::KeyUnknown);
    };
    trace(SenderTrace::Key {
        id: credential.key_id,
        client: credential.client,
        label: credential.label.clone(),
    });
    if credential.ended {
        return Err(ApiError::KeyEnded);
    }
    let state = State::of(request.request());
    state.key_usage.note(credential.key_id, now);
    if !credential.scopes.contains(&scope) {
        return Err(ApiError::ScopeMissing {
            needed: scope,
            has: credential.scopes.clone(),
        });
    }
    if let Some(quota) = state.rate_limits.spend(credential.key_id, credential.rate_limit, now) {
        request.extensions_mut().insert(quota);
        if !quota.is_allowed {
            let seconds = quota.seconds();
            return Err(ApiError::TooMany { seconds });
        }
    }
    Ok(Caller {
        client: credential.client,
        region: credential.region,
        start: RequestContext::of(request.request()).start,
    })
}

/// The verdict on the key with this hash, from the cache if that is still valid, else from the database.
async fn check_key(request: &ServiceRequest, key_hash: [u8; 32], now: Instant) -> Result<Verdict, ApiError> {
    let state = State::of(request.request());
    if let Some(verdict) = state.credential_cache.find(&key_hash, &state.monitor.status(), now) {
        state.metrics.count_key(KeySource::Memory);
        return Ok(verdict);
    }
    state.metrics.count_key(KeySource::Database);
    // The permit moves into the closure, since the statement runs to its end even if the caller goes away.
    let permit = if state.credential_cache.is_known(&key_hash) {
        None
    } else {
        Some(state.lanes.take_permit(&state.unknown_key_permits).await?)
    };
    let start = RequestContext::of(request.request()).start;
    let reading = state
        .lanes
        .reads
        .read(start, move |connection| {
            let _permit = &permit;
            keys::read_key(connection, &key_hash)
        })
        .await?;
    Ok(state.credential_cache.keep(key_hash, reading, now))
}

/// The key in the headers. Two key headers count as an unknown key, since choosing one would be a guess.
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
