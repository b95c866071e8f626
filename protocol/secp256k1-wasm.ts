/**
 * libsecp256k1 (Bitcoin Core's) in WebAssembly, as @bitauth/libauth builds it. A module of its own, so that a
 * page loads its 240 KB later.
 */
import { instantiateSecp256k1 } from '@bitauth/libauth';

/** Checks a 64-byte signature r, s over a 32-byte digest by a 33-byte compressed public key. */
export type CheckSignature = (signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array) => boolean;

/** Compiles the library. Rejects where WebAssembly is not allowed. */
export async function openSecp256k1(): Promise<CheckSignature> {
  const library = await instantiateSecp256k1();
  return (signature, digest, publicKey) => library.verifySignatureCompactLowS(signature, publicKey, digest);
}

/**
 * The 33-byte public key of a 64-byte signature r, s with low s and its recovery number (0 or 1) over a
 * 32-byte digest; undefined when there is none.
 */
export type RecoverKey = (
  signature: Uint8Array,
  recovery: number,
  digest: Uint8Array,
) => Uint8Array | undefined;

/** Compiles the library for recovering keys. Rejects where WebAssembly is not allowed. */
export async function openKeyRecovery(): Promise<RecoverKey> {
  const library = await instantiateSecp256k1();
  return (signature, recovery, digest) => {
    if (recovery !== 0 && recovery !== 1) return undefined;
    const key = library.recoverPublicKeyCompressed(signature, recovery, digest);
    if (typeof key === 'string') return undefined;
    return library.verifySignatureCompactLowS(signature, key, digest) ? key : undefined;
  };
}
