import { CID } from 'multiformats/cid';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';

const DOMAIN = new TextEncoder().encode('starling/commit/1\n');

/**
 * The digest in a commit: sha2-256 over the domain line, the 32-byte salt, the 20-byte device address and the
 * CID's bytes. Because the address is inside, another device cannot copy a commit.
 */
export function commitmentOf(salt: Hex, device: DeviceAddress, cid: string): Hex {
  return toHex(sha256Of(DOMAIN, fromHex(salt), fromHex(device), CID.parse(cid).bytes));
}
