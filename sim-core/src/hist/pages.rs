//! A long row of values of which few are not zero, kept in pages that are made on first use.

/// Values per page: 2 KiB of counts.
const PAGE: usize = 256;

/// A row of fixed length, all zero (the default) at first. Reading and writing one value is O(1); visiting
/// the row and adding another one to it cost the pages that are in use.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pages<T> {
    pages: Vec<Option<Box<[T; PAGE]>>>,
}

impl<T: Copy + Default> Pages<T> {
    /// An empty row, without memory of its own.
    pub const fn new() -> Pages<T> {
        Pages { pages: Vec::new() }
    }

    /// The value at `index`, to be changed; `len` is the length of the row.
    #[inline]
    pub fn at(&mut self, index: usize, len: usize) -> &mut T {
        debug_assert!(index < len, "value {index} of a row of {len}");
        if self.pages.is_empty() {
            self.pages.resize_with(len.div_ceil(PAGE), || None);
        }
        let page = self.pages[index / PAGE].get_or_insert_with(|| Box::new([T::default(); PAGE]));
        &mut page[index % PAGE]
    }

    /// No value has been written.
    #[cfg(test)]
    pub const fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The values of all pages in use with their indices, rising.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let used = self.pages.iter().enumerate().filter_map(|(i, page)| Some((i * PAGE, page.as_deref()?)));
        used.flat_map(|(first, page)| page.iter().enumerate().map(move |(i, value)| (first + i, value)))
    }

    /// Adds another row of the same length to this one, value by value.
    pub fn add(&mut self, other: &Pages<T>, add: impl Fn(&mut T, &T)) {
        if self.pages.is_empty() {
            self.pages.resize_with(other.pages.len(), || None);
        }
        for (mine, theirs) in self.pages.iter_mut().zip(&other.pages) {
            let Some(theirs) = theirs else { continue };
            let mine = mine.get_or_insert_with(|| Box::new([T::default(); PAGE]));
            mine.iter_mut().zip(theirs.iter()).for_each(|(a, b)| add(a, b));
        }
    }
}
