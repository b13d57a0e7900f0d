//! How much work a comparison may be: results are other people's, and some are made to be slow.

/// What is left of an allowance, in steps: about a nanosecond or a few each.
#[derive(Debug)]
pub struct Work(u64);

/// There is more to compare than the allowance is enough for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch;

impl Work {
    /// An allowance of that many steps.
    pub fn new(steps: u64) -> Self {
        Self(steps)
    }

    /// Steps that are still allowed.
    pub fn left(&self) -> u64 {
        self.0
    }

    /// Before the steps are taken. After a refusal nothing more is allowed.
    pub(super) fn take(&mut self, steps: usize) -> Result<(), TooMuch> {
        interrupt::check();
        match self.0.checked_sub(steps as u64) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => {
                self.0 = 0;
                Err(TooMuch)
            }
        }
    }
}
