import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import type { Draws } from '../draws.ts';
import { bytesMutator } from './bytes.ts';
import type { Mutator } from './mutator.ts';
import { mutateTree, type Tree, treesOf } from './tree.ts';

/** Major types of CBOR (RFC 8949, section 3.1). */
const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5, tag: 6, simple: 7 } as const;

/**
 * Changes the value of a DAG-CBOR encoding, and now and then how it is encoded: wider integers, other orders
 * of keys, keys twice, lengths left open, tags, floats. What is no DAG-CBOR is changed as bytes.
 */
export function cborMutator(dictionary: readonly (string | Uint8Array)[] = []): Mutator {
  const bytes = bytesMutator(dictionary);
  return {
    mutate(options) {
      const { draws, maxBytes } = options;
      const tree = draws.chance(65) ? parsed(options.input) : undefined;
      if (tree === undefined) return bytes.mutate(options);
      const donor = parsed(options.donor)?.value ?? null;
      const changed = draws.chance(85) ? mutateTree(tree.value, donor, draws, maxBytes / 4) : tree.value;
      const encoded = new CborWriter(draws.chance(25) || changed === tree.value ? draws : undefined).encode(
        changed,
      );
      return encoded.length > maxBytes ? options.input : encoded;
    },
  };
}

const parsed = treesOf((bytes) => dagCbor.decode(bytes));
const utf8 = new TextEncoder();

/** Writes CBOR that need not be canonical. */
class CborWriter {
  readonly #out: number[] = [];
  readonly #noise: Draws | undefined;

  /** Without draws it writes the canonical encoding, but for floats that DAG-CBOR forbids. */
  constructor(noise: Draws | undefined) {
    this.#noise = noise;
  }

  encode(tree: Tree): Uint8Array {
    this.#write(tree);
    return Uint8Array.from(this.#out);
  }

  #rarely(): boolean {
    return this.#noise?.chance(4) ?? false;
  }

  #write(tree: Tree): void {
    if (this.#rarely()) this.#head(MAJOR.tag, this.#noise?.pick([0, 1, 2, 24, 42, 55_799]) ?? 0);
    if (typeof tree === 'number') this.#number(tree);
    else if (typeof tree === 'bigint')
      this.#head(tree < 0n ? MAJOR.negative : MAJOR.unsigned, Number(tree < 0n ? -1n - tree : tree));
    else if (typeof tree === 'string') this.#text(tree);
    else if (tree instanceof Uint8Array) this.#blob(MAJOR.bytes, tree);
    else if (Array.isArray(tree)) this.#list(tree);
    else if (typeof tree === 'object' && tree !== null) {
      const cid = CID.asCID(tree);
      if (cid !== null) {
        this.#head(MAJOR.tag, 42);
        this.#blob(MAJOR.bytes, Uint8Array.of(0, ...cid.bytes));
      } else this.#map(tree as Readonly<Record<string, Tree>>);
    } else {
      // false, true, null; and undefined, which DAG-CBOR has not.
      this.#out.push(
        (MAJOR.simple << 5) + (tree === false ? 20 : tree === true ? 21 : tree === null ? 22 : 23),
      );
    }
  }

  /** The first bytes of an item, in the shortest form or a wider one. */
  #head(major: number, value: number): void {
    let width = value < 24 ? 0 : value < 256 ? 1 : value < 65_536 ? 2 : value < 2 ** 32 ? 4 : 8;
    if (this.#rarely()) width = width === 0 ? 1 : Math.min(8, 2 * width);
    if (width === 0) {
      this.#out.push((major << 5) + value);
      return;
    }
    this.#out.push((major << 5) + 24 + Math.log2(width));
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt.asUintN(64, BigInt(Math.min(value, 2 ** 64))));
    this.#push(new Uint8Array(view.buffer, 8 - width));
  }

  #number(value: number): void {
    const whole = Number.isInteger(value) && !Object.is(value, -0) && Math.abs(value) < 2 ** 64;
    if (whole && !this.#rarely()) {
      this.#head(value < 0 ? MAJOR.negative : MAJOR.unsigned, value < 0 ? -1 - value : value);
      return;
    }
    const view = new DataView(new ArrayBuffer(8));
    const single = this.#rarely();
    if (single) view.setFloat32(0, value);
    else view.setFloat64(0, value);
    this.#out.push((MAJOR.simple << 5) + (single ? 26 : 27));
    this.#push(new Uint8Array(view.buffer, 0, single ? 4 : 8));
  }

  #text(text: string): void {
    const bytes = utf8.encode(text);
    // UTF-8 that is none: a byte of a sequence's middle.
    this.#blob(MAJOR.text, this.#rarely() ? Uint8Array.of(...bytes.subarray(0, 200), 0x80) : bytes);
  }

  #blob(major: number, bytes: Uint8Array): void {
    if (this.#rarely()) {
      this.#out.push((major << 5) + 31);
      this.#head(major, bytes.length);
      this.#push(bytes);
      this.#out.push(0xff);
      return;
    }
    this.#head(major, bytes.length);
    this.#push(bytes);
  }

  #list(list: readonly Tree[]): void {
    const open = this.#rarely();
    if (open) this.#out.push((MAJOR.list << 5) + 31);
    else this.#head(MAJOR.list, list.length);
    for (const each of list) this.#write(each);
    if (open) this.#out.push(0xff);
  }

  #map(map: Readonly<Record<string, Tree>>): void {
    // DAG-CBOR's order: shorter keys first, then by bytes.
    let keys = Object.keys(map)
      .map((key) => ({ key, size: Buffer.byteLength(key) }))
      .sort((a, b) => a.size - b.size || (a.key < b.key ? -1 : 1))
      .map(({ key }) => key);
    if (this.#rarely()) keys = keys.toReversed();
    const twice = keys.length > 0 && this.#rarely() ? this.#noise?.pick(keys) : undefined;
    this.#head(MAJOR.map, keys.length + (twice === undefined ? 0 : 1));
    for (const key of keys) {
      this.#text(key);
      this.#write(map[key]);
    }
    if (twice === undefined) return;
    this.#text(twice);
    this.#write(null);
  }

  #push(bytes: Uint8Array): void {
    for (const byte of bytes) this.#out.push(byte);
  }
}
