import {
  type Address,
  createWalletClient,
  custom,
  hashTypedData,
  type PublicClient,
  type WalletClient,
} from 'viem';
import type { Config } from 'wagmi';
import { getWalletClient, signTypedData } from 'wagmi/actions';
import {
  delegationFor,
  delegationTypedData,
  postBinding,
  readBinding,
  readNextTerms,
} from '../../chain/binding.ts';
import { chainOf, connect } from '../../chain/network.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import { ownerSignature as recoverableSignature } from '../../chain/wallet-signature.ts';
import type { Network } from '../../protocol/network-file.ts';
import type { BindingOffer, SignedDelegation } from '../volunteer/volunteer-port.ts';
import { developmentWallet } from './development-wallet.ts';

export type BindingStep = 'reading' | 'signing' | 'posting';

export interface BindDeviceOptions {
  readonly config: Config;
  readonly network: Network;
  readonly owner: Address;
  readonly offer: BindingOffer;
  /**
   * The wallet's device whose key this one replaces. Its delegation ends in the same transaction. Defaults to
   * the one that the wallet bound last of those that the offer names.
   */
  readonly replaces?: Address;
  readonly onStep: (step: BindingStep) => void;
}

/**
 * Makes a wallet the owner of a device. The wallet signs `Delegation`, the device key signs `SessionConsent`
 * (EIP-712), and one transaction brings both to the Identity contract. On a local network the node's funded
 * account posts it, so the wallet asks its user once. Elsewhere the wallet posts it, too. Throws what the
 * wallet throws, or ChainError with the contract's reason; nothing is changed then.
 */
export async function bindDevice(options: BindDeviceOptions): Promise<SignedDelegation> {
  const { config, network, owner, offer, onStep } = options;
  const { identity } = network.contracts;
  const client = connect(network);

  onStep('reading');
  const replaces = options.replaces ?? (await lastOf(owner, offer.earlier, { client, identity }));
  const delegation = delegationFor({
    owner,
    device: { address: offer.device, peerIdDigest: offer.peerId },
    ...(await readNextTerms(client, identity, owner, offer.device)),
    ...(replaces === undefined ? {} : { replaces }),
  });
  const validUntil = Number(delegation.validUntil);

  onStep('signing');
  const request = delegationTypedData(network.chainId, identity, delegation);
  const signature = await signTypedData(config, { account: owner, ...request });
  const ownerSignature = await recoverableSignature({
    client,
    owner,
    digest: hashTypedData(request),
    signature,
  });
  const consentSignature = await offer.consent({ ...delegation, validUntil });

  onStep('posting');
  const payer: WalletClient = network.local
    ? await localPayer(network)
    : await getWalletClient(config, { chainId: network.chainId });
  const binding = { ...offer.publicKey, delegation, ownerSignature, consentSignature };
  await postBinding({ queue: new TransactionQueue({ client, wallet: payer }), identity, binding });
  return { ...delegation, validUntil, ownerSignature, consentSignature };
}

/** Keys that were replaced in one browser and are looked at. */
const MOST_EARLIER = 16;

/** The device that an owner bound last, of some whose delegations are not revoked; undefined for none. */
async function lastOf(
  owner: Address,
  devices: readonly Address[],
  { client, identity }: { readonly client: PublicClient; readonly identity: Address },
): Promise<Address | undefined> {
  const looked = devices.slice(0, MOST_EARLIER).map(async (device) => {
    const binding = await readBinding(client, identity, device);
    const isBound = binding !== null && !binding.revoked && binding.owner === owner.toLowerCase();
    return isBound ? [{ device, nonce: binding.nonce }] : [];
  });
  const bound = (await Promise.all(looked)).flat();
  return bound.sort((one, other) => other.nonce - one.nonce)[0]?.device;
}

/** Anybody may post a binding. On a local network the node's last account pays for it. */
async function localPayer(network: Network): Promise<WalletClient> {
  const provider = developmentWallet({
    rpc: network.rpc,
    chainId: network.chainId,
    fetcher: (...request) => fetch(...request),
    fromLast: 0,
  });
  const transport = custom(provider);
  const chain = chainOf(network);
  const [account] = await createWalletClient({ chain, transport }).requestAddresses();
  if (account === undefined)
    throw new Error('The local node holds no funded account. Start it with npm start.');
  return createWalletClient({ account, chain, transport });
}
