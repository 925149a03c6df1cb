//! Requests just sealed, kept in memory until they are first sent, so that they need not be read from the disk for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use luxor_protocol::exchange::Channel;

/// Bytes kept over all channels; what does not fit is read from the disk.
const HOT_BYTES: usize = 16 * 1024 * 1024;

/// Requests by channel and number.
#[derive(Default)]
pub(super) struct Hot(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    requests: HashMap<(Channel, u64), Arc<Vec<u8>>>,
    bytes: usize,
}

impl Hot {
    /// Keeps a request if there is room.
    pub(super) fn keep(&self, channel: &Channel, number: u64, request: &Arc<Vec<u8>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + request.len() <= HOT_BYTES && !kept.requests.contains_key(&(channel.clone(), number)) {
            kept.bytes += request.len();
            kept.requests.insert((channel.clone(), number), request.clone());
        }
    }

    /// Takes a request out.
    pub(super) fn take(&self, channel: &Channel, number: u64) -> Option<Arc<Vec<u8>>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let request = kept.requests.remove(&(channel.clone(), number))?;
        kept.bytes -= request.len();
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use luxor_protocol::exchange::Lane;

    use super::*;

    #[test]
    fn what_fits_is_kept_and_taken_once() {
        let (sender, recipient) = ("a/n".parse().unwrap(), "b/n".parse().unwrap());
        let channel = Channel { sender, recipient, epoch: 1, lane: Lane::Ordinary };
        let hot = Hot::default();
        let request: Arc<Vec<u8>> = Arc::new(vec![7; HOT_BYTES / 2]);
        for number in 1..=3 {
            hot.keep(&channel, number, &request);
        }
        assert!(hot.take(&channel, 1).is_some() && hot.take(&channel, 1).is_none());
        assert!(hot.take(&channel, 3).is_none(), "it did not fit");
        hot.keep(&channel, 2, &request);
        hot.keep(&channel, 4, &request);
        assert!(hot.take(&channel, 2).is_some() && hot.take(&channel, 4).is_some());
        assert_eq!(hot.0.lock().unwrap().bytes, 0);
    }
}
