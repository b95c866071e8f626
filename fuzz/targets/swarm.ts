/** What swarm/ decodes: signed messages, rollout sets, and the frames and manifests of content. */
import { CodecError } from '../../protocol/codec.ts';
import { ContentError } from '../../swarm/content/content-error.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../../swarm/content/frames.ts';
import { CHUNK, decodeManifest, encodeManifest, parseCid } from '../../swarm/content/manifest.ts';
import type { AttestBody } from '../../swarm/messages/bodies.ts';
import {
  decodeMessage,
  encodeMessage,
  hasValidSignature,
  isSignatureValid,
  type Message,
} from '../../swarm/messages/envelope.ts';
import { MESSAGE_TYPES } from '../../swarm/messages/message-types.ts';
import { peekMessage } from '../../swarm/messages/peek.ts';
import { cidOf, decodeRollouts, encodeRollouts, RAW } from '../../swarm/messages/rollouts.ts';
import {
  SAMPLE_NETWORK_ID,
  sampleKey,
  sampleMessages,
  sampleRollouts,
  sampleStateRecord,
} from '../../swarm/messages/samples.ts';
import { decodeStateRecord, encodeStateRecord } from '../../swarm/messages/state-record.ts';
import { AttestationOutbox, parseAttestations } from '../../swarm/rounds/attestation-outbox.ts';
import { SimulatedScheduler } from '../../swarm/testing/simulated-scheduler.ts';
import { bytesMutator } from '../mutate/bytes.ts';
import { cborMutator } from '../mutate/cbor.ts';
import { jsonMutator } from '../mutate/json.ts';
import { assert, bytesOf, type FuzzTarget, type Outcome, refusedBy, sameBytes, textOf } from '../target.ts';
import { swarmStreamTargets } from './swarm-streams.ts';

const messageSeeds = (): readonly Uint8Array[] =>
  sampleMessages.map((sample) => encodeMessage(sampleKey, SAMPLE_NETWORK_ID, sample));

const message: FuzzTarget = {
  name: 'swarm/message',
  about: 'a signed message of any type; the quick look at its envelope says the same as the whole decoder',
  mutator: cborMutator(),
  maxBytes: 70_000,
  shortInputs: 2000,
  async open() {
    return {
      seeds: messageSeeds(),
      attempt: (input) =>
        refusedBy(() => {
          let header: ReturnType<typeof peekMessage> | undefined;
          let refused: unknown;
          try {
            header = peekMessage(input);
          } catch (error) {
            if (!(error instanceof CodecError)) throw error;
            refused = error;
          }
          const decoded = decodeMessage(input);
          assert(header !== undefined, `A message is taken whose envelope is refused: ${String(refused)}`);
          for (const field of ['networkId', 'type', 'round', 'seq'] as const)
            assert(header[field] === decoded[field], `The envelope has another ${field}.`);
          assert(sameBytes(header.signature, decoded.signature), 'The envelope has another signature.');
          assert(sameBytes(header.from, decoded.from), 'The envelope has another key.');
        }, CodecError),
    };
  },
};

const signature: FuzzTarget = {
  name: 'swarm/message-signature',
  about: 'both ways to check a message’s signature agree, and hold for nothing but what was signed',
  mutator: cborMutator(),
  maxBytes: 20_000,
  shortInputs: 200,
  async open() {
    const seeds = messageSeeds();
    const signed = new Set(seeds.map((seed) => Buffer.from(seed).toString('base64')));
    return {
      seeds,
      attempt: (input) =>
        refusedBy(() => {
          const decoded: Message = decodeMessage(input);
          const isValid = hasValidSignature(decoded);
          assert(isSignatureValid(peekMessage(input)) === isValid, 'The two checks of a signature disagree.');
          assert(
            !isValid || signed.has(Buffer.from(input).toString('base64')),
            'A message is valid that nobody signed.',
          );
        }, CodecError),
    };
  },
};

const rollouts: FuzzTarget = {
  name: 'swarm/rollouts',
  about: 'a published rollout set; what is taken is the one encoding of its value',
  mutator: cborMutator(),
  maxBytes: 40_000,
  shortInputs: 1000,
  async open() {
    return {
      seeds: [encodeRollouts(sampleRollouts).bytes, encodeRollouts({ ...sampleRollouts, groups: [] }).bytes],
      attempt: (input) =>
        refusedBy(() => {
          const again = encodeRollouts(decodeRollouts(input)).bytes;
          assert(sameBytes(again, input), 'A rollout set was taken that is no canonical encoding.');
        }, CodecError),
    };
  },
};

type AttestMessage = { readonly round: number; readonly body: AttestBody };

