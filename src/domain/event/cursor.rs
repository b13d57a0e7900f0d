//! Cursors of events: encrypted positions in a particular log.
//!
//! Event numbers have gaps where a viewer may not see events, so a plain number would reveal how much is hidden.
//! Cursors are therefore encrypted and authenticated with AES-GCM-SIV (<https://www.rfc-editor.org/rfc/rfc8452>) and a
//! key of the log. The cipher tolerates a fixed nonce: equal numbers yield equal texts and reveal no more than
//! equality (<https://www.rfc-editor.org/rfc/rfc8452#section-9>). Hence an event has the same cursor for all viewers
//! and on all servers, and cursors can be compared (`docs/decisions/0024-sealed-cursors.md`).

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::error::{Error, Problem, ProblemCode};

/// First byte of a sealed cursor.
const SEALED: u8 = 2;
/// Bytes of a sealed cursor: first byte, number, tag.
const LENGTH: usize = 1 + 8 + 16;

/// Seals and opens the cursors of a single log.
pub struct Log {
    generation: String,
    cipher: Aes256GcmSiv,
    /// Last event that has cursors without a seal.
    unsealed_until: i64,
}

impl Log {
    /// Derives the key from generation and secret: a new generation has a new key, even with the same secret.
    pub fn new(generation: String, secret: &str, unsealed_until: i64) -> Self {
        let mut hash = Sha256::new();
        for part in ["annograph event cursor", &generation, secret] {
            hash.update(part);
            // A zero byte between the parts keeps ("ab", "c") and ("a", "bc") distinct.
            hash.update([0]);
        }
        Self {
            generation,
            cipher: Aes256GcmSiv::new(&hash.finalize()),
            unsealed_until,
        }
    }

    /// Encrypts an event number into a cursor; equal numbers give equal cursors.
    pub fn seal(&self, seq: i64) -> String {
        let sealed = self
            .cipher
            .encrypt(&Nonce::default(), sealing(&seq.to_be_bytes()))
            .expect("a number is short enough");
        URL_SAFE_NO_PAD.encode([&[SEALED], sealed.as_slice()].concat())
    }

    /// Decodes a cursor to an event number, in the log that ends at `end`.
    pub fn open(&self, cursor: &str, end: i64) -> Result<i64, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        let seq = match bytes.split_first() {
            Some((&SEALED, sealed)) if bytes.len() == LENGTH => self.opened(sealed)?,
            _ => self.unsealed(&bytes)?,
        };
        // A number past the end comes from a log that lost events, for example by a restored backup.
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

    /// Decodes a cursor of a release without sealed cursors. The text is plain and can be made up, so only events up
    /// to `unsealed_until` are accepted: probing must not reveal where the log ends now.
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

/// Refuses a cursor of a different log: numbers repeat after a restored backup and then stand for different events.
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
