/**
 * What the chain says of a device, and so what it may ask of others. A new key is free, a binding to an owner
 * costs a transaction, and a record takes rounds. Places, bytes, time and gas that somebody else provides go
 * by these classes (docs/protocol.md, "Classes of identity").
 */
import type { DeviceAddress, Hex } from './hex.ts';

export type Standing =
  /**
   * It acts for an owner on the chain. Places and bytes are counted for the owner, however many devices it
   * has.
   */
  | { readonly kind: 'bound'; readonly owner: Hex }
  /** It has no owner, but has attested for rounds. */
  | { readonly kind: 'known' }
  | { readonly kind: 'unknown' };

export const UNKNOWN: Standing = { kind: 'unknown' };

/** Who is served first: 0 before 1 before 2. */
export function rankOf({ kind }: Standing): number {
  return kind === 'bound' ? 0 : kind === 'known' ? 1 : 2;
}

/** Whoever places, bytes and gas are counted for: the owner, or the device itself. Lower case. */
export function accountOf(device: DeviceAddress, standing: Standing): string {
  return (standing.kind === 'bound' ? standing.owner : device).toLowerCase();
}
