import type { Draws } from '../draws.ts';

/** A value as JSON or CBOR has it. What is none of these, such as a link, is a leaf. */
export type Tree = unknown;

const NUMBERS = [
  ...[0, 1, 2, 3, -1, 23, 24, 64, 65, 255, 256, 257, 4096, 65_535, 65_536, 2 ** 20, 2 ** 31 - 1, 2 ** 31],
  ...[2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 40 + 1, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64, -(2 ** 31)],
  ...[-0, 0.5, 1e-7, 1e21, 1e308, -1e308, Number.NaN, Number.POSITIVE_INFINITY, 1e-320],
];
const TEXTS = [
  ...['', ' ', '0', '-1', 'null', '__proto__', 'constructor', 'toString', '../..', '/etc/passwd', '\0', '\n'],
  ...['\ud800', '\udc00x', 'é', '𝒳', '\u202e', '%00', '0x', `0x${'00'.repeat(32)}`, `0x${'FF'.repeat(20)}`],
  ...['a'.repeat(161), 'x'.repeat(1025), '1e999', '{{x}}', '(a+)+$', '\ufeff', 'http://[::1]:0/', 'NaN'],
];
const KEYS = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'length',
  'then',
  '',
  'kind',
  'toJSON',
  'toString',
  'valueOf',
  '0',
];
/** How often a list, text or byte string is repeated, to pass limits. */
const REPEATS = [2, 3, 5, 17, 65, 257];
/** Parts of the largest tree that is looked at. */
const MOST_PARTS = 5000;

interface Place {
  readonly holder: Record<string | number, Tree> | Tree[];
  readonly key: string | number;
}

const isRecord = (tree: Tree): tree is Record<string, Tree> =>
  typeof tree === 'object' &&
  tree !== null &&
  (Object.getPrototypeOf(tree) === Object.prototype || Object.getPrototypeOf(tree) === null);

/** A map without a prototype, so that the key `__proto__` is one like any other. */
function mapOf(entries: readonly (readonly [string, Tree])[]): Record<string, Tree> {
  const map: Record<string, Tree> = Object.create(null);
  for (const [key, value] of entries) map[key] = value;
  return map;
}

/** A copy of a tree whose maps and lists are its own. Keys such as `__proto__` stay keys. */
function copyTree(tree: Tree, depth = 0): Tree {
  if (depth > 200) return null;
  if (Array.isArray(tree)) return tree.map((each) => copyTree(each, depth + 1));
  if (!isRecord(tree)) return tree;
  const copy: Record<string, Tree> = Object.create(null);
  for (const key of Object.keys(tree)) copy[key] = copyTree(tree[key], depth + 1);
  return copy;
}

/** Parts of a tree, a text's characters counted by 16, up to a little more than `most`. */
function sizeOf(tree: Tree, most: number, before = 0): number {
  let size = before + 1;
  if (typeof tree === 'string' || tree instanceof Uint8Array) return size + tree.length / 16;
  const parts = Array.isArray(tree) ? tree : isRecord(tree) ? Object.values(tree) : [];
  for (const part of parts) {
    if (size > most) break;
    size = sizeOf(part, most, size);
  }
  return size;
}

/** Every place of a tree below its root, the root in a list of one included. */
function placesOf(root: Tree[]): Place[] {
  const places: Place[] = [];
  const walk = (holder: Place['holder']): void => {
    for (const key of Array.isArray(holder) ? holder.keys() : Object.keys(holder)) {
      if (places.length >= MOST_PARTS) return;
      places.push({ holder, key });
      const value = (holder as Record<string | number, Tree>)[key];
      if (Array.isArray(value) || isRecord(value)) walk(value);
    }
  };
  walk(root);
  return places;
}

/**
 * A tree with one to four parts changed, of at most `most` parts. Parts may come from the donor. Neither is
 * changed.
 */
export function mutateTree(tree: Tree, donor: Tree, draws: Draws, most: number): Tree {
  const root = [copyTree(tree)];
  for (let left = 1 + draws.below(draws.chance(70) ? 2 : 4); left > 0; left--) {
    if (sizeOf(root, most) > most) return copyTree(tree);
    const places = placesOf(root);
    const { holder, key } = draws.pick(places);
    const values = holder as Record<string | number, Tree>;
    const value = values[key];
    switch (draws.below(14)) {
      case 0:
        values[key] = scalar(draws);
        break;
      case 1:
        values[key] = partOf(donor, draws);
        break;
      case 2:
        if (holder === root) break;
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete values[key];
        break;
      case 3:
        if (Array.isArray(holder) && holder !== root) holder.splice(Number(key), 0, copyTree(value));
        else if (isRecord(value))
          setKey(value, draws.pick(KEYS), draws.chance(50) ? scalar(draws) : partOf(tree, draws));
        else if (Array.isArray(value)) value.push(partOf(donor, draws));
        break;
      case 4:
        values[key] = nested(value, draws);
        break;
      case 5:
        values[key] = grown(value, draws, most);
        break;
      case 6: {
        const other = draws.pick(places);
        const others = other.holder as Record<string | number, Tree>;
        values[key] = copyTree(others[other.key]);
        break;
      }
      default:
        values[key] = nudged(value, draws, most);
    }
  }
  return sizeOf(root, most) > most ? copyTree(tree) : root[0];
}

