/** What protocol/ decodes: specifications of swarms, network files, links, handoffs, proofs, keys. */
import { isDeepStrictEqual } from 'node:util';
import { decodeCanonical, encodeCanonical } from '../../protocol/canonical.ts';
import { CodecError } from '../../protocol/codec.ts';
import { DeviceKeyError, deviceKey } from '../../protocol/device-key.ts';
import { type Handoff, handoffCodec, isSigned, signHandoff } from '../../protocol/handoff.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import { parseTurnCredentials } from '../../protocol/ice-servers.ts';
import { inclusionProof, merkleRoot, verifyInclusion } from '../../protocol/merkle.ts';
import { must } from '../../protocol/must.ts';
import { type Network, NetworkFileError, parseNetworkText } from '../../protocol/network-file.ts';
import {
  decryptSecret,
  EncryptedSecretError,
  PassphraseError,
} from '../../protocol/passphrase-encryption.ts';
import { parseSwarmName, SwarmLinkError, swarmLink } from '../../protocol/swarm-link.ts';
import {
  decodeSwarmSpec,
  encodeSwarmSpec,
  parseSwarmSpec,
  parseTaskSelection,
  SwarmSpecError,
} from '../../protocol/swarm-spec-codec.ts';
import { blocksSpec, fullSpec, partsSpec, smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { bytesMutator } from '../mutate/bytes.ts';
import { cborMutator } from '../mutate/cbor.ts';
import { jsonMutator } from '../mutate/json.ts';
import {
  ACCEPTED,
  assert,
  bytesOf,
  type FuzzTarget,
  jsonOf,
  type Outcome,
  refusedBy,
  refusedLater,
  sameBytes,
  textOf,
} from '../target.ts';

const specs = [smallSpec, blocksSpec, partsSpec, fullSpec];

const swarmSpec: FuzzTarget = {
  name: 'protocol/swarm-spec',
  about: 'bytes of a swarm’s specification; what is taken is the one encoding of its value',
  mutator: cborMutator(),
  maxBytes: 80_000,
  shortInputs: 1500,
  async open() {
    return {
      seeds: specs.map((spec) => encodeSwarmSpec(spec).bytes),
      attempt: (input) =>
        refusedBy(() => {
          const again = encodeSwarmSpec(decodeSwarmSpec(input)).bytes;
          assert(sameBytes(again, input), 'A specification was taken that is no canonical encoding.');
        }, SwarmSpecError),
    };
  },
};

const swarmSpecJson: FuzzTarget = {
  name: 'protocol/swarm-spec-json',
  about: 'the JSON of a specification that a person wrote; what is taken is encoded and read back the same',
  mutator: jsonMutator(),
  maxBytes: 80_000,
  shortInputs: 1000,
  async open() {
    return {
      seeds: specs.map((spec) => bytesOf(JSON.stringify(spec))),
      attempt: (input) =>
        refusedBy(() => {
          const spec = parseSwarmSpec(textOf(input));
          assert(
            isDeepStrictEqual(decodeSwarmSpec(encodeSwarmSpec(spec).bytes), spec),
            'It reads back otherwise.',
          );
        }, SwarmSpecError),
    };
  },
};

const taskSelection: FuzzTarget = {
  name: 'protocol/task-selection',
  about: 'the tasks in a checkpoint’s settings; what is taken is taken again',
  mutator: jsonMutator(),
  maxBytes: 40_000,
  shortInputs: 1000,
  async open() {
    return {
      seeds: specs.map((spec) => bytesOf(JSON.stringify(spec.tasks))),
      attempt: (input) => {
        const value = jsonOf(input);
        return refusedBy(() => {
          const selection = parseTaskSelection(value);
          assert(isDeepStrictEqual(parseTaskSelection(selection), selection), 'It reads back otherwise.');
        }, SwarmSpecError);
      },
    };
  },
};

const address = (byte: string) => `0x${byte.repeat(20)}`;
const networkSeeds = [
  {
    chainId: 31_337,
    rpc: 'http://127.0.0.1:8545',
    contracts: { identity: address('11'), swarms: address('22'), participation: address('33') },
    relays: ['/ip4/127.0.0.1/tcp/9001/ws/p2p/16Uiu2HAm1'],
  },
  {
    name: 'Abroad',
    page: 'https://page.example/starling/',
    chainId: 10,
    rpc: 'https://rpc.example/key',
    contracts: { identity: address('11'), swarms: address('22'), participation: address('33') },
    swarm: 3,
    rollup: Object.fromEntries(
      [
        'judge',
        'disputes',
        'payments',
        'ownership',
        'jobs',
        'crowdfund',
        'trainingRecord',
        'descriptions',
      ].map((name, i) => [name, address(`a${i}`)]),
    ),
    relays: [],
    iceServers: [
      { urls: 'stun:stun.example:3478' },
      { urls: ['turn:turn.example?transport=tcp'], username: 'u', credential: 'c' },
      { urls: ['turns:[2001:db8::1]:5349'], credentials: 'https://turn.example/turn-credentials' },
    ],
    local: false,
    walletConnectProjectId: 'abc',
    modelHosts: ['https://*.models.example', 'http://127.0.0.1:8080'],
    explorer: 'https://explorer.example/',
  },
];

/** The network as a file would say it. */
function fileOf(network: Network): unknown {
  const { page, explorer, rollup, iceServers, ...rest } = network;
  return {
    ...rest,
    ...(page === null ? {} : { page }),
    ...(explorer === null ? {} : { explorer }),
    ...(rollup === undefined ? {} : { rollup }),
    iceServers: iceServers.map((server) => {
      if (server.kind === 'stun') return { urls: server.urls };
      const { access, urls } = server;
      if (access.kind === 'endpoint') return { urls, credentials: access.url };
      return { urls, username: access.username, credential: access.credential };
    }),
  };
}

const networkFile: FuzzTarget = {
  name: 'protocol/network-file',
  about: 'network.json; what is taken has URLs of http, and reads back the same',
  mutator: jsonMutator([
    'javascript:alert(1)',
    'file:///etc/passwd',
    'http:',
    'https://a@b',
    'turn:',
    'stuns:',
  ]),
  maxBytes: 20_000,
  shortInputs: 1500,
  async open() {
    return {
      seeds: networkSeeds.map((file) => bytesOf(JSON.stringify(file))),
      attempt: (input) =>
        refusedBy(() => {
          const network = parseNetworkText(textOf(input));
          for (const url of [network.rpc, network.page, network.explorer])
            assert(url === null || /^https?:$/.test(new URL(url).protocol), 'An address is not of http.');
          const again = parseNetworkText(JSON.stringify(fileOf(network)));
          assert(isDeepStrictEqual(again, network), 'It reads back otherwise.');
        }, NetworkFileError),
    };
  },
};

const turnCredentials: FuzzTarget = {
  name: 'protocol/turn-credentials',
  about: 'what an endpoint of TURN passwords answers',
  mutator: jsonMutator(),
  maxBytes: 4000,
  shortInputs: 500,
  async open() {
    return {
      seeds: [bytesOf('{"username":"1790000000:a","credential":"c2VjcmV0","ttl":3600}')],
      attempt(input) {
        const found = parseTurnCredentials(jsonOf(input));
        if (found === undefined) return { kind: 'refused', why: 'no credentials' };
        assert(
          found.ttl >= 1 && found.username.length <= 256 && found.credential.length <= 256,
          'A limit does not hold.',
        );
        return ACCEPTED;
      },
    };
  },
};

const swarmName: FuzzTarget = {
  name: 'protocol/swarm-link',
  about: 'a number or link that names a swarm; a link of what was read reads the same',
  mutator: bytesMutator([
    '#/swarm/',
    'https://',
    'http:',
    'javascript:',
    '/',
    '999999999999999',
    '@',
    '\n',
    '\u00a0',
  ]),
  maxBytes: 600,
  shortInputs: 1000,
  async open() {
    return {
      seeds: [
        '3',
        '#/swarm/1/3',
        'https://page.example/starling/?a=b#/swarm/10/0',
        'http://[::1]:80#/swarm/1/1',
      ].map(bytesOf),
      attempt: (input) =>
        refusedBy(() => {
          const { chainId, swarm, page } = parseSwarmName(textOf(input));
          assert(Number.isSafeInteger(swarm) && swarm >= 0, 'The number is none.');
          if (chainId === undefined) return;
          if (page !== undefined)
            assert(/^https?:$/.test(new URL(page).protocol), 'The page is not of http.');
          const again = parseSwarmName(swarmLink(chainId, swarm, page));
          assert(isDeepStrictEqual(again, { chainId, swarm, page }), 'The link reads otherwise.');
        }, SwarmLinkError),
    };
  },
};

const handoff: FuzzTarget = {
  name: 'protocol/handoff',
  about: 'a signed handoff; its signature is checked without an error, and holds for the signed one alone',
  mutator: cborMutator(),
  maxBytes: 20_000,
  shortInputs: 700,
  async open() {
    const key = deviceKey(new Uint8Array(32).fill(7));
    const domain = { chainId: 31_337, verifyingContract: `0x${'44'.repeat(20)}` } as const;
    const root = (byte: string) => `0x${byte.repeat(32)}` as const;
    const signed: Handoff = signHandoff(key, domain, {
      ...{ run: root('01'), step: 5, hop: 2, version: root('02'), inputs: root('03') },
      outputs: [
        { slot: 9, tensor: 'hidden', root: root('04') },
        { slot: 2 ** 32 - 1, tensor: 'layers.0.grad', root: root('05') },
      ],
    });
    return {
      seeds: [encodeCanonical(handoffCodec, signed)],
      attempt: (input) =>
        refusedBy(() => {
          const value = decodeCanonical(handoffCodec, input, 2 ** 20);
          const { device, signature, outputs, ...rest } = value;
          const slots = (each: Handoff['outputs']) => each.map(({ slot, root: of }) => [slot, of]);
          const { device: who, signature: theirs, outputs: gave, ...statement } = signed;
          const isSame =
            device === who &&
            signature === theirs &&
            isDeepStrictEqual([rest, slots(outputs)], [statement, slots(gave)]);
          assert(isSigned(domain, value) === isSame, 'A signature holds for another statement.');
        }, CodecError),
    };
  },
};

const inclusion: FuzzTarget = {
  name: 'protocol/inclusion-proof',
  about: 'a Merkle proof: index, size and hashes from bytes; none holds but the true one',
  mutator: bytesMutator(),
  maxBytes: 2000,
  shortInputs: 1000,
  async open() {
    const leaves = Array.from({ length: 11 }, (_, i) => new Uint8Array(32).fill(i + 1));
    const root = merkleRoot(leaves);
    const written = (index: number) => {
      const bytes = new Uint8Array(16);
      new DataView(bytes.buffer).setFloat64(0, index);
      new DataView(bytes.buffer).setFloat64(8, leaves.length);
      return Uint8Array.from([
        ...bytes,
        ...must(leaves, index),
        ...inclusionProof(leaves, index).flatMap((each) => [...each]),
      ]);
    };
    return {
      seeds: [0, 7, 10].map(written),
      attempt(input) {
        if (input.length < 48) return { kind: 'refused', why: 'too short' };
        const view = new DataView(input.buffer, input.byteOffset, input.length);
        const [index, size] = [view.getFloat64(0), view.getFloat64(8)];
        const leaf = input.slice(16, 48);
        const proof: Uint8Array[] = [];
        for (let at = 48; at < input.length; at += 32) proof.push(input.slice(at, at + 32));
        if (!verifyInclusion({ leaf, index, size, proof, root }))
          return { kind: 'refused', why: 'not shown' };
        assert(
          sameBytes(leaf, leaves[index] ?? new Uint8Array()),
          'A leaf was shown that is not in the tree.',
        );
        return ACCEPTED;
      },
    };
  },
};

const hexText: FuzzTarget = {
  name: 'protocol/hex',
  about: 'hexadecimal text, and a secret key in it',
  mutator: bytesMutator(['0x', '0X', 'ff', '00', 'é']),
  maxBytes: 400,
  shortInputs: 500,
  async open() {
    return {
      seeds: ['0x', `0x${'07'.repeat(32)}`, `0x${'FF'.repeat(32)}`, `0x${'00'.repeat(32)}`].map(bytesOf),
      attempt: (input) =>
        refusedBy(
          () => {
            const text = textOf(input);
            const bytes = fromHex(text);
            assert(toHex(bytes) === text.toLowerCase(), 'The bytes are others.');
            if (bytes.length === 32) deviceKey(bytes);
          },
          TypeError,
          DeviceKeyError,
        ),
    };
  },
};

const encryptedSecret: FuzzTarget = {
  name: 'protocol/encrypted-secret',
  about: 'an encrypted key of a stranger’s file; nothing is derived for what is malformed',
  mutator: jsonMutator(['iterations', '100000', '5000001']),
  maxBytes: 4000,
  shortInputs: 300,
  async open() {
    const sample = {
      kdf: { name: 'PBKDF2', hash: 'SHA-256', iterations: 100_000, salt: `0x${'00'.repeat(16)}` },
      cipher: { name: 'AES-256-GCM', nonce: `0x${'00'.repeat(12)}` },
      ciphertext: `0x${'00'.repeat(48)}`,
    };
    return {
      seeds: [bytesOf(JSON.stringify(sample))],
      attempt(input): Outcome | Promise<Outcome> {
        const encrypted = jsonOf(input);
        // A passphrase that is too long is refused before the key is derived, which takes long.
        const passphrase = 'x'.repeat(100_000);
        return refusedLater(async () => {
          try {
            await decryptSecret({ encrypted, passphrase, context: 'fuzz' });
          } catch (error) {
            if (!(error instanceof PassphraseError)) throw error;
          }
        }, EncryptedSecretError);
      },
    };
  },
};

export const protocolTargets: readonly FuzzTarget[] = [
  swarmSpec,
  swarmSpecJson,
  taskSelection,
  networkFile,
  turnCredentials,
  swarmName,
  handoff,
  inclusion,
  hexText,
  encryptedSecret,
];
