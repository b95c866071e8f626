import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPublicClient, createWalletClient, type Hex, http, numberToHex, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { foundryBinary } from '../../../chain/devnet/foundry-binary.mjs';
import { chainOf } from '../../../chain/network.ts';
import { systemScheduler, wait } from '../../../swarm/scheduler.ts';
import { ProgramError } from '../run.ts';

const CHAIN_ID = 424_244;
const BLOCK_SECONDS = 2;
/** Gas of a block, as on Ethereum. */
const BLOCK_GAS = 30_000_000;
const START_MS = 30_000;

/** A chain without accounts that anybody knows: one account, of a random key, has all the coin. */
export interface PlainChain {
  readonly rpc: string;
  readonly chainId: number;
  /** Sends coin from the one account, with a transaction like any other. */
  pay(address: Hex, ether: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts anvil with a genesis of its own. Rejects with ProgramError. `folder` gets the genesis. */
export async function startPlainChain(o: {
  readonly host: string;
  readonly port: number;
  readonly folder: string;
  readonly signal: AbortSignal;
}): Promise<PlainChain> {
  const { host, port, folder, signal } = o;
  const binary = foundryBinary('anvil');
  if (binary === undefined)
    throw new ProgramError('There is no anvil; run npm install with optional packages');
  const account = privateKeyToAccount(generatePrivateKey());
  const genesis = join(folder, 'genesis.json');
  const file = {
    config: { chainId: CHAIN_ID },
    timestamp: numberToHex(Math.floor(Date.now() / 1000)),
    gasLimit: numberToHex(BLOCK_GAS),
    difficulty: '0x0',
    alloc: { [account.address]: { balance: numberToHex(parseEther('10000')) } },
  };
  await writeFile(genesis, JSON.stringify(file));
  const child = spawn(
    binary,
    [
      ...['--host', host, '--port', String(port), '--chain-id', String(CHAIN_ID), '--silent'],
      ...['--accounts', '0', '--init', genesis, '--network', 'optimism'],
      ...['--block-time', String(BLOCK_SECONDS), '--gas-limit', String(BLOCK_GAS)],
    ],
    { stdio: 'ignore' },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  const rpc = `http://${host}:${port}`;
  const chain = chainOf({ rpc, chainId: CHAIN_ID });
  const client = createPublicClient({ chain, transport: http(rpc) });
  const wallet = createWalletClient({ account, chain, transport: http(rpc) });
  for (let waited = 0; waited < START_MS; waited += 200) {
    await wait(systemScheduler, 200, signal);
    if ((await client.getChainId().catch(() => undefined)) !== CHAIN_ID) continue;
    const known = await createWalletClient({ chain, transport: http(rpc) }).getAddresses();
    if (known.length > 0)
      throw new ProgramError(`The chain knows ${known.length} accounts; it must know none.`);
    return {
      ...{ rpc, chainId: CHAIN_ID, stop },
      async pay(to, ether) {
        const hash = await wallet.sendTransaction({ to, value: parseEther(ether) });
        await client.waitForTransactionReceipt({ hash });
      },
    };
  }
  await stop();
  throw new ProgramError(`anvil did not answer at ${rpc}`);
}
