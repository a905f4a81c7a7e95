/** What other rooms use of the models. The host composes with these; nobody else constructs a provider. */
export { createModelRegistry, type RegistryOptions } from './registry.js';
export { ollamaAddress, probeOllama, type OllamaProbe } from './ollama.js';
export type { ModelConfig } from './config.js';
export { OFFLINE } from './catalog.js';
export { DEFAULT_TIMINGS, ModelError, type ModelFacts, type ModelProvider, type ModelRegistry, type ModelStatus, type StreamOptions, type StreamTimings } from './types.js';
