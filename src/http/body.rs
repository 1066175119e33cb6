//! JSON bodies: read whole after the key was checked, up to a limit, and taken apart member by member.
//!
//! A library's own words for what is wrong would repeat the input, so each member is asked for by name and type
//! here, and an error says which member should have been what.

use actix_web::web::{BytesMut, Payload};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use super::error::{ApiError, BodyFault, Expected};
use crate::domain::contact::{Attribute, Refusal};

/// The largest body of a request, in bytes.
pub const BODY_MAX: usize = 2 * 1024 * 1024;

/// The most items of a bulk call.
pub const ITEMS_MAX: usize = 1_000;

/// The bytes of a body.
///
/// # Errors
/// [`ApiError::BodyTooLarge`] over `max` bytes, [`ApiError::TooLate`] where the body is not there at `deadline`, and
/// [`ApiError::Body`] where the client breaks off.
pub async fn read(mut payload: Payload, max: usize, deadline: Instant) -> Result<BytesMut, ApiError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = timeout_at(deadline, payload.next())
        .await
        .map_err(|_| ApiError::TooLate)?
    {
        let chunk = chunk.map_err(|_| ApiError::Body(BodyFault::Broken))?;
        if bytes.len() + chunk.len() > max {
            return Err(ApiError::BodyTooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The JSON of a body, whatever it is.
pub async fn read_json(payload: Payload, deadline: Instant) -> Result<Value, ApiError> {
    let bytes = read(payload, BODY_MAX, deadline).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        ApiError::Body(BodyFault::NotJson {
            line: error.line(),
            column: error.column(),
        })
    })
}

/// An object of a body, or of an array in it. Members that nobody asks for are ignored.
#[derive(Debug)]
pub struct Members(Map<String, Value>);

impl Members {
    /// # Errors
    /// [`BodyFault::NotObject`].
    pub fn new(value: Value) -> Result<Self, BodyFault> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(BodyFault::NotObject),
        }
    }

    /// Whether the member is there, and be it as `null`.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text, its surrounding blanks cut; `None` where the member is absent, `null` or blank.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, BodyFault> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => Err(BodyFault::Nul { name }),
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)),
            Some(_) => Err(wrong(name, Expected::Text)),
        }
    }

    /// `true` or `false`; `None` where the member is absent or `null`.
    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, BodyFault> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(wrong(name, Expected::Flag)),
        }
    }

    /// A whole number; `None` where the member is absent or `null`.
    pub fn integer(&self, name: &'static str) -> Result<Option<i64>, BodyFault> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong(name, Expected::Integer)),
        }
    }

    /// An RFC 3339 time; `None` where the member is absent, `null` or blank.
    pub fn time(&self, name: &'static str) -> Result<Option<DateTime<Utc>>, BodyFault> {
        let wrong = || wrong(name, Expected::Time);
        let text = self.text(name).map_err(|_| wrong())?;
        text.map(|text| DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()))
            .transpose()
            .map_err(|_| wrong())
    }

    /// A UUID; `None` where the member is absent, `null` or blank.
    pub fn uuid(&self, name: &'static str) -> Result<Option<uuid::Uuid>, BodyFault> {
        let wrong = || wrong(name, Expected::Uuid);
        let text = self.text(name).map_err(|_| wrong())?;
        text.map(|text| text.parse()).transpose().map_err(|_| wrong())
    }

    /// Takes the array out; `None` where the member is absent or `null`.
    pub fn array(&mut self, name: &'static str) -> Result<Option<Vec<Value>>, BodyFault> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(wrong(name, Expected::Array)),
        }
    }
}

/// What a refusal means to a caller for whom each attribute is called what `member` says. `names` are the members of
/// which one has to be there.
pub fn refused(refusal: &Refusal, member: fn(Attribute) -> &'static str, names: &'static str) -> BodyFault {
    match *refusal {
        Refusal::NoIdentity => BodyFault::NoIdentity { names },
        Refusal::NoDigits => wrong(member(Attribute::Phone), Expected::Phone),
        Refusal::Empty { attribute } => BodyFault::Missing {
            name: member(attribute),
        },
        Refusal::Nul { attribute } => BodyFault::Nul {
            name: member(attribute),
        },
        Refusal::TooLong { attribute, max } => BodyFault::TooLong {
            name: member(attribute),
            max,
        },
        Refusal::Future { attribute } => BodyFault::Future {
            name: member(attribute),
        },
        Refusal::TooEarly { attribute } => BodyFault::TooEarly {
            name: member(attribute),
        },
    }
}

fn wrong(name: &'static str, expected: Expected) -> BodyFault {
    BodyFault::Member { name, expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_asked_for_by_name_and_type() {
        let mut members = Members::new(json!({
            "text": "  a ", "blank": " ", "null": null, "flag": true, "number": 7, "nul": "a\u{0}",
            "time": "2025-03-28T14:22:00+01:00", "array": [1],
        }))
        .unwrap();
        assert_eq!(members.text("text"), Ok(Some("a".to_owned())));
        for name in ["blank", "null", "absent"] {
            assert_eq!(members.text(name), Ok(None), "{name}");
        }
        assert_eq!(members.text("nul"), Err(BodyFault::Nul { name: "nul" }));
        assert_eq!(members.text("number"), Err(wrong("number", Expected::Text)));
        assert_eq!(
            (members.flag("flag"), members.integer("number")),
            (Ok(Some(true)), Ok(Some(7)))
        );
        assert_eq!(members.flag("text"), Err(wrong("text", Expected::Flag)));
        assert_eq!(
            members.time("time").unwrap().unwrap().to_string(),
            "2025-03-28 13:22:00 UTC"
        );
        assert_eq!(members.time("number"), Err(wrong("number", Expected::Time)));
        assert_eq!(members.uuid("text"), Err(wrong("text", Expected::Uuid)));
        assert_eq!(members.array("array"), Ok(Some(vec![json!(1)])));
        assert_eq!(Members::new(json!([])).unwrap_err(), BodyFault::NotObject);
    }
}
