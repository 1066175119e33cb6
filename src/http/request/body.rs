//! JSON bodies: read up to a size limit, after authentication, and parsed member by member. A large body is parsed off
//! the worker's thread.
//!
//! The error texts of serde repeat the input. So each member is read here by its name and type, and an error names the
//! member and the expected type.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::future::{Ready, ready};

use actix_web::dev::Payload as Stream;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::body_memory::{BodyMemory, HeldMemory};
use super::limits::BODY_MAX;
use crate::domain::contact::{Attribute, ContactError};
use crate::http::error::{ApiError, BodyFault, Expected};

/// A body up to this size is parsed on the worker's thread. For a body of about thirty messages, that takes less time
/// than a change of threads and the wait for a turn.
const PARSED_INLINE_MAX: usize = 4 * 1024;

/// The body of a request, which has not been read yet. A handler takes it as an argument.
pub struct Payload {
    stream: Stream,
    memory: web::Data<BodyMemory>,
}

impl FromRequest for Payload {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, stream: &mut Stream) -> Self::Future {
        let memory = request.app_data::<web::Data<BodyMemory>>();
        ready(Ok(Self {
            stream: stream.take(),
            memory: memory.expect("the server adds the memory of bodies to the app").clone(),
        }))
    }
}

impl Payload {
    async fn collect(&mut self, max: usize, deadline: Instant) -> Result<(Vec<u8>, HeldMemory), ApiError> {
        let (mut bytes, mut held) = (Vec::new(), HeldMemory::default());
        while let Some(chunk) = timeout_at(deadline, self.stream.next())
            .await
            .map_err(|_| ApiError::TooLate)?
        {
            let chunk = chunk.map_err(|_| ApiError::Body(BodyFault::Broken))?;
            let length = bytes.len() + chunk.len();
            if length > max {
                return Err(ApiError::BodyTooLarge { max });
            }
            if length > bytes.capacity() {
                // Doubles, so that a body is copied a few times at most.
                let capacity = length.max(2 * bytes.capacity()).min(max);
                self.memory.hold(&mut held, capacity)?;
                bytes.reserve_exact(capacity - bytes.len());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((bytes, held))
    }
}

/// Reads a body of at most `max` bytes, and passes it to `work`, which may use the processor for long.
///
/// # Errors
/// [`ApiError::BodyTooLarge`] over `max` bytes, [`ApiError::TooLate`] if the body is incomplete at `deadline`,
/// [`ApiError::Busy`] if bodies that are not yet parsed hold too much memory, [`ApiError::Body`] if the client closes
/// the connection, and the error of `work`.
pub async fn read<T, E>(
    mut payload: Payload,
    max: usize,
    deadline: Instant,
    work: impl FnOnce(&[u8]) -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: Into<ApiError> + Send + 'static,
{
    let (bytes, held) = payload.collect(max, deadline).await?;
    if bytes.len() <= PARSED_INLINE_MAX {
        return work(&bytes).map_err(Into::into);
    }
    let turn = timeout_at(deadline, payload.memory.take_turn()).await;
    let turn = turn.map_err(|_| ApiError::TooLate)??;
    let worked = web::block(move || {
        let _held = (turn, held);
        work(&bytes)
    });
    let worked = timeout_at(deadline, worked).await.map_err(|_| ApiError::TooLate)?;
    worked
        .map_err(|canceled| ApiError::Internal(Box::new(canceled)))?
        .map_err(Into::into)
}

/// Reads a body of at most `max` bytes as a whole. It does not count towards the memory that all bodies share, so the
/// caller must bound the number of such bodies.
///
/// # Errors
/// [`ApiError::BodyTooLarge`] over `max` bytes, [`ApiError::TooLate`] if the body is incomplete at `deadline`, and
/// [`ApiError::Body`] if the client closes the connection.
pub async fn read_whole(mut payload: Payload, max: usize, deadline: Instant) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = timeout_at(deadline, payload.stream.next())
        .await
        .map_err(|_| ApiError::TooLate)?
    {
        let chunk = chunk.map_err(|_| ApiError::Body(BodyFault::Broken))?;
        if bytes.len() + chunk.len() > max {
            return Err(ApiError::BodyTooLarge { max });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads a JSON body, checks its grammar, and passes it to `work`, which reads the values.
///
/// # Errors
/// As [`read`], and [`BodyFault::NotJson`].
pub async fn read_json<T>(
    payload: Payload,
    deadline: Instant,
    work: impl FnOnce(&RawValue) -> Result<T, BodyFault> + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
{
    let read_value = |bytes: &[u8]| {
        let value = serde_json::from_slice(bytes).map_err(|error| BodyFault::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        work(value)
    };
    read(payload, BODY_MAX, deadline, read_value).await
}

/// The items of an array; `None` if the value is not an array.
pub fn items(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// The members of a JSON object. If a name occurs twice, the last value counts.
///
/// Members that are never read are ignored. Their value may even have an unpaired surrogate, a number out of range, or
/// a nesting too deep for the stack, since JSON's grammar allows them.
#[derive(Default, Debug)]
pub struct Members<'a>(HashMap<Name<'a>, &'a RawValue>);

/// A member's name, as bytes, since a name with an unpaired surrogate is not valid UTF-8.
#[derive(PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, [u8]>);

impl Borrow<[u8]> for Name<'_> {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl<'a> Members<'a> {
    /// The members of `value`.
    ///
    /// # Errors
    /// [`BodyFault::NotObject`].
    pub fn new(value: &'a RawValue) -> Result<Self, BodyFault> {
        serde_json::from_str(value.get())
            .map(Self)
            .map_err(|_| BodyFault::NotObject)
    }

    /// Whether the member is present, also as `null`.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name.as_bytes())
    }

    /// The member's value, of any type; `None` if it is absent or `null`.
    pub fn value(&self, name: &str) -> Option<&'a RawValue> {
        self.0
            .get(name.as_bytes())
            .copied()
            .filter(|value| value.get() != "null")
    }

    /// A trimmed text; `None` if the member is absent, `null` or blank.
    ///
    /// # Errors
    /// If the member has another type or a NUL character.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, BodyFault> {
        match self.read::<String>(name, Expected::Text)? {
            Some(text) if text.contains('\0') => Err(BodyFault::Nul { name }),
            text => Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())),
        }
    }

    /// `true` or `false`; `None` if the member is absent or `null`.
    ///
    /// # Errors
    /// If the member has another type.
    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, BodyFault> {
        self.read(name, Expected::Flag)
    }

    /// A whole number; `None` if the member is absent or `null`. As in JSON Schema, `1.0` and `1e3` are whole numbers
    /// too. Such a notation must stay below 2⁵³, since an `f64` is not exact above.
    ///
    /// # Errors
    /// If the member is not a whole number of 64 bits.
    pub fn integer(&self, name: &'static str) -> Result<Option<i64>, BodyFault> {
        const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
        self.read(name, Expected::Integer).or_else(|fault| {
            // Parsed by the standard library, since serde_json may round to a neighbouring `f64`.
            let number = self.value(name).and_then(|value| value.get().parse::<f64>().ok());
            let whole = number.filter(|number| number.fract() == 0.0 && number.abs() < EXACT);
            whole.map(|number| Some(number as i64)).ok_or(fault)
        })
    }

    /// An RFC 3339 time; `None` if the member is absent, `null` or blank.
    ///
    /// # Errors
    /// If the member is something else.
    pub fn time(&self, name: &'static str) -> Result<Option<DateTime<Utc>>, BodyFault> {
        let wrong = || wrong(name, Expected::Time);
        let text = self.text(name).map_err(|_| wrong())?;
        text.map(|text| DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()))
            .transpose()
            .map_err(|_| wrong())
    }

    /// A UUID of 36 characters with hyphens; `None` if the member is absent, `null` or blank.
    ///
    /// # Errors
    /// If the member is something else.
    pub fn uuid(&self, name: &'static str) -> Result<Option<Uuid>, BodyFault> {
        let wrong = || wrong(name, Expected::Uuid);
        let text = self.text(name).map_err(|_| wrong())?;
        text.map(|text| text.parse().map(Hyphenated::into_uuid))
            .transpose()
            .map_err(|_| wrong())
    }

    /// The items of an array; `None` if the member is absent or `null`.
    ///
    /// # Errors
    /// If the member has another type.
    pub fn array(&self, name: &'static str) -> Result<Option<Vec<&'a RawValue>>, BodyFault> {
        self.read(name, Expected::Array)
    }

    fn read<T: Deserialize<'a>>(&self, name: &'static str, expected: Expected) -> Result<Option<T>, BodyFault> {
        let value = self.value(name).map(|value| serde_json::from_str(value.get()));
        value.transpose().map_err(|_| wrong(name, expected))
    }
}

/// Converts a contact's error into the fault that an API reports. `member` maps an attribute to the API's member name.
/// `names` lists the members of which at least one is required.
pub fn fault_of(error: &ContactError, member: fn(Attribute) -> &'static str, names: &'static str) -> BodyFault {
    match *error {
        ContactError::NoIdentity => BodyFault::NoIdentity { names },
        ContactError::NoDigits => wrong(member(Attribute::Phone), Expected::Phone),
        ContactError::NoEmail => wrong(member(Attribute::Email), Expected::Email),
        ContactError::HiddenNumber => wrong(member(Attribute::Phone), Expected::PhoneNotHidden),
        ContactError::NoPerson {
            attribute: Attribute::Phone,
        } => wrong(member(Attribute::Phone), Expected::PersonsPhone),
        ContactError::NoPerson { attribute } => wrong(member(attribute), Expected::PersonsId),
        ContactError::PhoneIdentifiesNobody => BodyFault::IdentifiesNobody {
            name: member(Attribute::Phone),
        },
        ContactError::Empty { attribute } => BodyFault::Missing {
            name: member(attribute),
        },
        ContactError::Nul { attribute } => BodyFault::Nul {
            name: member(attribute),
        },
        ContactError::TooLong { attribute, max } => BodyFault::TooLong {
            name: member(attribute),
            max,
        },
        ContactError::Future { attribute } => BodyFault::Future {
            name: member(attribute),
        },
        ContactError::TooEarly { attribute } => BodyFault::TooEarly {
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

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn members_are_read_by_name_and_type() {
        let members = Members::new(raw(
            r#"{"text": "  a ", "blank": " ", "null" : null , "flag": true, "number": 7, "nul": "a\u0000", "half": "\ud800",
                "time": "2025-03-28T14:22:00+01:00", "array": [1, "\ud800"], "number": 8, "\u0074wice": 1, "twice": 2}"#,
        ))
        .unwrap();
        assert_eq!(members.text("text"), Ok(Some("a".to_owned())));
        for name in ["blank", "null", "absent"] {
            assert_eq!(members.text(name), Ok(None), "{name}");
        }
        assert_eq!((members.has("null"), members.has("absent")), (true, false));
        assert_eq!(members.text("nul"), Err(BodyFault::Nul { name: "nul" }));
        for name in ["number", "half"] {
            assert_eq!(members.text(name), Err(wrong(name, Expected::Text)));
        }
        assert_eq!(
            (
                members.flag("flag"),
                members.integer("number"),
                members.integer("twice")
            ),
            (Ok(Some(true)), Ok(Some(8)), Ok(Some(2)))
        );
        assert_eq!(members.flag("text"), Err(wrong("text", Expected::Flag)));
        assert_eq!(
            members.time("time").unwrap().unwrap().to_string(),
            "2025-03-28 13:22:00 UTC"
        );
        assert_eq!(members.time("number"), Err(wrong("number", Expected::Time)));
        let items = members.array("array").unwrap().unwrap();
        assert_eq!(
            items.iter().map(|item| item.get()).collect::<Vec<_>>(),
            ["1", r#""\ud800""#]
        );
        for text in ["[]", "7", "null", "\"{}\""] {
            assert_eq!(Members::new(raw(text)).unwrap_err(), BodyFault::NotObject, "{text}");
        }
    }

    #[test]
    fn an_integer_may_have_a_decimal_point_but_no_fraction() {
        let read = |number: &str| {
            let text = format!(r#"{{"id": {number}}}"#);
            Members::new(raw(&text)).unwrap().integer("id")
        };
        for (number, expected) in [
            ("1", 1),
            ("1.0", 1),
            ("-1.00", -1),
            ("1e3", 1_000),
            ("9007199254740991.0", 9_007_199_254_740_991),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(read(number), Ok(Some(expected)), "{number}");
        }
        for number in [
            "1.5",
            "1e-1",
            "9223372036854775808",
            "9007199254740993.0",
            "1e999",
            "\"1\"",
            "true",
            "[1]",
        ] {
            assert_eq!(read(number), Err(wrong("id", Expected::Integer)), "{number}");
        }
    }

    #[test]
    fn a_uuid_needs_its_hyphens() {
        let read = |text: &str| {
            let text = format!(r#"{{"id": "{text}"}}"#);
            Members::new(raw(&text)).unwrap().uuid("id")
        };
        let uuid = uuid::uuid!("df980fc8-b6db-4820-bf22-2969482d106d");
        for text in [
            "df980fc8-b6db-4820-bf22-2969482d106d",
            " DF980FC8-B6DB-4820-BF22-2969482D106D",
        ] {
            assert_eq!(read(text), Ok(Some(uuid)), "{text}");
        }
        for text in [
            "df980fc8b6db4820bf222969482d106d",
            "{df980fc8-b6db-4820-bf22-2969482d106d}",
            "urn:uuid:df980fc8-b6db-4820-bf22-2969482d106d",
            "a",
        ] {
            assert_eq!(read(text), Err(wrong("id", Expected::Uuid)), "{text}");
        }
    }

    #[test]
    fn members_that_are_not_read_may_hold_any_json() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let deep_object = format!("{}1{}", "{\"a\":".repeat(300_000), "}".repeat(300_000));
        for strange in [
            r#""\ud800""#,
            r#"{"\udc00": 1}"#,
            "1e999",
            "-1e-999",
            &deep,
            &deep_object,
        ] {
            let text = format!(r#"{{"other": {strange}, "\ud800": {strange}, "flag": true}}"#);
            let members = Members::new(raw(&text)).unwrap();
            assert_eq!(members.flag("flag"), Ok(Some(true)));
            assert_eq!(members.text("other"), Err(wrong("other", Expected::Text)));
        }
        for broken in [
            r#"{"a": "\ud8"}"#,
            r#"{"a": 01}"#,
            "{\"a\": \"\n\"}",
            "{\"\n\": 1}",
            "[}",
        ] {
            assert!(serde_json::from_str::<&RawValue>(broken).is_err(), "{broken}");
        }
    }
}
