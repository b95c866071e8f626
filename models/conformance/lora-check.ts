/**
 * The adapter cases: LoRA steps on a frozen bf16 model of Qwen2's shape, drawn from a seed. A small one for
 * every check, and one of 10 M parameters for the full sweep. Every engine must reach the same root.
 */

import type { Engine } from '../../compute/engines/engine.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { DecoderConfig } from '../decoder/config.ts';
import { LORA_CASE_CONFIG, runLoraCase } from '../decoder/lora/lora-case.ts';

interface LoraCase {
  readonly config: DecoderConfig;
  readonly steps: number;
  readonly batch: number;
  readonly length: number;
  /** From the reference engine. A change here is a change of the numeric specification. */
  readonly root: Hex;
}

const SMALL: DecoderConfig = {
  ...LORA_CASE_CONFIG,
  hiddenSize: 48,
  layers: 2,
  heads: 6,
  kvHeads: 2,
  headDim: 8,
  feedForward: 100,
  vocabulary: 333,
};

export const LORA_CASES: Readonly<Record<'small' | 'full', LoraCase>> = {
  small: {
    config: SMALL,
    steps: 2,
    batch: 3,
    length: 11,
    root: '0x95a917feae7c14dd6d671458f047cb5d29f9f6a96e106e78477685200f5c1f16',
  },
  full: {
    config: LORA_CASE_CONFIG,
    steps: 5,
    batch: 2,
    length: 16,
    root: '0x85b3d6c0ee35e0b981638484ba67af032c4d9fdcd31e5a495963ffad172f6d13',
  },
};

export interface LoraResult {
  readonly steps: number;
  readonly root: Hex;
  /** Whether the root is the committed one. */
  readonly same: boolean;
}

/** Runs one of the cases. The engine is not stopped. */
export async function checkLora(engine: Engine, size: keyof typeof LORA_CASES): Promise<LoraResult> {
  const { root: wanted, ...options } = LORA_CASES[size];
  const { root } = await runLoraCase({ engine, seed: 2026, ...options });
  return { steps: options.steps, root, same: root === wanted };
}
