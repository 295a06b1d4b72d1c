//! However a reaction is cut, each event is handled once, and those of a key in order.

use std::collections::BTreeMap;

use super::{Places, Segment, hash, key};
use crate::domain::OrderId;

/// A generator (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// The keys of a log; the event of `log[n]` has order id `n + 1`.
fn log(random: &mut Random) -> Vec<String> {
    (0..200).map(|_| format!("key-{}", random.below(30))).collect()
}

/// Handles the events of a segment that lie above its place, up to `through`.
fn work(segment: Segment, places: &Places, through: u64, log: &[String], handled: &mut Vec<u64>) -> Places {
    let first = places.position().0;
    for (order_id, key) in (1..).zip(log).skip_while(|(order_id, _)| *order_id <= first) {
        let hash = hash(key);
        if order_id <= through && segment.contains(hash) && !places.passed(hash, OrderId(order_id)) {
            handled.push(order_id);
        }
    }
    places.advanced(OrderId(through))
}

#[test]
fn any_cuts_and_advances_handle_each_event_once_and_in_the_order_of_its_key() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let log = log(&mut random);
        let (mut cut, mut handled) =
            (vec![(Segment::WHOLE, Places::of(Segment::WHOLE, OrderId::START))], vec![]);
        for _ in 0..20 {
            for (segment, places) in &mut cut {
                let through = places.position().0 + random.below(40);
                *places = work(*segment, places, through.min(200), &log, &mut handled);
            }
            let of = u32::try_from(1 + random.below(9)).unwrap();
            cut = Places::cut(cut.into_iter().map(|(_, places)| places), of);
            assert_eq!(cut.len(), of as usize);
        }
        for (segment, places) in cut {
            work(segment, &places, 200, &log, &mut handled);
        }
        let mut by_key: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for order_id in handled {
            by_key.entry(&log[usize::try_from(order_id).unwrap() - 1]).or_default().push(order_id);
        }
        for (key, found) in by_key {
            let expected = (1..).zip(&log).filter(|(_, other)| *other == key).map(|(order_id, _)| order_id);
            assert_eq!(found, expected.collect::<Vec<u64>>(), "of {key} with seed {seed}");
        }
    }
}

#[test]
fn every_hash_belongs_to_one_segment() {
    let mut random = Random(7);
    for of in [1, 2, 3, 7, 8, 1_000, Segment::MOST] {
        let hashes = (0..50).map(|_| u32::try_from(random.below(1 << 32)).unwrap());
        let starts = Segment::all(of).flat_map(|segment| [segment.start(), segment.start().wrapping_sub(1)]);
        for hash in hashes.chain(starts).chain([0, u32::MAX]) {
            let owners: Vec<_> = Segment::all(of).filter(|segment| segment.contains(hash)).collect();
            assert_eq!(owners.len(), 1, "{hash} of {of}");
            assert!(owners[0].start() <= hash);
        }
    }
}

#[test]
fn pieces_are_one_again_once_they_meet() {
    let cut = Places::cut([Places::of(Segment::WHOLE, OrderId(5))], 2);
    let [(first, ahead), (_, behind)] = &cut[..] else { panic!("there are two") };
    let ahead = ahead.advanced(OrderId(9));
    let [(whole, merged)] = &Places::cut([behind.clone(), ahead], 1)[..] else { panic!("there is one") };
    assert_eq!((*whole, merged.position()), (Segment::WHOLE, OrderId(5)));
    assert!(merged.passed(first.start(), OrderId(9)) && !merged.passed(u32::MAX, OrderId(6)));
    assert_eq!(merged.advanced(OrderId(9)), Places::of(Segment::WHOLE, OrderId(9)));
    assert_eq!(merged.set_to(OrderId(2)), Places::of(Segment::WHOLE, OrderId(2)));
}

#[test]
fn the_hash_never_changes_and_spreads_similar_keys() {
    assert_eq!([hash(""), hash("bank/Account/acc-1")], [0xefd0_1f60, 0x4af4_e3e4]);
    let mut counts = [0_u32; 4];
    for account in 0..4_000 {
        let hash = hash(&format!("bank/Account/acc-{account}"));
        let segment = Segment::all(4).find(|segment| segment.contains(hash)).unwrap();
        counts[segment.index() as usize] += 1;
    }
    assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
}

#[test]
fn long_keys_are_cut_where_a_letter_begins_and_stay_apart() {
    let long = |end: &str| key(&format!("{}{end}", "\u{e9}".repeat(2_000)));
    assert_eq!(&*key("short"), "short");
    assert!(long("a").len() <= 1_500);
    assert_ne!(long("a"), long("b"));
    assert_eq!(long("a"), long("a"));
}
