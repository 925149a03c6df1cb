//! Disjoint sets of places, as joining makes them (union and find).

/// Which places belong together. The smallest place of a set stands for it, so that the order of joining means nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sets(Vec<usize>);

impl Sets {
    /// So many places, each by itself.
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    /// One place more, by itself.
    pub(crate) fn push(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }

    /// The place that stands for a place's set. Panics beyond the places, as an index does.
    pub(crate) fn root(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    /// Makes one set of two places' sets.
    pub(crate) fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Two places have one root exactly where a way of joins leads from one to the other, and it is the smallest place there.
        #[test]
        fn the_root_is_the_smallest_place_that_joins_lead_to(joins in prop::collection::vec((0usize..12, 0usize..12), 0..12)) {
            let mut sets = Sets::new(11);
            prop_assert_eq!(sets.push(), 11);
            joins.iter().for_each(|(one, other)| sets.join(*one, *other));
            for at in 0..12 {
                let mut reached = vec![at];
                for _ in 0..12 {
                    for (one, other) in &joins {
                        if reached.contains(one) || reached.contains(other) {
                            reached.extend([*one, *other]);
                        }
                    }
                }
                prop_assert_eq!(Some(sets.root(at)), reached.into_iter().min());
            }
        }
    }
}
