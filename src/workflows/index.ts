/** What the workflow bundle exports: the name of each export is a workflow type. */
export { delivery } from './delivery.js';
export { pairing } from './pairing.js';
export { session } from './session.js';
