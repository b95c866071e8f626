import { it } from 'vitest';
import { validateProgram } from '../../compute/repops/validate.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { decodeProgram, trainingProgram } from '../decoder/decoder.ts';

it('the programs of the decoder are valid', () => {
  const shape = { batch: 2, length: 8 };
  validateProgram(trainingProgram(NANO_CONFIG, { ...shape, objective: 'supervised' }));
  validateProgram(trainingProgram(NANO_CONFIG, { ...shape, objective: 'policy' }));
  validateProgram(
    decodeProgram(NANO_CONFIG, { batch: 3, cacheLength: 64, invTemperature: 1, greedy: false }),
  );
});
