/**
 * Checks the vectors of docs/vectors: every message, rollout set, state record, handoff, specification and
 * frame of a stream is decoded, verified and encoded again to the same bytes; every refused one is refused;
 * times, seeds, draws, pools, signatures, manifests and slices are computed again.
 *
 *     node check-vectors.mjs FOLDER
 *
 * Prints one line of JSON for each that passes, and ends with 1 at the first that does not.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CID } from 'multiformats/cid';
import { equal, fromHex, RefusedError, sha2, toHex } from './bytes.mjs';
import { decode, encode } from './cbor.mjs';
import { readingAt } from './chain.mjs';
import { drawnItems, philox, stream } from './draws.mjs';
import { digestOfHandoff, readHandoff, readStateRecord, runOf, tensorsRoot } from './handoffs.mjs';
import { Identity, peerIdText, verifyRecoverable } from './identity.mjs';
import { encodeMessage, readMessage, topicOf } from './messages.mjs';
import { roundPool } from './questions.mjs';
import { cidOf, commitmentOf, decodeRollouts, encodeRollouts } from './rollout-set.mjs';
import { RAW } from './shapes.mjs';
import { asJson, readSpecification } from './specification.mjs';
import {
  encodeRequest,
  encodeResponse,
  Messages,
  manifestOf,
  readManifest,
  readPipelineMessage,
  readRequest,
  readResponse,
  slicesOf,
} from './streams.mjs';
import { attestationDigest, voteDigest } from './typed-data.mjs';
import { Validation } from './validation.mjs';

const [folder = '.'] = process.argv.slice(2);

/** A vector for which this implementation gives something else. */
class VectorError extends Error {
  name = 'VectorError';
}

function same(what, actual, expected) {
  if (actual !== expected) throw new VectorError(`${what}: ${actual} instead of ${expected}`);
}

function refuses(what, read) {
  try {
    read();
  } catch (error) {
    if (error instanceof RefusedError) return;
    throw error;
  }
  throw new VectorError(`${what} was taken`);
}

function passed(vector) {
  console.log(JSON.stringify({ vector }));
}

async function vectors(name) {
  return JSON.parse(await readFile(join(folder, name), 'utf8'));
}

async function checkMessages() {
  const { secretKey, publicKey, address, peerId, run, rollouts, stateRecord, messages, refused } =
    await vectors('messages.json');
  const identity = new Identity(fromHex(secretKey));
  same('public key', toHex(identity.publicKey), publicKey);
  same('address', identity.name, address);
  same('PeerId', peerIdText(identity.peerId), peerId);
  passed('key');

  const set = encodeRollouts(decodeRollouts(fromHex(rollouts.bytes)));
  same('rollout set', toHex(set.encoded), rollouts.bytes);
  same('CID of the rollout set', CID.decode(set.cid).toString(), rollouts.cid);
  passed('rollout set');

  const recordCid = CID.parse(stateRecord.cid);
  const record = encode(readStateRecord(fromHex(stateRecord.bytes), recordCid.multihash.digest));
  same('state record', toHex(record), stateRecord.bytes);
  same('CID of the state record', CID.decode(cidOf(record)).toString(), stateRecord.cid);
  passed('state record');

  for (const { type, id, bytes } of messages) {
    const message = readMessage(fromHex(bytes));
    same('type', message.type, type);
    same('network id', message.run, run);
    same('id', toHex(message.id), id);
    same('author', toHex(message.author), address);
    // The signature is deterministic, so that a second implementation gives the same one.
    same(type, toHex(encodeMessage(identity, message)), bytes);
    passed(`message ${type}`);
    for (const at of [0, bytes.length / 2, bytes.length - 1].map(Math.floor))
      refuses(`${type} with another byte at ${at}`, () => {
        const changed = fromHex(bytes);
        changed[Math.min(at, changed.length - 1)] ^= 1;
        readMessage(changed);
      });
    passed(`message ${type}, changed`);
  }
  const [commit, reveal] = ['commit', 'reveal'].map((type) =>
    readMessage(fromHex(messages.find((message) => message.type === type).bytes)),
  );
  const { salt, cid } = reveal.body;
  same('commit', toHex(commit.body.digest), toHex(commitmentOf(salt, reveal.author, cid.cid)));
  passed('commit of the reveal');
  for (const { why, bytes } of refused) {
    refuses(why, () => readMessage(fromHex(bytes)));
    passed(`refused: ${why}`);
  }
}

