import { createWalletClient, type Hex, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterEach, describe, expect, it } from 'vitest';
import { anvilControls, NO_ANVIL, startAnvil } from '../devnet/anvil.ts';
import { type ChainNetwork, chainOf, connect, transportOf } from '../network.ts';
import { countSwarms } from '../swarms.ts';
import { type EthereumJsNode, startEthereumJsNode } from '../testing/ethereumjs-node.ts';
import { TransactionQueue } from '../transaction-queue.ts';
import { deployPlan, remainingOf } from './deploy.ts';
import { LOCAL_DISPUTES, PUBLIC_DISPUTES } from './dispute-settings.ts';
import { ChainLimitError, checkLimits, DISPUTE_CALLDATA, DISPUTE_GAS } from './limits.ts';
import { planDeployment } from './plan.ts';
import { PROXY } from './proxy.ts';

const plan = planDeployment({ disputes: PUBLIC_DISPUTES });

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A queue of a new account with a plain key that the chain gave coin to. */
function queueOf(chain: Pick<ChainNetwork, 'rpc' | 'chainId'>, key: Hex): TransactionQueue {
  const client = connect(chain, { pollingInterval: 20 });
  const account = privateKeyToAccount(key);
  const wallet = createWalletClient({ account, chain: chainOf(chain), transport: transportOf(chain) });
  return new TransactionQueue({ client, wallet, pollMs: 20 });
}

async function anvilQueue(): Promise<TransactionQueue> {
  const anvil = await startAnvil({ chainId: 777 });
  stops.push(() => anvil.stop());
  const key = generatePrivateKey();
  const { address } = privateKeyToAccount(key);
  await anvilControls(anvil).setBalance({ address, value: parseEther('10') });
  return queueOf(anvil, key);
}

async function otherNode(options: Parameters<typeof startEthereumJsNode>[0] = {}) {
  const key = generatePrivateKey();
  const { address } = privateKeyToAccount(key);
  const node: EthereumJsNode = await startEthereumJsNode({ rich: [address], ...options });
  stops.push(() => node.stop());
  return { node, queue: queueOf(node, key) };
}

describe('planDeployment', () => {
  it('has other addresses for other settings of disputes and another salt, else the same', () => {
    const again = planDeployment({ disputes: { ...PUBLIC_DISPUTES } });
    expect(again.addresses).toEqual(plan.addresses);
    const local = planDeployment({ disputes: LOCAL_DISPUTES }).addresses;
    expect(local.identity).toBe(plan.addresses.identity);
    expect(local.rollup.disputes).not.toBe(plan.addresses.rollup.disputes);
    const salted = planDeployment({ disputes: PUBLIC_DISPUTES, salt: `0x${'07'.repeat(32)}` }).addresses;
    expect(salted.identity).not.toBe(plan.addresses.identity);
    expect(new Set(plan.contracts.map(({ address }) => address)).size).toBe(plan.contracts.length);
  });
});

describe('deployPlan on an EVM that is not revm', () => {
  it('puts the proxy and every contract at the same addresses, for no more gas than it said', async () => {
    const { node, queue } = await otherNode();
    expect(await queue.client.getCode({ address: PROXY })).toBeUndefined();
    await checkLimits({ client: queue.client, account: queue.address, contracts: plan.contracts });
    const before = await remainingOf(queue.client, plan);
    expect(before).toMatchObject({ proxy: true, contracts: plan.contracts });
    const gas = new Map<string, bigint>();
    await deployPlan({
      ...{ queue, plan },
      onStep: (step) => {
        if (step.kind === 'contract') gas.set(step.name, step.gas);
      },
    });
    for (const contract of plan.contracts) {
      const taken = Number(gas.get(contract.name));
      expect(taken, contract.name).toBeLessThanOrEqual(contract.gas);
    }
    const [taken, said] = [[...gas.values()].reduce((sum, each) => sum + each, 0n), before.gas];
    expect(Number(taken)).toBeGreaterThan(0.85 * Number(said));
    expect(await remainingOf(queue.client, plan)).toEqual({ proxy: false, contracts: [], gas: 0n, wei: 0n });
    expect(await countSwarms(queue.client, plan.addresses.swarms)).toBe(0);
    expect(node.chainId).not.toBe(31_337);
  });

  it.each([
    [
      'a block’s gas',
      { blockGas: 9_000_000n },
      `has 9000000 gas, and judging one step takes up to ${DISPUTE_GAS}`,
    ],
    ['calldata', { maxCalldata: 64_000 }, `no transaction with ${DISPUTE_CALLDATA} bytes of calldata`],
    ['the size of a contract', { maxCode: 12_000 }, 'takes no contract of 2'],
    ['instructions', { hardfork: 'shanghai' as const }, 'lacks an instruction'],
  ])('refuses a chain where %s is too little, naming the figure', async (_name, limits, sentence) => {
    const { queue } = await otherNode(limits);
    const { client, address: account } = queue;
    const refused = checkLimits({ client, account, contracts: plan.contracts });
    await expect(refused).rejects.toThrow(sentence);
    await expect(refused).rejects.toBeInstanceOf(ChainLimitError);
  });
});

describe.skipIf(NO_ANVIL !== undefined)(`deployPlan on anvil${NO_ANVIL ?? ''}`, () => {
  it('goes on after a failure half way, and deploys nothing twice', async () => {
    const queue = await anvilQueue();
    const { client, address: account } = queue;
    await checkLimits({ client, account, contracts: plan.contracts });
    const done: string[] = [];
    const stopped = new AbortController();
    const first = deployPlan({
      ...{ queue, plan, signal: stopped.signal },
      onStep: (step) => {
        if (step.kind === 'contract') done.push(step.name);
        if (done.length === 4) stopped.abort(new Error('The machine went down.'));
      },
    });
    await expect(first).rejects.toThrow('The machine went down.');
    expect((await remainingOf(client, plan)).contracts.map(({ name }) => name)).toEqual(
      plan.contracts.slice(4).map(({ name }) => name),
    );
    await deployPlan({
      ...{ queue, plan },
      onStep: (step) => {
        if (step.kind === 'contract') done.push(step.name);
      },
    });
    expect(done).toEqual(plan.contracts.map(({ name }) => name));
  });

  it('says when other code stands where a contract belongs', async () => {
    const queue = await anvilQueue();
    const [identity] = plan.contracts;
    const { chain } = queue.client;
    const rpc = chain?.rpcUrls.default.http[0] ?? '';
    await anvilControls({ rpc, chainId: 777 }).setCode({
      address: identity?.address ?? PROXY,
      bytecode: '0x6001',
    });
    await expect(deployPlan({ queue, plan })).rejects.toThrow(/where Identity belongs/);
  });
});
