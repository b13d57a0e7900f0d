//! One connection among those that the server takes at once.

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

/// Whatever outlives the HTTP of a connection holds on to its place.
#[derive(Clone)]
pub struct Place(Arc<Inner>);

struct Inner {
    _permit: OwnedSemaphorePermit,
    /// Bytes that may still be read, the largest number for any number.
    left: AtomicUsize,
}

impl Place {
    pub fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Inner {
            _permit: permit,
            left: AtomicUsize::new(usize::MAX),
        }))
    }

    /// From now on, about so many bytes are read, and then an error.
    pub fn hold_to(&self, bytes: usize) {
        self.0.left.store(bytes, Ordering::SeqCst);
    }

    /// From now on, any number of bytes is read.
    pub fn open(&self) {
        self.0.left.store(usize::MAX, Ordering::SeqCst);
    }
}

/// A connection that reads as much as its place lets it.
pub struct Gated<S> {
    stream: Pin<Box<S>>,
    place: Place,
}

impl<S> Gated<S> {
    pub fn new(stream: S, place: Place) -> Self {
        Self {
            stream: Box::pin(stream),
            place,
        }
    }
}

impl<S: AsyncRead> AsyncRead for Gated<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.place.0.left.load(Ordering::SeqCst);
        if left == 0 {
            let message = "more than is read of somebody unknown";
            return Poll::Ready(Err(io::Error::other(message)));
        }
        let before = buffer.filled().len();
        let read = self.stream.as_mut().poll_read(context, buffer);
        if left != usize::MAX {
            let rest = left.saturating_sub(buffer.filled().len() - before);
            // Unless it was opened meanwhile.
            let order = Ordering::SeqCst;
            let _ = (self.place.0.left).compare_exchange(left, rest, order, order);
        }
        read
    }
}

impl<S: AsyncWrite> AsyncWrite for Gated<S> {
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
