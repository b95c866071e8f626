/** The commands of `npm run swarm`: open, list, show and leave a swarm. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createWalletClient, formatEther } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { chainOf, connect, transportOf } from '../../chain/network.ts';
import { openSwarm, priceOfOpening } from '../../chain/open-swarm.ts';
import { readingAt } from '../../chain/schedule.ts';
import { countMembers } from '../../chain/swarm-members.ts';
import { listSwarms, readSwarm, type SwarmRecord } from '../../chain/swarms.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { Network } from '../../protocol/network-file.ts';
import { swarmLink } from '../../protocol/swarm-link.ts';
import { downloadsOf } from '../../protocol/swarm-refusals.ts';
import { parseSwarmSpec } from '../../protocol/swarm-spec-codec.ts';
import { networkId } from '../../swarm/network-id.ts';
import { compareCosts, comparisonInWords } from '../../workers/cost-record.ts';
import { UsageError } from '../home/command-line.ts';
import { secretFile } from '../home/key-file.ts';
import { readNetworkFile } from '../home/network-file.ts';
import { drill, memoryLines, stageLine } from '../swarm-drill.ts';
import { describeModel } from './describe-model.ts';
import { networkOfSwarm } from './find-swarm.ts';
import { leaveSwarm } from './leave-swarm.ts';
import { ownRefusals } from './own-refusals.ts';
import { readCosts } from './round-costs.ts';
import { parseSwarmSettings, SWARM_HELP } from './settings.ts';
import { ensureFunds } from './starter-funds.ts';

export interface SwarmCommandOptions {
  /** What follows the name of the program. */
  readonly argv: readonly string[];
  /** Folder with the network file, keys and the volunteer of this machine. */
  readonly state: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs one command. Throws UsageError, NetworkFileError, SwarmSpecError, SwarmLinkError, KeyFileError,
 * ChainError and FolderInUseError, each with its remedy.
 */
