/** `npm run deploy`: every contract on a chain of one's own choice, a network file, and a first swarm. */
import { join } from 'node:path';
import { createWalletClient, formatEther, formatGwei } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { deployPlan, remainingOf } from '../../chain/deployment/deploy.ts';
import { LOCAL_DISPUTES, PUBLIC_DISPUTES } from '../../chain/deployment/dispute-settings.ts';
import { checkLimits } from '../../chain/deployment/limits.ts';
import { planDeployment } from '../../chain/deployment/plan.ts';
import { ChainError, toChainError } from '../../chain/errors.ts';
import { chainOf, connect, transportOf } from '../../chain/network.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import { toHex } from '../../protocol/hex.ts';
import { parseNetwork } from '../../protocol/network-file.ts';
import { swarmLink } from '../../protocol/swarm-link.ts';
import { defaultSpec, openDefaultSwarm } from '../devnet/default-swarm.ts';
import { stageSeconds } from '../devnet/stages.ts';
import { UsageError } from '../home/command-line.ts';
import { readIfThere, writeWhole } from '../home/files.ts';
import { secretFile } from '../home/key-file.ts';
import { DEPLOY_HELP, parseDeploySettings } from './settings.ts';

/** Gas of opening a swarm with a specification of some hundred bytes, and room; measured in Swarms.json. */
const OPENING_GAS = 250_000n;
/** The queue allows each transaction a quarter more gas than was estimated; the chain asks for all of it. */
const ROOM = 5n;

export interface DeployCommandOptions {
  /** What follows the name of the program. */
  readonly argv: readonly string[];
  readonly print: (line: string) => void;
  /** Asks the person, and resolves with what was answered. */
  readonly ask: (question: string) => Promise<string>;
  readonly signal: AbortSignal;
}

/**
 * Runs the command. Resolves with false where the person declined. Throws UsageError, KeyFileError,
 * NetworkFileError, ChainLimitError and ChainError, each with its remedy.
 */
export async function runDeployCommand(options: DeployCommandOptions): Promise<boolean> {
  const { argv, print, ask, signal } = options;
  const settings = parseDeploySettings(argv);
  if (settings === undefined) {
    print(DEPLOY_HELP);
    return true;
  }
  const { values, rpc, keyFile, kind, round, out } = settings;
  const chainId = await connect({ rpc, chainId: 1 }, { signal })
    .getChainId()
    .catch((error: unknown) => {
      throw toChainError(error);
    });
  const before = await networkFileBefore(out, chainId);

  const chain = { rpc, chainId };
  const client = connect(chain, { signal });
  const account = privateKeyToAccount(toHex(await secretFile(keyFile)));
  const wallet = createWalletClient({
    account,
    chain: chainOf(chain),
    transport: transportOf(chain, { signal }),
  });
  const queue = new TransactionQueue({ client, wallet });
  const plan = planDeployment({ disputes: kind === 'local' ? LOCAL_DISPUTES : PUBLIC_DISPUTES });
  const limits = await checkLimits({ client, account: account.address, contracts: plan.contracts });
  const remaining = await remainingOf(client, plan);
  const [balance, fees] = await Promise.all([
    client.getBalance({ address: account.address }),
    client.estimateFeesPerGas(),
  ]).catch((error: unknown) => {
    throw toChainError(error);
  });
  const gas = remaining.gas + OPENING_GAS;
  const price = gas * fees.maxFeePerGas + remaining.wei;
  const there = plan.contracts.length - remaining.contracts.length;
  print(`Chain ${chainId} at ${new URL(rpc).host}: ${limits.blockGas} gas a block; disputes fit.`);
  print(`Account ${account.address} has ${formatEther(balance)} ether.`);
  print(
    `To do: ${remaining.contracts.length} of ${plan.contracts.length} contracts${there === 0 ? '' : ` (${there} are there)`}${remaining.proxy ? ', the deployment proxy' : ''}, and a first swarm.`,
  );
  print(
    `Price: at most about ${formatEther(price)} ether (${gas} gas at ${formatGwei(fees.maxFeePerGas)} gwei). A rollup adds what its data costs.`,
  );
  const enough = (price * ROOM) / 4n;
  if (values['dry-run']) return true;
  if (balance < enough) {
    throw new ChainError(
      'no-funds',
      `The account ${account.address} of ${keyFile} has ${formatEther(balance)} ether, and this takes ${formatEther(enough)} beforehand. Send it ${formatEther(enough - balance)} ether, and try again.`,
    );
  }
  if (!values.yes && !/^y(?:es)?$/i.test((await ask('Deploy? (yes or no) ')).trim())) {
    print('Nothing was sent.');
    return false;
  }

  await deployPlan({
    ...{ queue, plan, signal },
    onStep: (step) =>
      print(
        step.kind === 'proxy'
          ? 'The deployment proxy is there.'
          : `${step.name} is at ${step.address}, its code compared (${step.gas} gas).`,
      ),
  });
  const { identity, swarms, participation, rollup } = plan.addresses;
  const spec = defaultSpec(stageSeconds(round));
  const opened = await openDefaultSwarm({ queue, swarms, spec });
  print(opened.resumed ? `Swarm ${opened.id} goes on.` : `Swarm ${opened.id} is open.`);
  const file = {
    relays: [],
    ...before,
    ...(values.name === undefined ? {} : { name: values.name }),
    ...(values.page === undefined ? {} : { page: values.page }),
    rpc: values['public-rpc'] ?? before?.rpc ?? rpc,
    chainId,
    contracts: { identity, swarms, participation },
    swarm: opened.id,
    rollup,
  };
  const network = parseNetwork(file);
  await writeWhole(out, `${JSON.stringify(file, null, 2)}\n`);
  print(`Wrote ${values.out}.`);
  print(`Link: ${swarmLink(chainId, opened.id, network.page ?? '')}`);
  return true;
}

/** What an earlier network file says. Throws UsageError for one of another chain. */
async function networkFileBefore(
  path: string,
  chainId: number,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return undefined;
  const file = JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, unknown>>;
  const { chainId: earlier } = parseNetwork(file);
  if (earlier === chainId) return file;
  const other = `network-${chainId}.json`;
  throw new UsageError(
    `${path} is of chain ${earlier}, not ${chainId}. Name another with --out ${join('.', other)}.`,
  );
}
