//! State of upper layers, which live as long as the program.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Values of upper layers, one per type, created on first use. Cheap to clone. Upper layers keep state here, since the
/// application state names none of their types.
#[derive(Clone, Default)]
pub struct Extensions {
    values: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl Extensions {
    /// Returns the value of a type; the same value for all clones.
    pub fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(T::default()));
        let value = value.clone().downcast();
        value.expect("each value is stored under its type")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[test]
    fn clones_share_a_value_per_type() {
        let extensions = Extensions::default();
        extensions.get::<AtomicU8>().store(7, Ordering::Relaxed);
        assert_eq!(
            extensions.clone().get::<AtomicU8>().load(Ordering::Relaxed),
            7
        );
        assert_eq!(*extensions.get::<u8>(), 0);
    }
}
