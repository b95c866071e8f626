/**
 * The element at `index`. Throws RangeError where there is none, so that a wrong index fails at once instead
 * of becoming a default value.
 */
export function must<T>(array: ArrayLike<T>, index: number): T {
  const value = array[index];
  if (value === undefined) {
    throw new RangeError(`There is no element ${index} in an array of length ${array.length}.`);
  }
  return value;
}
