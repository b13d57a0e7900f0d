//! Cursors of events: a place in one particular log, sealed.
//!
//! Numbers of events have gaps for what a viewer may not see, so that a number would tell how much that is. A cursor
//! is therefore encrypted and authenticated, by AES-GCM-SIV (RFC 8452) with a key of the log. With one nonce for all,
//! which that cipher stands, the cursor of an event is the same for everybody, from every server, and can be compared.

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::error::{Error, Problem, ProblemCode};

/// The first byte of a sealed cursor.
const SEALED: u8 = 2;
/// Bytes of a sealed cursor: the first one, the number, the tag.
const LENGTH: usize = 1 + 8 + 16;

/// Seals and opens the cursors of one log.
pub struct Log {
    generation: String,
    cipher: Aes256GcmSiv,
    /// The last event of which there are cursors without seal.
    unsealed_until: i64,
}

impl Log {
    /// The log of this generation. Another generation seals otherwise, even with the same secret.
    pub fn new(generation: String, secret: &str, unsealed_until: i64) -> Self {
        let mut hash = Sha256::new();
        for part in ["annograph event cursor", &generation, secret] {
            hash.update(part);
            hash.update([0]);
        }
        Self {
            generation,
            cipher: Aes256GcmSiv::new(&hash.finalize()),
            unsealed_until,
        }
    }

    pub fn seal(&self, seq: i64) -> String {
        let sealed = self
            .cipher
            .encrypt(&Nonce::default(), sealing(&seq.to_be_bytes()))
            .expect("a number is short enough");
        URL_SAFE_NO_PAD.encode([&[SEALED], sealed.as_slice()].concat())
    }

    /// The place that a cursor stands for, in the log that ends at `end`.
    pub fn open(&self, cursor: &str, end: i64) -> Result<i64, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        let seq = match bytes.split_first() {
            Some((&SEALED, sealed)) if bytes.len() == LENGTH => self.opened(sealed)?,
            _ => self.unsealed(&bytes)?,
        };
        if seq > end {
            return Err(refused("the cursor lies ahead of the event log"));
        }
        Ok(seq)
    }

    fn opened(&self, sealed: &[u8]) -> Result<i64, Error> {
        let opened = self.cipher.decrypt(&Nonce::default(), sealing(sealed));
        let bytes = opened
            .ok()
            .and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
        bytes.map(i64::from_be_bytes).ok_or_else(of_another_log)
    }

    /// A cursor of a release that did not seal them: its text is plain, and could be made up. None is taken for an
    /// event of since, so that trying does not tell where the log ends by now.
    fn unsealed(&self, bytes: &[u8]) -> Result<i64, Error> {
        let (of, seq) = parts(bytes).ok_or_else(|| refused("this is no cursor of an event"))?;
        if of != self.generation {
            return Err(of_another_log());
        }
        if seq > self.unsealed_until {
            return Err(refused("this is no cursor of an event"));
        }
        Ok(seq)
    }
}

fn sealing(message: &[u8]) -> Payload<'_, '_> {
    Payload {
        msg: message,
        aad: &[SEALED],
    }
}

fn parts(bytes: &[u8]) -> Option<(&str, i64)> {
    let (log, seq) = str::from_utf8(bytes)
        .ok()?
        .strip_prefix("e1:")?
        .split_once(':')?;
    let seq = seq.parse().ok().filter(|seq| *seq >= 0)?;
    Some((log, seq))
}

/// Numbers repeat after a backup was restored, and then stand for other events.
fn of_another_log() -> Error {
    refused(
        "the cursor is of another event log, perhaps from before a backup was restored: read anew and subscribe without it",
    )
}

fn refused(message: &str) -> Error {
    Problem::new(["after"], ProblemCode::InvalidFormat, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(generation: &str, secret: &str) -> Log {
        Log::new(generation.to_owned(), secret, 10)
    }

    #[test]
    fn a_cursor_opens_in_its_log_alone() {
        let here = log("a", "secret");
        for seq in [0, 1, 11, i64::MAX] {
            let cursor = here.seal(seq);
            assert_eq!(cursor, log("a", "secret").seal(seq), "at any server");
            assert_eq!(here.open(&cursor, i64::MAX).unwrap(), seq);
            for other in [log("b", "secret"), log("a", "other")] {
                assert_ne!(cursor, other.seal(seq));
                other.open(&cursor, i64::MAX).unwrap_err();
            }
            if seq > 0 {
                here.open(&cursor, seq - 1).unwrap_err();
            }
        }
    }

    #[test]
    fn every_bit_of_a_cursor_counts() {
        let log = log("a", "secret");
        let bytes = URL_SAFE_NO_PAD.decode(log.seal(7)).unwrap();
        assert_eq!(bytes.len(), LENGTH);
        for bit in 0..8 * LENGTH {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let cursor = URL_SAFE_NO_PAD.encode(bytes);
            log.open(&cursor, 100).unwrap_err();
        }
    }

    #[test]
    fn of_cursors_without_seal_those_from_before_are_taken() {
        let log = log("a", "secret");
        let plain = |text: &str| log.open(&URL_SAFE_NO_PAD.encode(text), 100).ok();
        assert_eq!(plain("e1:a:0"), Some(0));
        assert_eq!(plain("e1:a:10"), Some(10));
        for text in ["e1:a:11", "e1:a:-1", "e1:b:1", "e1:a", "e2:a:1", "1", ""] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
