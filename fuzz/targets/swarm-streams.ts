/** Handlers of streams and messages, fed what a hostile peer may send: they go on serving others. */
import { equalBytes } from '../../protocol/bytes.ts';
import { peerIdOf } from '../../protocol/device-key.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { loadSignatureChecks } from '../../protocol/signature-checks.ts';
import { ContentError } from '../../swarm/content/content-error.ts';
import {
  CONTENT_PROTOCOL,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  MAX_RESPONSE,
} from '../../swarm/content/frames.ts';
import { encodeManifest, type Hash } from '../../swarm/content/manifest.ts';
import { serveContent } from '../../swarm/content/server.ts';
import { startContent } from '../../swarm/content/service.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import {
  type Channel,
  type ContentTransport,
  libp2pContentTransport,
} from '../../swarm/content/transport.ts';
import { dialTarget } from '../../swarm/dials/dial-target.ts';
import { IceServers } from '../../swarm/ice-servers.ts';
import { encodeMessage } from '../../swarm/messages/envelope.ts';
import { MESSAGE_TYPES, TOPIC_NAMES } from '../../swarm/messages/message-types.ts';
import { SAMPLE_NETWORK_ID, sampleKey, sampleMessages } from '../../swarm/messages/samples.ts';
import { Validator, type Verdict } from '../../swarm/messages/validator.ts';
import { Reassembly, SliceError, slicesOf } from '../../swarm/striping/slices.ts';
import { MemoryNetwork } from '../../swarm/testing/memory-transport.ts';
import { SimulatedScheduler } from '../../swarm/testing/simulated-scheduler.ts';
import { bytesMutator } from '../mutate/bytes.ts';
import { cborMutator } from '../mutate/cbor.ts';
import { framesMutator, framesOf, inputOf } from '../mutate/frames.ts';
import { jsonMutator } from '../mutate/json.ts';
import { ACCEPTED, assert, bytesOf, type FuzzTarget, type Outcome, refusedBy, textOf } from '../target.ts';
import { PipedStream } from './piped-stream.ts';

/** At once, so that the clock that stands need not wait for it. */
const hash: Hash = async (bytes) => sha256Of(bytes);

const FILE = bytesOf('a small file that is published');
const OBJECT = bytesOf('an object');

/** Lets what was promised happen, on a clock that stands: until `isDone`, at most for so long. */
async function settle(scheduler: SimulatedScheduler, isDone: () => boolean, ms = 600_000): Promise<void> {
  for (let passed = 0; !isDone() && passed <= ms; passed += 5000) await scheduler.advance(5000);
  assert(isDone(), 'It never ends, though every time limit has passed.');
}

async function published(store: MemoryStore): Promise<{ readonly file: string; readonly object: string }> {
  const scheduler = new SimulatedScheduler();
  const transport = new MemoryNetwork().transport('publisher');
  const content = await startContent({ store, transport, scheduler, hash });
  const names = { file: await content.publishFile(FILE), object: await content.publishObject(OBJECT) };
  await content.stop();
  return names;
}

/** A frame as it travels: its length as an unsigned varint, then its bytes. */
function framed(frame: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let left = frame.length; ; left >>>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) return Uint8Array.from([...length, ...frame]);
  }
}

