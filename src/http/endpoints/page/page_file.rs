//! `GET /page/{version}/{file}`: the style sheet, the scripts and the icon of the search page.

use actix_web::{HttpRequest, HttpResponse, web};

use super::files::PageFiles;
use crate::http::error::ApiError;

/// Answers with the file. 404 if the page has no file of this name.
pub async fn show_page_file(request: HttpRequest, files: web::Data<PageFiles>) -> Result<HttpResponse, ApiError> {
    let part = |name| request.match_info().get(name).unwrap_or_default();
    let (file, keeping) = files
        .site
        .find(part("version"), part("file"))
        .ok_or(ApiError::NotFound)?;
    Ok(file.answer(&request, keeping))
}