export async function runSwarmCommand(options: SwarmCommandOptions): Promise<void> {
  const { argv, state, print: say, signal } = options;
  const settings = parseSwarmSettings(argv, state);
  if (settings === undefined) {
    say(SWARM_HELP);
    return;
  }
  const { values, command, name } = settings;
  const print = (value: unknown, lines: readonly string[]): void =>
    say(values.json ? JSON.stringify(value) : lines.join('\n'));
  if (command === 'describe') {
    if (values.model === undefined)
      throw new UsageError(`Name a model's folder with --model.\n\n${SWARM_HELP}`);
    const base = await describeModel({ folder: values.model, address: values.url, signal });
    print(base, [JSON.stringify(base, null, 2)]);
    return;
  }
  if (command === 'drill') {
    if (values.model === undefined)
      throw new UsageError(`Name a model's folder with --model.\n\n${SWARM_HELP}`);
    const result = await drill({
      model: values.model,
      ...settings.drill,
      onStage: (stage) => {
        if (!values.json) say(stageLine(stage));
      },
      signal,
    });
    print(result, memoryLines(result));
    return;
  }
  const network = await readNetworkFile(values.network);
  const named = (): Network => {
    if (name === undefined) throw new UsageError(`Name a swarm by its number or its link.\n\n${SWARM_HELP}`);
    return networkOfSwarm(network, name);
  };
  const client = connect(network, { signal });
  switch (command) {
    case 'create': {
      if (name === undefined) throw new UsageError(`Name the file with the specification.\n\n${SWARM_HELP}`);
      const account = privateKeyToAccount(toHex(await secretFile(values['key-file'])));
      const wallet = createWalletClient({
        account,
        chain: chainOf(network),
        transport: transportOf(network, { signal }),
      });
      const { timestamp } = await client.getBlock({ blockTag: 'latest' });
      const spec = await readSpec(name, account.address, Number(timestamp));
      const { swarms } = network.contracts;
      const price = await priceOfOpening({ client, swarms, spec });
      const cost = `${price.gas} gas, at most ${formatEther(price.wei)} ether, for ${price.bytes} bytes`;
      const refusals = ownRefusals(spec);
      const warnings = refusals.map((sentence) => `A member with this program is refused: ${sentence}`);
      if (values['dry-run']) {
        print({ gas: Number(price.gas), wei: String(price.wei), bytes: price.bytes, refusals }, [
          `Opening this swarm from ${account.address} takes ${cost}.`,
          ...warnings,
        ]);
        return;
      }
      if (!values.json)
        for (const line of [...warnings, `Opening the swarm from ${account.address}: ${cost}.`]) say(line);
      await ensureFunds({
        ...{ network, client, signal },
        account: account.address,
        // The queue allows a quarter more gas than was estimated. The chain asks for all of it beforehand.
        cost: (price.wei * 5n) / 4n,
        keyFile: values['key-file'],
        say: (sentence) => {
          if (!values.json) say(sentence);
        },
      });
      const opened = await openSwarm({
        queue: new TransactionQueue({ client, wallet }),
        swarms,
        spec,
        signal,
      });
      const link = swarmLink(network.chainId, opened.id, network.page ?? '');
      print(
        {
          ...{ swarm: opened.id, cid: opened.cid, link, refusals },
          ...{ gas: Number(opened.gas), transaction: opened.transaction },
        },
        [`Swarm ${opened.id} is open (${opened.cid}). Others join with: ${link}`],
      );
      return;
    }
    case 'list': {
      const { most } = settings;
      const records = await listSwarms({ client, swarms: network.contracts.swarms, most });
      const members = await countMembers({
        ...{ client, participation: network.contracts.participation, swarms: records },
      });
      const now = await chainMs();
      const rows = records.map((record) => rowOf(record, members.get(record.id) ?? 0, now));
      print(rows, rows.length === 0 ? ['No swarm was opened yet.'] : rows.map((row) => lineOf(row)));
      return;
    }
    case 'show': {
      const { swarm } = named();
      const record = await readSwarm(client, network.contracts.swarms, swarm);
      const members = await countMembers({
        ...{ client, participation: network.contracts.participation, swarms: [record] },
      });
      const row = rowOf(record, members.get(swarm) ?? 0, await chainMs());
      const link = swarmLink(network.chainId, swarm, network.page ?? '');
      const { published } = record;
      const spec = published.kind === 'readable' ? published.spec : null;
      const run = networkId(network.chainId, network.contracts.participation, swarm);
      const here = compareCosts(await readCosts(resolve(values.home), run));
      const openedIn = Number(record.openedIn);
      print({ ...row, ...record, openedIn, published: undefined, spec, link, here }, [
        lineOf(row),
        `cid ${record.cid}, opened by ${record.starter} in block ${record.openedIn}`,
        link,
        here === null ? 'No round of it was computed here yet.' : comparisonInWords(here),
        ...(spec === null ? [] : [JSON.stringify(spec, null, 2)]),
      ]);
      return;
    }
    case 'leave': {
      const left = await leaveSwarm({ network: named(), home: resolve(values.home) });
      print(left, [
        left.checkpoints === null
          ? `This device has nothing of swarm ${left.swarm}.`
          : `Swarm ${left.swarm} is left. This device’s own checkpoint stays in ${left.checkpoints}`,
        ...(left.deleted.length === 0 ? [] : [`Deleted: ${left.deleted.join(', ')}`]),
      ]);
      return;
    }
  }

  async function chainMs(): Promise<number> {
    return 1000 * Number((await client.getBlock({ blockTag: 'latest' })).timestamp);
  }
}

/** A specification in a file, whose starter and time default to the account that pays and to now. */
async function readSpec(path: string, account: Hex, now: number) {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`The specification ${path} cannot be read (${messageOf(cause)}).`);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // parseSwarmSpec says what is wrong with it.
    return parseSwarmSpec(text);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return parseSwarmSpec(text);
  return parseSwarmSpec(JSON.stringify({ startedBy: account, startedAt: now, ...json }));
}

interface SwarmRow {
  readonly swarm: number;
  readonly name: string | null;
  readonly description: string | null;
  readonly model: string | null;
  readonly round: number;
  readonly roundSeconds: number;
  /** Devices that attested lately. */
  readonly members: number;
  /** Bytes that a member fetches. */
  readonly download: number | null;
  /** Why nobody can take part; null where one can. */
  readonly unusable: string | null;
}

function rowOf({ id, published, schedule }: SwarmRecord, members: number, nowMs: number): SwarmRow {
  const { answer, critique, vote } = schedule.seconds;
  const spec = published.kind === 'readable' ? published.spec : null;
  const { model, data } = spec === null ? { model: 0, data: 0 } : downloadsOf(spec);
  return {
    swarm: id,
    name: spec?.name ?? null,
    description: spec?.description ?? null,
    model: spec?.base.name ?? null,
    round: readingAt(schedule, nowMs).round,
    roundSeconds: answer + critique + vote,
    members,
    download: spec === null ? null : model + data,
    unusable: published.kind === 'unusable' ? published.sentence : null,
  };
}

function lineOf({
  swarm,
  name,
  description,
  model,
  round,
  roundSeconds,
  members,
  unusable,
}: SwarmRow): string {
  if (unusable !== null) return `${swarm}  unusable: ${unusable}`;
  return `${swarm}  ${name}: ${description} (${model}; ${members} members, round ${round} of ${roundSeconds} s)`;
}
