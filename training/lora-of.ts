import { checkLora, type LoraOptions } from '../models/decoder/lora/adapters.ts';
import type { TrainedPart } from '../protocol/swarm-spec.ts';

/** The adapters that a specification names. Throws LoraError for a projection that no model has. */
export function loraOf({ rank, alpha, targets }: Extract<TrainedPart, { kind: 'adapters' }>): LoraOptions {
  const lora = { rank, alpha, targets: targets as LoraOptions['targets'] };
  checkLora(lora);
  return lora;
}