const contentServer: FuzzTarget = {
  name: 'swarm/content-server',
  about:
    'bytes on a content stream, cut anywhere: whole answers or an end, and an honest peer is served after it',
  mutator: bytesMutator([
    Uint8Array.of(41),
    Uint8Array.of(0x80, 0x80, 0x80, 1),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
  ]),
  maxBytes: 3000,
  shortInputs: 300,
  async open() {
    const store = new MemoryStore();
    const { file, object } = await published(store);
    const asksManifest = framed(encodeRequest({ kind: 'manifest', index: 0, cid: file }));
    const asksObject = framed(encodeRequest({ kind: 'object', index: 0, cid: object }));
    const honest = framed(encodeRequest({ kind: 'chunk', index: 0, cid: file }));
    return {
      // The first byte says how the rest is cut, and how the stream ends.
      seeds: [
        Uint8Array.from([0, ...asksManifest, ...honest, ...asksObject]),
        Uint8Array.from([5, ...asksObject]),
      ],
      async attempt(input): Promise<Outcome> {
        const scheduler = new SimulatedScheduler();
        let handle: ((stream: never, connection: never) => unknown) | undefined;
        const libp2p = {
          handle: async (_: string, handler: typeof handle) => {
            handle = handler;
          },
          unhandle: async () => undefined,
          dialProtocol: () => Promise.reject(new Error('not dialled')),
        };
        const transport = libp2pContentTransport(
          libp2p as unknown as Parameters<typeof libp2pContentTransport>[0],
        );
        const stop = await serveContent({ store, transport, scheduler });
        const serve = async (
          script: (stream: PipedStream) => Promise<void>,
        ): Promise<readonly Uint8Array[]> => {
          const stream = new PipedStream(CONTENT_PROTOCOL);
          const handled = Promise.resolve(handle?.(stream as never, { remotePeer: 'peer' } as never));
          await script(stream);
          let isDone = false;
          void handled.finally(() => {
            isDone = true;
          });
          await settle(scheduler, () => isDone);
          await handled;
          return stream.sent;
        };
        const [control = 0] = input;
        const piece = control % 8 === 0 ? input.length + 1 : control;
        const sent = await serve(async (stream) => {
          for (let at = 1; at < input.length; at += piece) {
            stream.arrive(input.subarray(at, at + piece));
            if (control % 3 === 0) await Promise.resolve();
          }
          if (control % 5 === 1) stream.reset();
          else if (control % 5 !== 2) stream.end();
        });
        const answers = unframed(sent);
        for (const answer of answers) decodeResponse(answer);
        const [answer = new Uint8Array()] = unframed(
          await serve(async (stream) => {
            stream.arrive(honest);
            await scheduler.advance(0);
            stream.end();
          }),
        );
        assert(equalBytes(decodeResponse(answer).bytes, FILE), 'An honest peer is not served any more.');
        await stop();
        return answers.length > 0 ? ACCEPTED : { kind: 'refused', why: 'no request' };
      },
    };
  },
};

/** The frames in what was sent. Throws where it is no row of whole frames. */
function unframed(sent: readonly Uint8Array[]): readonly Uint8Array[] {
  const bytes = Buffer.concat(sent);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      length += (byte & 127) << shift;
      if (byte < 128) break;
    }
    assert(at + length <= bytes.length, 'An answer is not whole.');
    frames.push(new Uint8Array(bytes.subarray(at, at + length)));
    at += length;
  }
  return frames;
}

const contentClient: FuzzTarget = {
  name: 'swarm/content-client',
  about:
    'frames from a peer that is asked for content: the right bytes or ContentError, and never other bytes',
  mutator: framesMutator(bytesMutator([Uint8Array.of(0, 0, 0, 0, 0)])),
  maxBytes: 4000,
  shortInputs: 200,
  async open() {
    const source = new MemoryStore();
    const { file, object } = await published(source);
    const manifest = await source.manifest(file);
    assert(manifest !== null, 'The file was not published.');
    const found = (index: number, bytes: Uint8Array) => encodeResponse({ status: 'found', index, bytes });
    const busy = encodeResponse({ status: 'busy', index: 0, bytes: new Uint8Array() });
    const huge = encodeManifest({ size: 3 * 262_144, hashes: new Uint8Array(96) });
    return {
      seeds: [
        inputOf([found(0, encodeManifest(manifest)), found(0, FILE)]),
        inputOf([busy, found(0, encodeManifest(manifest)), busy, found(0, FILE)]),
        inputOf([found(0, OBJECT)]),
        inputOf([found(0, huge), found(2, FILE), found(1, FILE)]),
      ],
      async attempt(input): Promise<Outcome> {
        const frames = framesOf(input);
        const scheduler = new SimulatedScheduler();
        const transport = scripted(frames);
        const content = await startContent({ store: new MemoryStore(), transport, scheduler, hash });
        const ask = async (work: Promise<Uint8Array>, right: Uint8Array): Promise<string> => {
          let why: string | undefined;
          void work.then(
            (bytes) => {
              why = equalBytes(bytes, right) ? '' : 'wrong';
            },
            (error: unknown) => {
              if (
                error instanceof ContentError ||
                (error instanceof DOMException && error.name === 'TimeoutError')
              )
                why = error.message;
              else why = `unexpected ${String(error)}`;
            },
          );
          await settle(scheduler, () => why !== undefined, 3_600_000);
          assert(why !== 'wrong', 'Other bytes were taken than the CID names.');
          assert(!why?.startsWith('unexpected'), why ?? '');
          return why ?? '';
        };
        const reasons = [
          await ask(content.fetchFile(file, ['evil']), FILE),
          await ask(content.fetchObject(object, ['evil']), OBJECT),
        ];
        await content.stop();
        return reasons.includes('') ? ACCEPTED : { kind: 'refused', why: reasons.join(' ') };
      },
    };
  },
};

