/**
 * Several WebRTC connections to one peer, each with one data channel. Their descriptions go to and fro over a
 * channel that is there already and that names its peer, so that DTLS is with that peer: each description has
 * the fingerprint of its certificate.
 */
import { must } from '../../protocol/must.ts';
import type { Channel } from '../content/transport.ts';
import { deadline, type Scheduler, systemScheduler } from '../scheduler.ts';
import { dataChannelPipe } from './data-channel-pipe.ts';
import type { Pipe } from './striped-channel.ts';

/** Connections to one pipeline neighbour. */
export const CONNECTIONS = 4;

/** Characters of one session description. Chromium's with a dozen candidates has 2,500. */
const MAX_DESCRIPTION = 16_384;
/** Connecting takes a few round trips; a description without candidates that work never connects. */
const CONNECT_MS = 20_000;
/** Candidates that are found later than this are left out: local ones take milliseconds. */
const GATHER_MS = 3_000;

export interface ConnectOptions {
  /** An authenticated channel to the peer. It carries one message each way. */
  readonly signalling: Channel;
  readonly signal: AbortSignal;
  /** STUN and TURN servers, with passwords of now. Defaults to none. */
  readonly iceServers?: () => Promise<readonly RTCIceServer[]>;
  /** Defaults to CONNECTIONS. Only the side that offers says how many. */
  readonly connections?: number;
  readonly scheduler?: Scheduler;
  /** Defaults to `new RTCPeerConnection(configuration)`. */
  readonly create?: (configuration: RTCConfiguration) => RTCPeerConnection;
}

/** The other side sent no usable descriptions, or the connections did not open in time. */
export class StripeError extends Error {
  override readonly name = 'StripeError';
  constructor(what: string) {
    super(`${what} Use the plain stream.`);
  }
}

/** Opens the connections. The other side calls `acceptConnections`. Throws StripeError. */
export function offerConnections(options: ConnectOptions): Promise<Pipe[]> {
  const { connections: count = CONNECTIONS } = options;
  return withConnections(options, count, async (connections, within) => {
    const pipes = connections.map((connection) => {
      const channel = connection.createDataChannel('stripe', { ordered: false });
      return opened(channel, within).then(() => dataChannelPipe(connection, channel));
    });
    const settled = allOf(pipes);
    const offers = await Promise.all(
      connections.map(async (connection) => {
        await connection.setLocalDescription(await connection.createOffer());
        return await description(connection, options.scheduler);
      }),
    );
    await options.signalling.write(encode(offers), within);
    const answers = decode(await options.signalling.read(within), count);
    if (answers.length < count)
      throw new StripeError('The peer answered fewer connections than it was offered.');
    await Promise.all(
      connections.map((connection, i) =>
        connection.setRemoteDescription({ type: 'answer', sdp: must(answers, i) }),
      ),
    );
    return await settled;
  });
}

/** Accepts what `offerConnections` opens, at most CONNECTIONS. Throws StripeError. */
export async function acceptConnections(options: ConnectOptions): Promise<Pipe[]> {
  const offers = decode(await options.signalling.read(options.signal), CONNECTIONS);
  return await withConnections(options, offers.length, async (connections, within) => {
    const settled = allOf(connections.map((connection) => pipeFrom(connection, within)));
    const answers = await Promise.all(
      connections.map(async (connection, i) => {
        await connection.setRemoteDescription({ type: 'offer', sdp: must(offers, i) });
        await connection.setLocalDescription(await connection.createAnswer());
        return await description(connection, options.scheduler);
      }),
    );
    await options.signalling.write(encode(answers), within);
    return await settled;
  });
}

async function withConnections(
  options: ConnectOptions,
  count: number,
  connect: (connections: readonly RTCPeerConnection[], within: AbortSignal) => Promise<Pipe[]>,
): Promise<Pipe[]> {
  const { create = (configuration) => new RTCPeerConnection(configuration) } = options;
  const limit = deadline(options.scheduler ?? systemScheduler, CONNECT_MS, options.signal);
  const connections: RTCPeerConnection[] = [];
  try {
    const iceServers = [...((await options.iceServers?.()) ?? [])];
    while (connections.length < count) connections.push(create({ iceServers }));
    // Not each call of WebRTC ends when its connection does not open.
    return await Promise.race([connect(connections, limit.signal), rejectedBy(limit.signal)]);
  } catch (error) {
    for (const connection of connections) connection.close();
    if (options.signal.aborted) throw options.signal.reason;
    if (error instanceof StripeError) throw error;
    throw new StripeError(`The peer could not be reached over ${count} connections (${String(error)}).`);
  } finally {
    limit.release();
  }
}

/** Rejects when the signal aborts, and never resolves. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Rejects with the first failure, and no other rejection is unhandled. */
function allOf(pipes: readonly Promise<Pipe>[]): Promise<Pipe[]> {
  const all = Promise.all(pipes);
  all.catch(() => undefined);
  return all;
}

function pipeFrom(connection: RTCPeerConnection, within: AbortSignal): Promise<Pipe> {
  return new Promise((resolve, reject) => {
    within.addEventListener('abort', () => reject(within.reason), { once: true });
    connection.addEventListener('datachannel', ({ channel }) => {
      // Listens before the channel is awaited, so that no slice is lost.
      const pipe = dataChannelPipe(connection, channel);
      opened(channel, within).then(() => resolve(pipe), reject);
    });
  });
}

function opened(channel: RTCDataChannel, within: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (channel.readyState === 'open') resolve();
    channel.addEventListener('open', () => resolve(), { once: true });
    within.addEventListener('abort', () => reject(within.reason), { once: true });
  });
}

/** The local description with the candidates that were found in time. */
function description(connection: RTCPeerConnection, scheduler: Scheduler = systemScheduler): Promise<string> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      resolve(connection.localDescription?.sdp ?? '');
    };
    const cancel = scheduler.after(GATHER_MS, done);
    const look = (): void => {
      if (connection.iceGatheringState === 'complete') done();
    };
    connection.addEventListener('icegatheringstatechange', look);
    look();
  });
}

function encode(descriptions: readonly string[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(descriptions));
}

function decode(bytes: Uint8Array, most: number): readonly string[] {
  if (bytes.length > most * (MAX_DESCRIPTION + 16)) throw new StripeError('The descriptions are too long.');
  let found: unknown;
  try {
    found = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new StripeError('The peer sent no descriptions.');
  }
  const isDescription = (text: unknown): text is string =>
    typeof text === 'string' && text.length <= MAX_DESCRIPTION && text.startsWith('v=0');
  if (!Array.isArray(found) || found.length < 1 || found.length > most || !found.every(isDescription))
    throw new StripeError('The peer sent no descriptions.');
  return found;
}
