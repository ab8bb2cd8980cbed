//! A candidate (or a secondary) that remembers what it was asked and can be killed and started
//! again at the same address.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, response::IntoResponse};
use http::{HeaderMap, Method, StatusCode, Uri};
use tokio::runtime::Runtime;

pub(crate) struct Side {
    pub(crate) address: SocketAddr,
    memory: Arc<Memory>,
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct Memory {
    asked: Mutex<Vec<Asked>>,
    answered: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    /// It takes the credentials it refused.
    takes_all: std::sync::atomic::AtomicBool,
    /// Loans made here; their ids start at 900.
    made: AtomicUsize,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Side {
    /// Answers 200 at once, except as the target says: `/wait/MS/…` waits, `/status/N` answers N,
    /// `POST /loans…` makes a loan (after as many ms as `wait` in the query says), `/loans/N` is
    /// there or not, `POST /login` sets a cookie without which `/me` is 401.
    pub(crate) fn start() -> Self {
        let mut side = Self::absent();
        side.revive();
        side
    }

    /// An address at which nothing listens yet.
    pub(crate) fn absent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, memory: Arc::default(), runtime: None }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every connection breaks at once.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    pub(crate) fn revive(&mut self) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let listener = TcpListener::bind(self.address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&self.memory));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, routes).await.unwrap();
        });
        self.runtime = Some(runtime);
    }

    /// `/keyed/…` is 401 until then.
    pub(crate) fn take_credentials(&self) {
        self.memory.takes_all.store(true, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.memory.asked.lock().unwrap().clone()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.target).collect()
    }

    pub(crate) fn answered(&self) -> usize {
        self.memory.answered.load(Ordering::SeqCst)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.memory.most_at_once.load(Ordering::SeqCst)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn answer(
    State(memory): State<Arc<Memory>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let target = uri.to_string();
    let parts: Vec<&str> = target.split('/').collect();
    let cookie = headers.get("cookie").and_then(|cookie| cookie.to_str().ok()).map(str::to_owned);
    let is_post = method == Method::POST;
    memory.asked.lock().unwrap().push(Asked {
        at: Instant::now(),
        method,
        target: target.clone(),
        headers,
        body,
    });
    let at_once = memory.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    memory.most_at_once.fetch_max(at_once, Ordering::SeqCst);
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    let mut answer = "ok".to_owned();
    let json = |id: usize| format!("{{\"id\":{id},\"self\":\"/loans/{id}\"}}");
    match parts.as_slice() {
        ["", "wait", millis, ..] => {
            tokio::time::sleep(Duration::from_millis(millis.parse().unwrap())).await;
        }
        ["", "status", code, ..] => status = code.parse().unwrap(),
        ["", "version", version, ..] => {
            headers.insert("x-understudy-version", version.parse().unwrap());
        }
        ["", "login"] if is_post => {
            headers.insert("set-cookie", "sid=of-the-candidate; Path=/".parse().unwrap());
        }
        ["", "keyed", ..] if !memory.takes_all.load(Ordering::SeqCst) => {
            status = StatusCode::UNAUTHORIZED;
        }
        ["", "me"] if cookie.as_deref() != Some("sid=of-the-candidate") => {
            status = StatusCode::UNAUTHORIZED;
        }
        ["", "loans"] if is_post => {
            answer = json(900 + memory.made.fetch_add(1, Ordering::SeqCst));
            status = StatusCode::CREATED;
        }
        ["", slow] if is_post && slow.starts_with("loans?wait=") => {
            let wait = slow.trim_start_matches("loans?wait=").parse().unwrap();
            tokio::time::sleep(Duration::from_millis(wait)).await;
            answer = json(900 + memory.made.fetch_add(1, Ordering::SeqCst));
            status = StatusCode::CREATED;
        }
        ["", "loans", id, ..] => {
            let id: usize = id.parse().unwrap();
            let made = 900..900 + memory.made.load(Ordering::SeqCst);
            match made.contains(&id) {
                true => answer = json(id),
                false => status = StatusCode::NOT_FOUND,
            }
        }
        _ => {}
    }
    memory.at_once.fetch_sub(1, Ordering::SeqCst);
    memory.answered.fetch_add(1, Ordering::SeqCst);
    (status, headers, answer)
}
