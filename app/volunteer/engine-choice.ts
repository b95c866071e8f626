import type { EngineKind } from '../../compute/engines/engine.ts';

/** The engine that a person asks for; `auto` leaves the choice to the device. */
export type EngineChoice = EngineKind | 'auto';

/** Reads an engine's name as it stands in `?engine=` and in storage. Null where it names none. */
export function parseEngineChoice(text: string | null): EngineChoice | null {
  return text === 'auto' || text === 'webgpu' || text === 'wasm' || text === 'reference' ? text : null;
}
