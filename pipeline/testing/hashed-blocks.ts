/**
 * A model in blocks whose hops mix bytes with SHA-256: every output is a function of all that the hop reads,
 * so a wrong or missing input changes the root of the run. It stands for real blocks in tests of who computes
 * what, and takes microseconds.
 */
import type { Hex } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { StageOrder } from '../path-plan.ts';
import { HopGraph, type HopGraphNode, type TensorPlace } from '../runtime/hop-graph.ts';
import type { ComputedTensor } from '../runtime/member-events.ts';

export interface HashedBlocksOptions {
  /** Blocks of layers, besides the embedding with the head. */
  readonly layers: number;
  readonly paths: readonly StageOrder[];
  /** Blocks of which nothing is trained. Defaults to none. */
  readonly frozen?: readonly string[];
  /**
   * Parts that the vocabulary is cut into, the embedding's included. They are frozen, so name the embedding
   * under `frozen`. Defaults to 0: it is whole.
   */
  readonly parts?: number;
}

const BYTES = 64;
type Tensors = ReadonlyMap<string, Uint8Array>;

/** Hops as models/blocks makes them: forward, loss, backward, sums, norms, clip and updates. */
export function hashedGraph(options: HashedBlocksOptions): HopGraph {
  const { layers, paths, parts = 0 } = options;
  const others = Array.from({ length: Math.max(0, parts - 1) }, (_, k) => `vocabulary.${k + 1}`);
  const partBlocks = parts === 0 ? [] : ['embedding', ...others];
  const frozen = [...(options.frozen ?? []), ...others];
  const blocks = ['embedding', ...Array.from({ length: layers }, (_, i) => `layers.${i}`), ...others];
  const state = new Map<string, ReadonlyMap<string, TensorPlace>>();
  const made = new Map<string, TensorPlace>();
  const data = new Map<string, TensorPlace>();
  let slot = 0;
  const place = (): TensorPlace => ({ slot: slot++, bytes: BYTES });
  for (const block of blocks) {
    const own = frozen.includes(block) ? [] : ['w', 'm', 'v'];
    state.set(block, new Map(own.map((name) => [`${block}.${name}`, place()])));
  }
  for (const microbatch of paths.keys()) data.set(`tokens.${microbatch}`, place());
  const nodes: HopGraphNode[] = [];
  const add = (node: Omit<HopGraphNode, 'index' | 'state'> & { state?: readonly string[] }): void => {
    const weights = frozen.includes(node.block) ? [] : [`${node.block}.w`];
    nodes.push({ state: weights, ...node, index: nodes.length });
    for (const name of node.outputs) made.set(name, place());
  };
  const gradients = new Map<string, string[]>(blocks.map((block) => [block, []]));
  /** None of a block of which nothing is trained. */
  const gradient = (block: string, microbatch: number, part = 'grad'): string[] => {
    if (frozen.includes(block)) return [];
    const name = `${part}.${microbatch}.${block}`;
    gradients.get(block)?.push(name);
    return [name];
  };
  /** A hop of each part, and the names of what these give. */
  const ofParts = (microbatch: number, kind: string, inputs: readonly string[]): string[] =>
    partBlocks.map((block, k) => {
      const output = `${kind}.${microbatch}.${k}`;
      add({ kind, block, microbatch, inputs, outputs: [output] });
      return output;
    });
  const look = (microbatch: number): void => {
    const tokens = [`tokens.${microbatch}`];
    const looked = partBlocks.length === 0 ? tokens : ofParts(microbatch, 'lookup', tokens);
    const kind = partBlocks.length === 0 ? 'embed' : 'gather';
    add({ kind, block: 'embedding', microbatch, inputs: looked, outputs: [`x.${microbatch}.0`] });
  };
  const loss = (microbatch: number, x: string, g: string): void => {
    const tokens = `tokens.${microbatch}`;
    const of = { block: 'embedding', microbatch };
    if (partBlocks.length === 0) {
      const outputs = [g, ...gradient('embedding', microbatch, 'head')];
      add({ ...of, kind: 'loss', inputs: [tokens, x], outputs });
      return;
    }
    const normed = `normed.${microbatch}`;
    const sum = `lse.${microbatch}`;
    add({ ...of, kind: 'normalize', inputs: [x], outputs: [normed] });
    const sums = ofParts(microbatch, 'logits', [normed, tokens]);
    add({ ...of, kind: 'loss', inputs: sums, outputs: [sum] });
    const shares = ofParts(microbatch, 'logits.backward', [normed, tokens, sum]);
    add({ ...of, kind: 'normalize.backward', inputs: [x, ...shares], outputs: [g] });
  };
  const forward = (microbatch: number, path: StageOrder): void => {
    look(microbatch);
    for (const [at, stage] of path.entries())
      add({
        kind: 'forward',
        block: must(blocks, stage),
        microbatch,
        slot: 'takes',
        inputs: [`x.${microbatch}.${at}`],
        outputs: [`x.${microbatch}.${at + 1}`],
      });
    loss(microbatch, `x.${microbatch}.${path.length}`, `g.${microbatch}.${path.length}`);
  };
  const backward = (microbatch: number, path: StageOrder): void => {
    for (const at of [...path.keys()].reverse())
      add({
        kind: 'backward',
        block: must(blocks, must(path, at)),
        microbatch,
        slot: 'gives',
        inputs: [`x.${microbatch}.${at}`, `g.${microbatch}.${at + 1}`],
        outputs: [`g.${microbatch}.${at}`, ...gradient(must(blocks, must(path, at)), microbatch)],
      });
    if (frozen.includes('embedding')) return;
    add({
      kind: 'backward',
      block: 'embedding',
      microbatch,
      inputs: [`tokens.${microbatch}`, `g.${microbatch}.0`],
      outputs: gradient('embedding', microbatch),
    });
  };
  for (const [microbatch, path] of paths.entries()) forward(microbatch, path);
  for (const [microbatch, path] of paths.entries()) backward(microbatch, path);
  const trained = blocks.filter((block) => !frozen.includes(block));
  for (const block of trained) {
    add({ kind: 'sum', block, state: [], inputs: gradients.get(block) ?? [], outputs: [`sum.${block}`] });
    add({ kind: 'norm', block, state: [], inputs: [`sum.${block}`], outputs: [`norm.${block}`] });
  }
  const norms = trained.map((block) => `norm.${block}`);
  add({ kind: 'clip', block: 'embedding', state: [], inputs: norms, outputs: ['scale'] });
  for (const block of blocks) {
    if (frozen.includes(block)) {
      const outputs = [`kept.${block}`];
      add({ kind: 'update', block, inputs: ['scale'], outputs, isUpdate: true });
      continue;
    }
    const own = [...(state.get(block)?.keys() ?? [])];
    add({ kind: 'update', block, state: own, inputs: [`sum.${block}`, 'scale'], outputs: own });
  }
  return new HopGraph({ nodes, made, data, state });
}

