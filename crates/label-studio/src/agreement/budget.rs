//! Budget of a comparison: bounds its work, because results come from users and can be made to be slow.

/// Remaining steps; one step takes some nanoseconds.
#[derive(Debug)]
pub struct WorkBudget(u64);

/// The comparison takes more steps than its budget has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetExceeded;

impl WorkBudget {
    /// A budget of that many steps.
    pub fn new(steps: u64) -> Self {
        Self(steps)
    }

    /// Number of remaining steps.
    pub fn remaining(&self) -> u64 {
        self.0
    }

    /// Charges steps, before they are done. Once it fails, the budget is empty.
    pub(super) fn charge(&mut self, steps: usize) -> Result<(), BudgetExceeded> {
        interrupt::check();
        match self.0.checked_sub(steps as u64) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => {
                self.0 = 0;
                Err(BudgetExceeded)
            }
        }
    }
}