/** Sets a key of a map. An assignment to `__proto__` would set the map's prototype instead. */
function setKey(map: Record<string, Tree>, key: string, value: Tree): void {
  Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
}

function scalar(draws: Draws): Tree {
  switch (draws.below(7)) {
    case 0:
    case 1:
      return draws.pick(NUMBERS);
    case 2:
    case 3:
      return draws.pick(TEXTS);
    case 4:
      return draws.chance(50);
    case 5:
      return draws.chance(50) ? [] : mapOf([]);
    default:
      return null;
  }
}

/** A copy of a part of a tree. */
function partOf(tree: Tree, draws: Draws): Tree {
  const { holder, key } = draws.pick(placesOf([tree]));
  return copyTree((holder as Record<string | number, Tree>)[key]);
}

function nested(value: Tree, draws: Draws): Tree {
  let tree = value;
  const depth = draws.chance(90) ? 1 : draws.pick([20, 70, 150]);
  for (let i = 0; i < depth; i++) tree = draws.chance(60) ? [tree] : mapOf([['a', tree]]);
  return tree;
}

function grown(value: Tree, draws: Draws, most: number): Tree {
  const times = draws.pick(REPEATS);
  if (sizeOf(value, most) * times > most) return value;
  if (Array.isArray(value)) return Array.from({ length: times }, () => value).flat();
  if (typeof value === 'string') return value.repeat(times);
  if (value instanceof Uint8Array) {
    const bytes = new Uint8Array(value.length * times);
    for (let i = 0; i < times; i++) bytes.set(value, i * value.length);
    return bytes;
  }
  if (isRecord(value)) {
    const copy = mapOf(Object.entries(value));
    for (let i = 0; i < Math.min(times, 70); i++) copy[`k${i}`] = partOf(value, draws);
    return copy;
  }
  return typeof value === 'number' ? value * 2 ** draws.below(40) : value;
}

function nudged(value: Tree, draws: Draws, most: number): Tree {
  if (typeof value === 'number') return value + draws.pick([1, -1, 0.5, 256, -256]);
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') {
    // A text that holds JSON, as metadata do, is changed as the value that it holds.
    if (value.startsWith('{') && draws.chance(80)) {
      const held = jsonIn(value);
      if (held !== undefined) return JSON.stringify(mutateTree(held, held, draws, most)) ?? '';
    }
    const at = draws.below(value.length + 1);
    // A character of the same text keeps the form of hexadecimal, names and numbers.
    if (value.length > 0 && draws.chance(40))
      return value.slice(0, at) + draws.pick(value) + value.slice(at + 1);
    const cut = draws.below(3);
    const added = draws.chance(50)
      ? draws.pick(TEXTS)
      : String.fromCharCode(draws.below(draws.chance(80) ? 128 : 65_536));
    return value.slice(0, at) + (draws.chance(70) ? added : '') + value.slice(at + cut);
  }
  if (value instanceof Uint8Array) {
    const bytes = draws.chance(60)
      ? value.slice()
      : value.slice(0, Math.max(0, value.length - 1 - draws.below(4)));
    if (bytes.length > 0) bytes[draws.below(bytes.length)] = draws.below(256);
    return bytes;
  }
  if (Array.isArray(value))
    return draws.chance(50) ? value.toReversed() : value.slice(0, draws.below(value.length + 1));
  if (isRecord(value)) {
    const keys = Object.keys(value);
    if (keys.length === 0) return value;
    const [from, to] = [draws.pick(keys), draws.pick(KEYS)];
    const renamed = draws.chance(50) ? to : from.toUpperCase();
    return mapOf(Object.entries(value).map(([key, each]) => [key === from ? renamed : key, each]));
  }
  return scalar(draws);
}

function jsonIn(text: string): Tree | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads inputs as trees, and remembers those of inputs that live on: the same ones are changed many times.
 * What `read` throws for is no tree.
 */
export function treesOf(
  read: (bytes: Uint8Array) => Tree,
): (bytes: Uint8Array) => { readonly value: Tree } | undefined {
  const known = new WeakMap<Uint8Array, { readonly value: Tree } | 'none'>();
  return (bytes) => {
    let tree = known.get(bytes);
    if (tree === undefined) {
      tree = readOrNone(read, bytes);
      known.set(bytes, tree);
    }
    return tree === 'none' ? undefined : tree;
  };
}

function readOrNone(read: (bytes: Uint8Array) => Tree, bytes: Uint8Array): { readonly value: Tree } | 'none' {
  try {
    return { value: read(bytes) };
  } catch {
    return 'none';
  }
}
