import type { Program } from '../../../compute/repops/program.ts';
import { ProgramBuilder } from '../builder.ts';
import type { DecoderConfig } from '../config.ts';
import { emitGradients, type GradientOptions } from '../decoder.ts';

/** Computes the loss and `gradient.<name>` of every trained tensor, without an update. */
export function gradientProgram(config: DecoderConfig, options: GradientOptions): Program {
  const builder = new ProgramBuilder();
  emitGradients(builder, config, options, 'bound');
  return builder.build(`gradient ${options.objective} ${options.batch}x${options.length}`);
}
