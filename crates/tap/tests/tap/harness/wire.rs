//! One end of a connection, and what was read from it.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::mpsc,
    time::Duration,
};

use super::PATIENCE;

/// One connection, seen from one of its ends.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(super) stream: TcpStream,
    buffered: Vec<u8>,
    seen: Option<mpsc::Sender<Message>>,
}

/// A request or response: its head as it was, and its body without framing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Trailer lines, where it was chunked.
    pub(crate) trailers: String,
    /// The stream ended before the body did.
    pub(crate) cut: bool,
}

impl Message {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The lines after the first.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.head.trim_end().split("\r\n").skip(1).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.lines().into_iter().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Wire {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), None)
    }

    pub(super) fn over(stream: TcpStream, seen: Option<mpsc::Sender<Message>>) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffered: Vec::new(), seen }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // The other side may have closed in the middle: what it answered tells.
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Whether the other side still takes bytes.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Writes up to `count` bytes for as long as each write goes through within `patience`; how
    /// many went.
    pub(crate) fn push_for(&mut self, count: usize, patience: Duration) -> usize {
        self.stream.set_write_timeout(Some(patience)).unwrap();
        let mut pushed = 0;
        while pushed < count {
            match self.stream.write(&[b'x'; 64 << 10]) {
                Ok(written) if written > 0 => pushed += written,
                _ => break,
            }
        }
        self.stream.set_write_timeout(Some(PATIENCE)).unwrap();
        pushed
    }

    /// The same connection once more, to send while this one reads.
    pub(crate) fn second_half(&self) -> Self {
        Self::over(self.stream.try_clone().unwrap(), None)
    }

    /// A GET that wants the connection kept.
    pub(crate) fn get(&mut self, target: &str) {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"));
    }

    /// The next response to anything but HEAD.
    pub(crate) fn response(&mut self) -> Message {
        self.message(true).expect("a response")
    }

    /// The next response that is not informational; empty and cut where there is none.
    pub(crate) fn final_response(&mut self) -> Message {
        loop {
            match self.message(true) {
                Some(message) if (100..200).contains(&message.status()) => {}
                Some(message) => return message,
                None => return Message { cut: true, ..Message::default() },
            }
        }
    }

    /// The next response's head alone.
    pub(crate) fn head(&mut self) -> Message {
        Message { head: self.read_head().expect("a head"), ..Message::default() }
    }

    /// The next request; recorded for [`Primary::request`]. `None`: the connection ended.
    pub(crate) fn request(&mut self) -> Option<Message> {
        let message = self.message(false)?;
        if let Some(seen) = &self.seen {
            let _ = seen.send(message.clone());
        }
        Some(message)
    }

    /// Exactly `count` bytes.
    pub(crate) fn read(&mut self, count: usize) -> Vec<u8> {
        while self.buffered.len() < count && self.fill() {}
        assert!(self.buffered.len() >= count, "only {:?}", String::from_utf8_lossy(&self.buffered));
        self.buffered.drain(..count).collect()
    }

    /// Everything until the other side ends, in order or by a reset.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.buffered)
    }

    /// Whether the other side ends the connection now, without a further byte.
    pub(crate) fn ends(&mut self) -> bool {
        self.buffered.is_empty() && !self.fill() && self.buffered.is_empty()
    }

    /// No byte comes within `time`, and no end.
    pub(crate) fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let read = self.stream.read(&mut [0; 1]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.buffered.is_empty() && read.is_err_and(|error| is_timeout(&error))
    }

    /// Everything until the end, and whether that was a reset.
    pub(crate) fn rest_and_reset(&mut self) -> (String, bool) {
        let mut all = Vec::new();
        let ended = self.stream.read_to_end(&mut all);
        let reset = ended.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
        (String::from_utf8_lossy(&all).into_owned(), reset)
    }

    /// Waits for the next message's head and leaves it to be read.
    pub(crate) fn peek_head(&mut self) -> Option<()> {
        while !self.buffered.windows(4).any(|four| four == b"\r\n\r\n") {
            if !self.fill() {
                return None;
            }
        }
        Some(())
    }

    /// Sends no more, but listens.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The next read or write of the other side fails.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    fn message(&mut self, response: bool) -> Option<Message> {
        let head = self.read_head()?;
        let mut message = Message { head, ..Message::default() };
        let status = message.status();
        let bodiless = response && (status < 200 || status == 204 || status == 304);
        if bodiless {
            return Some(message);
        }
        if message.header("transfer-encoding").is_some() {
            self.read_chunks(&mut message);
        } else if let Some(length) = message.header("content-length") {
            let length: usize = length.parse().unwrap();
            while self.buffered.len() < length && self.fill() {}
            message.cut = self.buffered.len() < length;
            message.body = self.buffered.drain(..length.min(self.buffered.len())).collect();
        } else if response {
            message.body = self.rest();
        }
        Some(message)
    }

    fn read_head(&mut self) -> Option<String> {
        let end = loop {
            if let Some(at) = self.buffered.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill() {
                return None;
            }
        };
        let head: Vec<u8> = self.buffered.drain(..end).collect();
        // Latin-1, so that every byte is told.
        Some(head.into_iter().map(char::from).collect())
    }

    fn read_chunks(&mut self, message: &mut Message) {
        while let Some(line) = self.read_line() {
            let size = usize::from_str_radix(line.split(';').next().unwrap().trim(), 16).unwrap();
            if size == 0 {
                while let Some(line) = self.read_line() {
                    if line.is_empty() {
                        return;
                    }
                    message.trailers.push_str(&line);
                    message.trailers.push('\n');
                }
                break;
            }
            while self.buffered.len() < size + 2 && self.fill() {}
            if self.buffered.len() < size + 2 {
                break;
            }
            message.body.extend(self.buffered.drain(..size));
            assert_eq!(self.buffered.drain(..2).collect::<Vec<u8>>(), b"\r\n");
        }
        message.cut = true;
    }

    fn read_line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffered.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.buffered.drain(..at + 2).collect();
                return Some(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            if !self.fill() {
                return None;
            }
        }
    }

    fn fill(&mut self) -> bool {
        let mut bytes = [0; 64 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.buffered.extend(&bytes[..count]);
                count > 0
            }
            Err(error) => {
                assert!(!is_timeout(&error), "nothing came within {PATIENCE:?}");
                false
            }
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
