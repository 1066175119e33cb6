//! Compresses large answers with gzip or Brotli for callers that accept it.
//!
//! actix's `Compress` is not used, since it has no smallest size, refuses `identity;q=0` with a 406 of its own, and
//! compresses answers to HEAD.

use std::io::{self, Write};

use actix_web::HttpMessage;
use actix_web::body::{self, BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, Encoding, Header, HeaderValue, Preference, Quality,
};
use actix_web::web::{self, Bytes};
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The largest answer that is never compressed, in bytes. It fits into one packet, so compression would not make it
/// faster.
const UNCOMPRESSED_MAX: u64 = 1024;

/// The largest answer that is compressed on the worker's thread, in bytes. 50 contacts have 20 KB, for which gzip takes
/// 40 µs and Brotli 100 µs. A change of threads takes as long.
const COMPRESSED_INLINE_MAX: usize = 32 * 1024;

/// Makes 20 KB of contacts 6.3 times smaller. Quality 3 takes a fifth longer for 2 % less, and quality 5 takes 18 ms.
const BROTLI_QUALITY: i32 = 2;

/// Makes 20 KB of contacts 5.3 times smaller. Level 3 takes 2.5 times as long for 7 % less.
const GZIP_LEVEL: Compression = Compression::new(1);

/// Whether the answer is large enough for [`compress`], and not compressed already.
pub fn is_large(response: &ServiceResponse) -> bool {
    let is_compressed = response.headers().contains_key(header::CONTENT_ENCODING);
    !is_compressed && matches!(response.response().body().size(), BodySize::Sized(size) if size > UNCOMPRESSED_MAX)
}

/// Compresses a large answer by the coding that the caller prefers. An answer to HEAD gets the headers of an answer
/// to GET, but no length, since nobody knows it without compressing.
pub async fn compress(mut response: ServiceResponse) -> ServiceResponse {
    let headers = response.headers_mut();
    if !headers.get_all(header::VARY).any(|vary| vary == "Accept-Encoding") {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    let Some(coding) = accepted(response.request()) else {
        return response;
    };
    let is_head = response.request().method() == Method::HEAD;
    let (request, response) = response.into_parts();
    let (mut head, body) = response.into_parts();
    let (is_encoded, body) = if is_head {
        (true, BoxBody::new(body::None::new()))
    } else {
        encode(coding, body).await
    };
    if is_encoded {
        head.headers_mut()
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.as_str()));
    }
    ServiceResponse::new(request, head.set_body(body))
}

/// The coding that the caller prefers; `None` for no coding. If the caller has no preference, gzip is used, since it
/// takes less than half of Brotli's processor time.
fn accepted(request: &impl HttpMessage) -> Option<ContentEncoding> {
    let accepted = AcceptEncoding::parse(request).ok()?;
    let quality = |coding| {
        let name = Preference::Specific(Encoding::Known(coding));
        let item = accepted.iter().find(|item| item.item == name);
        item.map_or(Quality::ZERO, |item| item.quality)
    };
    // Of several maxima, `max_by_key` takes the last one.
    let codings = [
        ContentEncoding::Identity,
        ContentEncoding::Brotli,
        ContentEncoding::Gzip,
    ];
    let best = codings.into_iter().max_by_key(|coding| quality(*coding))?;
    let is_compression = best != ContentEncoding::Identity && quality(best) > Quality::ZERO;
    is_compression.then_some(best)
}

/// `true` and the compressed body, or `false` and the body as it is, if it can't be compressed.
async fn encode(coding: ContentEncoding, body: BoxBody) -> (bool, BoxBody) {
    let bytes = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        Err(body) => return (false, body),
    };
    let encoded = if bytes.len() <= COMPRESSED_INLINE_MAX {
        encode_bytes(coding, &bytes).ok()
    } else {
        let input = bytes.clone();
        let encoded = web::block(move || encode_bytes(coding, &input)).await;
        encoded.ok().and_then(Result::ok)
    };
    match encoded {
        Some(encoded) => (true, BoxBody::new(Bytes::from(encoded))),
        None => (false, BoxBody::new(bytes)),
    }
}

fn encode_bytes(coding: ContentEncoding, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoded = Vec::with_capacity(bytes.len() / 4);
    if coding == ContentEncoding::Gzip {
        let mut encoder = GzEncoder::new(encoded, GZIP_LEVEL);
        encoder.write_all(bytes)?;
        return encoder.finish();
    }
    // The window is as large as the body, within Brotli's limits of 10 and 24 bits. A larger one only takes memory.
    let window = (usize::BITS - bytes.len().leading_zeros()).clamp(10, 24);
    let parameters = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: window as i32,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    brotli::BrotliCompress(&mut &*bytes, &mut encoded, &parameters)?;
    Ok(encoded)
}
