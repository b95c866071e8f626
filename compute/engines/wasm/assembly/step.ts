// A step's arguments, and how threads divide its work.

/** Argument i of a step as an integer or an address. */
@inline
export function argument(step: usize, i: i32): u32 {
  return load<u32>(step + (<usize>i << 2));
}

/** Argument i of a step as a signed integer. */
@inline
export function size(step: usize, i: i32): i32 {
  return load<i32>(step + (<usize>i << 2));
}

/** Argument i of a step as an f32. */
@inline
export function constant(step: usize, i: i32): f32 {
  return load<f32>(step + (<usize>i << 2));
}

/**
 * First of the `items` items that thread `thread` of `threads` takes. It takes all up to the next thread's
 * first.
 */
@inline
export function firstItem(items: i32, thread: i32, threads: i32): i32 {
  return <i32>(((<u64>items) * (<u64>thread)) / (<u64>threads));
}
