//! Batches: records of one type and one recipient set under one signature over a Merkle root.
//!
//! The tree has the shape of RFC 6962 (split at the largest power of two below the count) with BLAKE3 nodes, so a record
//! with its path verifies alone.

use super::table::TypeTable;
use crate::cbor::{CborError, Decode, Encode, Reader, Reason, Writer};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, SecretKey, SignatureCheck};
use crate::limits::MAX_BATCH_RECORDS;
use crate::mtree::Shape;
use crate::names::NodeRef;
use crate::time::Millis;

/// What the issuer's signature says of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchHeader {
    /// The node that signs.
    pub node: NodeRef,
    /// The type of every record in it.
    pub table: &'static TypeTable,
    /// How many records, from 1 to [`MAX_BATCH_RECORDS`].
    pub count: usize,
    /// Root over the record roots.
    pub root: Digest,
    /// When it was signed, by the signer's clock.
    pub signed_at: Millis,
}

/// A batch header with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What is signed.
    pub header: BatchHeader,
    /// Ed25519 by the node's `sign` key.
    pub signature: [u8; 64],
}

impl Batch {
    /// Signs a batch.
    pub fn sign(header: BatchHeader, network: &Digest, key: &SecretKey) -> Self {
        let signature = key.sign(Domain::Batch, network, &header.to_cbor());
        Self { header, signature }
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`KeyError::Signature`].
    pub fn verify(&self, network: &Digest, signer: &impl SignatureCheck) -> Result<(), KeyError> {
        signer.check(Domain::Batch, network, &self.header.to_cbor(), &self.signature)
    }
}

/// The tree over a batch's record roots.
pub struct BatchTree {
    leaves: Vec<Digest>,
}

impl BatchTree {
    /// The tree over these record roots.
    pub fn new(roots: &[Digest]) -> Self {
        Self { leaves: roots.iter().map(batch_leaf).collect() }
    }

    /// Its root.
    pub fn root(&self) -> Digest {
        SHAPE.root(&self.leaves)
    }

    /// The path of the record at `index`, its sibling first; `None` beyond the end.
    pub fn path(&self, index: usize) -> Option<Vec<Digest>> {
        SHAPE.path(&self.leaves, index)
    }

    /// Whether `record` stands at `index` of the batch of `count` records with this root.
    pub fn verify(root: &Digest, count: usize, index: usize, record: &Digest, path: &[Digest]) -> bool {
        count <= MAX_BATCH_RECORDS && SHAPE.climb(count, index, batch_leaf(record), path).as_ref() == Some(root)
    }
}

/// The root over record roots; [`Digest::ZERO`] over none, which no batch has.
pub fn batch_root(roots: &[Digest]) -> Digest {
    BatchTree::new(roots).root()
}

const SHAPE: Shape = Shape { leaf: Domain::BatchLeaf, node: Domain::BatchNode };

fn batch_leaf(root: &Digest) -> Digest {
    SHAPE.leaf(&root.0)
}

impl Encode for BatchHeader {
    fn encode(&self, writer: &mut Writer) {
        writer.array(6);
        self.node.encode(writer);
        writer.text(self.table.name);
        writer.uint(self.table.version);
        writer.uint(self.count as u64);
        self.root.encode(writer);
        self.signed_at.encode(writer);
    }
}

impl Decode for BatchHeader {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(6)?;
        let node = NodeRef::decode(reader)?;
        let start = reader.position();
        let (name, version) = (reader.text(40)?, reader.uint()?);
        let table = super::table(name, version).ok_or(CborError { offset: start, reason: Reason::UnknownType })?;
        let start = reader.position();
        let count = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
        if count == 0 {
            return Err(reader.refuse(start, "a batch has at least one record"));
        }
        let header = Self { node, table, count, root: Digest::decode(reader)?, signed_at: Millis::decode(reader)? };
        reader.leave();
        Ok(header)
    }
}

impl Encode for Batch {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        self.header.encode(writer);
        writer.bytes(&self.signature);
    }
}

impl Decode for Batch {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let batch = Self { header: BatchHeader::decode(reader)?, signature: reader.fixed()? };
        reader.leave();
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_record_has_a_path_and_no_other_verifies(count in 1usize..70, index in 0usize..70, other in 0usize..70) {
            let roots: Vec<_> = (0..count as u8).map(|n| Digest([n; 32])).collect();
            let tree = BatchTree::new(&roots);
            prop_assert_eq!(tree.path(index).is_some(), index < count);
            if let Some(path) = tree.path(index) {
                prop_assert!(BatchTree::verify(&tree.root(), count, index, &roots[index], &path));
                if other != index {
                    prop_assert!(!BatchTree::verify(&tree.root(), count, other, &roots[index], &path));
                }
                prop_assert!(!BatchTree::verify(&tree.root(), count, index, &Digest([255; 32]), &path));
                let mut longer = path.clone();
                longer.push(Digest::ZERO);
                prop_assert!(!BatchTree::verify(&tree.root(), count, index, &roots[index], &longer));
            }
        }
    }
}
