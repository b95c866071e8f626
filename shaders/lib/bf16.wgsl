// The bits of bf16 element `at`, as the upper half of an f32's bits. `word` is the word that holds it: a word
// has two elements, the one with the even number in its low half.
fn bf16_bits(word: u32, at: u32) -> u32 {
  return select(word << 16u, word & 0xffff0000u, at % 2u == 1u);
}
