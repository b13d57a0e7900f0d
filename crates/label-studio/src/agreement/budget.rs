//! Budget of a comparison: bounds its work, because results come from users and can be made to be slow.

/// Remaining steps; a step takes some nanoseconds.
#[derive(Debug)]
pub struct WorkBudget(u64);

/// The comparison takes more steps than the budget has.
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

    /// Charges steps before the work. A failure empties the budget.
    pub(super) fn charge(&mut self, steps: usize) -> Result<(), BudgetExceeded> {
        // Every loop of a comparison charges the budget, so a deadline interrupts here, too.
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
