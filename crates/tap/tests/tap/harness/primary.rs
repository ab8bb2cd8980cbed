//! The recording primary.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

use super::{Message, PATIENCE, Wire};

/// The service behind the tap; records the requests it reads.
pub(crate) struct Primary {
    pub(crate) address: SocketAddr,
    seen: mpsc::Receiver<Message>,
    /// Where nobody is to listen.
    _absent: Option<Absent>,
}

/// An address where nobody listens, while this lives: a port that is only let go would be the
/// next server's.
pub(crate) struct Absent {
    pub(crate) address: SocketAddr,
    _held: Socket,
}

impl Absent {
    pub(crate) fn new() -> Self {
        let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        held.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Self { address: held.local_addr().unwrap().as_socket().unwrap(), _held: held }
    }
}

impl Primary {
    /// Gives every request the same raw answer.
    pub(crate) fn answering(answer: impl AsRef<[u8]>) -> Self {
        let answer = answer.as_ref().to_vec();
        Self::playing(move |wire| {
            while wire.request().is_some_and(|request| !request.cut) {
                wire.send(&answer);
            }
        })
    }

    /// Answers 200 with the request's body.
    pub(crate) fn echoing() -> Self {
        Self::playing(|wire| {
            while let Some(request) = wire.request().filter(|request| !request.cut) {
                let length = request.body.len();
                wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
                wire.send(&request.body);
            }
        })
    }

    /// Gives the same raw answer and closes after it.
    pub(crate) fn answering_once(answer: impl AsRef<[u8]>) -> Self {
        let answer = answer.as_ref().to_vec();
        Self::playing(move |wire| {
            if wire.request().is_some_and(|request| !request.cut) {
                wire.send(&answer);
            }
        })
    }

    /// Every connection is played by `play`, on a thread of its own, and closed after it.
    pub(crate) fn playing(play: impl Fn(&mut Wire) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = mpsc::channel();
        let play = Arc::new(play);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (play, sender) = (Arc::clone(&play), sender.clone());
                std::thread::spawn(move || {
                    let mut wire = Wire::over(stream, Some(sender));
                    wire.stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                    play(&mut wire);
                });
            }
        });
        Self { address, seen, _absent: None }
    }

    /// Not there.
    pub(crate) fn absent() -> Self {
        let absent = Absent::new();
        let (_, seen) = mpsc::channel();
        Self { address: absent.address, seen, _absent: Some(absent) }
    }

    /// The next request the primary has read.
    pub(crate) fn request(&self) -> Message {
        self.seen.recv_timeout(PATIENCE).expect("a request at the primary")
    }

    /// Whether no complete request came that was not asked for yet.
    pub(crate) fn saw_nothing(&self) -> bool {
        let until = Instant::now() + Duration::from_millis(100);
        loop {
            match self.seen.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) if !message.cut => return false,
                Ok(_) => {}
                Err(_) => return true,
            }
        }
    }
}
