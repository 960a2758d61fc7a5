//! Values by token.

use my_mio::Token;

// ANCHOR: slab
/// Values by token. Half of a token's bits say in which place, the other half how many values that
/// place had before.
pub struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<usize>,
}

struct Place<T> {
    generation: usize,
    value: Option<T>,
}

const HALF: u32 = usize::BITS / 2;
const LOW: usize = usize::MAX >> HALF;
// ANCHOR_END: slab

// ANCHOR: insert
impl<T> Slab<T> {
    /// Keeps `value`, under a token that names it alone.
    pub fn insert(&mut self, value: T) -> Token {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, value: None });
            self.places.len() - 1
        });
        let place = &mut self.places[index];
        place.value = Some(value);
        Token(place.generation << HALF | index)
    }
    // ANCHOR_END: insert

    // ANCHOR: remove
    /// The value of this token, if it is still here.
    pub fn get_mut(&mut self, token: Token) -> Option<&mut T> {
        self.place(token)?.value.as_mut()
    }

    /// Takes the value out. Its token names nothing from now on, and its place is free.
    pub fn remove(&mut self, token: Token) -> Option<T> {
        // FORK tokens: take a value out, so that its token names nothing and its place may be used again
        // HINT: Whoever comes to this place next gets a token of its own. Which half of it must differ?
        // HINT: `insert` looks for a place in `free`. Are whole tokens in there, or what else?
        // HINT: Find the place by the token, take its value, let the place count one more, within its half
        //   of the bits, and note that it is free.
        let place = self.place(token)?;
        let value = place.value.take()?;
        place.generation = (place.generation + 1) & LOW;
        self.free.push(token.0 & LOW);
        Some(value)
    }

    /// The place that a token means, if it has had as many values as the token says.
    fn place(&mut self, token: Token) -> Option<&mut Place<T>> {
        // FORK tokens: find the place of a token, unless the token is of a value that it had before
        // HINT: `insert` makes a token of two numbers. Where in it is which?
        // HINT: What is the answer for a token that nobody was given?
        let place = self.places.get_mut(token.0 & LOW)?;
        (place.generation == token.0 >> HALF).then_some(place)
    }
}
// ANCHOR_END: remove

#[cfg(test)]
impl<T> Slab<T> {
    /// A slab with a place that has had as many values as half of a token can say.
    #[allow(dead_code, reason = "not every test that has this file begins here")]
    pub fn with_the_last_of_its_tokens() -> Slab<T> {
        Slab { places: vec![Place { generation: LOW, value: None }], free: vec![0] }
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { places: Vec::new(), free: Vec::new() }
    }
}
