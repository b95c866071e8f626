import {
  type Address,
  type Hex,
  isAddressEqual,
  isErc6492Signature,
  isHex,
  numberToHex,
  type PublicClient,
  parseErc6492Signature,
  recoverAddress,
  size,
} from 'viem';
import { ChainError, toChainError } from './errors.ts';

/** Order of secp256k1's group. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

export interface OwnerSignatureOptions {
  /** Asked only when no key of the owner made the signature: the owner may be a contract. */
  readonly client: Pick<PublicClient, 'getCode'>;
  readonly owner: Address;
  /** What was signed, 32 bytes (EIP-712). */
  readonly digest: Hex;
  /** As the wallet gave it. */
  readonly signature: Hex;
}

/**
 * A wallet's signature in the one form that the contracts recover: 65 bytes r, s, v with a low s (EIP-2) and
 * v of 27 or 28. Wallets also give v as 0 or 1, v with a chain in it (EIP-155), 64 bytes (EIP-2098) or a high
 * s; of the two values that v can have, the one that leads to the owner is taken. The signature of a contract
 * (ERC-1271) stays as it is, without the wrapping of ERC-6492, which Identity does not take. Throws
 * ChainError `invalid` for what the owner did not sign, and for a wallet whose contract is not deployed yet.
 */
export async function ownerSignature(options: OwnerSignatureOptions): Promise<Hex> {
  const { client, owner, digest, signature } = options;
  for (const candidate of recoverable(signature)) {
    const signer = await recoverAddress({ hash: digest, signature: candidate }).catch(() => undefined);
    if (signer !== undefined && isAddressEqual(signer, owner)) return candidate;
  }
  const code = await client.getCode({ address: owner }).catch((error: unknown) => {
    throw toChainError(error);
  });
  const wrapped = isHex(signature) && isErc6492Signature(signature);
  if (code !== undefined && isHex(signature) && size(signature) > 0)
    return wrapped ? parseErc6492Signature(signature).signature : signature;
  if (wrapped)
    throw new ChainError(
      'invalid',
      'This wallet’s contract is not on the chain yet. Send a first transaction with it, and sign again.',
    );
  throw new ChainError(
    'invalid',
    'The wallet signed with another account, or something else. Choose the connected account there, and sign again.',
  );
}

/** Both signatures that the words r and s can mean; none for anything but 64 or 65 bytes. */
function recoverable(signature: Hex): readonly Hex[] {
  if (!isHex(signature)) return [];
  const length = size(signature);
  if (length !== 64 && length !== 65) return [];
  const r = signature.slice(2, 66);
  const second = BigInt(`0x${signature.slice(66, 130)}`);
  // In 64 bytes the highest bit of the second word is the parity.
  const s = length === 64 ? second & ((1n << 255n) - 1n) : second;
  if (s >= ORDER) return [];
  const low = s > ORDER / 2n ? ORDER - s : s;
  const words = `${r}${numberToHex(low, { size: 32 }).slice(2)}`;
  return [`0x${words}1b`, `0x${words}1c`];
}
