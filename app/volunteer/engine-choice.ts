import type { EngineKind } from '../../compute/engines/engine.ts';

/** The engine that a person asks for; `auto` leaves the choice to the device. */
export type EngineChoice = EngineKind | 'auto';

const TEXT: Readonly<Record<EngineChoice, string>> = {
  auto: 'the fastest that is exact',
  webgpu: 'WebGPU',
  wasm: 'WebAssembly',
  reference: 'plain TypeScript (slow)',
};

/** Engines to choose from, in this order, as a `Select` shows them. `texts` replaces the usual texts. */
export function engineOptions(
  choices: readonly EngineChoice[],
  texts: Partial<Record<EngineChoice, string>> = {},
): readonly { readonly value: EngineChoice; readonly text: string }[] {
  return choices.map((value) => ({ value, text: texts[value] ?? TEXT[value] }));
}

/** Reads an engine's name as it stands in `?engine=` and in storage. Null where it names none. */
export function parseEngineChoice(text: string | null): EngineChoice | null {
  return text === 'auto' || text === 'webgpu' || text === 'wasm' || text === 'reference' ? text : null;
}
