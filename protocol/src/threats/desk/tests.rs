#![allow(clippy::unwrap_used)]

#[test]
fn nothing_yet() {}
