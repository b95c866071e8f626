/** Wallet and contract failures in one sentence each. */
import { BaseError, ContractFunctionRevertedError, UserRejectedRequestError } from 'viem';

const REVERTS: Readonly<Record<string, string>> = {
  Taken:
    'This device already belongs to another wallet. A device keeps its first owner, so that its record cannot move.',
  BadOwner: 'A device cannot own itself. Use a wallet account.',
  BadValidity: 'The signature’s dates do not fit the chain’s time. Try again.',
  WrongEpoch: 'This wallet has revoked its devices since the page was opened. Try again.',
  DeviceRevoked: 'This wallet has revoked this device. Raise the epoch in the contract to take it back.',
  NotLonger: 'This device is bound to this wallet already, for longer than the new signature would last.',
  TooManyDevices: 'This wallet owns as many devices as one wallet may. Use another wallet.',
  BadOwnerSignature:
    'The wallet’s signature does not belong to the connected account. Reconnect the wallet and try again.',
};

/** One sentence with the cause and, where there is one, the remedy. Never empty. */
export function walletSentence(error: unknown): string {
  if (
    hasCode(error, 4001) ||
    (error instanceof BaseError && error.walk((cause) => cause instanceof UserRejectedRequestError) !== null)
  ) {
    return 'You declined in the wallet, so nothing was changed. You can try again at any time.';
  }
  if (hasCode(error, -32002)) return 'The wallet is already asking you something. Open it and answer there.';
  if (error instanceof BaseError) {
    const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    const name = revert instanceof ContractFunctionRevertedError ? revert.data?.errorName : undefined;
    if (name !== undefined) return REVERTS[name] ?? `The contract refused with ${name}.`;
    return error.shortMessage;
  }
  return error instanceof Error && error.message !== ''
    ? error.message
    : 'The wallet gave no reason. Try again.';
}

/** Looks for an EIP-1193 or JSON-RPC code in an error and in what caused it. */
function hasCode(error: unknown, code: number): boolean {
  let current = error;
  for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth += 1) {
    if ('code' in current && current.code === code) return true;
    current = 'cause' in current ? current.cause : null;
  }
  return false;
}
