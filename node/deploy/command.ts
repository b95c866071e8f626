/** `npm run deploy`: every contract on a chain of one's own choice, a network file, and a first swarm. */
import { join, resolve } from 'node:path';
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
import { oneOf, parseCommandLine, UsageError, wholeNumber } from '../home/command-line.ts';
import { readIfThere, writeWhole } from '../home/files.ts';
import { secretFile } from '../home/key-file.ts';

const HELP = `npm run deploy -- --rpc URL --key-file FILE [options]

  --rpc URL           JSON-RPC of the chain over HTTP
  --key-file FILE     key of the account that pays, made on first use; it has no power afterwards
  --out FILE          the network file to write; what it says of relays and servers stays (default network.json)
  --public-rpc URL    the address that the page asks, where it differs from --rpc
  --page URL          where the page will lie
  --name TEXT         the network's name
  --round S           seconds of a round of the first swarm (default 120)
  --disputes public   clocks of disputes: public (days) or local (minutes) (default public)
  --yes               asks nothing, for scripts
  --dry-run           says what there is to do and what it costs, and sends nothing

The addresses are the same on every chain and for every account. Run it again after a failure: it goes on with what is missing.`;

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
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        rpc: { type: 'string' },
        'key-file': { type: 'string' },
        out: { type: 'string', default: 'network.json' },
        'public-rpc': { type: 'string' },
        page: { type: 'string' },
        name: { type: 'string' },
        round: { type: 'string', default: '120' },
        disputes: { type: 'string', default: 'public' },
        yes: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    HELP,
  );
  if (values.help) {
    print(HELP);
    return true;
  }
  const { rpc, 'key-file': keyFile } = values;
  if (rpc === undefined || keyFile === undefined) throw new UsageError(HELP);
  if (!URL.canParse(rpc) || !/^https?:/.test(rpc))
    throw new UsageError(`--rpc takes an address over http, not "${rpc}".`);
  const kind = oneOf('--disputes', values.disputes, ['public', 'local']);
  const round = wholeNumber('--round', values.round, 5, 86_400);
  const out = resolve(values.out);
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
