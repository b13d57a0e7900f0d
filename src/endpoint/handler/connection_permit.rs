//! Permit of a connection, among `--max-connections`.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};

/// Connection permit, held as long as the connection: a WebSocket outlives its HTTP request.
#[derive(Clone)]
pub struct ConnectionPermit(Arc<Inner>);

struct Inner {
    _permit: OwnedSemaphorePermit,
    /// Bytes that may still be read; `usize::MAX` for no limit.
    left: AtomicUsize,
}

impl ConnectionPermit {
    /// Wraps the permit of an accepted connection.
    pub fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Inner {
            _permit: permit,
            left: AtomicUsize::new(usize::MAX),
        }))
    }

    /// Makes reads fail after about this many more bytes.
    pub fn limit_reads(&self, bytes: usize) {
        self.0.left.store(bytes, Ordering::SeqCst);
    }

    /// Removes the read limit.
    pub fn lift_limit(&self) {
        self.0.left.store(usize::MAX, Ordering::SeqCst);
    }
}

/// Connection whose reads the permit may limit.
pub struct ReadLimited<S> {
    stream: Pin<Box<S>>,
    permit: ConnectionPermit,
}

impl<S> ReadLimited<S> {
    /// Wraps a connection, which holds the permit until dropped.
    pub fn new(stream: S, permit: ConnectionPermit) -> Self {
        Self {
            stream: Box::pin(stream),
            permit,
        }
    }
}

impl<S: AsyncRead> AsyncRead for ReadLimited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.permit.0.left.load(Ordering::SeqCst);
        if left == 0 {
            let message = "more than is read of somebody unknown";
            return Poll::Ready(Err(io::Error::other(message)));
        }
        let before = buffer.filled().len();
        let read = self.stream.as_mut().poll_read(context, buffer);
        if left != usize::MAX {
            let rest = left.saturating_sub(buffer.filled().len() - before);
            // Keeps a limit that `lift_limit` removed or `limit_reads` replaced during the read.
            let order = Ordering::SeqCst;
            let _ = (self.permit.0.left).compare_exchange(left, rest, order, order);
        }
        read
    }
}

impl<S: AsyncWrite> AsyncWrite for ReadLimited<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
