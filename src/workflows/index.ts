/** What the workflow bundle exports: the name of each export is a workflow type. */
export { session } from './session.js';