/** The bytes of a step's data, which every device knows. */
export function hashedData(graph: HopGraph, step: number): Tensors {
  return new Map([...graph.data.keys()].map((name) => [name, mixed(`data ${step} ${name}`, [])]));
}

/** A block's version at the beginning. */
export function hashedState(graph: HopGraph, block: string): Tensors {
  return new Map([...graph.stateOf(block).keys()].map((name) => [name, mixed(`first ${name}`, [])]));
}

export interface HashedHop {
  readonly graph: HopGraph;
  readonly step: number;
  readonly hop: number;
  readonly inputs: Tensors;
  /** The version of the hop's block. */
  readonly state: Tensors;
}

/** Computes a hop. Throws RangeError when it lacks something. */
export function hashedHop({ graph, step, hop, inputs, state }: HashedHop): Map<string, ComputedTensor> {
  const node = graph.node(hop);
  const data = (name: string) => (graph.data.has(name) ? mixed(`data ${step} ${name}`, []) : undefined);
  const read = [
    ...node.inputs.map((name) => inputs.get(name) ?? data(name)),
    ...node.state.map((name) => state.get(name)),
  ].map((bytes, at) => {
    if (bytes === undefined) throw new RangeError(`Hop ${hop} lacks its input ${at}.`);
    return bytes;
  });
  return new Map(
    node.outputs.map((name) => {
      const bytes = mixed(`${node.kind} ${node.block} ${name}`, read);
      return [name, { bytes, root: hashedRoot(bytes) }];
    }),
  );
}

/** Stands for a tensor root. */
export function hashedRoot(bytes: Uint8Array): Hex {
  return toHex(sha256Of(bytes));
}

/** The roots of all blocks' tensors after the steps `0` to `steps - 1`, computed by one device. */
export function hashedOracle(graphs: readonly HopGraph[]): ReadonlyMap<string, Hex> {
  const versions = new Map<string, Tensors>();
  for (const [step, graph] of graphs.entries()) {
    const held = new Map<string, Uint8Array>();
    const next = new Map<string, Tensors>();
    for (const { index, block } of graph.nodes) {
      const state = versions.get(block) ?? hashedState(graph, block);
      const outputs = hashedHop({ graph, step, hop: index, inputs: held, state });
      for (const [name, { bytes }] of outputs) held.set(name, bytes);
      if (graph.isForEveryKeeper(index)) next.set(block, versionIn(graph, block, outputs));
    }
    for (const [block, version] of next) versions.set(block, version);
  }
  return new Map(
    [...versions.values()].flatMap((version) =>
      [...version].map(([name, bytes]) => [name, hashedRoot(bytes)] as const),
    ),
  );
}

/** A block's version in what its update gives. */
export function versionIn(
  graph: HopGraph,
  block: string,
  outputs: ReadonlyMap<string, Pick<ComputedTensor, 'bytes'>>,
): Tensors {
  const own = graph.stateOf(block);
  return new Map([...outputs].flatMap(([name, { bytes }]) => (own.has(name) ? [[name, bytes]] : [])));
}

function mixed(label: string, parts: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(label);
  const all = new Uint8Array(text.length + parts.reduce((sum, { length }) => sum + length, 0));
  all.set(text);
  let at = text.length;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const first = sha256Of(all);
  const out = new Uint8Array(BYTES);
  out.set(first);
  out.set(sha256Of(first), first.length);
  return out;
}
