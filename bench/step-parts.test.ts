import { describe, expect, it } from 'vitest';
import { validateProgram } from '../compute/repops/validate.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { MEDIUM_CONFIG, productOperations, productsOf, stepProgram } from './step-parts.ts';

describe('productsOf', () => {
  it('is a valid program with all products of a step and nothing else', () => {
    for (const config of [NANO_CONFIG, MEDIUM_CONFIG]) {
      const step = stepProgram(config, 2, 16);
      const products = productsOf(step);
      validateProgram(products);
      expect(products.nodes.length).toBe(step.nodes.filter(({ op }) => op === 'matmul').length);
      // Forward, and two in the backward pass: the layers' seven, and the output's.
      expect(products.nodes.length).toBe(3 * (7 * config.layers + 1));
      expect(productOperations(products)).toBe(productOperations(step));
    }
  });
});
