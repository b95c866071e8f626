/** What a peer reads of the chain ([P-210], [P-211]): the swarm, its specification, and the time. */
import { readFile } from 'node:fs/promises';
import { bigEndian, equal, fromHex, keccak, malformed, sha2, toHex } from './bytes.mjs';
import { readSpecification } from './specification.mjs';

const STAGES = ['answer', 'critique', 'vote'];
const POLL_MS = 700;
/** Sightings of blocks that the estimate of chain time rests on. */
const SIGHTINGS = 32;

/** Calls of a JSON-RPC node. @param {string} url */
function rpcAt(url) {
  let id = 0;
  return async (method, ...params) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
    });
    const { result, error } = await response.json();
    if (error !== undefined) throw new Error(`The chain's node refuses ${method}: ${error.message}`);
    return result;
  };
}

/** The first four bytes of a call or the topic of an event. */
const selector = (signature) => toHex(keccak(signature).slice(0, 4));
const word = (value) => toHex(bigEndian(value, 32));

/** There is no network to take part in. The message says what to do. */
export class NetworkFileError extends Error {
  name = 'NetworkFileError';
}

/**
 * The network file, of which a peer needs these. Rejects with NetworkFileError where it cannot be read.
 * @param {string} path
 */
export async function readNetwork(path) {
  const {
    rpc,
    chainId,
    contracts,
    swarm = 0,
    relays,
  } = await readFile(path, 'utf8')
    .then((text) => JSON.parse(text))
    .catch((error) => {
      throw new NetworkFileError(`${path} is no network file: ${error.message}. Name one with --network.`);
    });
  for (const name of ['participation', 'swarms'])
    if (typeof contracts?.[name] !== 'string')
      throw new NetworkFileError(`${path} names no contract "${name}": take the network's own file.`);
  const participation = contracts.participation.toLowerCase();
  return {
    rpc,
    chainId,
    contracts,
    swarm,
    relays,
    participation,
    id: `${chainId}:${participation}:${swarm}`,
  };
}

/** When the rounds of a swarm are, and what their seeds are made of. */
async function readSchedule(call, swarms, swarm) {
  const data = `${selector('swarmOf(uint64)')}${word(swarm).slice(2)}`;
  const answer = fromHex(await call('eth_call', { to: swarms, data }, 'latest'));
  const field = (index) => answer.slice(32 * index, 32 * index + 32);
  const integer = (index) => Number(BigInt(toHex(field(index))));
  return {
    genesis: integer(0),
    openedIn: integer(1),
    seconds: { answer: integer(2), critique: integer(3), vote: integer(4) },
    genesisSeed: field(5),
    digest: field(6),
  };
}

/** The specification of a swarm, whose bytes are in the log of the block in which it was opened. */
async function fetchSpecification(call, swarms, swarm, { openedIn, digest }) {
  const block = `0x${openedIn.toString(16)}`;
  const topics = [toHex(keccak('Specified(uint64,bytes)')), word(swarm)];
  const [log] = await call('eth_getLogs', { address: swarms, fromBlock: block, toBlock: block, topics });
  const data = fromHex(log.data);
  const length = Number(BigInt(toHex(data.slice(32, 64))));
  const encoded = data.slice(64, 64 + length);
  if (!equal(sha2(encoded), digest)) malformed('specification', 'the bytes that the chain names');
  return readSpecification(encoded);
}

/** Round, stage and seed at a chain time in milliseconds. */
export function readingAt({ genesis, seconds, genesisSeed }, chainMs) {
  const roundMs = 1000 * STAGES.reduce((sum, stage) => sum + seconds[stage], 0);
  const elapsed = Math.max(0, chainMs - 1000 * genesis);
  const round = Math.floor(elapsed / roundMs);
  let since = elapsed - round * roundMs;
  let stage = 0;
  while (stage < 2 && since >= 1000 * seconds[STAGES[stage]]) since -= 1000 * seconds[STAGES[stage++]];
  const seed = keccak(genesisSeed, bigEndian(round, 32));
  return { round, stage: STAGES[stage], since, length: 1000 * seconds[STAGES[stage]], seed };
}

/** Follows a network's chain until `stop`. @param {Awaited<ReturnType<typeof readNetwork>>} network */
export async function openChain(network) {
  const call = rpcAt(network.rpc);
  const { swarms } = network.contracts;
  const schedule = await readSchedule(call, swarms, network.swarm);
  const specification = await fetchSpecification(call, swarms, network.swarm, schedule);
  const offsets = [];
  let newest = -1;
  let latest = 0;
  async function look() {
    const { number, timestamp } = await call('eth_getBlockByNumber', 'latest', false);
    if (Number(number) === newest) return;
    newest = Number(number);
    // A block is seen after its time, so the fastest of the sightings is nearest to the truth.
    offsets.push(1000 * Number(timestamp) - performance.now());
    if (offsets.length > SIGHTINGS) offsets.shift();
  }
  await look();
  // While the node is out of reach the local clock carries chain time on.
  const timer = setInterval(() => look().catch(() => undefined), POLL_MS);
  return {
    schedule,
    specification,
    now() {
      latest = Math.max(latest, performance.now() + Math.max(...offsets));
      return readingAt(schedule, latest);
    },
    stop: () => clearInterval(timer),
  };
}
