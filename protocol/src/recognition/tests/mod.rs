#![allow(clippy::unwrap_used)]

mod answers;
mod carried;
mod documents;
mod learned;
mod naive;
mod properties;
mod uses;
mod world;
