//! `GET /`: the search page.

use actix_web::{HttpRequest, HttpResponse, web};

use super::files::{Keeping, PageFiles};

/// Answers with the page.
pub async fn show_page(request: HttpRequest, files: web::Data<PageFiles>) -> HttpResponse {
    files.page().answer(&request, Keeping::Ask)
}
