import * as Comlink from 'comlink';
import { encodeAbiParameters, encodeEventTopics, toHex, zeroAddress, zeroHash } from 'viem';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeRunSpec, encodeRunSpec, runSpecFields } from '../../audit/run-spec.ts';
import { digestOfDescription } from '../../chain/descriptions.ts';
import { descriptionsAbi } from '../../chain/generated/abi.ts';
import { scriptedNode } from '../../chain/testing/scripted-node.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import type { Hex } from '../../protocol/hex.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import type { RunProgress } from '../../workers/run-api.ts';
import { connectRuns } from '../../workers/run-client.ts';
import { createRunService } from '../../workers/run-service.ts';
import { smallModel } from '../../workers/testing/small-model.ts';
import { KnownRuns } from './known-runs.ts';

const MODEL = 'http://model.test/nano/';
const DESCRIPTIONS = `0x${'c0'.repeat(20)}` as const;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** The run worker on the other end of a message channel. */
function worker() {
  const model = smallModel();
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  const service = createRunService({
    openFolder: async () => openMemoryDirectory(),
    openEngine: async () => createWasmEngine({ threads: 1 }),
    fetcher: async (input) => {
      const name = String(input).slice(MODEL.length) as 'config.json';
      return new Response((await model.file(name)) as Uint8Array<ArrayBuffer>);
    },
  });
  Comlink.expose(service, port1 as unknown as Comlink.Endpoint);
  const progress: RunProgress[] = [];
  const client = connectRuns(port2 as unknown as Comlink.Endpoint, (each) => progress.push(each));
  return { client, progress };
}

/** The two logs of a description, as a node gives them. */
function published(run: Hex, description: Uint8Array) {
  const digest = digestOfDescription(description);
  const place = {
    ...{ address: DESCRIPTIONS, blockNumber: '0x1', blockHash: zeroHash, removed: false },
    ...{ transactionHash: zeroHash, transactionIndex: '0x0', logIndex: '0x0' },
  };
  const abi = descriptionsAbi;
  return [
    {
      ...place,
      topics: encodeEventTopics({
        ...{ abi, eventName: 'Published', args: { run, digest, publisher: zeroAddress } },
      }),
      data: '0x',
    },
    {
      ...place,
      topics: encodeEventTopics({ abi, eventName: 'Content', args: { digest } }),
      data: encodeAbiParameters([{ type: 'bytes' }], [toHex(description)]),
    },
  ];
}

describe('KnownRuns', () => {
  it('finds the run of the description that an order names, and measures its first steps', async () => {
    const { client: runs, progress } = worker();
    const { spec, terms } = await runs.specify({
      ...{ model: MODEL, steps: 6, seed: `0x${'07'.repeat(32)}` },
      ...{ learningRate: 0.01, rows: 2, length: 24 },
    });
    const hash = termsHash(terms);
    const other = encodeRunSpec({ ...decodeRunSpec(spec), steps: 5 });
    const text = new TextEncoder().encode(JSON.stringify(runSpecFields(decodeRunSpec(spec))));
    const { client } = scriptedNode({
      contracts: [],
      logs: [other, spec].flatMap((each) => published(hash, each)),
    });
    const known = new KnownRuns({
      ...{ client, model: MODEL, threads: 1, runs: () => runs },
      contracts: { descriptions: DESCRIPTIONS, jobs: zeroAddress },
    });
    const ordered = (descriptionHash: Hex) => known.ordered({ terms: hash, descriptionHash });

    const found = await ordered(digestOfDescription(spec));
    if (found === undefined) throw new Error('it was published');
    expect(found).toMatchObject({ terms, spec });
    expect(await known.secondsAStep(found)).toBeGreaterThan(0);
    await expect
      .poll(() => progress.map(({ done, steps }) => `${done}/${steps}`))
      .toEqual(['1/4', '2/4', '3/4', '4/4']);
    // Published under these terms, and of another run.
    expect(await ordered(digestOfDescription(other))).toBeUndefined();
    // Of the same run, and never published.
    expect(await ordered(digestOfDescription(text))).toBeUndefined();
  });
});