/** A transport whose peers say these frames on every channel, whatever they are asked, and then end it. */
function scripted(frames: readonly Uint8Array[]): ContentTransport {
  return {
    async open(peerId): Promise<Channel> {
      let next = 0;
      return {
        peerId,
        async read(signal) {
          signal.throwIfAborted();
          const frame = frames[next++];
          if (frame === undefined) throw new Error('The other side has ended.');
          if (frame.length > MAX_RESPONSE) throw new Error('The frame is longer than allowed.');
          return frame;
        },
        write: async (_, signal) => signal.throwIfAborted(),
        close: () => undefined,
      };
    },
    serve: async () => async () => undefined,
  };
}

const slices: FuzzTarget = {
  name: 'swarm/slices',
  about: 'slices of messages over several connections: whole messages within the limits, or SliceError',
  mutator: framesMutator(bytesMutator([Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0, 0, 0x12, 0)])),
  maxBytes: 40_000,
  shortInputs: 600,
  async open() {
    const message = Uint8Array.from({ length: 10_000 }, (_, i) => i & 255);
    const limits = { message: 50_000, open: 4, bytes: 30_000 };
    return {
      seeds: [
        inputOf([...slicesOf(0, message)]),
        inputOf([
          ...slicesOf(1, bytesOf('b')),
          ...slicesOf(0, new Uint8Array()),
          ...slicesOf(2, bytesOf('c')),
        ]),
      ],
      attempt: (input) =>
        refusedBy(() => {
          const reassembly = new Reassembly(limits);
          const frames = framesOf(input);
          let given = 0;
          for (const frame of frames) {
            for (const whole of reassembly.add(frame)) given += whole.length;
            assert(
              reassembly.heldBytes >= 0 && reassembly.heldBytes <= limits.bytes,
              'It holds too many bytes.',
            );
          }
          assert(given <= input.length, 'More bytes came out than in.');
        }, SliceError),
    };
  },
};

const validator: FuzzTarget = {
  name: 'swarm/validator',
  about: 'gossip of a hostile neighbour: nothing unsigned is accepted, and an honest neighbour’s message is',
  mutator: framesMutator(cborMutator()),
  maxBytes: 20_000,
  shortInputs: 200,
  async open() {
    // As the product checks signatures: in JavaScript an input took 5 ms.
    await loadSignatureChecks();
    const signed = sampleMessages.map((sample) => ({
      bytes: encodeMessage(sampleKey, SAMPLE_NETWORK_ID, sample),
      topic: MESSAGE_TYPES[sample.type].topic,
    }));
    const known = new Set(signed.map(({ bytes }) => Buffer.from(bytes).toString('base64')));
    const honest = signed[0];
    assert(honest !== undefined, 'There is no message.');
    return {
      // The first byte of a frame is the topic.
      seeds: signed.map(({ bytes, topic }) => inputOf([Uint8Array.of(TOPIC_NAMES.indexOf(topic), ...bytes)])),
      async attempt(input): Promise<Outcome> {
        const scheduler = new SimulatedScheduler();
        const validator = new Validator({
          ...{ networkId: SAMPLE_NETWORK_ID, scheduler, round: () => 4, random: () => 0.5 },
        });
        const check = async (work: Promise<Verdict>): Promise<Verdict> => {
          let verdict: Verdict | undefined;
          void work.then((found) => {
            verdict = found;
          });
          await settle(scheduler, () => verdict !== undefined);
          return work;
        };
        const reasons: string[] = [];
        let isFirst = true;
        for (const frame of framesOf(input).slice(0, 4)) {
          const topic = TOPIC_NAMES[(frame[0] ?? 0) % TOPIC_NAMES.length] ?? 'rounds';
          const bytes = frame.subarray(1);
          const verdict = await check(validator.check(bytes, topic, 'evil'));
          if (verdict.kind === 'rejected') reasons.push(`${verdict.reason} ${verdict.detail}`);
          else
            assert(
              known.has(Buffer.from(bytes).toString('base64')),
              'A message was accepted that nobody signed.',
            );
          if (Buffer.compare(bytes, honest.bytes) === 0) isFirst = false;
        }
        const later = await check(validator.check(honest.bytes, honest.topic, peerIdOf(sampleKey.publicKey)));
        assert(
          later.kind === 'accepted' || !isFirst || later.reason === 'replayed',
          'An honest neighbour’s message is not accepted.',
        );
        validator.stop();
        return reasons.length === 0 ? ACCEPTED : { kind: 'refused', why: reasons.join(' ') };
      },
    };
  },
};

