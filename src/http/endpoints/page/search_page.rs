//! `GET /`: the search page.

use actix_web::{HttpRequest, HttpResponse, web};

use super::files::PageFiles;
use crate::http::endpoints::site::Keeping;

/// Answers with the page.
pub async fn show_page(request: HttpRequest, files: web::Data<PageFiles>) -> HttpResponse {
    files.site.page().answer(&request, Keeping::Ask)
}
