import { type Hex, isHex, recoverAddress, size } from 'viem';

/**
 * Half of secp256k1's order. A signature with a higher s is the second one of the same statement: refused
 * (EIP-2).
 */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/**
 * A signature in two words, as a batch carries it (EIP-2098): r, and s with the parity in the highest bit.
 */
export interface CompactSignature {
  readonly r: Hex;
  readonly vs: Hex;
}

/**
 * The two words of a signature of 65 bytes r, s, v. Undefined unless v is 27 or 28, s is low and neither is
 * zero.
 */
export function compactSignature(signature: Hex): CompactSignature | undefined {
  if (!isHex(signature) || size(signature) !== 65) return undefined;
  const r = BigInt(signature.slice(0, 66));
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  const v = Number.parseInt(signature.slice(130), 16);
  if ((v !== 27 && v !== 28) || s > HALF_ORDER || s === 0n || r === 0n) return undefined;
  const vs = s | (BigInt(v - 27) << 255n);
  return { r: signature.slice(0, 66) as Hex, vs: `0x${vs.toString(16).padStart(64, '0')}` };
}

/**
 * Whether `device` made this signature of a digest, in the one form that the contracts accept. Never rejects.
 */
export async function isSignedBy(device: Hex, digest: Hex, signature: Hex): Promise<boolean> {
  if (compactSignature(signature) === undefined) return false;
  try {
    const signer = await recoverAddress({ hash: digest, signature });
    return signer.toLowerCase() === device.toLowerCase();
  } catch {
    return false;
  }
}
