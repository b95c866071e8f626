/** Malformed moves: one part of a move, drawn at random, is changed. */
import type { Hex } from 'viem';
import type { Move } from '../../chain/disputes/port.ts';
import type { Draws } from './draws.ts';

type Json = string | number | boolean | bigint | readonly Json[] | { readonly [key: string]: Json };

/**
 * The move with one digit of a hash or of data, one number, or the length of one list changed. `kind`,
 * `game`, `claim` and `bond` stay.
 */
export function mutatedMove(move: Move, draws: Draws): Move {
  const places: (readonly string[])[] = [];
  const collect = (value: Json, path: readonly string[]): void => {
    if (Array.isArray(value)) {
      if (value.length > 0) places.push(path);
      for (const [i, each] of value.entries()) collect(each, [...path, String(i)]);
    } else if (typeof value === 'object') {
      for (const [key, each] of Object.entries(value)) {
        if (!(path.length === 0 && (key === 'game' || key === 'claim' || key === 'kind' || key === 'bond'))) {
          collect(each, [...path, key]);
        }
      }
    } else if (typeof value !== 'bigint' && value !== '0x') places.push(path);
  };
  const plain = move as unknown as { readonly [key: string]: Json };
  collect(plain, []);
  if (places.length === 0) return move;
  return changed(plain, draws.one(places), draws) as unknown as Move;
}

function changed(value: Json, path: readonly string[], draws: Draws): Json {
  const [key, ...rest] = path;
  if (key === undefined) return other(value, draws);
  if (Array.isArray(value)) {
    return value.map((each: Json, i) => (String(i) === key ? changed(each, rest, draws) : each));
  }
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, name === key ? changed(each, rest, draws) : each]),
  );
}

function other(value: Json, draws: Draws): Json {
  if (Array.isArray(value)) {
    const [first] = value;
    return draws.chance(0.5) || first === undefined ? value.slice(0, -1) : [...value, first];
  }
  if (typeof value === 'number') return draws.chance(0.5) ? value + 1 : Math.max(0, value - 1);
  if (typeof value !== 'string') return value;
  const at = 2 + draws.below(value.length - 2);
  const digit = Number.parseInt(value.charAt(at), 16) ^ (1 + draws.below(15));
  return `${value.slice(0, at)}${digit.toString(16)}${value.slice(at + 1)}` satisfies string as Hex;
}
