/**
 * Draws one item fairly for its groups: evenly among the groups of the first key, then of the second within
 * it, and so on, then among the items that are left. An item may be in several groups of a key. So a thousand
 * items of one group have the chance of one of another. `random` gives 0 to 1. Undefined without items.
 */
export function chooseFairly<T>(
  items: readonly T[],
  keys: readonly ((item: T) => readonly string[])[],
  random: () => number,
): T | undefined {
  let left = items;
  for (const keyOf of keys) {
    left = pickOne([...groupedBy(left, keyOf).values()], random) ?? [];
  }
  return pickOne(left, random);
}

/** The items by their keys. An item stands in every group that it has a key of. */
export function groupedBy<T, K extends string>(
  items: Iterable<T>,
  keysOf: (item: T) => readonly K[],
): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  }
  return groups;
}

/** One of the items, evenly. Undefined without items. */
export function pickOne<T>(items: readonly T[], random: () => number): T | undefined {
  return items[Math.min(items.length - 1, Math.floor(random() * items.length))];
}
