/**
 * The element at `index` of a list whose length the caller has already ensured. Throws RangeError where there is none,
 * so that a wrong index fails at once instead of continuing with a default.
 */
export function must<T>(list: ArrayLike<T>, index: number): T {
  if (!Number.isInteger(index) || index < 0 || index >= list.length)
    throw new RangeError(`There is no element ${index} in a list of ${list.length}.`);
  return list[index] as T;
}
