//! What is compared of two agents to say whether one is the other.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::domain::agent::Definition;

/// Hashes of an agent's instructions, description, model and tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Traits(pub [u64; 4]);

impl Traits {
    pub fn of(definition: &Definition) -> Self {
        fn hash(value: &impl Hash) -> u64 {
            let mut hasher = DefaultHasher::new();
            value.hash(&mut hasher);
            hasher.finish()
        }
        let tools = serde_json::to_string(&definition.tools).unwrap_or_default();
        Self([
            hash(&definition.instructions),
            hash(&definition.description),
            hash(&definition.model),
            hash(&tools),
        ])
    }

    /// How much two have in common. Each trait counts more than all that come after it.
    pub fn likeness(self, other: Self) -> usize {
        self.0.iter().zip(other.0).fold(0, |sum, (one, other)| sum * 2 + usize::from(*one == other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trait_counts_more_than_all_after_it() {
        let all = Traits([1; 4]);
        assert!(all.likeness(Traits([1, 0, 0, 0])) > all.likeness(Traits([0, 1, 1, 1])));
        assert_eq!(all.likeness(Traits([0; 4])), 0);
    }
}
