//! Decisions, step by step. The whole exchange under loss, repetition, reordering and crashes is in `simulation`.
