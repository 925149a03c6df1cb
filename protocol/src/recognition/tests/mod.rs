#![allow(clippy::unwrap_used)]

mod answers;
mod documents;
mod learned;
mod naive;
mod properties;
mod uses;
mod world;
