import { readFileSync, writeFileSync } from 'node:fs';
import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from './hex.ts';
import type { SwarmSpec } from './swarm-spec.ts';
import {
  decodeSwarmSpec,
  encodeSwarmSpec,
  MAX_SPEC_BYTES,
  parseSwarmSpec,
  SwarmSpecError,
} from './swarm-spec-codec.ts';
import { blocksSpec, fullSpec, partsSpec, smallSpec } from './testing/sample-swarm-specs.ts';

const file = new URL('../docs/vectors/swarm-spec.json', import.meta.url);

interface Vectors {
  readonly accepted: readonly { readonly spec: SwarmSpec; readonly cid: string; readonly bytes: string }[];
  readonly refused: readonly { readonly why: string; readonly field: string; readonly bytes: string }[];
}

/** The vectors as this implementation makes them; `UPDATE_VECTORS=1` writes them. */
function made(): Vectors {
  const wire = dagCbor.decode<Record<string, unknown>>(encodeSwarmSpec(smallSpec).bytes);
  const bytes = (value: unknown): string => toHex(dagCbor.encode(value));
  const withRound = (change: object): string =>
    bytes({ ...wire, round: { ...(wire.round as object), ...change } });
  const withBlocks = (change: object): string =>
    bytes({ ...wire, blocks: { ...blocksSpec.blocks, ...change } });
  const inParts = dagCbor.decode<{ blocks: object }>(encodeSwarmSpec(partsSpec).bytes);
  const withParts = (vocabularyParts: unknown): string =>
    bytes({ ...inParts, blocks: { ...inParts.blocks, vocabularyParts } });
  const full = dagCbor.decode<{ base: { files: object[] } }>(encodeSwarmSpec(fullSpec).bytes);
  const withBase = (change: object): string => bytes({ ...full, base: { ...full.base, ...change } });
  const withFile = (change: object): string =>
    bytes({
      ...full,
      base: { ...full.base, files: [full.base.files[0], { ...full.base.files[1], ...change }] },
    });
  const plain = toHex(encodeSwarmSpec(smallSpec).bytes);
  return {
    accepted: [smallSpec, fullSpec, blocksSpec, partsSpec].map((spec) => {
      const { cid, bytes: encoded } = encodeSwarmSpec(spec);
      return { spec, cid, bytes: toHex(encoded) };
    }),
    refused: [
      { why: 'a trailing byte', field: '', bytes: `${plain}00` },
      { why: 'cut short', field: '', bytes: plain.slice(0, -2) },
      { why: 'a later version', field: 'version', bytes: bytes({ ...wire, version: 2 }) },
      { why: 'a key too many', field: '', bytes: bytes({ ...wire, administrator: 'somebody' }) },
      { why: 'no name', field: 'name', bytes: bytes({ ...wire, name: '' }) },
      { why: 'a name of two lines', field: 'name', bytes: bytes({ ...wire, name: 'a\nb' }) },
      { why: 'a temperature as a float', field: 'round.temperature', bytes: withRound({ temperature: 0.7 }) },
      { why: 'no step a round', field: 'round.stepsPerRound', bytes: withRound({ stepsPerRound: 0 }) },
      {
        why: 'more items answered than there are',
        field: 'round.itemsAnswered',
        bytes: withRound({ itemsAnswered: 65 }),
      },
      { why: 'no tasks', field: 'tasks', bytes: bytes({ ...wire, tasks: { generators: [], dataSets: [] } }) },
      {
        why: 'an unknown kind of base',
        field: 'base.kind',
        bytes: bytes({ ...wire, base: { kind: 'hub' } }),
      },
      { why: 'no blocks, as null', field: 'blocks', bytes: bytes({ ...wire, blocks: null }) },
      { why: 'no microbatch', field: 'blocks.microbatches', bytes: withBlocks({ microbatches: 0 }) },
      {
        why: 'more blocks skipped than there may be',
        field: 'blocks.skipped',
        bytes: withBlocks({ skipped: 15 }),
      },
      { why: 'full steps where none skips', field: 'blocks.fullEvery', bytes: withBlocks({ skipped: 0 }) },
      { why: 'more tokens than can be claimed', field: 'blocks.rows', bytes: withBlocks({ rows: 65 }) },
      { why: 'another rounding', field: 'blocks.boundary', bytes: withBlocks({ boundary: 'int4' }) },
      { why: 'whole tables as one part', field: 'blocks.vocabularyParts', bytes: withParts(1) },
      { why: 'more parts than there may be', field: 'blocks.vocabularyParts', bytes: withParts(17) },
      { why: 'no parts, as null', field: 'blocks.vocabularyParts', bytes: withParts(null) },
      {
        why: 'a vocabulary in training in parts',
        field: 'blocks.vocabularyParts',
        bytes: bytes({ ...inParts, trained: wire.trained }),
      },
      { why: 'a key too many in blocks', field: 'blocks', bytes: withBlocks({ leader: 'somebody' }) },
      {
        why: 'blocks of models that members bring',
        field: 'blocks',
        bytes: bytes({ ...wire, models: 'any', blocks: blocksSpec.blocks }),
      },
      {
        why: 'a root of 31 bytes of frozen weights',
        field: 'base.frozenRoot',
        bytes: withBase({ frozenRoot: new Uint8Array(31) }),
      },
      {
        why: 'no root of frozen weights, as null',
        field: 'base.frozenRoot',
        bytes: withBase({ frozenRoot: null }),
      },
      {
        why: 'a manifest of a file of at most 1 MiB',
        field: 'base.files[1].manifest',
        bytes: withFile({ size: 1024 * 1024 }),
      },
      {
        why: 'a manifest of a file of more than 4 GiB',
        field: 'base.files[1].manifest',
        bytes: withFile({ size: 2 ** 32 + 1 }),
      },
      {
        why: 'a manifest as text',
        field: 'base.files[1].manifest',
        bytes: withFile({ manifest: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy' }),
      },
      {
        why: 'a manifest of another codec',
        field: 'base.files[1].manifest',
        bytes: withFile({ manifest: CID.createV1(0x71, create(0x12, new Uint8Array(32))) }),
      },
      {
        why: 'no manifest under the key',
        field: 'base.files[1].manifest',
        bytes: withFile({ manifest: null }),
      },
    ],
  };
}

function errorOf(work: () => unknown): SwarmSpecError {
  try {
    work();
  } catch (error) {
    if (error instanceof SwarmSpecError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

describe('docs/vectors/swarm-spec.json', () => {
  if (process.env.UPDATE_VECTORS === '1') writeFileSync(file, `${JSON.stringify(made(), null, 2)}\n`);
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

  it('is what this implementation makes', () => {
    expect(made()).toEqual(vectors);
  });

  it('[S-01] [S-02] has bytes that give back the specification, and a CID that names them', () => {
    for (const { spec, cid, bytes } of vectors.accepted) {
      expect(decodeSwarmSpec(fromHex(bytes))).toEqual(spec);
      expect(encodeSwarmSpec(spec).cid).toBe(cid);
      expect(parseSwarmSpec(JSON.stringify(spec))).toEqual(spec);
    }
  });

  it('[S-01] [S-03] has bytes that are refused with the field that is wrong', () => {
    for (const { why, field, bytes } of vectors.refused) {
      const error = errorOf(() => decodeSwarmSpec(fromHex(bytes)));
      expect([why, error.field]).toEqual([why, field]);
      expect(error.message).toMatch(/Correct|Update|another/);
    }
  });
});

describe('docs/swarms.md', () => {
  it('[S-05] has an example that is a specification, but for the account and the time', () => {
    const text = readFileSync(new URL('../docs/swarms.md', import.meta.url), 'utf8');
    const [, example = ''] = /```json\n([\s\S]*?)```/.exec(text) ?? [];
    const { startedBy, startedAt } = smallSpec;
    const spec = parseSwarmSpec(JSON.stringify({ startedBy, startedAt, ...JSON.parse(example) }));
    expect(spec.name).toBe('School sums');
  });
});

describe('a specification', () => {
  it('[S-02] is refused when its digest is another, before it is decoded', () => {
    const { bytes, digest } = encodeSwarmSpec(smallSpec);
    expect(decodeSwarmSpec(bytes, digest)).toEqual(smallSpec);
    const other = encodeSwarmSpec(fullSpec).digest;
    expect(errorOf(() => decodeSwarmSpec(bytes, other)).kind).toBe('mismatch');
    expect(errorOf(() => decodeSwarmSpec(new Uint8Array(9), other)).kind).toBe('mismatch');
  });

  it('[S-03] is refused above 16 KiB, however it comes', () => {
    expect(errorOf(() => decodeSwarmSpec(new Uint8Array(MAX_SPEC_BYTES + 1))).kind).toBe('oversized');
    const [entry] = fullSpec.tasks.dataSets;
    if (entry === undefined) throw new Error('The sample has data sets.');
    const urls = Array.from({ length: 8 }, (_, i) => `https://example.org/${i}${'x'.repeat(350)}`);
    const dataSets = Array.from({ length: 16 }, (_, i) => ({
      ...entry,
      id: `d${i}`,
      file: { ...entry.file, urls },
    }));
    const large = JSON.stringify({ ...fullSpec, tasks: { ...fullSpec.tasks, dataSets } });
    expect(errorOf(() => parseSwarmSpec(large)).message).toContain('at most 16384');
  });

  it('[S-04] takes an address in upper case, and keeps it in lower case', () => {
    const spec = { ...smallSpec, startedBy: `0x${'A1'.repeat(20)}` };
    expect(parseSwarmSpec(JSON.stringify(spec))).toEqual(smallSpec);
  });

  it.each([
    ['base.files[0].path', { base: { files: [{ path: '../config.json' }] } }],
    ['base.files[0].path', { base: { files: [{ path: '/etc/passwd' }] } }],
    ['base.files[0].urls[0]', { base: { files: [{ urls: ['http://example.org/a'] }] } }],
    ['base.files[0].urls[0]', { base: { files: [{ urls: ['https://a:b@example.org/a'] }] } }],
    ['base.files[0].urls[1]', { base: { files: [{ urls: ['https://a.org', 'https://a.org'] }] } }],
    ['base.files[0].manifest', { base: { files: [{ size: 5, manifest: fullSpec.base.kind }] } }],
    ['base.files[0].size', { base: { files: [{ size: 0 }] } }],
    ['trained.alpha', { trained: { alpha: 0 } }],
    ['trained.targets[1]', { trained: { targets: ['q_proj', 'q_proj'] } }],
    ['tasks.dataSets[0].id', { tasks: { dataSets: [{ id: 'Not an id' }] } }],
    ['tasks.dataSets[0].file.size', { tasks: { dataSets: [{ file: { size: 2 ** 30 } }] } }],
    ['tasks.dataSets[0].heldOutOneIn', { tasks: { dataSets: [{ heldOutOneIn: 1 }] } }],
    ['tasks.dataSets[0].checker.kind', { tasks: { dataSets: [{ checker: { kind: 'javascript' } }] } }],
    ['tasks.generators[0].difficulties', { tasks: { generators: [{ difficulties: [] }] } }],
    ['round.temperature', { round: { temperature: 0 } }],
    ['round.learningRate', { round: { learningRate: 1e-10 } }],
    ['round.learningRate', { round: { learningRate: 1.23456789012e-5 } }],
    ['round.weightDecay', { round: { weightDecay: null } }],
    ['schedule.voteSeconds', { schedule: { voteSeconds: 86_401 } }],
    ['language', { language: 'english language' }],
    ['description', { description: 'one\u2028two' }],
    ['models', { models: 'some' }],
  ])('[S-05] is refused for %s', (field, change) => {
    const merge = (into: unknown, from: unknown): unknown => {
      if (Array.isArray(from) && typeof from[0] === 'object') {
        return (into as unknown[]).map((each, i) => (from[i] === undefined ? each : merge(each, from[i])));
      }
      if (typeof from !== 'object' || from === null || Array.isArray(from)) return from;
      const merged = { ...(into as Record<string, unknown>) };
      for (const [key, value] of Object.entries(from)) merged[key] = merge(merged[key], value);
      return merged;
    };
    const error = errorOf(() => parseSwarmSpec(JSON.stringify(merge(fullSpec, change))));
    expect(error.field).toBe(field);
    expect(error.message).toContain(field);
  });

  it('[S-01] [S-03] any bytes are decoded to what they encode, or refused with SwarmSpecError', () => {
    const { bytes } = encodeSwarmSpec(fullSpec);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const copy = Uint8Array.from(bytes);
          for (const [at, value] of changes) copy[at] = value;
          try {
            expect(toHex(encodeSwarmSpec(decodeSwarmSpec(copy)).bytes)).toBe(toHex(copy));
          } catch (error) {
            if (!(error instanceof SwarmSpecError)) throw error;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('[S-03] any JSON is parsed or refused with SwarmSpecError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (json) => {
        expect(() => parseSwarmSpec(json)).toThrow(SwarmSpecError);
      }),
      { numRuns: 500 },
    );
    for (const value of [5, null, 'text', []]) {
      const odd = JSON.stringify({ ...fullSpec, base: { ...fullSpec.base, files: [value] } });
      expect(errorOf(() => parseSwarmSpec(odd)).field).toBe('base.files[0]');
    }
    const keys = Object.keys(fullSpec);
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
        try {
          const spec = parseSwarmSpec(JSON.stringify({ ...fullSpec, [key]: value }));
          expect(decodeSwarmSpec(encodeSwarmSpec(spec).bytes)).toEqual(spec);
        } catch (error) {
          if (!(error instanceof SwarmSpecError)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});
