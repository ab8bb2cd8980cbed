//! What the primary answered to the same request shortly before, where no secondary tells what
//! differs by itself.
//!
//! Two requests are the same where method, target, body and the headers that may change an
//! answer are; with a write to the same resources in between they are not. Held are few answers
//! for a short time, and of each endpoint only so many are compared that the rate is known.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use cluster::EndpointId;
use exchange::{Body, Exchange, Headers, Micros, Response};

use crate::plan::lock;

/// Older answers are of another time.
const NOT_AFTER: Micros = 5_000_000;
const MOST_ANSWERS: usize = 2_000;
const MOST_BYTES: usize = 8 << 20;
/// Larger bodies are not held.
const LARGEST: usize = 64 << 10;
/// Comparisons per endpoint; then one in [`STRIDE`].
const MOST_COMPARED: u32 = 400;
const STRIDE: u32 = 16;
/// Resources whose writes are counted.
const MOST_RESOURCES: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Earlier {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    answers: HashMap<[u8; 16], Kept>,
    order: VecDeque<[u8; 16]>,
    bytes: usize,
    compared: HashMap<EndpointId, u32>,
    writes: HashMap<String, u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) at: Micros,
    pub(crate) response: Arc<Response>,
    bytes: usize,
}

impl Earlier {
    /// The primary's last answer to this very request, if it is to be compared with the one of
    /// `exchange`, which takes its place.
    pub(crate) fn recall(&self, endpoint: EndpointId, exchange: &Exchange) -> Option<Kept> {
        let request = &exchange.request;
        let resource = resource(request.path());
        let mut held = lock(&self.held);
        if exchange.write {
            held.count_write(resource);
            return None;
        }
        let body = exchange.response.body.bytes()?;
        if !(200..300).contains(&exchange.response.status) || body.len() > LARGEST {
            return None;
        }
        let seen = held.compared.entry(endpoint).or_default();
        *seen = seen.saturating_add(1);
        if *seen > MOST_COMPARED && !seen.is_multiple_of(STRIDE) {
            return None;
        }
        let key = key(exchange, held.writes.get(resource).copied().unwrap_or(0));
        let at = exchange.started_at;
        let last = held.take(&key);
        held.keep(key, at, &exchange.response);
        last.filter(|last| at.abs_diff(last.at) <= NOT_AFTER.unsigned_abs() && last.at != at)
    }
}

impl Held {
    fn count_write(&mut self, resource: &str) {
        if self.writes.len() >= MOST_RESOURCES && !self.writes.contains_key(resource) {
            // Without its writes nothing of a resource can be compared.
            self.writes.clear();
            self.answers.clear();
            self.order.clear();
            self.bytes = 0;
        }
        *self.writes.entry(resource.to_owned()).or_default() += 1;
    }

    fn take(&mut self, key: &[u8; 16]) -> Option<Kept> {
        let kept = self.answers.remove(key)?;
        self.bytes -= kept.bytes;
        Some(kept)
    }

    fn keep(&mut self, key: [u8; 16], at: Micros, response: &Response) {
        let response = copied(response);
        let bytes = response.body.length() as usize
            + response.headers.iter().map(|h| h.name.len() + h.value.len()).sum::<usize>();
        self.bytes += bytes;
        self.answers.insert(key, Kept { at, response: Arc::new(response), bytes });
        self.order.push_back(key);
        while self.bytes > MOST_BYTES || self.order.len() > MOST_ANSWERS {
            let Some(oldest) = self.order.pop_front() else { break };
            // A key asked again stands in the order twice: its later place keeps it.
            if !self.order.contains(&oldest) {
                self.take(&oldest);
            }
        }
    }
}

/// In memory of its own: what was captured pins the whole message.
fn copied(response: &Response) -> Response {
    let mut headers = Headers::default();
    for header in &response.headers {
        headers.push(header.name.clone(), header.value.to_vec());
    }
    let body = response.body.bytes().map(|bytes| bytes.to_vec()).unwrap_or_default();
    Response { headers, body: Body::Whole(body.into()), ..response.clone() }
}

