import { connect } from '../chain/network.ts';
import { openSwarm, priceOfOpening } from '../chain/open-swarm.ts';
import { countMembers } from '../chain/swarm-members.ts';
import { countSwarms, listSwarms, readSwarm } from '../chain/swarms.ts';
import { parseConfig } from '../models/decoder/config.ts';
import { toHex } from '../protocol/hex.ts';
import { memoizePromise, PromiseMemo } from '../protocol/memoize-promise.ts';
import type { Network } from '../protocol/network-file.ts';
import { readBytes } from '../protocol/response-body.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import type { BaseModel, SwarmSpec } from '../protocol/swarm-spec.ts';
import { networkId } from '../swarm/network-id.ts';
import { BUILTIN_MODELS, builtinModelOf } from '../training/builtin-models.ts';
import { SHORT_TASKS, TASKS } from '../training/tasks/catalogue.ts';
import { reportQuestions } from '../training/tasks/question-report.ts';
import { COST_TEXT, CostMemory } from '../workers/cost-memory.ts';
import type { PickedBlob } from '../workers/model-api.ts';
import { ModelFetchError } from '../workers/published-model.ts';
import { bringableHere, describeBase, keepBase } from './swarms/describe-base.ts';
import { SwarmWatch } from './swarms/swarm-watch.ts';
import { type KnownModel, SwarmsController } from './swarms/swarms-controller.ts';
import { storedText } from './ui/stored-text.ts';
import { KeptFiles } from './volunteer/kept-files.ts';
import { MemberFigures } from './volunteer/member-figures.ts';
import { measureSpeed } from './volunteer/open-computer.ts';
import { ownModelMemory } from './volunteer/own-model.ts';
import { openPageDatabase } from './volunteer/page-database.ts';
import { blockQuota } from './volunteer/storage-quota.ts';
import { whyNotHere } from './volunteer/why-not-here.ts';

export interface OpenSwarmsOptions {
  /** Where the page lies; the models that come with it are beside it. */
  readonly base: string;
  readonly network: Network;
}

/** The swarms of a real network. In a file of its own, so that viem loads when it is needed. */
export function openSwarms({ base, network }: OpenSwarmsOptions): SwarmsController {
  const client = connect(network);
  const { swarms, participation } = network.contracts;
  const { deviceMemory } = navigator as { readonly deviceMemory?: number };
  const files = memoizePromise(async () => new KeptFiles(await openPageDatabase(), Date.now));
  const figures = new MemberFigures();
  const models = new PromiseMemo<string, KnownModel>({ limit: 64 });
  // Where members may bring models, a base that is too large here is no obstacle.
  const here = (spec: SwarmSpec) => whyNotHere(spec, { deviceMemory, ownModel: true });
  const { chainId } = network;
  const memory = ownModelMemory();
  const watch = new SwarmWatch({
    reader: {
      list: (most) => listSwarms({ client, swarms, most }),
      read: async (id) =>
        id < (await countSwarms(client, swarms)) ? readSwarm(client, swarms, id) : undefined,
      members: (shown) => countMembers({ client, participation, swarms: shown }),
      now: async () => 1000 * Number((await client.getBlock()).timestamp),
    },
    whyNotHere: here,
    heldOut: (swarm) => figures.of(networkId(network.chainId, participation, swarm)),
  });
  const controller = new SwarmsController({
    watch,
    builtins: async () => BUILTIN_MODELS.map(({ name, root }) => ({ kind: 'builtin', name, root })),
    catalogue: async () =>
      TASKS.map((task) => {
        const { id, version, title, difficulties } = task;
        return { id, version, title, difficulties, short: SHORT_TASKS.includes(task) };
      }),
    readQuestions: reportQuestions,
    describeBase,
    keepBase,
    whyNotHere: here,
    ownModels: {
      bringable: bringableHere,
      ownModel: (swarm) => memory.get({ chainId, swarm }),
      bring: (swarm, model) => memory.set({ chainId, swarm }, model),
    },
    modelOf: (model, folder) => models.get(model.root, () => modelOf(model, { page: base, folder })),
    measure: measureSpeed,
    speed: speedMemory(),
    costs: new CostMemory(storedText(() => localStorage, COST_TEXT)),
    runOf: (id) => networkId(network.chainId, participation, id),
    deviceMemory,
    blockQuota: async () => blockQuota(await navigator.storage?.estimate?.().catch(() => undefined)),
    price: (spec) => priceOfOpening({ client, swarms, spec }),
    open: async (spec, queue) => (await openSwarm({ queue, swarms, spec })).id,
    keepFile: async (sha256, bytes) => (await files()).put(sha256, bytes),
  });
  controller.start();
  return controller;
}

/** Bytes of a config.json. */
const MAX_CONFIG_BYTES = 1 << 20;
/** How long an address may take to give it, in ms. Then the next one is asked. */
const CONFIG_MS = 30_000;

/** The training speed of this device in GFLOP/s. It outlives the visit. */
function speedMemory(stored = storedText(() => localStorage, 'starling.speed')) {
  return {
    get(): number | null {
      const speed = Number(stored.get() ?? Number.NaN);
      return speed > 0 ? speed : null;
    },
    set: (speed: number): void => stored.set(String(speed)),
  };
}

/** Shape and size of a model, of which only its config.json is fetched. Throws ModelFetchError. */
async function modelOf(
  base: BaseModel,
  { page, folder }: { readonly page: string; readonly folder: readonly PickedBlob[] },
): Promise<KnownModel> {
  if (base.kind === 'builtin') {
    const model = builtinModelOf(base.root);
    if (model === undefined) throw new ModelFetchError(`This page has no model ${base.name} of that root.`);
    const config = await fetchConfig([new URL(`${model.folder}config.json`, page).href]);
    return { config, parameters: model.parameters, bytes: model.bytes };
  }
  const bytes = base.files.reduce((sum, { size }) => sum + size, 0);
  const file = base.files.find(({ path }) => path === 'config.json');
  if (file === undefined)
    throw new ModelFetchError(`${base.name} has no config.json, so its cost is unknown.`);
  const picked = folder.find(({ name }) => name === file.path);
  const config =
    picked === undefined
      ? await fetchConfig(file.urls, file.sha256)
      : parseConfig(JSON.parse(await picked.blob.text()));
  const weights = base.files
    .filter(({ path }) => path.endsWith('.safetensors'))
    .reduce((sum, { size }) => sum + size, 0);
  // Checkpoints are published with two bytes a weight.
  return { config, parameters: weights / 2, bytes };
}

async function fetchConfig(urls: readonly string[], sha256?: string) {
  for (const url of urls) {
    const signal = AbortSignal.timeout(CONFIG_MS);
    const response = await fetch(url, { signal }).catch(() => undefined);
    if (response?.ok !== true) continue;
    const bytes = await readBytes(response, { maxBytes: MAX_CONFIG_BYTES, signal }).catch(() => undefined);
    if (bytes === undefined) continue;
    if (sha256 !== undefined && toHex(sha256Of(bytes)) !== sha256) continue;
    return parseConfig(JSON.parse(new TextDecoder().decode(bytes)));
  }
  throw new ModelFetchError(
    'What it takes here is known once this device has the model: no address gives its config.json.',
  );
}
