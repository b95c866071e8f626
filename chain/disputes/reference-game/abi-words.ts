/**
 * The ABI encoding of what the contract hashes and returns, word by word. Everything here is static or a list
 * of one type, except a slot.
 */
import { encodeAbiParameters, type Hex, keccak256, parseAbiParameters } from 'viem';
import type { Slot, Terms } from '../../../protocol/evidence.ts';

/** One 32-byte word in hexadecimal, without 0x. */
export function word(value: number | bigint | boolean | Hex): string {
  if (typeof value === 'string') return value.slice(2).toLowerCase().padStart(64, '0');
  return BigInt(value).toString(16).padStart(64, '0');
}

/** keccak256(abi.encode(list)) of a list of words. */
export function hashOfList(list: readonly (number | Hex)[]): Hex {
  return keccak256(`0x${[32, list.length, ...list].map(word).join('')}`);
}

/** keccak256(abi.encode(terms)). */
export function hashOfTerms(terms: Terms): Hex {
  const { program, data, initial, steps, slots, dataSlots } = terms;
  return keccak256(`0x${[program, data, initial, steps, slots, dataSlots].map(word).join('')}`);
}

const SLOT = parseAbiParameters(
  '(uint8 kind, uint32 place, uint32 count, bytes name, (uint32 op, uint32 output, uint32 length, uint32[] attributes, uint32[] lengths) node, uint32[] inputs, bytes[] names)',
);

/** abi.encode(slot). */
export function slotBytes(slot: Slot): Hex {
  return encodeAbiParameters(SLOT, [slot]);
}
