//! Content codings off: gzip, deflate (zlib and raw), br, zstd.
//!
//! Bodies are hostile: at most two codings, and output is bounded in bytes and in proportion to
//! the input. What does not decode is a reason in words, never a panic or a run-away.

use std::{borrow::Cow, io::Read};

use exchange::Headers;

/// Codings on one body.
const MOST_LAYERS: usize = 2;
/// Output per byte of input, once there is more than [`FREE_OUTPUT`] of it.
const MOST_RATIO: usize = 500;
const FREE_OUTPUT: usize = 4 * 1024 * 1024;
/// zstd windows up to 32 MiB.
const ZSTD_WINDOW_LOG: u32 = 25;

/// The codings that `Content-Encoding` names, outermost last; identity left out.
pub fn codings(headers: &Headers) -> Vec<String> {
    headers
        .all("content-encoding")
        .flat_map(|value| {
            let text = String::from_utf8_lossy(value).to_ascii_lowercase();
            text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>()
        })
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect()
}

/// The body without its codings, at most `limit` bytes; otherwise why not.
pub fn decode<'a>(
    codings: &[String],
    body: &'a [u8],
    limit: usize,
) -> Result<Cow<'a, [u8]>, String> {
    if codings.len() > MOST_LAYERS {
        return Err(format!("{} content codings on one body", codings.len()));
    }
    let mut plain = Cow::Borrowed(body);
    for coding in codings.iter().rev() {
        // An empty body (HEAD, 304) needs no coding to be empty.
        if plain.is_empty() {
            return Ok(plain);
        }
        let most = limit.min(plain.len().saturating_mul(MOST_RATIO).max(FREE_OUTPUT));
        plain = Cow::Owned(decode_layer(coding, &plain, most)?);
    }
    Ok(plain)
}

fn decode_layer(coding: &str, body: &[u8], most: usize) -> Result<Vec<u8>, String> {
    match coding {
        "gzip" | "x-gzip" => read(coding, flate2::read::MultiGzDecoder::new(body), most),
        "deflate" => read(coding, flate2::read::ZlibDecoder::new(body), most).or_else(|problem| {
            // Some servers leave the zlib frame out.
            read(coding, flate2::read::DeflateDecoder::new(body), most).map_err(|_| problem)
        }),
        "br" => read(coding, brotli::Decompressor::new(body, 4096), most),
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::with_buffer(body).and_then(|mut decoder| {
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Ok(decoder)
            });
            read(coding, decoder.map_err(|_| "zstd: not decodable".to_owned())?, most)
        }
        _ => Err("content coding not known".into()),
    }
}

fn read(coding: &str, decoder: impl Read, most: usize) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let bound = most as u64 + 1;
    decoder
        .take(bound)
        .read_to_end(&mut plain)
        .map_err(|_| format!("{coding}: broken or cut short"))?;
    if plain.len() > most {
        return Err(format!("{coding}: more than {most} bytes when decoded"));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"{\"state\":\"open\",\"items\":[1,2,3]}";

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(data).unwrap();
        out.finish().unwrap()
    }

    fn brotli(data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        brotli::CompressorWriter::new(&mut out, 4096, 5, 22).write_all(data).unwrap();
        out
    }

    fn decoded(codings: &[&str], body: &[u8]) -> Result<Vec<u8>, String> {
        let codings: Vec<String> = codings.iter().map(|c| (*c).to_owned()).collect();
        decode(&codings, body, 1024 * 1024).map(Cow::into_owned)
    }

    #[test]
    fn every_coding_comes_off() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(TEXT).unwrap();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(TEXT).unwrap();
        let table = [
            (vec![], TEXT.to_vec()),
            (vec!["gzip"], gzip(TEXT)),
            (vec!["x-gzip"], gzip(TEXT)),
            (vec!["deflate"], zlib.finish().unwrap()),
            (vec!["deflate"], raw.finish().unwrap()),
            (vec!["br"], brotli(TEXT)),
            (vec!["zstd"], zstd::encode_all(TEXT, 3).unwrap()),
            (vec!["gzip", "br"], brotli(&gzip(TEXT))),
        ];
        for (codings, body) in table {
            assert_eq!(decoded(&codings, &body).as_deref(), Ok(TEXT), "{codings:?}");
        }
    }

    #[test]
    fn what_does_not_decode_says_why() {
        let cut = gzip(TEXT);
        let table: [(&[&str], Vec<u8>, &str); 6] = [
            (&["gzip"], cut[..cut.len() / 2].to_vec(), "gzip: broken or cut short"),
            (&["gzip"], TEXT.to_vec(), "gzip: broken or cut short"),
            (&["zstd"], TEXT.to_vec(), "zstd: broken or cut short"),
            (&["br"], vec![0xff; 40], "br: broken or cut short"),
            (&["lzma"], TEXT.to_vec(), "content coding not known"),
            (&["gzip", "gzip", "gzip"], gzip(TEXT), "3 content codings on one body"),
        ];
        for (codings, body, why) in table {
            assert_eq!(decoded(codings, &body), Err(why.to_owned()));
        }
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let zeros = vec![0; 64 * 1024 * 1024];
        let table: [(&[&str], Vec<u8>, bool); 4] = [
            (&["gzip"], gzip(&zeros), false),
            (&["br"], brotli(&zeros), true),
            (&["zstd"], zstd::encode_all(zeros.as_slice(), 3).unwrap(), true),
            (&["gzip", "gzip"], gzip(&gzip(&zeros)), false),
        ];
        for (codings, body, beyond_ratio) in table {
            let codings: Vec<String> = codings.iter().map(|c| (*c).to_owned()).collect();
            let problem = |limit| decode(&codings, &body, limit).map(|plain| plain.len()).err();
            assert_eq!(problem(usize::MAX).is_some(), beyond_ratio, "{codings:?}");
            let by_limit = problem(1024 * 1024).unwrap_or_default();
            assert!(by_limit.contains("more than 1048576 bytes"), "{codings:?} {by_limit}");
        }
    }

    #[test]
    fn an_empty_body_is_empty_under_any_coding() {
        assert_eq!(decoded(&["gzip"], b"").as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn codings_are_read_from_every_line() {
        let mut headers = Headers::default();
        headers.push("Content-Encoding", &b"GZIP, identity"[..]);
        headers.push("content-encoding", &b" br "[..]);
        assert_eq!(codings(&headers), ["gzip", "br"]);
    }
}
