//! Response bodies in chunks: the task yields between chunks, so that compressing and writing a large response
//! doesn't block other requests of the thread.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use hyper::body::{Frame, SizeHint};

/// Bytes per chunk: compresses within a millisecond.
const CHUNK: usize = 32 << 10;

/// Splits a large body into chunks; small bodies stay as they are.
pub async fn chunked(response: Response) -> Response {
    let is_small = |body: &Body| {
        let length = body.size_hint().exact();
        length.is_some_and(|length| length <= CHUNK as u64)
    };
    response.map(|body| match is_small(&body) {
        true => body,
        false => Body::new(Chunked {
            body,
            rest: Bytes::new(),
            has_yielded: false,
        }),
    })
}

struct Chunked {
    body: Body,
    /// Bytes of the current frame that were not passed on yet.
    rest: Bytes,
    /// True when the task has yielded since the last chunk.
    has_yielded: bool,
}

impl HttpBody for Chunked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        } else if !self.has_yielded {
            // Wakes itself: the task runs again after the others that are ready.
            self.has_yielded = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.has_yielded = false;
        let length = self.rest.len().min(CHUNK);
        let chunk = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // The inner body's hint no longer includes the bytes taken from it.
        let rest = self.rest.len() as u64;
        let inner = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn a_large_body_comes_in_pieces_with_a_pause_between() {
        let whole: Vec<u8> = (0..CHUNK * 2 + 5).map(|at| at as u8).collect();
        let mut body = chunked(Response::new(Body::from(whole.clone())))
            .await
            .into_body();
        let mut sizes = Vec::new();
        let mut pauses = 0;
        let mut read = Vec::new();
        loop {
            let left = (whole.len() - read.len()) as u64;
            assert_eq!(body.size_hint().exact(), Some(left));
            let polled = poll_fn(|context| {
                let polled = Pin::new(&mut body).poll_frame(context);
                Poll::Ready(polled)
            });
            match polled.await {
                Poll::Pending => pauses += 1,
                Poll::Ready(Some(frame)) => {
                    let data = frame.unwrap().into_data().unwrap();
                    sizes.push(data.len());
                    read.extend(data);
                }
                Poll::Ready(None) => break,
            }
        }
        assert_eq!(sizes, [CHUNK, CHUNK, 5]);
        assert_eq!(pauses, 2);
        assert_eq!(read, whole);
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn a_small_body_is_left_alone() {
        let body = chunked(Response::new(Body::from("small")))
            .await
            .into_body();
        assert_eq!(body.size_hint().exact(), Some(5));
    }
}
