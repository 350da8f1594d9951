//! Sorting what is nearly too short to sort.

/// Sorts a few keys. What is most frequent takes no branch that a machine must guess.
#[inline]
pub(super) fn sort(keys: &mut [u128]) {
    match keys {
        [] | [_] => {}
        [a, b] => order(a, b),
        [a, b, c] => {
            order(a, b);
            order(b, c);
            order(a, b);
        }
        [a, b, c, d] => {
            order(a, b);
            order(c, d);
            order(a, c);
            order(b, d);
            order(b, c);
        }
        _ => insertion_sort(keys),
    }
}

#[inline(always)]
fn order(a: &mut u128, b: &mut u128) {
    let (low, high) = ((*a).min(*b), (*a).max(*b));
    (*a, *b) = (low, high);
}

#[inline(never)]
fn insertion_sort(keys: &mut [u128]) {
    for from in 1..keys.len() {
        let key = keys[from];
        let mut at = from;
        while at > 0 && keys[at - 1] > key {
            keys[at] = keys[at - 1];
            at -= 1;
        }
        keys[at] = key;
    }
}
