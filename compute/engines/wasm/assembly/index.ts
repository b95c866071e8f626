// What the module exports: `steps` for the thread that calls it, `serve` for the threads of a pool.
export { steps } from './steps';
export { serve } from './worker-loop';
