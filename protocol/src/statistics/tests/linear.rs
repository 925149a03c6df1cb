//! A second implementation of the check, which shares nothing with the first: dense elimination over all places, modulo two large primes
//! and once more without fractions in exact integers.

/// 2^61 - 1 and 10^18 + 3.
const PRIMES: [u128; 2] = [(1 << 61) - 1, 1_000_000_000_000_000_003];

/// Whether each of `sought` is a combination of `rows`, by three ways that must agree.
pub(super) fn determined(rows: &[Vec<u8>], sought: &[Vec<u8>]) -> Vec<bool> {
    let answers: Vec<_> = sought
        .iter()
        .map(|row| {
            let mut more = rows.to_vec();
            more.push(row.clone());
            let modular = PRIMES.map(|prime| modular_rank(rows, prime) == modular_rank(&more, prime));
            let exact = exact_rank(rows) == exact_rank(&more);
            assert_eq!(modular, [exact; 2], "the ways of finding a rank differ");
            exact
        })
        .collect();
    answers
}

fn modular_rank(rows: &[Vec<u8>], prime: u128) -> usize {
    let mut rows: Vec<Vec<u128>> = rows.iter().map(|row| row.iter().map(|one| u128::from(*one)).collect()).collect();
    let width = rows.first().map_or(0, Vec::len);
    let mut rank = 0;
    for column in 0..width {
        let Some(pivot) = (rank..rows.len()).find(|row| rows[*row][column] != 0) else { continue };
        rows.swap(rank, pivot);
        let inverse = power(rows[rank][column], prime - 2, prime);
        let lead: Vec<_> = rows[rank].iter().map(|one| one * inverse % prime).collect();
        for row in rows.iter_mut().skip(rank + 1) {
            let factor = row[column];
            for (one, lead) in row.iter_mut().zip(&lead) {
                *one = (*one + (prime - factor) * lead) % prime;
            }
        }
        rank += 1;
    }
    rank
}

fn power(mut base: u128, mut exponent: u128, prime: u128) -> u128 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % prime;
        }
        base = base * base % prime;
        exponent >>= 1;
    }
    result
}

/// Bareiss' elimination: each division comes out even.
fn exact_rank(rows: &[Vec<u8>]) -> usize {
    let mut rows: Vec<Vec<i128>> = rows.iter().map(|row| row.iter().map(|one| i128::from(*one)).collect()).collect();
    rows.sort();
    rows.dedup();
    let width = rows.first().map_or(0, Vec::len);
    let (mut rank, mut before) = (0, 1_i128);
    for column in 0..width {
        let Some(pivot) = (rank..rows.len()).find(|row| rows[*row][column] != 0) else { continue };
        rows.swap(rank, pivot);
        let lead = rows[rank].clone();
        for row in rows.iter_mut().skip(rank + 1) {
            let factor = row[column];
            for (one, from) in row.iter_mut().zip(&lead) {
                let product = one.checked_mul(lead[column]).unwrap();
                let sum = product.checked_sub(factor.checked_mul(*from).unwrap()).unwrap();
                assert_eq!(sum % before, 0);
                *one = sum / before;
            }
        }
        before = lead[column];
        rank += 1;
    }
    rank
}

#[test]
fn ranks_of_systems_worked_out_by_hand() {
    // a + b and a give b, and not c.
    let rows = [vec![1, 1, 0], vec![1, 0, 0]];
    assert_eq!(determined(&rows, &[vec![0, 1, 0], vec![0, 0, 1], vec![1, 1, 1]]), [true, false, false]);
    // a + b, b + c, a + c give each of the three, by halves.
    let rows = [vec![1, 1, 0], vec![0, 1, 1], vec![1, 0, 1]];
    assert_eq!(determined(&rows, &[vec![1, 0, 0], vec![1, 1, 1]]), [true, true]);
    // The rows and columns of two by two give none.
    let rows = [vec![1, 1, 0, 0], vec![0, 0, 1, 1], vec![1, 0, 1, 0], vec![0, 1, 0, 1]];
    assert_eq!(determined(&rows, &[vec![1, 0, 0, 0], vec![1, 1, 1, 1]]), [false, true]);
}
