/** How a slot and a claim's terms are encoded for the chain. */
import { encodeAbiParameters, keccak256 } from 'viem/utils';
import type { Slot, Terms } from './evidence.ts';
import { fromHex, type Hex } from './hex.ts';
import { leafHash } from './merkle.ts';

const SLOT = [
  {
    type: 'tuple',
    components: [
      { name: 'kind', type: 'uint8' },
      { name: 'place', type: 'uint32' },
      { name: 'count', type: 'uint32' },
      { name: 'name', type: 'bytes' },
      {
        name: 'node',
        type: 'tuple',
        components: [
          { name: 'op', type: 'uint32' },
          { name: 'output', type: 'uint32' },
          { name: 'length', type: 'uint32' },
          { name: 'attributes', type: 'uint32[]' },
          { name: 'lengths', type: 'uint32[]' },
        ],
      },
      { name: 'inputs', type: 'uint32[]' },
      { name: 'names', type: 'bytes[]' },
    ],
  },
] as const;

const TERMS = [
  {
    type: 'tuple',
    components: [
      { name: 'program', type: 'bytes32' },
      { name: 'data', type: 'bytes32' },
      { name: 'initial', type: 'bytes32' },
      { name: 'steps', type: 'uint32' },
      { name: 'slots', type: 'uint32' },
      { name: 'dataSlots', type: 'uint32' },
    ],
  },
] as const;

/** `abi.encode(Slot)`. */
export function encodeSlot(slot: Slot): Hex {
  return encodeAbiParameters(SLOT, [slot]);
}

/** The slot's leaf in the program's tree. */
export function slotLeaf(slot: Slot): Uint8Array {
  return leafHash(fromHex(encodeSlot(slot)));
}

/** The hash of the terms that a claim on the chain holds. */
export function termsHash(terms: Terms): Hex {
  return keccak256(encodeAbiParameters(TERMS, [terms]));
}