const dial: FuzzTarget = {
  name: 'swarm/dial-target',
  about:
    'an address in a peer’s hello: something to dial that is no special address, or null, never an error',
  mutator: bytesMutator([
    ...[
      '/ip4/',
      '/ip6/',
      '/tcp/',
      '/ws',
      '/wss',
      '/p2p/',
      '/p2p-circuit',
      '/webrtc',
      '/dns4/',
      '/unix/',
      '/http-path/',
    ],
    ...[
      '::ffff:127.0.0.1',
      '169.254.169.254',
      '0',
      '65536',
      '//',
      '/ip6zone/',
      '%',
      '/quic-v1',
      '/certhash/',
    ],
  ]),
  maxBytes: 500,
  shortInputs: 800,
  async open() {
    const peerId = peerIdOf(sampleKey.publicKey);
    return {
      seeds: [
        '/ip4/203.0.113.5/tcp/9001',
        `/ip4/10.0.0.2/tcp/9001/p2p/${peerId}`,
        `/ip4/203.0.113.5/tcp/9001/ws/p2p/${peerId}/p2p-circuit/webrtc/p2p/${peerId}`,
        `/p2p/${peerId}/p2p-circuit/webrtc/p2p/${peerId}`,
        '/ip6/2001:db8::1/tcp/1',
      ].map(bytesOf),
      attempt(input): Outcome {
        const target = dialTarget(textOf(input), peerId);
        if (target === null) return { kind: 'refused', why: 'nothing to dial' };
        assert(target.address.toString().length < 1000, 'The address is written without end.');
        assert(
          target.kind === 'relayed' || target.scope !== 'special',
          'A special address would be dialled.',
        );
        return ACCEPTED;
      },
    };
  },
};

const iceEndpoint: FuzzTarget = {
  name: 'swarm/ice-endpoint',
  about: 'what an endpoint of TURN passwords answers to a device: a server, or none, never an error',
  mutator: jsonMutator(['username', 'credential', 'ttl']),
  maxBytes: 6000,
  shortInputs: 300,
  async open() {
    const url = 'https://turn.example/turn-credentials';
    const access = { kind: 'endpoint', url } as const;
    const servers = [{ kind: 'turn', urls: ['turn:turn.example'], access } as const];
    return {
      seeds: [bytesOf('{"username":"1790000000:a","credential":"c2VjcmV0","ttl":3600}')],
      async attempt(input): Promise<Outcome> {
        const answer = async () => new Response(new Uint8Array(input), { status: 200 });
        const [server] = await new IceServers({ servers, fetch: answer, now: () => 0 }).current();
        if (server === undefined) return { kind: 'refused', why: 'no server' };
        assert(
          typeof server.username === 'string' && server.username.length <= 256,
          'A limit does not hold.',
        );
        return ACCEPTED;
      },
    };
  },
};

export const swarmStreamTargets: readonly FuzzTarget[] = [
  contentServer,
  contentClient,
  slices,
  validator,
  dial,
  iceEndpoint,
];
