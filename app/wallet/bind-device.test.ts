import {
  type Address,
  decodeFunctionData,
  type EIP1193Provider,
  encodeFunctionResult,
  type Hex,
  numberToHex,
  parseSignature,
  recoverTypedDataAddress,
  zeroAddress,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createConfig, http } from 'wagmi';
import { connect } from 'wagmi/actions';
import { injected } from 'wagmi/connectors/injected';
import { ChainError } from '../../chain/errors.ts';
import { identityAbi } from '../../chain/generated/abi.ts';
import { chainOf } from '../../chain/network.ts';
import { CONSENT_TYPES, domainOf } from '../../chain/typed-data.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import type { Network } from '../../protocol/network-file.ts';
import { bindingKeys } from '../volunteer/binding-keys.ts';
import { consent } from '../volunteer/chain-access.ts';
import { bindDevice } from './bind-device.ts';

const network: Network = {
  ...{ name: 'Local network', page: null, rpc: 'http://node.test', chainId: 31337, local: true },
  contracts: {
    identity: `0x${'11'.repeat(20)}`,
    swarms: `0x${'33'.repeat(20)}`,
    participation: `0x${'22'.repeat(20)}`,
  },
  swarm: 0,
  ...{ rollup: undefined, relays: [], iceServers: [], walletConnectProjectId: null, modelHosts: [] },
  explorer: null,
};
const account = privateKeyToAccount(`0x${'07'.repeat(32)}`);
const device = deviceKey(new Uint8Array(32).fill(9));

afterEach(() => vi.unstubAllGlobals());

/** A node with a funded account, which writes down the binding that it is asked to estimate, and refuses. */
function node(bindings: Readonly<Record<Address, Hex>> = {}) {
  const posted: Hex[] = [];
  const answers: Readonly<Record<string, (params: [{ readonly data: Hex }]) => unknown>> = {
    // An epoch, or the seven words of a binding.
    eth_call: ([{ data }]) =>
      Object.entries(bindings).find(([of]) => data.endsWith(of.slice(2)))?.[1] ??
      numberToHex(0, { size: 7 * 32 }),
    eth_getBlockByNumber: () => ({ number: '0x1', timestamp: '0x65000000', transactions: [] }),
    eth_getCode: () => '0x',
    eth_accounts: () => [`0x${'33'.repeat(20)}`],
    eth_estimateGas: ([{ data }]) => {
      posted.push(data);
      throw new Error('only looking');
    },
  };
  // Without a window wagmi looks for no wallet.
  vi.stubGlobal('window', new EventTarget());
  vi.stubGlobal('fetch', async (_url: unknown, init: { readonly body: string }) => {
    const { id, method, params } = JSON.parse(init.body);
    try {
      return Response.json({ jsonrpc: '2.0', id, result: answers[method]?.(params) });
    } catch (error) {
      return Response.json({ jsonrpc: '2.0', id, error: { code: -32000, message: String(error) } });
    }
  });
  return posted;
}

/** wagmi with a wallet that writes its signatures in its own way. */
async function configOf(write: (signature: Hex) => Hex) {
  const request = async ({ method, params }: { readonly method: string; readonly params?: unknown }) => {
    if (method === 'eth_chainId') return numberToHex(network.chainId);
    if (method !== 'eth_signTypedData_v4') return [account.address];
    const { EIP712Domain: _, ...types } = JSON.parse((params as [Hex, string])[1]).types;
    return write(await account.signTypedData({ ...JSON.parse((params as [Hex, string])[1]), types }));
  };
  const provider = { request, on: () => undefined, removeListener: () => undefined };
  const connector = injected({
    target: () => ({
      ...{ id: 'hardware', name: 'Hardware wallet' },
      provider: provider as unknown as EIP1193Provider,
    }),
  });
  const chain = chainOf(network);
  const config = createConfig({
    ...{ chains: [chain], connectors: [connector], transports: { [chain.id]: http(network.rpc) } },
    storage: null,
  });
  const [made] = config.connectors;
  if (made === undefined) throw new Error('wagmi made no connector.');
  await connect(config, { connector: made });
  return config;
}

const bind = async (write: (signature: Hex) => Hex, replaces?: Address, earlier: readonly Address[] = []) =>
  bindDevice({
    config: await configOf(write),
    ...{ network, owner: account.address, onStep: () => undefined },
    ...(replaces === undefined ? {} : { replaces }),
    offer: { ...bindingKeys(device), earlier, consent: (terms) => consent({ network, key: device, terms }) },
  });