async function checkHandoffs() {
  const { domain, program, initial, run, handoffs } = await vectors('handoffs.json');
  same('run', toHex(runOf(fromHex(program), fromHex(initial))), run);
  const chain = { chainId: domain.chainId, contract: fromHex(domain.verifyingContract) };
  for (const { name, inputs, handoff, outputsRoot, digest, bytes } of handoffs) {
    const value = readHandoff(chain, fromHex(bytes));
    const read = inputs.map(({ slot, root }) => ({ slot, root: fromHex(root) }));
    same('inputs', toHex(tensorsRoot(read)), handoff.inputs);
    same('outputs', toHex(tensorsRoot(value.outputs)), outputsRoot);
    same('digest', toHex(digestOfHandoff(chain, value)), digest);
    same('handoff', toHex(encode(decode(fromHex(bytes)))), bytes);
    if (!equal(value.signature, fromHex(handoff.signature))) throw new VectorError('another signature');
    passed(`handoff ${name}`);
  }
}

async function checkRounds() {
  const {
    schedule,
    clock,
    philox: blocks,
    stream: draws,
    pool,
    drawn,
    signatures,
  } = await vectors('rounds.json');
  const times = { ...schedule, genesisSeed: fromHex(schedule.genesisSeed) };
  for (const { sinceGenesisMs, round, stage, sinceStageMs, seed } of clock) {
    const now = readingAt(times, 1000 * schedule.genesis + sinceGenesisMs);
    const expected = JSON.stringify([round, stage, sinceStageMs, seed]);
    same('clock', JSON.stringify([now.round, now.stage, now.since, toHex(now.seed)]), expected);
  }
  passed('clock');
  for (const { counter, key, words } of blocks) same('philox', String(philox(counter, key)), String(words));
  passed('philox');
  const sequence = stream({ ...draws, seed: fromHex(draws.seed) })(draws.item, draws.sample);
  same('words', String(draws.words.map(() => sequence.word())), String(draws.words));
  same('shuffle', String(sequence.shuffle([0, 1, 2, 3, 4, 5, 6, 7])), String(draws.shuffled));
  passed('stream');
  const items = roundPool({ ...pool, seed: fromHex(pool.seed) });
  const shown = items.map(({ task, difficulty, prompt, answer }) => ({ task, difficulty, prompt, answer }));
  same('pool', JSON.stringify(shown), JSON.stringify(pool.items));
  passed('pool');
  for (const { seed, items: expected, ...of } of drawn)
    same('drawn items', String(drawnItems({ ...of, pool: items, seed: fromHex(seed) })), String(expected));
  passed('drawn items');
  const { secretKey, chainId, participation, swarm, round, vote, attestation } = signatures;
  const identity = new Identity(fromHex(secretKey));
  const domain = { chainId, contract: fromHex(participation) };
  const winners = vote.winners.map(fromHex);
  const [checkpointRoot, rolloutDigest] = [attestation.checkpointRoot, attestation.rolloutDigest].map(
    fromHex,
  );
  for (const [digest, { signature }] of [
    [voteDigest(domain, { swarm, round, winners }), vote],
    [attestationDigest(domain, { swarm, round, checkpointRoot, rolloutDigest }), attestation],
  ]) {
    same('signature inside', toHex(identity.signRecoverable(digest)), signature);
    if (!verifyRecoverable(fromHex(signature), digest, identity.address))
      throw new VectorError('not its own');
  }
  passed('signatures inside');
}

/** The same value whatever the order of its keys. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

async function checkSpecifications() {
  const { accepted, refused } = await vectors('swarm-spec.json');
  for (const { spec, cid, bytes } of accepted) {
    const value = readSpecification(fromHex(bytes));
    same('specification', toHex(encode(value)), bytes);
    same('CID of the specification', CID.decode(cidOf(fromHex(bytes))).toString(), cid);
    same('specification as JSON', JSON.stringify(sorted(asJson(value))), JSON.stringify(sorted(spec)));
    passed(`specification ${spec.name}`);
  }
  for (const { why, bytes } of refused) {
    refuses(why, () => readSpecification(fromHex(bytes)));
    passed(`refused specification: ${why}`);
  }
}

async function checkRefusals() {
  const { chainId, participation, swarm, run, round, messages } = await vectors('refusals.json');
  const network = { id: run, chainId, participation: fromHex(participation), swarm };
  for (const { why, reason, topic, before, bytes } of messages) {
    const validation = new Validation(network, () => round);
    for (const earlier of before.map(fromHex))
      validation.accept(topicOf(run, readMessage(earlier).type), earlier);
    same(why, reasonFor(() => validation.accept(topic, fromHex(bytes))) ?? 'taken', reason ?? 'taken');
    passed(`${reason ?? 'taken'}: ${why}`);
  }
}

/** Why something is refused; undefined where it is not. */
function reasonFor(read) {
  try {
    read();
  } catch (error) {
    if (error instanceof RefusedError) return error.reason;
    throw error;
  }
  return undefined;
}

