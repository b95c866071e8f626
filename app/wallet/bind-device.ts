import { type Address, type ContractFunctionArgs, createWalletClient, custom, type Hash } from 'viem';
import type { Config } from 'wagmi';
import {
  getBlock,
  readContract,
  signTypedData,
  simulateContract,
  waitForTransactionReceipt,
  writeContract,
} from 'wagmi/actions';
import { identityAbi } from '../../chain/abi.generated.ts';
import { DELEGATION_TYPES, domainOf } from '../../chain/typed-data.ts';
import type { Network } from '../volunteer/network.ts';
import type { BindingOffer, SignedDelegation } from '../volunteer/port.ts';
import { developmentWallet } from './development-wallet.ts';
import { chainOf } from './wallet-config.ts';

export type BindingStep = 'reading' | 'signing' | 'posting';

export interface BindDeviceOptions {
  readonly config: Config;
  readonly network: Network;
  readonly owner: Address;
  readonly offer: BindingOffer;
  readonly onStep: (step: BindingStep) => void;
}

/** Scope bits of contracts/src/IIdentity.sol: attest rounds and vote. */
const SCOPE = 0b11;

/** A day less than the contract's 90, so that clocks may disagree. */
const VALIDITY_SECONDS = 89n * 86_400n;

/**
 * Makes a wallet the owner of a device: the wallet signs `Delegation`, the device key signs `SessionConsent` (EIP-712),
 * and both go to the Identity contract in one transaction. On a local network the node's funded account posts it, so
 * the wallet is asked exactly once; elsewhere the wallet posts it itself.
 * Throws what the wallet or the contract throws; nothing is changed then.
 */
export async function bindDevice(options: BindDeviceOptions): Promise<SignedDelegation> {
  const { config, network, owner, offer, onStep } = options;
  const { chainId } = network;
  const contract = { address: network.contracts.identity, abi: identityAbi, chainId } as const;

  onStep('reading');
  const [epoch, block] = await Promise.all([
    readContract(config, { ...contract, functionName: 'epochOf', args: [owner] }),
    getBlock(config, { chainId }),
  ]);
  const delegation = {
    owner,
    sessionKey: offer.device,
    peerId: offer.peerId,
    scope: SCOPE,
    validUntil: block.timestamp + VALIDITY_SECONDS,
    epoch,
  };

  onStep('signing');
  const ownerSignature = await signTypedData(config, {
    account: owner,
    domain: domainOf(chainId, network.contracts.identity),
    types: DELEGATION_TYPES,
    primaryType: 'Delegation',
    message: delegation,
  });
  const consentSignature = await offer.consent(owner, epoch);

  onStep('posting');
  const args = [offer.publicKey.x, offer.publicKey.y, delegation, ownerSignature, consentSignature] as const;
  // Tried first without sending, so that a refusal costs nothing and says why.
  await simulateContract(config, { ...contract, functionName: 'bind', args, account: owner });
  const hash = network.local
    ? await postLocally(network, args)
    : await writeContract(config, { ...contract, functionName: 'bind', args, account: owner });
  const receipt = await waitForTransactionReceipt(config, { hash, chainId, timeout: 120_000 });
  if (receipt.status !== 'success') throw new Error('The chain refused the binding. Try again.');
  return { ...delegation, validUntil: Number(delegation.validUntil), ownerSignature, consentSignature };
}

type BindArguments = ContractFunctionArgs<typeof identityAbi, 'nonpayable', 'bind'>;

/** Anybody may post a binding; on a local network the node's last account pays for it. */
async function postLocally(network: Network, args: BindArguments): Promise<Hash> {
  const provider = developmentWallet({
    rpc: network.rpc,
    chainId: network.chainId,
    fetcher: (...request) => fetch(...request),
    fromLast: 0,
  });
  const client = createWalletClient({ chain: chainOf(network), transport: custom(provider) });
  const [account] = await client.requestAddresses();
  if (account === undefined) throw new Error('The local node holds no funded account.');
  return client.writeContract({
    address: network.contracts.identity,
    abi: identityAbi,
    functionName: 'bind',
    args,
    account,
  });
}