const storedAttestations: FuzzTarget = {
  name: 'swarm/stored-attestations',
  about: 'attestations that a tab or a process kept: taken up or lost, and the next own one is sent and kept',
  mutator: jsonMutator(['round', 'body', 'checkpointRoot', 'acknowledged']),
  maxBytes: 12_000,
  shortInputs: 400,
  async open() {
    const [body] = sampleMessages.flatMap((sample) => (sample.type === 'attest' ? [sample.body] : []));
    assert(body !== undefined, 'There is no attestation among the samples.');
    const rounds = [2, 3, 4].map((round) => ({ round, body }));
    return {
      seeds: [rounds, rounds.slice(2)].map((kept) => bytesOf(JSON.stringify(kept))),
      async attempt(input): Promise<Outcome> {
        const scheduler = new SimulatedScheduler();
        const sent: number[] = [];
        let unexpected: unknown;
        const gossip = {
          publish: async ({ round, body }: AttestMessage) => {
            try {
              MESSAGE_TYPES.attest.body.encode(body, 'attest');
              sent.push(round);
            } catch (error) {
              if (!(error instanceof CodecError)) unexpected = error;
              throw error;
            }
          },
        };
        let text = textOf(input);
        const outbox = new AttestationOutbox({
          gossip: gossip as never,
          content: { publishObject: async () => '' },
          acknowledgements: { expect: () => undefined, accepted: () => false },
          scheduler,
          round: () => 4,
          store: {
            read: async () => parseAttestations(text),
            write: async (kept) => {
              text = JSON.stringify(kept);
            },
          },
        });
        let found = 0;
        const read = refusedBy(() => {
          found = parseAttestations(text).length;
        }, SyntaxError);
        await outbox.open();
        await outbox.send(5, body);
        assert(sent.at(-1) === 5, 'The own attestation is not sent.');
        const kept = parseAttestations(text);
        assert(
          kept.some(({ round }) => round === 5),
          'The own attestation is not kept.',
        );
        assert(kept.length <= 8, 'Too many are kept.');
        await scheduler.advance(30_000);
        outbox.stop();
        if (unexpected !== undefined) throw unexpected;
        // The sentences of the JSON parser say nothing new.
        if (read.kind === 'refused') return { kind: 'refused', why: 'no JSON' };
        return found > 0 ? read : { kind: 'refused', why: 'nothing was kept' };
      },
    };
  },
};

const stateRecord: FuzzTarget = {
  name: 'swarm/state-record',
  about: 'the updates behind an attested state; what is taken is the one encoding of its value',
  mutator: cborMutator(),
  maxBytes: 40_000,
  shortInputs: 500,
  async open() {
    return {
      seeds: [encodeStateRecord(sampleStateRecord).bytes],
      attempt: (input) =>
        refusedBy(() => {
          const again = encodeStateRecord(decodeStateRecord(input)).bytes;
          assert(sameBytes(again, input), 'A state record was taken that is no canonical encoding.');
        }, CodecError),
    };
  },
};

const sampleFile = cidOf(bytesOf('a file'), RAW);
const sampleObject = encodeRollouts(sampleRollouts).cid;

const contentRequest: FuzzTarget = {
  name: 'swarm/content-request',
  about: 'a request for content; what is taken is the one encoding of its value',
  mutator: bytesMutator(),
  maxBytes: 200,
  shortInputs: 2000,
  async open() {
    return {
      seeds: [
        encodeRequest({ kind: 'manifest', index: 0, cid: sampleFile }),
        encodeRequest({ kind: 'chunk', index: 16_383, cid: sampleFile }),
        encodeRequest({ kind: 'object', index: 0, cid: sampleObject }),
      ],
      attempt: (input) =>
        refusedBy(() => {
          const again = encodeRequest(decodeRequest(input));
          assert(sameBytes(again, input), 'A request was taken that is not the one encoding of its value.');
        }, ContentError),
    };
  },
};

const contentResponse: FuzzTarget = {
  name: 'swarm/content-response',
  about: 'a response with content; what is taken is the one encoding of its value',
  mutator: bytesMutator(),
  maxBytes: 2000,
  shortInputs: 1000,
  async open() {
    return {
      seeds: [
        encodeResponse({ status: 'found', index: 3, bytes: Uint8Array.of(1, 2, 3) }),
        encodeResponse({ status: 'absent', index: 0, bytes: new Uint8Array() }),
        encodeResponse({ status: 'busy', index: 0, bytes: new Uint8Array() }),
      ],
      attempt: (input) =>
        refusedBy(() => {
          const again = encodeResponse(decodeResponse(input));
          assert(sameBytes(again, input), 'A response was taken that is not the one encoding of its value.');
        }, ContentError),
    };
  },
};

const manifest: FuzzTarget = {
  name: 'swarm/manifest',
  about: 'the manifest of a file in chunks; what is taken is the one encoding of its value',
  mutator: bytesMutator([Uint8Array.of(0, 0, 0, 0, 0, 4, 0, 0), Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0)]),
  maxBytes: 4000,
  shortInputs: 1000,
  async open() {
    return {
      seeds: [
        encodeManifest({ size: 0, hashes: new Uint8Array() }),
        encodeManifest({ size: 5, hashes: new Uint8Array(32) }),
        encodeManifest({ size: 2 * CHUNK + 1, hashes: new Uint8Array(96) }),
      ],
      attempt: (input) =>
        refusedBy(() => {
          const again = encodeManifest(decodeManifest(input));
          assert(sameBytes(again, input), 'A manifest was taken that is not the one encoding of its value.');
        }, ContentError),
    };
  },
};

const cid: FuzzTarget = {
  name: 'swarm/cid',
  about: 'the text of a CID, which names what is asked for',
  mutator: bytesMutator(['bafk', 'bafy', 'Qm', 'z', 'f', 'b', '=']),
  maxBytes: 400,
  shortInputs: 1500,
  async open() {
    return {
      seeds: [sampleFile, sampleObject, 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPBdG'].map(bytesOf),
      attempt: (input) =>
        refusedBy(() => {
          const text = textOf(input);
          const { kind, digest, bytes } = parseCid(text);
          assert(digest.length === 32, 'The digest has another length.');
          const again = decodeRequest(
            encodeRequest({ kind: kind === 'file' ? 'chunk' : 'object', index: 0, cid: text }),
          );
          assert(sameBytes(parseCid(again.cid).bytes, bytes), 'The CID is another one on the wire.');
        }, ContentError),
    };
  },
};

export const swarmTargets: readonly FuzzTarget[] = [
  message,
  signature,
  rollouts,
  storedAttestations,
  stateRecord,
  contentRequest,
  contentResponse,
  manifest,
  cid,
  ...swarmStreamTargets,
];
