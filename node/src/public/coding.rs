//! Which coding a client takes: `Accept-Encoding` (RFC 9110 section 12.5.3).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

use crate::logfiles::Coding;

/// gzip if the client names it, or names everything, and does not exclude it by the weight 0; otherwise, and where there is
/// no such header, the bytes as they are. Weights above 0 are not compared: a client that takes gzip gets it.
pub(super) fn coding(headers: &HeaderMap) -> Coding {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    let (mut named, mut everything) = (None, None);
    for item in values.flat_map(|value| value.split(',')) {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        let place = match name.trim() {
            // The older name is the same coding (RFC 9110 section 8.4.1.3).
            name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => &mut named,
            "*" => &mut everything,
            _ => continue,
        };
        *place = Some(!is_excluded(parameters));
    }
    if named.or(everything).unwrap_or(false) { Coding::Gzip } else { Coding::Identity }
}

/// Whether the weight among these parameters is zero: `q=0`, `q=0.0` and so on.
fn is_excluded(parameters: &str) -> bool {
    let weight = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().bytes().all(|byte| matches!(byte, b'0' | b'.')))
    };
    parameters.split(';').find_map(weight).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn what_clients_send_is_understood() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
            }
            coding(&headers)
        };
        for taken in [
            &["gzip"][..],
            &["GZIP"],
            &["x-gzip"],
            &["deflate, gzip, br, zstd"],
            &["br;q=1.0, gzip;q=0.001"],
            &["*"],
            &["identity, *;q=0.5"],
            &["br", "gzip"],
            &["gzip ; q=1"],
            &["*;q=0, gzip"],
        ] {
            assert_eq!(of(taken), Coding::Gzip, "{taken:?}");
        }
        for not in [
            &[][..],
            &[""],
            &["identity"],
            &["br"],
            &["gzip;q=0"],
            &["gzip; Q=0.000, *"],
            &["*;q=0"],
            &["gzipped"],
            &[",;,=;q"],
            &["identity;q=0"],
        ] {
            assert_eq!(of(not), Coding::Identity, "{not:?}");
        }
    }
}
