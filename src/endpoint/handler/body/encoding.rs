//! Decompression of bodies ([RFC 9110, 8.4.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1)).

use std::io::{Cursor, Read};

use axum::http::{HeaderMap, header};

use super::{BodyLease, Buffer, Refusal, unsupported};

/// Bytes that are decompressed between two looks at the interrupt.
const STEP: usize = 16 << 10;

/// Compression of a body.
#[derive(Clone, Copy)]
pub enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
}

impl Encoding {
    /// Reads the encoding from the headers. Refuses several encodings: each further layer multiplies the expansion.
    pub fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(encoding) = encodings.next() else {
            return Ok(Self::Identity);
        };
        let name = encoding.to_str().unwrap_or_default().to_ascii_lowercase();
        match (name.as_str(), encodings.next()) {
            ("identity", None) => Ok(Self::Identity),
            ("gzip" | "x-gzip", None) => Ok(Self::Gzip),
            ("deflate", None) => Ok(Self::Deflate),
            ("br", None) => Ok(Self::Brotli),
            _ => Err(unsupported(
                "the Content-Encoding of a request is one of gzip, deflate, br and identity",
            )),
        }
    }
}

/// Decompression in progress.
pub struct Expansion {
    decoder: Decoder,
    /// Lease of the compressed bytes, which the decoder owns.
    _lease: BodyLease,
    compressed: usize,
    plain: Buffer,
}

enum Decoder {
    Gzip(flate2::bufread::GzDecoder<Cursor<Vec<u8>>>),
    Deflate(flate2::bufread::ZlibDecoder<Cursor<Vec<u8>>>),
    Brotli(Box<brotli::Decompressor<Cursor<Vec<u8>>>>),
}

impl Expansion {
    /// Starts to decompress a body into `plain`. An uncompressed body comes back as the error.
    pub fn new(encoding: Encoding, body: Buffer, plain: Buffer) -> Result<Self, Buffer> {
        let compressed = body.bytes.len();
        let bytes = Cursor::new(body.bytes);
        let decoder = match encoding {
            Encoding::Identity => {
                return Err(Buffer {
                    bytes: bytes.into_inner(),
                    lease: body.lease,
                });
            }
            Encoding::Gzip => Decoder::Gzip(flate2::bufread::GzDecoder::new(bytes)),
            // `deflate` means the zlib format, not raw deflate
            // (https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2).
            Encoding::Deflate => Decoder::Deflate(flate2::bufread::ZlibDecoder::new(bytes)),
            Encoding::Brotli => {
                Decoder::Brotli(Box::new(brotli::Decompressor::new(bytes, 4 << 10)))
            }
        };
        Ok(Self {
            decoder,
            _lease: body.lease,
            compressed,
            plain,
        })
    }

    /// Size of the compressed body in bytes.
    pub fn compressed(&self) -> usize {
        self.compressed
    }

    /// Decompresses until the buffer holds more than `up_to` bytes. Returns true at the end of the body.
    pub fn expand(&mut self, up_to: usize) -> Result<bool, Refusal> {
        while self.plain.bytes.len() <= up_to {
            interrupt::check();
            // Reads a byte beyond the bound to detect a longer body.
            self.plain.reserve(1, up_to + 1)?;
            let spare = self.plain.bytes.capacity() - self.plain.bytes.len();
            let spare = spare.min(STEP);
            let read = self.decoder.read(spare, &mut self.plain.bytes)?;
            if read < spare {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the decompressed bytes.
    pub fn finish(self) -> Buffer {
        self.plain
    }
}

impl Decoder {
    /// Appends up to `most` bytes within the capacity of the buffer; fewer only at the end of the body.
    fn read(&mut self, most: usize, plain: &mut Vec<u8>) -> Result<usize, Refusal> {
        let most_bytes = most as u64;
        let read = match self {
            Self::Gzip(gzip) => gzip.take(most_bytes).read_to_end(plain),
            Self::Deflate(deflate) => deflate.take(most_bytes).read_to_end(plain),
            Self::Brotli(brotli) => brotli.take(most_bytes).read_to_end(plain),
        };
        // At the end of the data, garbage behind it is an error too.
        let read = read
            .ok()
            .filter(|read| *read == most || self.is_one_member());
        read.ok_or_else(|| Refusal::bad_request("the body is not what its Content-Encoding says"))
    }

    /// Checks that no data follows the first gzip member.
    ///
    /// gzip allows [several members](https://www.rfc-editor.org/rfc/rfc1952#section-2.2), but thousands of empty
    /// members would take long to read.
    fn is_one_member(&self) -> bool {
        match self {
            Self::Gzip(gzip) => {
                let bytes = gzip.get_ref();
                bytes.position() == bytes.get_ref().len() as u64
            }
            Self::Deflate(_) | Self::Brotli(_) => true,
        }
    }
}
