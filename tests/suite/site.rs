//! A log behind HTTP, read by what anybody may use: the mathematics of the crate alone. No tests of its own.

use luxor_protocol::tlog::{
    Checkpoint, Hash, LogVerifier, MAX_BUNDLE_BYTES, TilePath, TileSource, VerifierKey, decode_bundle, leaf_hash,
};
use luxor_tests::Daemon;

/// A log somewhere behind HTTP.
pub(crate) struct Site {
    prefix: String,
    pub(crate) token: Option<String>,
}

impl Site {
    /// As anybody sees it.
    pub(crate) fn public(node: &Daemon) -> Self {
        Self { prefix: node.public_log().unwrap(), token: None }
    }

    /// The same log as the node's own people see it.
    pub(crate) fn own(node: &Daemon) -> Self {
        let (url, token) = node.api();
        Self { prefix: format!("{url}/v1/log"), token: Some(token) }
    }

    /// Status and body of one of its paths.
    pub(crate) fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let mut request = ureq::get(format!("{}/{path}", self.prefix));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut response = request.config().http_status_as_error(false).build().call().unwrap();
        let limit = MAX_BUNDLE_BYTES as u64;
        let body = response.body_mut().with_config().limit(limit).read_to_vec().unwrap();
        (response.status().as_u16(), body)
    }

    /// The checkpoint, its signature verified.
    pub(crate) fn checkpoint(&self, vkey: &VerifierKey) -> Checkpoint {
        let (status, note) = self.get("checkpoint");
        assert_eq!(status, 200);
        Checkpoint::open(&note, vkey).unwrap()
    }

    /// Reads and checks all of the log; returns its checkpoint and leaf hashes.
    pub(crate) fn verify(&self, vkey: &VerifierKey) -> (Checkpoint, Vec<Hash>) {
        let checkpoint = self.checkpoint(vkey);
        let mut verifier = LogVerifier::new(&checkpoint);
        let mut leaves = Vec::new();
        while let Some(path) = verifier.next_bundle() {
            let bytes = self.read(&path).unwrap().unwrap();
            verifier.bundle(&path, &bytes).unwrap();
            let TilePath::Entries { width, .. } = path else { panic!("{path}") };
            leaves.extend(decode_bundle(&bytes, width).unwrap().into_iter().map(leaf_hash));
            for path in verifier.tiles_due().collect::<Vec<_>>() {
                verifier.tile(&path, &self.read(&path).unwrap().unwrap()).unwrap();
            }
        }
        let summary = verifier.finish().unwrap();
        assert_eq!((summary.entries, summary.tiles_not_given), (checkpoint.size, 0));
        (checkpoint, leaves)
    }
}

impl TileSource for &Site {
    type Error = u16;

    fn read(&self, path: &TilePath) -> Result<Option<Vec<u8>>, u16> {
        match self.get(&path.to_string()) {
            (200, bytes) => Ok(Some(bytes)),
            (404, _) => Ok(None),
            (other, _) => Err(other),
        }
    }
}
