/** The model that a device brings to a swarm in place of its base, where the swarm lets members do so. */
import type { StoredModel } from '../../models/loading/library.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { type StoredText, storedText } from '../ui/stored-text.ts';

export type OwnModel =
  /** One that comes with the page. */
  | { readonly kind: 'builtin'; readonly name: string }
  /** One on this device: its folder, as in ModelLibrary. */
  | { readonly kind: 'stored'; readonly id: string; readonly name: string };

/** A swarm by its chain and its number there. */
export interface SwarmPlace {
  readonly chainId: number;
  readonly swarm: number;
}

/** Swarms that are remembered at most. */
const MOST = 64;

/** The models that can be brought: those of the page, and those that are whole on this device. */
export function bringable(
  stored: readonly StoredModel[],
  nameOf: (model: StoredModel) => string,
): readonly OwnModel[] {
  return [
    ...BUILTIN_MODELS.map(({ name }) => ({ kind: 'builtin', name }) as const),
    ...stored
      .filter(({ root }) => root !== null)
      .map((model) => ({ kind: 'stored', id: model.id, name: nameOf(model) }) as const),
  ];
}

/** The model that a person chose for each swarm; null for the swarm's own base. It outlives the visit. */
export function ownModelMemory(stored: StoredText = storedText(() => localStorage, 'starling.own-models')) {
  const read = (): Readonly<Record<string, unknown>> => {
    try {
      const json: unknown = JSON.parse(stored.get() ?? '{}');
      return typeof json === 'object' && json !== null ? { ...json } : {};
    } catch {
      return {};
    }
  };
  const key = ({ chainId, swarm }: SwarmPlace) => `${chainId}/${swarm}`;
  return {
    get: (of: SwarmPlace): OwnModel | null => parse(read()[key(of)]),
    set(of: SwarmPlace, model: OwnModel | null): void {
      const { [key(of)]: _, ...others } = read();
      const kept = Object.entries(others).slice(-MOST + 1);
      stored.set(JSON.stringify(Object.fromEntries(model === null ? kept : [...kept, [key(of), model]])));
    },
  };
}

function parse(value: unknown): OwnModel | null {
  if (typeof value !== 'object' || value === null) return null;
  const { kind, id, name } = value as Record<string, unknown>;
  if (typeof name !== 'string' || name.length > 200) return null;
  if (kind === 'builtin') return { kind, name };
  return kind === 'stored' && typeof id === 'string' && /^[0-9a-f]{32}$/.test(id) ? { kind, id, name } : null;
}
