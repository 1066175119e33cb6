//! `GET /api/v1/normalize?phone=…`: how the server reads a phone number, for people who ask why a number matches no
//! contact. It shows no contact.

use actix_web::{HttpRequest, web};
use schemars::json_schema;
use serde_json::json;

use super::normalization_json::Normalization;
use crate::domain::contact::{DEFAULT_PLATFORM, platform_name};
use crate::domain::phone::Region;
use crate::http::documentation::{self, Answer, Documentation, Example, In, NOT_BLANK, Parameter, Tag};
use crate::http::error::{ApiError, ParameterFault};
use crate::http::request::context::Caller;
use crate::http::request::limits::VALUE_MAX;
use crate::http::request::query;

pub const DOCUMENTATION: Documentation = Documentation {
    tag: Tag::Lookup,
    summary: "Explain how a phone number is read",
    description: "Shows what the server makes of a phone number: the phone and the match key that a contact would \
        store, the readings that a lookup would try, the rules that led there, and why a text is no valid number. It \
        reads and shows no contact. Use it to find out why a number matches no contact, or another one. A lookup of \
        the number finds a contact if one of `readings` has the `matchKey` that the contact's own phone has in \
        `stored`.",
    parameters: &[
        Parameter {
            place: In::Query,
            name: "phone",
            description: "A phone number in any notation. Write a `+` as `%2B`.",
            is_required: true,
            schema: || json_schema!({ "type": "string", "pattern": NOT_BLANK, "maxLength": VALUE_MAX }),
            example: || json!("0223 15-596-1983"),
        },
        Parameter {
            place: In::Query,
            name: "region",
            description: "The region (ISO 3166 alpha-2) by whose rules digits without a calling code are read. Absent \
                or blank: the client's.",
            is_required: false,
            schema: || json_schema!({ "type": "string", "pattern": r"^([A-Za-z]{2}|\s*)$" }),
            example: || json!("AR"),
        },
        Parameter {
            place: In::Query,
            name: "platform",
            description: "The platform of the contact that would store the phone, such as `whatsapp`. The platforms \
                `whatsapp` and `web-whatsapp` write numbers with their calling code. Absent or blank: `other`.",
            is_required: false,
            schema: || json_schema!({ "type": "string", "maxLength": VALUE_MAX }),
            example: || json!("whatsapp"),
        },
    ],
    body: None,
    answer: Answer::json(
        "How the server reads the number. A text that is no valid number has `resolves: false` and at least one of \
         `problems`.",
        documentation::of::<Normalization>,
        &[
            Example {
                name: "mobile",
                summary: "An Argentine mobile as people dial it",
                value: || example("0223 15-596-1983", "AR"),
            },
            Example {
                name: "two-readings",
                summary: "Digits that are a number of the region, Brazil, and with a + one of Peru",
                value: || example("51987654321", "BR"),
            },
            Example {
                name: "too-short",
                summary: "A number without its area code",
                value: || example("2345-6789", "AR"),
            },
            Example {
                name: "damaged",
                summary: "A number that a spreadsheet has damaged",
                value: || example("5.49112E+12", "AR"),
            },
        ],
    ),
    failures: || {
        let fault = |(name, fault)| ApiError::Parameter { name, fault };
        [
            ("phone", ParameterFault::Missing),
            ("region", ParameterFault::NotRegion),
        ]
        .map(fault)
        .into()
    },
};

/// An example. The code that answers requests makes it.
fn example(text: &str, region: &str) -> serde_json::Value {
    let region = region.parse().unwrap_or(Region::DEFAULT);
    json!(Normalization::of(text, region, DEFAULT_PLATFORM.to_owned()))
}

/// Answers with the readings of the number in the parameter `phone`.
pub async fn normalize_phone(request: HttpRequest, caller: Caller) -> Result<web::Json<Normalization>, ApiError> {
    let given = |name| {
        let value = query::parameter(request.query_string(), name)?;
        Ok::<_, ApiError>(value.filter(|value| !value.trim().is_empty()))
    };
    let phone = given("phone")?.ok_or(ApiError::Parameter {
        name: "phone",
        fault: ParameterFault::Missing,
    })?;
    let region = match given("region")? {
        None => caller.region,
        Some(code) => code.trim().parse().map_err(|_| ApiError::Parameter {
            name: "region",
            fault: ParameterFault::NotRegion,
        })?,
    };
    let platform = given("platform")?.unwrap_or_else(|| DEFAULT_PLATFORM.to_owned());
    let normalization = Normalization::of(&phone, region, platform_name(&platform));
    Ok(web::Json(normalization))
}
