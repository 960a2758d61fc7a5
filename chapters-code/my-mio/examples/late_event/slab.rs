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
        // FORK tokens: put the value into a free place or a new one, and name it by place and generation
        // HINT: Where does the index go in a token, and where the generation? The comment on `Slab` says it.
        // HINT: A place that is free had values before. What must differ between their tokens and the new one, and who
        //   has seen to that?
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

    /// Takes the value out. Its token names nothing from now on.
    pub fn remove(&mut self, token: Token) -> Option<T> {
        // FORK tokens: take the value out, and let its place go to another generation
        // HINT: After this, what must `get_mut` say to the old token? And what if that is removed a second time?
        // HINT: Which half of a token may a generation fill? What follows the last one?
        let place = self.place(token)?;
        let value = place.value.take()?;
        place.generation = (place.generation + 1) & LOW;
        self.free.push(token.0 & LOW);
        Some(value)
    }

    fn place(&mut self, token: Token) -> Option<&mut Place<T>> {
        // FORK tokens: the place of this token, if it is still of its generation
        // HINT: A token may be older than the slab is long, or of a value that is gone.
        let place = self.places.get_mut(token.0 & LOW)?;
        (place.generation == token.0 >> HALF).then_some(place)
    }
}
// ANCHOR_END: remove

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { places: Vec::new(), free: Vec::new() }
    }
}
