import { canon, mul, sub } from '../../compute/repops/arithmetic.ts';
import { recip } from '../../compute/repops/functions.ts';
import type { OptimizerOptions } from './adamw.ts';

/**
 * The `hyper` tensor of step t >= 1: [learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t)]. The powers are
 * repeated canonical products, since Math.pow differs between JavaScript engines.
 */
export class HyperSchedule {
  readonly #beta1: number;
  readonly #beta2: number;
  #step = 0;
  #power1 = 1;
  #power2 = 1;

  constructor(options: Pick<OptimizerOptions, 'beta1' | 'beta2'>) {
    this.#beta1 = canon(options.beta1);
    this.#beta2 = canon(options.beta2);
  }

  at(step: number, learningRate: number): Float32Array {
    if (step < this.#step) {
      this.#step = 0;
      this.#power1 = 1;
      this.#power2 = 1;
    }
    for (; this.#step < step; this.#step++) {
      this.#power1 = mul(this.#power1, this.#beta1);
      this.#power2 = mul(this.#power2, this.#beta2);
    }
    return Float32Array.of(canon(learningRate), recip(sub(1, this.#power1)), recip(sub(1, this.#power2)));
  }
}
