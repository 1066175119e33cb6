//! `GET /docs/{version}/{file}`: the scripts, the style sheets and the licences of the API reference.

use actix_web::{HttpRequest, HttpResponse};

use super::files::reference;
use crate::http::error::ApiError;

/// Answers with the file. 404 if the API reference has no file of this name.
pub async fn show_reference_file(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let part = |name| request.match_info().get(name).unwrap_or_default();
    let found = reference().find(part("version"), part("file"));
    let (file, keeping) = found.ok_or(ApiError::NotFound)?;
    Ok(file.answer(&request, keeping))
}
