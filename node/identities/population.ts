/** Members of a swarm, honest ones and the keys of one person, by what these keys cost. */
import { type DeviceAddress, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { type Standing, UNKNOWN } from '../../protocol/standing.ts';

/**
 * How a person comes by many identities. `fresh`: keys that nobody knows. `known`: keys that have attested
 * for eight rounds. `devices`: devices that are bound to one owner. `owners`: owners with a device each.
 */
export const WAYS = ['fresh', 'known', 'devices', 'owners'] as const;
export type Way = (typeof WAYS)[number];

export interface Member {
  readonly author: DeviceAddress;
  /** 33 bytes in place of its public key. */
  readonly from: Uint8Array;
  readonly standing: Standing;
}

export interface Population {
  /** Members with a record, each of another person. */
  readonly honest: readonly Member[];
  /** Keys of one person. */
  readonly own: readonly Member[];
}

export interface PopulationOptions {
  /** How many honest members. */
  readonly honest: number;
  /** How many keys of one person. */
  readonly keys: number;
  readonly way: Way;
}

/** The same options give the same members. */
export function populationOf({ honest, keys, way }: PopulationOptions): Population {
  return {
    honest: Array.from({ length: honest }, (_, n) => memberOf(`honest ${n}`, { kind: 'known' })),
    own: Array.from({ length: keys }, (_, n) => memberOf(`own ${n}`, standingOf(way, n))),
  };
}

function standingOf(way: Way, key: number): Standing {
  switch (way) {
    case 'fresh':
      return UNKNOWN;
    case 'known':
      return { kind: 'known' };
    case 'devices':
      return { kind: 'bound', owner: addressOf('owner') };
    case 'owners':
      return { kind: 'bound', owner: addressOf(`owner ${key}`) };
  }
}

function memberOf(name: string, standing: Standing): Member {
  return { author: addressOf(name), from: Uint8Array.of(2, ...digestOf(name)), standing };
}

function addressOf(name: string): DeviceAddress {
  return toHex(digestOf(name).subarray(0, 20));
}

/** 32 bytes that follow from a name. */
export function digestOf(name: string): Uint8Array {
  return sha256Of(new TextEncoder().encode(name));
}
