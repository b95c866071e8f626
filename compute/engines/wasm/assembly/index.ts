// What the module exports.
export { steps } from './steps';
export { serve } from './team';