/// The first word of a path that names what is asked for.
fn resource(path: &str) -> &str {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let general = |segment: &&str| {
        matches!(*segment, "api" | "rest" | "public" | "internal")
            || segment.strip_prefix('v').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
    };
    segments.find(|segment| !general(segment)).unwrap_or_default()
}

fn key(exchange: &Exchange, writes: u64) -> [u8; 16] {
    let request = &exchange.request;
    let mut hasher = blake3::Hasher::new_derive_key("understudy.earlier.v1");
    let mut put = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    put(request.method.as_bytes());
    put(request.target.as_bytes());
    put(&request.body);
    put(&writes.to_le_bytes());
    for header in request.headers.iter().filter(|header| changes_answers(&header.name)) {
        put(header.name.to_ascii_lowercase().as_bytes());
        put(&header.value);
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

/// Who asks, in what form, and what services define; not what traces a request.
fn changes_answers(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let traces =
        ["request-id", "correlation", "trace", "span", "b3", "forwarded", "real-ip", "time"];
    matches!(
        name.as_str(),
        "authorization" | "cookie" | "accept" | "accept-language" | "content-type" | "host"
    ) || (name.starts_with("x-") && !traces.iter().any(|trace| name.contains(trace)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::exchange;

    const HERE: EndpointId = EndpointId(7);

    #[test]
    fn the_same_request_recalls_its_last_answer() {
        let earlier = Earlier::default();
        assert!(earlier.recall(HERE, &exchange("GET", "/loans/7", 1_000)).is_none());
        let last = earlier.recall(HERE, &exchange("GET", "/loans/7", 2_000));
        assert_eq!(last.map(|kept| kept.at), Some(1_000));
        assert!(earlier.recall(HERE, &exchange("GET", "/loans/8", 3_000)).is_none());
        assert!(earlier.recall(HERE, &exchange("GET", "/loans/7", 9_000_000)).is_none(), "too old");
    }

    #[test]
    fn a_write_to_the_same_resource_parts_them() {
        let earlier = Earlier::default();
        let mut write = exchange("POST", "/loans", 1_500);
        write.write = true;
        earlier.recall(HERE, &exchange("GET", "/api/v1/loans/7", 1_000));
        assert!(earlier.recall(HERE, &write).is_none());
        assert!(earlier.recall(HERE, &exchange("GET", "/api/v1/loans/7", 2_000)).is_none());
        assert!(earlier.recall(HERE, &exchange("GET", "/api/v1/loans/7", 3_000)).is_some());
    }

    #[test]
    fn who_asks_matters_and_what_traces_does_not() {
        let earlier = Earlier::default();
        let asked = |name: &str, value: &'static str, at: Micros| {
            let mut exchange = exchange("GET", "/me", at);
            exchange.request.headers.push(name, value);
            earlier.recall(HERE, &exchange).is_some()
        };
        assert!(!asked("authorization", "Bearer a", 1_000));
        assert!(!asked("authorization", "Bearer b", 2_000));
        assert!(asked("Authorization", "Bearer a", 3_000));
        assert!(!asked("x-correlation-id", "1", 4_000));
        assert!(asked("x-correlation-id", "2", 5_000));
    }

    #[test]
    fn memory_is_bounded() {
        let earlier = Earlier::default();
        for n in 0..MOST_ANSWERS as i64 * 2 {
            // Many endpoints: of one only some are looked at.
            earlier.recall(EndpointId(n), &exchange("GET", &format!("/loans/{n}"), n));
        }
        let held = lock(&earlier.held);
        assert!(held.answers.len() <= MOST_ANSWERS && held.bytes <= MOST_BYTES);
        assert_eq!(held.order.len(), held.answers.len());
    }
}
