//! Months that are closed are changed by corrections in open ones only.

use super::*;
use crate::revenue::Exact;

fn collected(reference: &str, amount: &str, period: &str) -> Json {
    duty(reference, S10, "collected", None, amount, json!({ "account": "IM1", "period": period }))
}

fn close(period: &str, at: u64) -> Closed {
    Closed { account: "IM1".into(), period: period.parse().unwrap(), at: hour(at), by: "J. Doe".into() }
}

fn amounts(books: &Books) -> Vec<(String, String, Exact, Late)> {
    books.corrections().map(|one| (one.mends.to_string(), one.period.to_string(), one.amount, one.why)).collect()
}

fn sum(books: &Books, period: &str) -> Exact {
    let month = books.month("IM1", period.parse().unwrap());
    month.map_or(Exact::ZERO, |month| month.totals.values().next().unwrap().0)
}

#[test]
fn what_comes_late_stands_in_the_first_open_month_and_names_the_one_that_it_mends() {
    let first = said("platform", 1, &[], collected("C-1", "10.00", "2026-09"));
    let october = said("platform", 1, &[], collected("C-9", "1.00", "2026-10"));
    let mut books = kept(&[first.clone(), october.clone()], 2);
    assert_eq!(sum(&books, "2026-09"), Exact::whole(10));
    assert!(matches!(books.close(close("2026-10", 2)), Err(CloseError::Order { .. })));
    assert!(matches!(books.close(close("2026-09", 0)), Err(CloseError::Past { .. })));
    assert!(matches!(books.close(close("2026-11", 2)), Err(CloseError::NotOver { .. })));
    books.close(close("2026-09", 2)).unwrap();
    assert!(matches!(books.close(close("2026-09", 3)), Err(CloseError::Already { .. })));
    let late = said("platform", 5, &[], collected("C-2", "4.00", "2026-09"));
    let less = said("platform", 6, &[], version(collected("C-1", "7.00", "2026-09"), 1, "correction"));
    books.take(&late).unwrap();
    books.take(&less).unwrap();
    assert_eq!(sum(&books, "2026-09"), Exact::whole(10));
    let of =
        |mends: &str, period: &str, amount: i64, why| (mends.to_owned(), period.to_owned(), Exact::whole(amount), why);
    let mut corrections = amounts(&books);
    corrections.sort_by_key(|(_, _, amount, _)| *amount);
    assert_eq!(corrections, [of("2026-09", "2026-10", -3, Late::Corrected), of("2026-09", "2026-10", 4, Late::Late)]);
    // October is closed as well: what comes now stands in November, what stood in October stays.
    books.close(close("2026-10", 7)).unwrap();
    let gone = said("platform", 8, &[], version(collected("C-1", "7.00", "2026-09"), 2, "cancellation"));
    books.take(&gone).unwrap();
    let mut corrections = amounts(&books);
    corrections.sort_by_key(|(_, _, amount, _)| *amount);
    assert_eq!(corrections[0], of("2026-09", "2026-11", -7, Late::Cancelled));
    assert_eq!(corrections.len(), 3);
    // After a start everything is read again, in any order, and is the same.
    for turn in 0..5 {
        let mut all = [&first, &october, &late, &less, &gone];
        all.rotate_left(turn);
        let mut again = super::books();
        again.was_closed(close("2026-09", 2));
        again.was_closed(close("2026-10", 7));
        all.into_iter().for_each(|said| assert!(again.take(said).unwrap()));
        assert!(again.corrections().eq(books.corrections()));
        assert_eq!((sum(&again, "2026-09"), sum(&again, "2026-10")), (Exact::whole(10), Exact::whole(1)));
    }
}

#[test]
fn an_open_month_is_simply_changed() {
    let first = said("platform", 1, &[], collected("C-1", "10.00", "2026-09"));
    let moved = said("platform", 2, &[], version(collected("C-1", "8.00", "2026-10"), 1, "correction"));
    let books = kept(&[first, moved], 3);
    assert_eq!((sum(&books, "2026-09"), sum(&books, "2026-10")), (Exact::ZERO, Exact::whole(8)));
    assert_eq!(books.corrections().count(), 0);
}
