//! Both halves of a connection, plain or TLS.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_rustls::client::TlsStream;

#[derive(Debug)]
pub(crate) enum Reader {
    Plain(OwnedReadHalf),
    Tls(ReadHalf<TlsStream<TcpStream>>),
}

#[derive(Debug)]
pub(crate) enum Writer {
    Plain(OwnedWriteHalf),
    Tls(WriteHalf<TlsStream<TcpStream>>),
}

pub(crate) fn plain(stream: TcpStream) -> (Reader, Writer) {
    let (reader, writer) = stream.into_split();
    (Reader::Plain(reader), Writer::Plain(writer))
}

pub(crate) fn tls(stream: TlsStream<TcpStream>) -> (Reader, Writer) {
    let (reader, writer) = tokio::io::split(stream);
    (Reader::Tls(reader), Writer::Tls(writer))
}

impl Reader {
    /// Ready when a read is worth a buffer. TLS cannot tell and is always worth one.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(half) => half.as_ref().poll_read_ready(cx),
            Self::Tls(_) => Poll::Ready(Ok(())),
        }
    }

    /// Nothing was received and the peer has not closed, as far as this thread has heard. With
    /// `ask_kernel` also as far as the kernel has: one more system call.
    pub(crate) fn is_quiet(&mut self, ask_kernel: bool) -> bool {
        if ask_kernel && let Self::Plain(half) = self {
            let socket = socket2::SockRef::from(half.as_ref());
            let mut byte = [std::mem::MaybeUninit::uninit()];
            let peeked = socket.peek(&mut byte);
            return matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        }
        let mut byte = [0];
        let mut cx = Context::from_waker(std::task::Waker::noop());
        Pin::new(self).poll_read(&mut cx, &mut ReadBuf::new(&mut byte)).is_pending()
    }
}

impl Writer {
    /// Writes `first`, then `second`.
    pub(crate) async fn write_both(
        &mut self,
        mut first: &[u8],
        mut second: &[u8],
    ) -> io::Result<()> {
        std::future::poll_fn(|cx| {
            while !first.is_empty() || !second.is_empty() {
                let both = [IoSlice::new(first), IoSlice::new(second)];
                let written = match (first.is_empty(), second.is_empty()) {
                    (false, true) => ready!(Pin::new(&mut *self).poll_write(cx, first))?,
                    (true, _) => ready!(Pin::new(&mut *self).poll_write(cx, second))?,
                    (false, false) => ready!(Pin::new(&mut *self).poll_write_vectored(cx, &both))?,
                };
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                let of_first = written.min(first.len());
                first = first.get(of_first..).unwrap_or_default();
                second = second.get(written - of_first..).unwrap_or_default();
            }
            match self {
                Self::Plain(_) => Poll::Ready(Ok(())),
                Self::Tls(half) => Pin::new(half).poll_flush(cx),
            }
        })
        .await
    }

    /// Closing this connection shall reset it: the peer must not take what it has for all.
    pub(crate) fn reset_on_close(self) {
        if let Self::Plain(half) = self {
            let socket = socket2::SockRef::from(half.as_ref());
            let _ = socket.set_linger(Some(std::time::Duration::ZERO));
            // Dropped otherwise, the half would end the stream in order first.
            half.forget();
        }
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_read(cx, buf),
            Self::Tls(half) => Pin::new(half).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_write(cx, buf),
            Self::Tls(half) => Pin::new(half).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_write_vectored(cx, bufs),
            Self::Tls(half) => Pin::new(half).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_flush(cx),
            Self::Tls(half) => Pin::new(half).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_shutdown(cx),
            Self::Tls(half) => Pin::new(half).poll_shutdown(cx),
        }
    }
}