async function checkContent(streams) {
  for (const { kind, index, cid, bytes } of streams.requests) {
    const request = readRequest(fromHex(bytes));
    same('request', `${request.kind} ${request.index} ${CID.decode(request.cid)}`, `${kind} ${index} ${cid}`);
    same('request', toHex(encodeRequest(kind, index, CID.parse(cid).bytes)), bytes);
    passed(`request of a ${kind}`);
  }
  for (const { status, index, bytes, frame } of streams.responses) {
    const response = readResponse(fromHex(frame));
    same(
      'response',
      `${response.status} ${response.index} ${toHex(response.found)}`,
      `${status} ${index} ${bytes}`,
    );
    same('response', toHex(encodeResponse(status, index, fromHex(bytes))), frame);
    passed(`response ${status}`);
  }
  for (const { size, byte, manifest, cid } of streams.manifests) {
    const made = manifestOf(new Uint8Array(size).fill(byte));
    same('manifest', toHex(made), manifest);
    same('size', readManifest(made).size, size);
    same('CID', CID.createV1(RAW, CID.parse(cid).multihash).toString(), cid);
    same('CID', toHex(CID.parse(cid).multihash.digest), toHex(sha2(made)));
    passed(`manifest of ${size} bytes`);
  }
  for (const { why, bytes } of streams.refusedRequests) {
    refuses(`a request with ${why}`, () => readRequest(fromHex(bytes)));
    passed(`refused request: ${why}`);
  }
  for (const { why, frame } of streams.refusedResponses) {
    refuses(`a response with ${why}`, () => readResponse(fromHex(frame)));
    passed(`refused response: ${why}`);
  }
  for (const { why, manifest } of streams.refusedManifests) {
    refuses(`a manifest: ${why}`, () => readManifest(fromHex(manifest)));
    passed(`refused manifest: ${why}`);
  }
}

async function checkPipelines(streams) {
  const { chainId, verifyingContract } = streams.handoffDomain;
  const chain = { chainId, contract: fromHex(verifyingContract) };
  for (const { kind, bytes } of streams.pipelineMessages) {
    const message = readPipelineMessage(fromHex(bytes));
    same('kind', message.kind, kind);
    same(kind, toHex(encode(message)), bytes);
    for (const each of [message.handoff, ...(message.updates ?? [])].filter((value) => value !== undefined))
      readHandoff(chain, encode(each));
    passed(`pipeline ${kind}`);
  }
  for (const { why, bytes } of streams.refusedPipelineMessages) {
    refuses(`a message with ${why}`, () => readPipelineMessage(fromHex(bytes)));
    passed(`refused pipeline message: ${why}`);
  }
  const read = new Messages();
  for (const { number, length, slices } of streams.slicedMessages) {
    const message = Uint8Array.from({ length }, (_, index) => index % 251);
    const made = slicesOf(number, message);
    const shown = made.map((slice) => [toHex(slice.slice(0, 12)), slice.length, toHex(sha2(slice))]);
    same(
      'slices',
      JSON.stringify(shown),
      JSON.stringify(slices.map(({ head, length: bytes, sha256 }) => [head, bytes, sha256])),
    );
    const whole = made.reverse().flatMap((slice) => read.add(slice));
    same('message of its slices', whole.map(toHex).join(), toHex(message));
    passed(`slices of ${length} bytes`);
  }
  for (const { why, slices } of streams.refusedSlices) {
    const messages = new Messages();
    const last = slices.length - 1;
    for (const slice of slices.slice(0, last)) messages.add(fromHex(slice));
    refuses(`a slice ${why}`, () => messages.add(fromHex(slices[last])));
    passed(`refused slice: ${why}`);
  }
}

await checkMessages();
await checkHandoffs();
await checkRounds();
await checkSpecifications();
await checkRefusals();
const streams = await vectors('streams.json');
await checkContent(streams);
await checkPipelines(streams);