/** What was posted. */
function bindingIn([data]: readonly Hex[]) {
  if (data === undefined) throw new Error('Nothing was posted.');
  const call = decodeFunctionData({ abi: identityAbi, data });
  if (call.functionName !== 'bind') throw new Error('Something else was posted.');
  const [, , delegation, ownerSignature, consentSignature] = call.args;
  return { delegation, ownerSignature, consentSignature };
}

describe('binding a device to a wallet', () => {
  it.each<[string, (signature: Hex) => Hex]>([
    ['65 bytes with v of 27 or 28', (signature) => signature],
    ['v of 0 or 1', (signature) => `${signature.slice(0, 130) as Hex}0${parseSignature(signature).yParity}`],
    [
      '64 bytes (EIP-2098)',
      (signature) => {
        const { r, s, yParity } = parseSignature(signature);
        return `${r}${numberToHex(BigInt(s) | (BigInt(yParity) << 255n), { size: 32 }).slice(2)}`;
      },
    ],
  ])('posts a signature of %s as the contract takes it', async (_name, write) => {
    const posted = node();
    let signed: Hex = '0x';
    const binding = bind((signature) => {
      signed = signature;
      return write(signature);
    });
    await expect(binding).rejects.toBeInstanceOf(ChainError);
    expect(bindingIn(posted).ownerSignature).toBe(signed);
  });

  it('has the device consent to the scope, end, epoch and nonce of the delegation, and to no others', async () => {
    const posted = node();
    await expect(bind((signature) => signature)).rejects.toBeInstanceOf(ChainError);
    const { delegation, consentSignature } = bindingIn(posted);
    expect(delegation).toMatchObject({ scope: 3, epoch: 0, nonce: 0x65000000, replaces: zeroAddress });
    const message = {
      domain: domainOf(network.chainId, network.contracts.identity),
      types: CONSENT_TYPES,
      primaryType: 'SessionConsent',
      signature: consentSignature,
    } as const;
    expect((await recoverTypedDataAddress({ ...message, message: delegation })).toLowerCase()).toBe(
      device.address,
    );
    const other = { ...delegation, validUntil: delegation.validUntil + 1n };
    expect((await recoverTypedDataAddress({ ...message, message: other })).toLowerCase()).not.toBe(
      device.address,
    );
  });

  it('replaces another device of the wallet in the same transaction', async () => {
    const posted = node();
    const old: Address = `0x${'55'.repeat(20)}`;
    await expect(bind((signature) => signature, old)).rejects.toBeInstanceOf(ChainError);
    expect(bindingIn(posted).delegation.replaces).toBe(old);
    expect(posted).toHaveLength(1);
  });

  it('replaces the last of the keys before that the same wallet bound and did not revoke', async () => {
    const binding = (owner: Address, nonce: number, revoked: boolean): Hex =>
      encodeFunctionResult({
        ...{ abi: identityAbi, functionName: 'bindingOf' },
        result: { owner, validUntil: 9, epoch: 0, nonce, scope: 3, revoked, retired: false },
      });
    const named = (byte: string): Address => `0x${byte.repeat(20)}`;
    const bindings = {
      [named('51')]: binding(account.address, 5, false),
      [named('52')]: binding(account.address, 7, false),
      [named('53')]: binding(account.address, 9, true),
      [named('54')]: binding(named('0d'), 11, false),
    };
    const earlier = [...Object.keys(bindings), named('56')] as Address[];
    const posted = node(bindings);
    await expect(bind((signature) => signature, undefined, earlier)).rejects.toBeInstanceOf(ChainError);
    expect(bindingIn(posted).delegation.replaces).toBe(named('52'));
    const others = node({ [named('54')]: binding(named('0d'), 11, false) });
    await expect(bind((signature) => signature, undefined, earlier)).rejects.toBeInstanceOf(ChainError);
    expect(bindingIn(others).delegation.replaces).toBe(zeroAddress);
  });

  it('posts nothing that the wallet signed with another account', async () => {
    const posted = node();
    await expect(bind(() => `0x${'12'.repeat(64)}1b`)).rejects.toThrow('another account');
    expect(posted).toEqual([]);
  });
});
