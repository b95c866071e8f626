import type { Draws } from '../draws.ts';
import { bytesMutator } from './bytes.ts';
import type { Mutator } from './mutator.ts';
import { mutateTree, type Tree, treesOf } from './tree.ts';

const BROKEN = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '1e999',
  '-',
  '.',
  'nul',
  '//',
  '\ufeff',
];

/** Changes the value of a JSON text, and how it is written. What is no JSON is changed as bytes. */
export function jsonMutator(dictionary: readonly string[] = []): Mutator {
  const bytes = bytesMutator([...BROKEN, ...dictionary]);
  return {
    mutate(options) {
      const { draws, maxBytes } = options;
      const tree = draws.chance(75) ? parsed(options.input) : undefined;
      if (tree === undefined) return bytes.mutate(options);
      const donor = parsed(options.donor)?.value ?? null;
      const text = written(
        mutateTree(tree.value, donor, draws, maxBytes / 4),
        draws.chance(20) ? draws : undefined,
      );
      const encoded = new TextEncoder().encode(text);
      const again = draws.chance(10) ? bytes.mutate({ ...options, input: encoded }) : encoded;
      return again.length > maxBytes ? options.input : again;
    },
  };
}

const parsed = treesOf((bytes) => JSON.parse(new TextDecoder().decode(bytes)));

/** A value as JSON. With draws, in another of the ways that JSON allows: spaces, escapes, keys twice. */
export function written(tree: Tree, draws?: Draws): string {
  if (Array.isArray(tree))
    return `[${space(draws)}${tree.map((each) => written(each, draws)).join(`,${space(draws)}`)}]`;
  if (typeof tree === 'string') return draws?.chance(20) ? escaped(tree) : JSON.stringify(tree);
  if (typeof tree === 'number') return numberText(tree, draws);
  if (typeof tree !== 'object' || tree === null) return JSON.stringify(tree) ?? 'null';
  const entries = Object.entries(tree);
  // A key twice has a short value the first time: twice the same would double with every level.
  const twice =
    draws?.chance(15) && entries.length > 0
      ? [[draws.pick(entries)[0], draws.pick([null, 0, 'x', []])] as [string, Tree], ...entries]
      : entries;
  const fields = twice.map(
    ([key, value]) => `${JSON.stringify(key)}${space(draws)}:${written(value, draws)}`,
  );
  return `{${fields.join(',')}}`;
}

function space(draws: Draws | undefined): string {
  return draws?.chance(5) ? draws.pick([' ', '\n', '\t\r']) : '';
}

function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) =>
    text.charCodeAt(i).toString(16).padStart(4, '0'),
  );
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}

function numberText(value: number, draws: Draws | undefined): string {
  if (!Number.isFinite(value)) return draws === undefined ? '1e999' : '-1e999';
  if (draws === undefined || !draws.chance(30)) return Object.is(value, -0) ? '-0' : String(value);
  return draws.pick([
    `${value}`,
    Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.0` : `${value}`,
    value.toExponential(),
  ]);
}
